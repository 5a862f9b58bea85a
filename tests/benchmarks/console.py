"""From a post on `cem.posts` to its alert on an open console in a real browser: `python -m tests.benchmarks.console`.

In: a rate, a time, how many more consoles are open. Out: percentiles of the latency, and what `cem web` used. The one
rule: looked at from outside and by one clock: the moment when the post that makes the difference is handed to a
producer, and the moment when Chromium has put the alert's card on the page (a MutationObserver) and has drawn it (the
frame after that).

Kafka, the worker and the console are processes of their own, started as users start them. The load is that of
`latency.py`: harmless posts at a steady rate, and a few times a second a burst of complaints about a quiet unit. The
other consoles are streams of events that are read and thrown away.
"""

import argparse
import asyncio
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

import aiohttp
import orjson
from playwright.sync_api import Page, sync_playwright
from rich.table import Table

from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.reader import read
from agents.kafka.writer import Writer
from agents.web.tokens import hash_of, new_token
from pipeline.detectors.surge import SurgeDetector
from pipeline.emission import Emission
from schemas.alert import Alert
from schemas.codec import Codec, encode
from schemas.time import DAY_MS, Millis
from schemas.token import Token
from tests.benchmarks.broker import Broker
from tests.benchmarks.cem import Service, free_port, wait_ready
from tests.benchmarks.figures import distribution, significant
from tests.benchmarks.latency import BURSTS_A_SECOND, OPENED_SHARE_MIN, Sender, cause_of, prepare
from tests.benchmarks.plan import QUICK, Plan
from tests.benchmarks.posts import make_units
from tests.benchmarks.report import Report
from tests.benchmarks.worker import BenchmarkError, Command, Worker

PARTITIONS = 1
READY_SECONDS_MAX = 60.0
LAST_SECONDS_MAX = 30.0
WATCH = """() => {
  window.cards = {};
  const see = (card) => {
    const id = card.dataset?.id;
    if (!id || window.cards[id]) return;
    const seen = window.cards[id] = [performance.timeOrigin + performance.now(), 0];
    requestAnimationFrame(() => setTimeout(() => { seen[1] = performance.timeOrigin + performance.now(); }));
  };
  new MutationObserver((changes) => { for (const one of changes) one.addedNodes.forEach(see); })
    .observe(document.getElementById("list"), {childList: true});
}"""

_codec = Codec[Alert](Alert)


def measure(broker: Broker, plan: Plan, consoles: int, report: Report) -> dict[str, Any]:
    """See the module's docstring."""
    random = Random(plan.seed)
    bursts = round(plan.latency_seconds * BURSTS_A_SECOND)
    port = free_port()
    service = Service(
        broker, "bench-console", partitions=PARTITIONS, web_secret="only-for-the-benchmark" * 2, web_port=port
    )
    with report.task("console: preparing") as task:
        _, harmless, complaints = prepare(broker, service, make_units(plan.seed, bursts), random, bursts)
        token = _token(service)
        worker_port = free_port()
        web_command = Command(["-m", "agents.cli", "web"], service.command().environment)
        with Worker(service.command(http_port=worker_port)) as worker, Worker(web_command) as web:
            wait_ready(worker, worker_port)
            url = f"http://127.0.0.1:{port}"
            with _browser(url, token, web) as page, _others(url, token, consoles):
                sender = Sender(service, plan, random, harmless, complaints)
                _run(page, sender, plan.latency_warm_up_seconds, task, bursts=False)
                used, worker_used = web.usage(), worker.usage()
                sent = _run(page, sender, plan.latency_seconds, task, bursts=True)
                _wait_for_all(page, bursts)
                used, worker_used = web.usage().since(used), worker.usage().since(worker_used)
                cards: dict[str, list[float]] = page.evaluate("window.cards")
    opened = {
        alert.alert_id: (sent.at[cause_of(alert)], record.timestamp / 1000)
        for record in read(service.settings, service.topics("alerts"))
        if record.value is not None
        for alert in [_codec.decode(record.value)]
        if alert.labels.alertname == SurgeDetector.alertname and alert.change == "opened" and cause_of(alert) in sent.at
    }
    seen = [(cards[alert_id], at, written) for alert_id, (at, written) in opened.items() if alert_id in cards]
    if len(opened) < OPENED_SHARE_MIN * bursts or len(seen) < len(opened):
        raise BenchmarkError(f"{bursts} bursts opened {len(opened)} alerts; {len(seen)} of them came to the console")
    return {
        "posts_a_second": plan.latency_posts_a_second,
        "seconds": plan.latency_seconds,
        "consoles": consoles + 1,
        "alerts": len(seen),
        "until_written": _rounded([written - at for at, written in opened.values()]),
        "on_the_page": _rounded([times[0] / 1000 - at for times, at, _ in seen]),
        "drawn": _rounded([times[1] / 1000 - at for times, at, _ in seen]),
        "written_until_drawn": _rounded([times[1] / 1000 - written for times, _, written in seen]),
        "web_cores": significant(used.cpu_seconds / plan.latency_seconds),
        "web_memory_mib_max": significant(used.memory_bytes_max / 2**20),
        "worker_cores": significant(worker_used.cpu_seconds / plan.latency_seconds),
        "worker_waited_share": significant(worker_used.waited_seconds / plan.latency_seconds),
        "load": round(os.getloadavg()[0], 1),
        "sender_behind_s_max": significant(sent.behind_seconds_max),
    }


def _token(service: Service) -> str:
    """A token of head office, as `cem tokens create` makes one."""
    token, identity = new_token()
    now = int(time.time() * 1000)
    record = Token(
        id=identity, name="bench", role="head_office", hash=hash_of(token), made_by="bench", made_at=Millis(now),
        expires_at=Millis(now + DAY_MS),
    )  # fmt: skip
    with Writer(service.settings) as writer:
        writer.send(Emission(service.topics("tokens"), identity.encode(), encode(record)))
    return token


@contextmanager
def _browser(url: str, token: str, web: Worker) -> Iterator[Page]:
    """An open console in Chromium, that notes when each card comes."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        deadline = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                if page.request.get(f"{url}/health/ready").ok:
                    break
            except Exception:
                web.check()
            if time.monotonic() > deadline:
                raise BenchmarkError(f"the console was not ready after {READY_SECONDS_MAX:.0f} s:\n{web.log_tail()}")
            time.sleep(0.1)
        page.goto(f"{url}/login")
        page.fill("#token", token)
        page.click("main button[type=submit]")
        page.wait_for_url(f"{url}/")
        page.evaluate(WATCH)
        yield page
        browser.close()


@contextmanager
def _others(url: str, token: str, number: int) -> Iterator[None]:
    """More open consoles, in a thread of their own."""
    stopped, there = threading.Event(), threading.Semaphore(0)

    async def one(session: aiohttp.ClientSession) -> None:
        async with session.get(f"{url}/live") as answer:
            there.release()
            async for _ in answer.content.iter_any():
                pass

    async def every() -> None:
        headers = {"Authorization": f"Bearer {token}"}
        limits = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            headers=headers, connector=limits, timeout=aiohttp.ClientTimeout(total=None)
        ) as session:
            tasks = [asyncio.ensure_future(one(session)) for _ in range(number)]
            await asyncio.get_running_loop().run_in_executor(None, stopped.wait)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(every()), daemon=True)
    thread.start()
    for _ in range(number):
        if not there.acquire(timeout=READY_SECONDS_MAX):
            raise BenchmarkError(f"{number} consoles could not be opened")
    try:
        yield
    finally:
        stopped.set()
        thread.join(READY_SECONDS_MAX)


def _run(page: Page, sender: Sender, seconds: float, task: Any, *, bursts: bool) -> Any:
    """The sender in a thread of its own: the browser's driver wants this one."""
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(asyncio.run(sender.run(seconds, task, bursts=bursts)))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        page.wait_for_timeout(200)
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def _wait_for_all(page: Page, bursts: int) -> None:
    deadline = time.monotonic() + LAST_SECONDS_MAX
    while page.evaluate("Object.keys(window.cards).length") < bursts and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    page.wait_for_timeout(1000)  # the last ones are drawn


def _rounded(seconds: list[float]) -> dict[str, float]:
    return {name: significant(value) for name, value in distribution(seconds).items()}


def table_of(result: dict[str, Any]) -> Table:
    """Percentiles."""
    table = Table(
        title=f"From a post to its alert on an open console at {result['posts_a_second']:,} posts/s for "
        f"{result['seconds']:.0f} s, {result['consoles']} consoles open",
        caption=f"cem web used {result['web_cores']:.2f} cores and {result['web_memory_mib_max']:.0f} MiB.",
    )
    for heading in ("post sent →", "alerts", "p50 s", "p99 s", "max s"):
        table.add_column(heading, justify="left" if heading.endswith("→") else "right", no_wrap=True)
    for name, shown in (
        ("until_written", "alert written (not yet committed)"),
        ("on_the_page", "card on the page"),
        ("drawn", "card drawn"),
        ("written_until_drawn", "of it, from written to drawn"),
    ):
        found = result[name]
        table.add_row(shown, f"{result['alerts']:,}", *(f"{found[key]:.3f}" for key in ("p50_s", "p99_s", "max_s")))
    return table


def main() -> int:
    """Prints a table, and JSON with --json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1_000, help="posts per second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--consoles", type=int, default=0, help="how many more consoles are open")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if shutil.which("chromium") is None:
        print("no chromium is installed", file=sys.stderr)
        return 2
    plan = replace(QUICK, latency_posts_a_second=asked.rate, latency_seconds=asked.seconds)
    with Report() as report, EmbeddedKafka() as kafka:
        broker = Broker(kafka.bootstrap, kafka.pid)
        try:
            result = measure(broker, plan, asked.consoles, report)
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            broker.close()
    if asked.json:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
    else:
        from rich.console import Console

        Console(width=110).print(table_of(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
