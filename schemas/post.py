"""A post as a connector received it (after ActivityStreams 2.0: Note, Announce, Update, Delete).

Key of `cem.posts`: the thread, that is `root_id`, or the post's own `id`. An `edit` and a `delete` carry the id of
the post that they change, and the time of the change. A connector that polls counters sends the post again as an
`edit` with `metrics` and the time of the reading; without a text and stars, or with those that it had, that replaces
nothing but the counters.
"""

from typing import Annotated, Literal

import msgspec

from schemas.record import Record
from schemas.time import Millis
from schemas.vocabulary import Count, Identifier, Network, ShortText, Text

PostKind = Literal["post", "reply", "repost", "review", "edit", "delete"]


class Author(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Who wrote it, as the network shows it. Never leaves the input topics but as a keyed hash of `id`."""

    id: Identifier
    handle: ShortText | None = None
    followers: Count | None = None
    verified: bool | None = None
    created: Millis | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Where it was written, or what it is about. Degrees, WGS 84."""

    name: ShortText | None = None
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    id: Identifier | None = None


class Metrics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The network's counters when the post was read."""

    likes: Count | None = None
    reposts: Count | None = None
    replies: Count | None = None
    views: Count | None = None


class Post(Record, frozen=True, kw_only=True):
    """One post, reply, repost, review, edit or delete."""

    id: Identifier
    network: Network
    kind: PostKind = "post"
    author: Author | None = None
    text: Text = ""
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    url: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    event_time: Millis
    in_reply_to: Identifier | None = None
    root_id: Identifier | None = None
    rating: Annotated[float, msgspec.Meta(ge=0, le=5)] | None = None
    place: Place | None = None
    unit_hint: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    metrics: Metrics | None = None

    @property
    def thread(self) -> str:
        """What keys the record: all of one conversation in one partition, in order."""
        return self.root_id or self.id
