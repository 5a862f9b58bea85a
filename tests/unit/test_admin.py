"""A Kafka that goes away between two questions is told in a sentence, whatever was asked."""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from kafka.errors import KafkaTimeoutError

from agents.kafka.admin import Admin, AdminError
from agents.settings import Settings
from schemas.topics import Topics


class Gone:
    """kafka-python's client once nobody answers any more."""

    def __getattr__(self, name: str) -> Any:
        def ask(*_: object, **__: object) -> NoReturn:
            raise KafkaTimeoutError(f"{name} got no answer")

        return ask


@pytest.mark.parametrize("ask", [Admin.existing, Admin.problems, Admin.shape, Admin.members, Admin.apply])
def test_a_kafka_that_went_away_is_no_traceback(ask: Callable[[Admin], object]) -> None:
    """Commands catch AdminError; aiokafka and kafka-python have errors of their own, by the same names."""
    admin = Admin(Settings(), Topics())
    admin._client = Gone()
    with pytest.raises(AdminError, match="got no answer"):
        ask(admin)
