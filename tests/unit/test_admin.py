"""A Kafka that goes away between two questions is told in a sentence, whatever was asked."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, KafkaTimeoutError

from agents.kafka import group
from agents.kafka.admin import Admin, AdminError, missing_topics
from agents.settings import Settings
from schemas.topics import Topics


class Gone:
    """kafka-python's client once nobody answers any more."""

    def __getattr__(self, name: str) -> Any:
        def ask(*_: object, **__: object) -> NoReturn:
            raise KafkaTimeoutError(f"{name} got no answer")

        return ask


@pytest.mark.parametrize("ask", [Admin.existing, Admin.problems, Admin.shape, Admin.members, Admin.apply])
def test_a_kafka_that_went_away_is_no_traceback(
    ask: Callable[[Admin], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands catch AdminError; aiokafka and kafka-python have errors of their own, by the same names."""
    monkeypatch.setattr(group, "ANSWER_SECONDS_MAX", 0.0)
    admin = Admin(Settings(), Topics())
    admin._client = Gone()
    with pytest.raises(AdminError, match="got no answer"):
        ask(admin)


def test_who_works_is_asked_until_kafka_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore beside workers would be wrong: a coordinator that is still loading has not said that there are none. On
    a Kafka on which nobody has ever worked there is no coordinator."""
    monkeypatch.setattr(group, "AGAIN_SECONDS", 0.0)
    said = [CoordinatorLoadInProgressError(), CoordinatorLoadInProgressError(), {"cem": {"members": ["a", "b"]}}]

    def describe_groups(_: list[str]) -> Any:
        if isinstance(now := said.pop(0), Exception):
            raise now
        return now

    admin = Admin(Settings(), Topics())
    admin._client = SimpleNamespace(describe_groups=describe_groups)
    assert 2 == admin.members()
    said.append(CoordinatorNotAvailableError())
    assert 0 == admin.members()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["a"], "topic a is missing; run `cem topics apply`"),
        (["a", "b"], "topics a, b are missing; run `cem topics apply`"),
        (list("abcdefg"), "topics a, b, c, d, e and 2 more are missing; run `cem topics apply`"),
    ],
)
def test_missing_topics_are_one_sentence(names: list[str], told: str) -> None:
    """On a new Kafka all 25 are missing, and what to do is to be read at a glance."""
    assert told == missing_topics(names)
