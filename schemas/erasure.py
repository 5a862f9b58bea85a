"""A person's right to be forgotten, or a post that must go. Key of `cem.erasures`: its id."""

from typing import Annotated

import msgspec

from schemas.record import Record
from schemas.time import Millis
from schemas.vocabulary import Identifier, Network


class Erasure(Record, frozen=True, kw_only=True):
    """`post_ids` are ids on `network`. Erasing by author or customer is in the contract; see the README for what is
    carried out today."""

    id: Identifier
    network: Network | None = None
    post_ids: Annotated[tuple[Identifier, ...], msgspec.Meta(max_length=1000)] = ()
    author_id: Identifier | None = None
    customer_ref: Identifier | None = None
    actor: Identifier
    event_time: Millis
