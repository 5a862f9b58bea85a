"""Who stands by notices what it cannot go on after, with a group that is lost; and what Prometheus sees of it."""

import asyncio
import io
import logging
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from aiokafka.errors import GroupAuthorizationFailedError
from prometheus_client import REGISTRY

from agents.notify import process as module
from agents.notify.process import Process
from agents.settings import Settings
from pipeline import metrics
from pipeline.notify.file import Secrets
from pipeline.notify.rules import Rules
from tests.notify_examples import recipient


class Ended(Exception):
    """The process ended itself."""


def process(check_errors: Any) -> Process:
    """One that has joined a group and got no partitions."""
    made = Process(Settings(), Rules(recipients=(recipient(),)), {}, 1)
    made._consumer = SimpleNamespace(_coordinator=SimpleNamespace(check_errors=check_errors))
    return made


def test_who_stands_by_ends_when_the_group_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiokafka tells it to who reads, and waits: the process would be there, take over from nobody, and look well."""
    told = 0

    def check_errors() -> None:
        nonlocal told
        told += 1
        if told == 3:
            raise GroupAuthorizationFailedError("cem-notify")

    def die(why: str, error: BaseException | None = None) -> NoReturn:
        raise Ended(why) from error

    monkeypatch.setattr(module, "die", die)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    with pytest.raises(Ended, match="the group is lost"):
        asyncio.run(asyncio.wait_for(process(check_errors)._stand_by(), 20))


def test_who_stands_by_goes_on_when_it_gets_partitions() -> None:
    """And when it is to stop."""

    async def run() -> None:
        one = process(lambda: None)
        asyncio.get_running_loop().call_later(0.01, one.stop)
        async with asyncio.timeout(20):
            await one._stand_by()

    asyncio.run(run())


def test_a_rule_can_see_the_first_message_that_is_given_up() -> None:
    """A counter that begins with its first event has not grown, for Prometheus: it is there from the start."""
    metrics.NOTIFICATIONS.remove("webhook", "given_up")
    process(lambda: None)
    assert REGISTRY.get_sample_value("cem_notifications_total", {"kind": "webhook", "outcome": "given_up"}) is not None


def test_what_recipients_are_reached_with_is_masked_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of a chat is a secret; an error of a library that nobody has thought of may hold it."""
    stream, configure = io.StringIO(), module.logs.configure
    monkeypatch.setattr(module.logs, "configure", lambda settings, **given: configure(settings, stream, **given))
    monkeypatch.setattr(module.asyncio, "run", lambda coroutine: coroutine.close())
    monkeypatch.setattr(module.os, "_exit", lambda _: None)
    monkeypatch.setattr(module.logs, "_configured", False)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)
    planted = {"url": "https://hooks.example.com/T0/pl4nted", "routing_key": "pl4nted-key", "password": "pl4nted-word"}
    module.run(Settings(), Rules(recipients=(recipient(),)), {"ana": Secrets(**planted)}, 1)
    for value in planted.values():
        logging.getLogger("cem.crash").critical("ending the process", extra={"why": f"cannot parse {value}!"})
    assert 3 == len(stream.getvalue().splitlines())
    assert "pl4nted" not in stream.getvalue()
