"""Who waits for Kafka at a terminal is told so; who reads a log is not."""

import sys
from typing import NoReturn

import pytest
from kafka.errors import KafkaTimeoutError

from agents.kafka import reach
from agents.kafka.reach import Refusal, UnreachableError, connect
from agents.settings import Settings


@pytest.mark.parametrize(("terminal", "told"), [(True, "nothing listens. Waiting up to half a minute.\n"), (False, "")])
def test_a_wait_is_told_before_it_begins(
    terminal: bool, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """kafka-python tries for half a minute; a command that says nothing meanwhile looks as if it hung."""
    monkeypatch.setattr(reach, "why_not", lambda _: Refusal("nothing listens.", False))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    seen: list[str] = []

    def client(**_: object) -> NoReturn:
        seen.append(capsys.readouterr().err)
        raise KafkaTimeoutError

    with pytest.raises(UnreachableError, match="nothing listens"):
        connect(Settings(kafka="127.0.0.1:1"), client)
    assert [told] == seen
