"""How soon an alert is in all open consoles, and what they cost.

    python -m tests.benchmarks.consoles --consoles 100 --rate 10 --seconds 30

In: how many consoles are open on one `cem web`, how many alert records a second come. Out: percentiles of the time
from handing a record to a producer until each console has it, memory and processor time of `cem web`. The one rule:
both ends are looked at from outside and by one clock. All is on one machine, the consoles (programs that read the
stream, not browsers) included, which makes it slower than it is.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from aiokafka import AIOKafkaProducer

from agents.kafka.admin import Admin
from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.writer import Writer
from agents.settings import Settings, load
from agents.web.tokens import hash_of, new_token
from pipeline.emission import Emission
from schemas.alert import Alert
from schemas.codec import encode
from schemas.text import StoredText
from schemas.time import DAY_MS, Millis
from schemas.token import Token
from schemas.topics import Topics
from tests.benchmarks.figures import distribution
from tests.benchmarks.worker import used_by
from tests.web import world

READY_SECONDS_MAX = 300.0
TEXT = "Waited forty minutes for a table that we had booked, and nobody said sorry. Never again @harbourquay"
AFTER_SECONDS_MAX = 30.0


class Run:
    """One measurement: what was sent when, and when which console had it."""

    def __init__(self, settings: Settings, consoles: int, rate: float, seconds: float) -> None:
        self.settings = settings
        self.topics = Topics(settings.prefix)
        self.consoles = consoles
        self.rate = rate
        self.count = int(rate * seconds)
        self.sent: dict[int, float] = {}
        self.latencies: list[float] = []
        self.opened = 0

    def prepare(self, alerts: int, texts: int) -> str:
        """Topics, units, a token, so many alerts that wait, and so many texts. Gives the token."""
        with Admin(self.settings, self.topics) as admin:
            admin.apply()
        token, identity = new_token()
        now_ms = Millis(time.time() * 1000)
        record = Token(id=identity, name="bench", role="head_office", hash=hash_of(token), made_by="bench",
                       made_at=now_ms, expires_at=Millis(now_ms + DAY_MS))  # fmt: skip
        with Writer(self.settings) as writer:
            writer.send(Emission(self.topics("tokens"), identity.encode(), encode(record)))
            for unit in world.units():
                writer.send(Emission(self.topics("units"), unit.id.encode(), encode(unit)))
            for number in range(alerts):
                alert = world.make_alert("elm-street", f"{number:04x}")
                writer.send(Emission(self.topics("alerts"), b"elm-street", encode(alert)))
            for number in range(texts):
                key = f"x:{number}"
                text = StoredText(id=key, text=TEXT, language="en", event_time=now_ms)
                writer.send(Emission(self.topics("texts"), key.encode(), encode(text)))
        return token

    async def console(self, session: ClientSession, url: str, token: str) -> None:
        """Reads a stream to the last record."""
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(f"{url}/live", headers=headers) as answer:
            self.opened += 1
            async for line in answer.content:
                if not line.startswith(b'data: {"id":"mill-lane-'):
                    continue
                sequence = orjson.loads(line[6:])["sequence"]
                self.latencies.append(time.time() - self.sent[sequence])
                if sequence == self.count:
                    return

    async def send(self) -> None:
        """Records at a steady rate."""
        alert: Alert = world.make_alert("mill-lane", "beef")
        producer: Any = AIOKafkaProducer(bootstrap_servers=self.settings.kafka, acks="all")
        await producer.start()
        began = time.time()
        for number in range(1, self.count + 1):
            await asyncio.sleep(max(0.0, began + number / self.rate - time.time()))
            value = encode(msgspec.structs.replace(alert, sequence=number))
            self.sent[number] = time.time()
            await producer.send(self.topics("alerts"), key=b"mill-lane", value=value)
        await producer.stop()

    async def measure(self, url: str, token: str, pid: int, started: float) -> dict[str, Any]:
        """With all consoles open. `started`: when the process was."""
        async with ClientSession(
            connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None), read_bufsize=2**20
        ) as session:
            await _ready(session, url)
            ready_s = time.time() - started
            before = _rss_mib(pid)
            readers = [asyncio.ensure_future(self.console(session, url, token)) for _ in range(self.consoles)]
            while self.opened < self.consoles:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            with_them, cpu_seconds, began = _rss_mib(pid), used_by(pid).cpu_seconds, time.time()
            await self.send()
            await asyncio.wait(readers, timeout=AFTER_SECONDS_MAX)
            seconds = time.time() - began
            cpu_seconds = used_by(pid).cpu_seconds - cpu_seconds
            for reader in readers:
                reader.cancel()
        return {
            "ready_s": round(ready_s, 2),
            "consoles": self.consoles,
            "records": self.count,
            "records_a_second": self.rate,
            "events_expected": self.count * self.consoles,
            "latency": distribution(self.latencies),
            "rss_mib_before": before,
            "rss_mib_with_consoles": with_them,
            "rss_mib_after": _rss_mib(pid),
            "cpu_share": round(cpu_seconds / seconds, 3),
        }


def _rss_mib(pid: int) -> float:
    """What a process holds in memory now."""
    status = Path(f"/proc/{pid}/status").read_text()
    held = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return round(int(held) / 1024, 1)


async def _ready(session: ClientSession, url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            async with session.get(f"{url}/health/ready") as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        await asyncio.sleep(0.1)
    raise click.ClickException("the console did not become ready")


@click.command()
@click.option("--consoles", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--rate", type=float, default=10.0, show_default=True, help="Alert records a second.")
@click.option("--seconds", type=float, default=30.0, show_default=True)
@click.option("--alerts", type=int, default=1000, show_default=True, help="Alerts that wait already.")
@click.option("--texts", type=int, default=0, show_default=True, help="Texts that are there already.")
def main(consoles: int, rate: float, seconds: float, alerts: int, texts: int) -> None:
    """Measure, and print one JSON object."""
    with EmbeddedKafka() as broker:
        settings = load({}, None, kafka=broker.bootstrap, prefix="consoles").settings
        run = Run(settings, consoles, rate, seconds)
        token = run.prepare(alerts, texts)
        environment = {
            "PATH": os.environ["PATH"],
            "CEM_KAFKA": broker.bootstrap,
            "CEM_PREFIX": "consoles",
            "CEM_WEB_SECRET": "a secret for a measurement, long enough",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "agents.cli", "web", "--port", "0"]
        started = time.time()
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                url = process.stdout.readline().split()[2]
                found = asyncio.run(run.measure(url, token, process.pid, started))
            finally:
                process.terminate()
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
