"""Where another model or taxonomy begins: each change is told once, with what was before, and nothing else is."""

from typing import Any

import psycopg
import pytest

from agents.archive.export import VIEWS
from pipeline.emission import Emission
from schemas.insight import Insight, Sentiment
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.topics import Topics
from tests.archive.direct import write
from tests.archive.world import START_MS, World, insight

TOPICS = Topics()
WORLD = World(TOPICS)
OLD, NEW = "retail/3ac41f", "retail/8e1b02"


def said(number: int, minute: float, taxonomy: str | None, model: str = "m/1") -> Insight:
    """One insight, so many minutes after the start."""
    sentiment = Sentiment(compound=0.0, label="neutral", confidence=0.5, model=model)
    at_ms = START_MS + int(minute * MINUTE_MS)
    return insight(number, id=f"x:{number}", at_ms=at_ms, sentiment=sentiment, taxonomy=taxonomy)


def wrote(dsn: str, *events: Insight | list[Emission]) -> None:
    """One transaction. A list is ticks."""
    emissions: list[Emission] = []
    for one in events:
        emissions += one if isinstance(one, list) else [WORLD.event(one)]
    write(dsn, emissions, TOPICS)


def changes(dsn: str, what: str = "taxonomy") -> list[tuple[Any, ...]]:
    """As an analyst sees them: minutes after the start, before, after."""
    with psycopg.connect(dsn) as connection:
        connection.execute("SET ROLE cem_analyst")
        found = connection.execute(
            "SELECT (extract(epoch FROM at) * 1000)::bigint, before, version FROM history.version_changes"
            " WHERE what = %s ORDER BY at",
            (what,),
        ).fetchall()
    return [((at - START_MS) / MINUTE_MS, before, after) for at, before, after in found]


def test_the_first_is_no_change_and_the_next_is(postgres: str) -> None:
    """At the first insight under it, with what was before it. What found nothing says nothing."""
    wrote(postgres, said(1, 0, OLD), said(2, 1, None), said(3, 70, OLD))
    assert ([], []) == (changes(postgres), changes(postgres, "model"))
    wrote(postgres, said(4, 80, None, "m/2"), said(5, 85, NEW, "m/2"), said(6, 300, NEW, "m/2"))
    assert [(85, OLD, NEW)] == changes(postgres)
    assert [(80, "m/1", "m/2")] == changes(postgres, "model")


def test_back_again_is_a_change(postgres: str) -> None:
    """Who puts the old file in force again sees it, also within one transaction."""
    wrote(postgres, said(1, 0, OLD), said(2, 60, NEW), said(3, 120, OLD))
    wrote(postgres, said(4, 180, NEW))
    wrote(postgres, said(5, 240, OLD))
    assert [(60, OLD, NEW), (120, NEW, OLD), (180, OLD, NEW), (240, NEW, OLD)] == changes(postgres)


def test_industries_are_apart(postgres: str) -> None:
    """A taxonomy beside another one takes nobody's place; one of another name for the same industry does."""
    wrote(postgres, said(1, 0, OLD), said(2, 10, "hotel/5692d7"), said(3, 20, OLD), said(4, 90, "hotel/5692d7"))
    assert [] == changes(postgres)
    wrote(postgres, said(5, 100, "hotel=inns/aaaaaa+reasons/1f0c3a9e"), said(6, 110, OLD))
    assert [(100, "hotel/5692d7", "hotel=inns/aaaaaa+reasons/1f0c3a9e")] == changes(postgres)


def test_a_late_post_is_of_now(postgres: str) -> None:
    """It was understood when it came: the change is where the stream clock was, and there is one."""
    wrote(postgres, said(1, 0, OLD), said(2, 24 * 60, OLD), WORLD.tick(START_MS + DAY_MS))
    wrote(postgres, said(3, 5, NEW), said(4, 24 * 60 + 1, NEW))
    wrote(postgres, said(5, 6, NEW))
    assert [(24 * 60, OLD, NEW)] == changes(postgres)


@pytest.mark.parametrize("together", [True, False])
def test_versions_that_take_turns_are_no_thousand_changes(postgres: str, together: bool) -> None:
    """Workers that are started again one by one."""
    turns = [said(number, number / 4, (OLD, NEW)[number % 2 or number > 60]) for number in range(100)]
    for part in [turns] if together else [turns[:20], turns[20:31], turns[31:]]:
        wrote(postgres, *part)
    wrote(postgres, said(200, 70, NEW))
    assert [(0.25, OLD, NEW)] == changes(postgres)


def test_what_is_read_again_is_no_change(postgres: str) -> None:
    """The same records from another Kafka find themselves there."""
    story = [said(1, 0, OLD), said(2, 60, NEW), WORLD.tick(START_MS + 2 * HOUR_MS)]
    wrote(postgres, *story)
    wrote(postgres, *story)
    assert [(60, OLD, NEW)] == changes(postgres)


def test_it_is_in_the_export_and_in_each_insight(postgres: str) -> None:
    """Analysts count by version, too."""
    wrote(postgres, said(1, 0, OLD), said(2, 60, None))
    with psycopg.connect(postgres) as connection:
        found = connection.execute("SELECT taxonomy FROM history.mentions ORDER BY event_time").fetchall()
    assert [(OLD,), (None,)] == found
    assert "hour" == VIEWS["version_changes"].time
