"""The main job on real tweets: ingest, alerts on the units' topics, and the same alerts by both replays.

The data is not part of the project; without it the test is skipped.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from agents.cli.ingest import load_mapping, load_rows
from agents.cli.units import load_units
from agents.kafka.reader import read
from pipeline.evaluation.replay import canonical
from schemas.alert import Alert
from schemas.codec import encode_lines
from schemas.topics import TOPIC_NAMES
from tests.broker.conftest import AIRLINE, DATA, KEY, NewService, Service, alert_codec

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(not AIRLINE.exists(), reason=f"the airline tweets are not at {AIRLINE}"),
]

UNITS = DATA / "airline.units.toml"
MAP = DATA / "airline.map.toml"


def cem(service: Service | None, *arguments: str | Path) -> bytes:
    """Runs a command as a user does."""
    environment = {"CEM_AUTHOR_KEY": KEY, "CEM_CLOCK": "data", "PATH": "/usr/bin:/bin"}
    if service is not None:
        settings = service.settings
        environment |= {"CEM_KAFKA": settings.kafka, "CEM_PREFIX": settings.prefix, "CEM_GROUP": settings.group}
    command = [sys.executable, "-m", "agents.cli", *map(str, arguments)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, timeout=200).stdout


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """What the customers wrote, without the three handles that name units."""
    records, _ = load_rows(AIRLINE, load_mapping(MAP))
    return [record.text for record in records]


def test_live_and_both_replays_give_the_same_alerts(new_service: NewService, tmp_path: Path, texts: list[str]) -> None:
    """Alerts on the topics of all three airlines; `cem replay` of the file and of the log give the same bytes."""
    service = new_service(past_days=30)
    cem(service, "units", "push", UNITS)
    worker = service.worker()
    cem(service, "ingest", AIRLINE, "--map", MAP)
    service.drain(worker)

    live = service.alerts()
    by_unit = {unit.id: _unit_topic(service, unit.id) for unit in load_units(UNITS)}
    assert all(by_unit.values()), {unit: len(alerts) for unit, alerts in by_unit.items()}
    assert canonical(live) == canonical(alert for alerts in by_unit.values() for alert in alerts)

    events = tmp_path / "events.jsonl"
    cem(service, "topics", "export", service.topics("events"), "--out", events)
    expected = encode_lines(canonical(live))
    assert expected == cem(None, "replay", events)
    assert expected == cem(None, "replay", AIRLINE, "--map", MAP, "--units", UNITS)

    tail = cem(service, "alerts", "tail", "--unit", "united", "--once", "--json")
    assert canonical(by_unit["united"]) == canonical(alert_codec.decode(line) for line in tail.splitlines())
    _no_text_downstream(service, texts)


def _unit_topic(service: Service, unit_id: str) -> list[Alert]:
    return [alert_codec.decode(record.value) for record in read(service.settings, service.topics.unit_alerts(unit_id))]


def _no_text_downstream(service: Service, texts: list[str]) -> None:
    """No text of a customer in any topic but the inputs, the texts and the dead letters (of which there are none)."""
    home = {"posts", "feedback", "actions", "units", "erasures", "texts"}
    searched = [name for name in TOPIC_NAMES if name not in home]
    haystack = b"\n".join(
        bytes(part)
        for name in searched
        for record in service.records(name)
        for part in (record.key, record.value)
        if part
    )
    pieces = {piece for text in texts for piece in _telling(text)}
    found = [piece for piece in pieces if piece.encode() in haystack]
    assert found[:5] == []
    assert service.records("deadletter") == []


def _telling(text: str) -> list[str]:
    """Stretches of a text that could stand nowhere else by chance: handles, and 24 characters from the middle."""
    middle = text[len(text) // 2 :][:24]
    handles = [word for word in text.split() if word.startswith("@") and len(word) > 4]
    return [*handles, *([middle] if len(middle) == 24 and middle.isascii() else [])]
