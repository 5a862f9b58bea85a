"""One complaint that is passed on: its reposts and its counter, and a unit in which nothing spread before.

In: how many, how fast, by whom. Out: insights as the enrich agent makes them, and what the cascade detector sees in
them. All of it happens from `NOW` on.
"""

from typing import Any

import msgspec

from pipeline.detectors.cascade import CascadeDetector
from pipeline.detectors.detector import Finding, Signal
from schemas.insight import Insight, Reach, Root
from schemas.time import DAY_MS, SECOND_MS, Millis
from tests.detector_run import Run
from tests.streams import insight

NOW = 21_000 * DAY_MS
POST = "x:root"
CAUSE = f"cascade:{POST}"
SHARE = 0.01


def root(label: Any = "negative", began_ms: int = NOW, followers: int | None = 300) -> Root:
    """What is known of the post."""
    return Root(event_time=Millis(began_ms), label=label, followers=followers)


COMPLAINT = root()


def repost(
    number: int, at_ms: int, *, of: str = POST, known: Root | None = COMPLAINT, author: str | None = "", **fields: Any
) -> Insight:
    """Somebody passes it on; a text-less repost, whose number names it and its author."""
    one = insight(number, at_ms, kind="repost", author=f"{number:032x}" if author == "" else author)
    fields = {"reach": Reach(followers=200), "sentiment": None, "text_ref": None, **fields}
    return msgspec.structs.replace(one, id=f"{of}/{number}", thread=of, root=known, **fields)


def original(at_ms: int = NOW, mood: str = "negative", kind: Any = "post", **fields: Any) -> Insight:
    """The post itself."""
    return msgspec.structs.replace(insight(0, at_ms, kind=kind, mood=mood), id=POST, thread=POST, **fields)


def poll(at_ms: int, total: int, known: Root | None = COMPLAINT) -> Insight:
    """What the enrich agent makes of a counter that was polled."""
    return original(at_ms, kind="edit", sentiment=None, reach=Reach(reposts=total), root=known)


def quick(count: int, *, first: int = 0, every_ms: int = 6 * SECOND_MS, **fields: Any) -> list[Insight]:
    """So many reposts, one each few seconds: what is on its way."""
    return [repost(first + number, NOW + (number + 1) * every_ms, **fields) for number in range(count)]


def quiet_unit(share: float = SHARE) -> Run:
    """A unit that was watched for half a year, in which nothing spread."""
    run = Run(CascadeDetector(share))
    run.detector.observe(run.state, insight(1, NOW - 180 * DAY_MS, mood="neutral"))
    return run


def see(run: Run, one: Insight) -> list[Signal]:
    """What an insight makes of things."""
    if run.watermark_ms >= 0:
        run.detector.advance(run.state, run.watermark_ms)
    return list(run.detector.judge(run.state, one)) if run.detector.observe(run.state, one) else []


def all_seen(run: Run, stream: list[Insight]) -> list[Signal]:
    """The first signals of a stream."""
    return next((found for one in stream if (found := see(run, one))), [])


def finding(run: Run, at_ms: int, cause: str = CAUSE) -> Finding:
    """What is to be seen."""
    return run.detector.evaluate(run.state, cause, at_ms)
