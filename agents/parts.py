"""Settings -> the parts of the core, for whoever hosts it: the worker, or a replay on the command line."""

from functools import cache
from pathlib import Path

from agents.models import model_scorer
from agents.settings import Settings
from pipeline.engine import Engine
from pipeline.lane import Limits
from pipeline.sentiment.scorer import Scorer
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
    return Understanding(scorer_of(settings), Pseudonyms(settings.author_key.encode()))


def scorer_of(settings: Settings) -> Scorer:
    """The model in force, else the scorer that needs none. Raises ModelError."""
    return _of_model(settings.model) if settings.model else default_scorer()


@cache
def default_scorer() -> Scorer:
    """One for the process: it reads its lexicon from files."""
    return VaderScorer()


@cache
def _of_model(path: str) -> Scorer:
    return model_scorer(Path(path))
