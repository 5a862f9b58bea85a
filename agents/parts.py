"""Settings -> the parts of the core, for whoever hosts it: the worker, or a replay on the command line."""

from functools import cache

from agents.settings import Settings
from pipeline.engine import Engine
from pipeline.lane import Limits
from pipeline.sentiment.vader import VaderScorer
from pipeline.text.pseudonym import Pseudonyms
from pipeline.understanding import Understanding
from schemas.time import HOUR_MS, MINUTE_MS


def limits_of(settings: Settings) -> Limits:
    """The bounds of the enrich agent."""
    return Limits(
        future_ms=int(settings.future_minutes * MINUTE_MS),
        past_ms=settings.past_ms,
        memory_ms=int(settings.memory_hours * HOUR_MS),
        memory_entries_max=settings.memory_entries_max,
    )


def engine_of(settings: Settings) -> Engine:
    """The engine as set."""
    return Engine(false_alerts_a_month=settings.false_alerts_per_month, hold_ms=settings.hold_ms)


def understanding_of(settings: Settings) -> Understanding:
    """Scorer and pseudonyms as set."""
    return Understanding(_scorer(), Pseudonyms(settings.author_key.encode()))


@cache
def _scorer() -> VaderScorer:
    """One for the process: it reads its lexicon from files."""
    return VaderScorer()
