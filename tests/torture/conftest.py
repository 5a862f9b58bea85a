"""Brokers and arenas for the short forms that CI runs."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from agents.kafka.broker import choose
from tests.torture.arena import Arena, Plan
from tests.torture.brokers import One

SEED = int(os.environ.get("TORTURE_SEED", "1"))

NewArena = Callable[..., Arena]


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Servers that nobody kills: CEM_KAFKA if set, else an embedded Kafka that compacts eagerly."""
    configured = os.environ.get("CEM_KAFKA")
    with choose(None, configured) if configured else One() as servers:
        yield servers if isinstance(servers, str) else servers.bootstrap


@pytest.fixture
def new_arena(request: pytest.FixtureRequest) -> Iterator[NewArena]:
    """Starts arenas, on brokers that may be killed if given, else on the session's. `TORTURE_SEED` is the seed."""
    with ExitStack() as stack:

        def make(plan: Plan, brokers: Any = None, **overrides: Any) -> Arena:
            servers = brokers.bootstrap if brokers is not None else request.getfixturevalue("kafka")
            return stack.enter_context(Arena(servers, plan, SEED, brokers=brokers, **overrides))

        yield make
