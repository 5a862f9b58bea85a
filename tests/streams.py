"""Insights, one or a stream, of the kind that a detector is about.

In: the name of a detector; what hypothesis draws. Out: insights in order of time from `START_MS` on. What each detector
is about is in `SUBJECTS`; nothing here knows what it should make of them.
"""

from hashlib import blake2b
from typing import NamedTuple

import msgspec
from hypothesis import strategies as st

from pipeline.detectors import influential, recovery, severe, surge
from pipeline.spread import IDLE_MS
from schemas.insight import Insight, InsightKind, Reach, Root, Routing, Scores, Sentiment, SevereCause
from schemas.record import Source
from schemas.time import DAY_MS, MINUTE_MS, Millis

START_MS = 20_000 * DAY_MS
"""An arbitrary day; every time in a law is relative to it."""

CUSTOMERS = ("C-a", "C-b")


class Subject(NamedTuple):
    """What a detector is about: the causes that streams tell of, how far back it looks and how late an insight may
    come, the kinds of insights that it counts, and how many people talk in a stream."""

    causes: tuple[str, ...]
    window_ms: int
    grace_ms: int
    kinds: tuple[InsightKind, ...] = ("post", "reply", "review", "feedback")
    people: int = 12


SUBJECTS: dict[str, Subject] = {
    "surge": Subject(("surge",), surge.WINDOW_MS, surge.GRACE_MS),
    "severe": Subject(("severe:injury", "severe:illness"), severe.WINDOW_MS, severe.GRACE_MS),
    "influential": Subject(
        ("influential",), influential.WINDOW_MS, influential.GRACE_MS, kinds=("post", "reply", "review")
    ),
    "recovery": Subject(
        tuple(f"recovery:{blake2b(one.encode(), digest_size=8).hexdigest()}" for one in CUSTOMERS),
        recovery.WINDOW_MS,
        recovery.GRACE_MS,
        kinds=("feedback",),
    ),
    "cascade": Subject(("cascade:x:a", "cascade:x:b"), IDLE_MS, 0, kinds=("repost",), people=1000),
}
"""By the names of detectors."""


def insight(
    number: int,
    time_ms: int,
    *,
    author: str | None = "a",
    mood: str = "negative",
    kind: InsightKind = "post",
    unit_id: str = "store-17",
) -> Insight:
    """One insight; `number` names it."""
    compound = {"negative": -0.6, "neutral": 0.0, "positive": 0.6}[mood]
    return Insight(
        id=f"x:{number}",
        kind=kind,
        unit_id=unit_id,
        channel="x",
        author=None if author is None else f"hmac:{author}",
        event_time=Millis(time_ms),
        sentiment=Sentiment(compound=compound, label=mood, confidence=abs(compound), model="test/1"),  # type: ignore[arg-type]
        thread=f"x:{number}",
        text_ref=f"x:{number}",
        routing=Routing(rule="hint", confidence=0.9),
        source=Source(topic="cem.posts", partition=0, offset=number, index=1),
    )


def about(name: str, insight: Insight, choice: int) -> Insight:
    """The insight as one that a detector is about: of a severe cause, by somebody with many followers, a repost of one
    of two complaints. `choice` says which."""
    if name == "severe":
        told = ((), ("injury",), ("illness",), ("injury", "illness"))[choice % 4]
        causes = tuple(
            SevereCause(cause=cause, words=cause, department="operations", severity=6 + choice // 4) for cause in told
        )
        return msgspec.structs.replace(insight, severe=causes)
    if name == "influential":
        # Authors with fewer than 10,000 are only counted, not remembered: for them the laws of duplicates and of what
        # is taken back do not hold.
        followers = (None, 10_000, 50_000, 200_000, 3_000_000)[choice % 5]
        return msgspec.structs.replace(insight, reach=Reach(followers=followers))
    if name == "recovery" and insight.kind == "feedback":
        scores = Scores(csat=(1, 2, 3)[choice % 3])
        who = CUSTOMERS[choice // 3 % 2]
        return msgspec.structs.replace(insight, scores=scores, customer_ref=who, contact_consent=choice != 11)
    if name == "cascade" and insight.kind == "repost":
        root = Root(event_time=Millis(START_MS), post=("x:a", "x:b")[choice % 2], label="negative", followers=900)
        words = Sentiment(compound=-0.6, label="negative", confidence=0.6, model="test/1")  # those of its root
        return msgspec.structs.replace(insight, root=root, sentiment=words, reach=Reach(followers=10 * choice))
    return insight


def streams(
    name: str,
    *,
    moods: tuple[str, ...] = ("negative", "negative", "negative", "neutral", "positive"),
    kinds: tuple[InsightKind, ...] | None = None,
    authors: int | None = None,
    min_size: int = 0,
    max_size: int = 30,
) -> st.SearchStrategy[list[Insight]]:
    """Insights that the detector of this name is about, in order of time over a few hours, in bursts: many are minutes
    apart, some hours. Times are mostly whole minutes, so that what happens just at a border happens often."""
    subject = SUBJECTS[name]
    minutes = st.integers(0, 3) | st.integers(0, 10) | st.integers(0, 40) | st.sampled_from((50, 60, 300))
    gaps_ms = st.builds(lambda gap, more: gap * MINUTE_MS + more, minutes, st.sampled_from((0, 0, 1, MINUTE_MS - 1)))
    who = st.integers(1, authors or subject.people)
    one = st.tuples(gaps_ms, who, st.sampled_from(moods), st.sampled_from(kinds or subject.kinds), st.integers(0, 11))
    steps = st.lists(one, min_size=min_size, max_size=max_size)
    return st.builds(_stream, st.just(name), st.integers(0, 59), steps)


def _stream(name: str, begin_minute: int, steps: list[tuple[int, int, str, InsightKind, int]]) -> list[Insight]:
    made, now = [], START_MS + begin_minute * MINUTE_MS
    for number, (gap_ms, author, mood, kind, choice) in enumerate(steps):
        now += gap_ms
        made.append(about(name, insight(number, now, author=str(author), mood=mood, kind=kind), choice))
    return made
