"""Bad days of an operator, on a real Kafka: its disk is full; it is away when a worker starts; Prometheus asks while a
worker is not ready yet.

In: a broker that is hurt. Out: verdicts. The one rule: what was acknowledged is worked on once, whatever happened.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.node import free_port
from agents.kafka.reach import UnreachableError, connect
from agents.settings import load
from schemas.codec import encode
from tests.broker.conftest import KEY, NewService, Service
from tests.broker.test_way import STORE, insights, post, raw

pytestmark = pytest.mark.broker

SMALL, LARGE = "64m", "512m"
TRIES_MAX = 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with little room; skips where none can be made."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", folder], capture_output=True)
    if made.returncode:
        pytest.skip("no small file system can be made here (root, and the right to mount, are needed)")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    """The broker stops when its disk is full; the worker cannot save, and is started again and again; with more room
    all goes on, and every post that was acknowledged is worked on once."""
    with EmbeddedKafka(data=small_disk / "kafka") as broker, ExitStack() as stack:
        given = {
            "kafka": broker.bootstrap, "author_key": KEY, "clock": "data", "http_port": 0, "input_partitions": 1,
            "events_partitions": 1, "session_timeout_seconds": 6,
        }  # fmt: skip
        service = Service(load({}, None, **given).settings, stack)
        service.publish([STORE])
        worker = service.worker()
        service.ingest([post(number) for number in range(10)])
        service.drain(worker)
        acknowledged = {f"x:p{number}" for number in range(10)}

        ballast = os.urandom(1_000_000)
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all", retries=0, max_block_ms=2000)
        for number in range(100, 100 + TRIES_MAX):
            if not broker.alive:
                break
            with suppress(KafkaError):  # refused: it was not acknowledged
                producer.send(service.topics("scores"), ballast).get(timeout=5)
                producer.send(service.topics("posts"), encode(post(number)), key=b"k").get(timeout=5)
                acknowledged.add(f"x:p{number}")
        with suppress(KafkaError):
            producer.close(timeout=0)
        assert not broker.alive, "the disk was not full"
        assert len(acknowledged) > 12

        subprocess.run(["mount", "-o", f"remount,size={LARGE}", small_disk], check=True)
        broker.kill()  # it may still be about to end
        broker.start()
        worker.check()
        service.send(raw(service, encode(post(999))))
        service.drain(worker)
        seen = [insight.id for insight in insights(service)]
        assert acknowledged | {"x:p999"} <= {*seen}
        assert len(seen) == len({*seen})


def test_kafka_is_away_at_the_start() -> None:
    """A client may wait for a Kafka that is not there yet; when its patience ends the reason is told in a sentence."""
    waited = []

    def impatient(**options: object) -> None:
        waited.append(options["bootstrap_servers"])
        raise KafkaTimeoutError("unable to bootstrap")

    port = free_port()
    with pytest.raises(UnreachableError, match=f"nothing listens at 127.0.0.1:{port}; does Kafka run"):
        connect(load({}, None, kafka=f"127.0.0.1:{port}").settings, impatient)
    assert [[f"127.0.0.1:{port}"]] == waited


HELD = """
import asyncio, pathlib, sys
from agents.cli import main
from agents.kafka import cluster
read_states = cluster.read_states
async def held(*arguments):
    while not pathlib.Path(sys.argv[1]).exists():
        await asyncio.sleep(0.05)
    return await read_states(*arguments)
cluster.read_states = held
main(["run"])
"""
"""A worker that reads its states back once a file is there, however fast the machine is."""


def asked(port: int, path: str) -> str:
    """What the worker answers, also where the answer is no."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except HTTPError as refused:
        return f"{refused.code} {refused.read().decode()}"


def shown(port: int) -> dict[str, float]:
    """What `/metrics` says of readiness and recovery."""
    lines = [line.rsplit(" ", 1) for line in asked(port, "/metrics").splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines if name == "cem_ready" or "recover" in name}


def wait_for(port: int, answer: str) -> None:
    """Until `/ready` says so."""
    for _ in range(600):
        with suppress(URLError, ConnectionError):
            if asked(port, "/ready").strip() == answer:
                return
        time.sleep(0.1)
    pytest.fail(f"/ready does not say {answer!r} but {asked(port, '/ready')!r}")


def test_metrics_are_there_while_states_are_read_back(new_service: NewService, tmp_path: Path) -> None:
    """As long as a worker reads states back it says so: /ready refuses with the reason, /metrics is answered and counts
    the partitions that wait; afterwards none waits, and what was read is counted."""
    service = new_service()
    service.publish([STORE])
    first = service.worker()
    service.ingest([post(1)])
    service.drain(first)
    first.kill()
    port, go = free_port(), tmp_path / "go"
    service.worker(sys.executable, "-c", HELD, str(go), http_port=port)
    wait_for(port, "503 reading states back")
    waiting = {name: value for name, value in shown(port).items() if name.startswith("cem_recovering_partitions")}
    assert {0.0} != set(waiting.values()) and 0.0 == shown(port)["cem_ready"]
    go.touch()
    wait_for(port, "ready")
    after = shown(port)
    assert 1.0 == after["cem_ready"] and {0.0} == {after[name] for name in waiting}
    assert 0 < sum(value for name, value in after.items() if name.startswith("cem_recovered_states_total"))
