"""Settings -> the parts of the core, for whoever hosts it: the worker, or a replay on the command line."""

from functools import cache
from pathlib import Path

from agents.models import main_aspect, model_scorer
from agents.settings import Settings
from agents.taxonomies import taxonomies_of
from pipeline import lane
from pipeline.detectors.recovery import Limits
from pipeline.engine import Engine
from pipeline.saying import Listener
from pipeline.sentiment.customer import CustomerScorer
from pipeline.sentiment.scorer import Scorer
from pipeline.text.pseudonym import Pseudonyms
from pipeline.understanding import Understanding
from schemas.time import HOUR_MS, MINUTE_MS


def limits_of(settings: Settings) -> lane.Limits:
    """The bounds of the enrich agent."""
    return lane.Limits(
        future_ms=int(settings.future_minutes * MINUTE_MS),
        past_ms=settings.past_ms,
        memory_ms=int(settings.memory_hours * HOUR_MS),
        memory_entries_max=settings.memory_entries_max,
    )


def engine_of(settings: Settings) -> Engine:
    """The engine as set."""
    return Engine(
        false_alerts_a_month=settings.false_alerts_per_month,
        hold_ms=settings.hold_ms,
        taxonomies=taxonomies_of(settings.taxonomies),
        recovery=Limits(
            csat=settings.recovery_csat_max, nps=settings.recovery_nps_max, rating=settings.recovery_rating_max
        ),
    )


def understanding_of(settings: Settings) -> Understanding:
    """Scorer, taxonomies and pseudonyms as set. Raises ModelError, TaxonomyError."""
    return Understanding(listener_of(settings), Pseudonyms(settings.author_key.encode()))


def listener_of(settings: Settings) -> Listener:
    """What understands texts, as set. Raises ModelError, TaxonomyError; their sentences begin with the file."""
    return _listener(settings.model, settings.aspect_model, settings.taxonomies)


@cache
def default_scorer() -> Scorer:
    """The scorer that needs no model. One for the process: it reads its lexicon from files."""
    return CustomerScorer()


@cache
def _listener(model: str, aspect_model: str, taxonomies: str) -> Listener:
    scorer = model_scorer(Path(model)) if model else default_scorer()
    main = main_aspect(Path(aspect_model)) if aspect_model else None
    return Listener(scorer, taxonomies_of(taxonomies), main)
