"""What the enrich agent remembers of one input partition: which records it has seen, whose they were.

In: ids as they come. Out: what is known of an id. The rules: an entry is forgotten when the stream clock has passed
its time by the retention, or when there are too many, oldest first; both follow from the order of the records alone,
so a repeat decides as the first time did.
"""

from collections import OrderedDict
from typing import Final
from zlib import crc32

import msgspec

from schemas.insight import Aspect, Insight, Root
from schemas.post import Post
from schemas.time import Millis
from schemas.vocabulary import SentimentLabel

_LABELS: Final[dict[int, SentimentLabel]] = {-1: "negative", 0: "neutral", 1: "positive"}
_MOODS: Final[dict[str, int]] = {label: mood for mood, label in _LABELS.items()}


class Memo(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """One record seen. `offset` of the record that made it; `seen_at`: the stream clock then; `event_time`: its own;
    `units` that it concerned; `answered`: the company has replied; `deleted`: taken back, maybe before it came; `own`:
    the company wrote it. Of a post that others may pass on: `mood`, -1 if it was meant ill to 1, None if that is not
    known; the author's `followers`; a checksum of what it `said`; the `severe` causes that it told; the `main`
    thing that a complaint speaks of: aspect, department, polarity."""

    offset: int
    seen_at: int
    event_time: int
    units: tuple[str, ...] = ()
    answered: bool = False
    deleted: bool = False
    own: bool = False
    mood: int | None = None
    followers: int | None = None
    said: int = 0
    severe: tuple[str, ...] = ()
    main: tuple[str, str, float] | None = None

    def learn(self, insight: Insight, post: Post | None = None, aspects: tuple[Aspect, ...] = ()) -> None:
        """What was understood of it, for those who pass it on. What only repeats another post says nothing itself."""
        if insight.kind == "repost":
            return
        sentiment = insight.sentiment
        if insight.kind == "answer":
            self.mood = 0
        elif sentiment is not None:
            self.mood = None if sentiment.abstained else _MOODS[sentiment.label]
        self.followers = self.followers if insight.reach.followers is None else insight.reach.followers
        self.severe = tuple([one.cause for one in insight.severe])
        self.main = (aspects[0].aspect, aspects[0].department, aspects[0].polarity) if aspects else None
        if post is not None:
            self.said = said_in(post)

    def root(self, post: str | None = None) -> Root:
        """What an insight tells of it. `post`: its id, where the insight does not name it."""
        return Root(
            event_time=Millis(self.event_time),
            post=post,
            label=None if self.mood is None else _LABELS[self.mood],
            followers=self.followers,
            main=None if self.main is None else _aspect(*self.main),
            severe=self.severe,
        )

    def brings_counters_only(self, post: Post) -> bool:
        """Whether an edit says nothing new but how often the post was liked, read or passed on: it has no text and no
        stars, or those that it had."""
        if post.metrics is None:
            return False
        return (not post.text and post.rating is None) or said_in(post) == self.said


def _aspect(aspect: str, department: str, polarity: float) -> Aspect:
    return Aspect(aspect=aspect, department=department, polarity=polarity)


def said_in(post: Post) -> int:
    """A checksum of text and stars; never 0, which is what is not known."""
    return crc32(f"{post.rating}/{post.text}".encode("utf-8", "surrogatepass")) or 1


class Memory:
    """`retention_ms` in stream time, `entries_max` at most."""

    def __init__(self, retention_ms: int, entries_max: int) -> None:
        self._retention_ms = retention_ms
        self._entries_max = entries_max
        self._memos: OrderedDict[str, Memo] = OrderedDict()
        self._dirty: set[str] = set()

    def __len__(self) -> int:
        return len(self._memos)

    def get(self, key: str | None) -> Memo | None:
        """What is known of an id, None if nothing is."""
        return None if key is None else self._memos.get(key)

    def put(self, key: str, memo: Memo) -> None:
        """Remembers a new id, or what has changed about a known one (which keeps its place)."""
        self._memos[key] = memo
        self._dirty.add(key)
        while len(self._memos) > self._entries_max:
            self._drop_oldest()

    def expire(self, clock_ms: int) -> None:
        """Forgets what is older than the retention."""
        limit = clock_ms - self._retention_ms
        while self._memos and next(iter(self._memos.values())).seen_at < limit:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        key, _ = self._memos.popitem(last=False)
        self._dirty.add(key)

    def load(self, saved: list[tuple[str, bytes]]) -> None:
        """Takes in what was saved, in the order of the records that made the entries."""
        memos = [(key, msgspec.msgpack.decode(value, type=Memo)) for key, value in saved]
        self._memos = OrderedDict(sorted(memos, key=lambda entry: (entry[1].offset, entry[0])))

    def take_dirty(self) -> list[tuple[bytes, bytes | None]]:
        """What has changed since the last call; None where it was forgotten."""
        dirty, self._dirty = self._dirty, set()
        return [(key.encode(), self._encoded(key)) for key in sorted(dirty)]

    def _encoded(self, key: str) -> bytes | None:
        memo = self._memos.get(key)
        return None if memo is None else msgspec.msgpack.encode(memo)
