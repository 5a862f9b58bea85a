"""One detector, driven as the engine drives it: `advance` to the watermark, then `observe` or `retract`, then `judge`.

In: insights, the passing of time. Out: what is to be seen, what would raise an alert, what may end, the state as it is
written.
"""

from typing import NamedTuple

import msgspec

from pipeline.detectors.detector import Detector, Finding, Signal
from schemas.codec import decode_hook, encode_hook
from schemas.insight import Insight
from schemas.time import MINUTE_MS
from tests.streams import SUBJECTS


class Seen(NamedTuple):
    """What an insight makes of things: a signal for each cause for which it would raise an alert, and all that is to
    be seen at its time."""

    signals: tuple[Signal, ...]
    findings: tuple[Finding, ...]


class Run:
    """A detector, its state and the watermark, driven as the engine drives it."""

    def __init__(self, detector: Detector, saved: bytes | None = None, watermark_ms: int = -1) -> None:
        self.detector = detector
        self.watermark_ms = watermark_ms
        self.causes = SUBJECTS[detector.name].causes
        self.state = detector.state_type() if saved is None else msgspec.msgpack.decode(
            saved, type=detector.state_type, dec_hook=decode_hook
        )  # fmt: skip

    def pass_time(self, watermark_ms: int) -> None:
        """Nothing earlier than this will come."""
        self.watermark_ms = max(self.watermark_ms, watermark_ms)

    def see(self, insight: Insight) -> Seen | None:
        """An insight arrives. What it makes of things, None if it makes no difference."""
        self._advance()
        if not self.detector.observe(self.state, insight):
            return None
        return Seen(tuple(self.detector.judge(self.state, insight)), self.all_at(int(insight.event_time)))

    def take_back(self, insight_id: str) -> int | None:
        """An insight is deleted."""
        self._advance()
        return self.detector.retract(self.state, insight_id)

    def at(self, time_ms: int, cause: str | None = None) -> Finding:
        """What is to be seen at a time, of the detector's first cause unless told otherwise."""
        return self.detector.evaluate(self.state, cause or self.causes[0], time_ms)

    def all_at(self, time_ms: int) -> tuple[Finding, ...]:
        """The same of all causes."""
        return tuple(self.at(time_ms, cause) for cause in self.causes)

    def signals(self, time_ms: int) -> list[Signal]:
        """What would raise an alert at a time."""
        found = (self.detector.signal(self.state, cause, time_ms) for cause in self.causes)
        return [signal for signal in found if signal is not None]

    def calm(self, time_ms: int) -> list[str]:
        """The causes whose alerts may end at a time."""
        return [cause for cause in self.causes if self.detector.calm(self.state, cause, time_ms)]

    def seen(self, from_ms: int) -> list[tuple[Finding, ...]]:
        """What is to be seen from a time on: what two runs have to agree on."""
        return [self.all_at(from_ms + step * 10 * MINUTE_MS) for step in range(4 * 6)]

    def saved(self) -> bytes:
        """The state as it is written."""
        return msgspec.msgpack.encode(self.state, enc_hook=encode_hook)

    def restored(self) -> "Run":
        """The same, in another process."""
        return Run(self.detector, self.saved(), self.watermark_ms)

    def _advance(self) -> None:
        if self.watermark_ms >= 0:
            self.detector.advance(self.state, self.watermark_ms)
