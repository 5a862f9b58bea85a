"""What the console says of itself while it cannot read."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from agents.settings import Settings
from agents.web.feed import Feed
from agents.web.model import Model
from schemas.topics import Topics


@pytest.mark.parametrize(
    ("error", "told"), [(KafkaConnectionError("away"), "no Kafka answers"), (KeyError("unit_id"), "the log")]
)
def test_a_mistake_of_ours_is_not_told_as_a_kafka_that_is_away(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks for the reason must not look at Kafka in vain; it goes on trying in either case."""
    monkeypatch.setattr("agents.web.feed.BACK_OFF_SECONDS", (0.001,))
    tries = 0

    async def run() -> None:
        feed = Feed(Settings(), Topics(), Model())

        async def read() -> None:
            nonlocal tries
            tries += 1
            raise error

        feed._read = read  # type: ignore[method-assign]
        await feed.start()
        async with asyncio.timeout(20):
            while tries < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert told in str(feed.why_not_ready())
        await feed.stop()

    asyncio.run(run())
