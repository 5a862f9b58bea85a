"""A record and when it arrives, which may be later than it happened."""

from typing import NamedTuple

from schemas.feedback import Feedback
from schemas.post import Post


class Timed(NamedTuple):
    """`arrives`: milliseconds."""

    arrives: int
    record: Post | Feedback
