"""What a manager types, and what is told: times, how long, outcomes in words."""

import pytest

from agents.cli.acting import told, until_of
from agents.cli.context import Mistake
from schemas.case import CaseEntry
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis, parse_time

NOW = parse_time("2026-01-31T12:00:00Z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("45m", NOW + 45 * MINUTE_MS),
        (" 4h ", NOW + 4 * HOUR_MS),
        ("2d", NOW + 2 * DAY_MS),
        ("2026-02-01T09:00:00+01:00", parse_time("2026-02-01T08:00:00Z")),
    ],
)
def test_until_is_a_time_or_how_long(text: str, expected: int) -> None:
    """From now on, on the clock of the log."""
    assert expected == until_of(text, NOW)


@pytest.mark.parametrize("text", ["tomorrow", "4", "4w", "-1h", "2026-02-01T09:00:00", ""])
def test_what_is_no_time_is_told(text: str) -> None:
    """A time without a zone is none either."""
    with pytest.raises(Mistake, match="--until"):
        until_of(text, NOW)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"change": "acknowledged", "state": "acknowledged"}, "acknowledged; the case is acknowledged"),
        ({"change": "assigned", "state": "open", "assignee": "j\x1b[2Jo"}, "assigned to j[2Jo; the case is open"),
        ({"change": "rerouted", "state": "open", "to_unit": "store-18"}, "rerouted to store-18; the case is open"),
        ({"accepted": False, "reason": "already_done", "state": "open"}, "it had been done already; the case is open"),
    ],
)  # fmt: skip
def test_what_became_of_it_is_told_in_words(changes: dict[str, object], expected: str) -> None:
    """And nothing that a name contains acts on the screen."""
    given = {"alert_id": "a", "unit_id": "store-17", "number": 1, "sequence": 1, "event_time": Millis(NOW), **changes}
    assert expected == told(CaseEntry(**given))
