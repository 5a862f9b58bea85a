"""`python -m tests.benchmarks`: all measurements but `sizing`, or those named, on one embedded Kafka, in one run.

In: names of parts. Out: tables, and all figures in one JSON file. A part that fails is told, and the others go on; the
exit code is then 1.
"""

import argparse
import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
from kafka.errors import KafkaError
from rich.console import Console

from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.jars import VERSION as KAFKA_VERSION
from agents.kafka.node import EmbeddedKafkaError
from agents.settings import ENVIRONMENT_PREFIX
from tests.benchmarks import latency, profile, recovery, scaling, sizing, throughput, units
from tests.benchmarks.broker import Broker
from tests.benchmarks.plan import QUICK, Plan
from tests.benchmarks.report import COLUMNS, Report
from tests.benchmarks.worker import BenchmarkError

PARTS: dict[str, ModuleType] = {
    "throughput": throughput,
    "latency": latency,
    "units": units,
    "recovery": recovery,
    "scaling": scaling,
    "profile": profile,
    "sizing": sizing,
}
NAMED_ONLY = ("sizing",)
"""Takes as long as all others together, and answers another question."""
RUN_PREFIX = "bench-"
"""What the names of all topics begin with, or contain."""
OPTIONS = {
    "posts": "posts",
    "rounds": "rounds",
    "seed": "seed",
    "seconds": "sizing_seconds",
    "rates": "sizing_rates",
    "partitions": "sizing_partitions",
    "fills": "sizing_fills",
}
"""What can be asked for, and which field of the plan it is."""
DEFAULT_OUT = Path("build") / "bench.json"
PACKAGES = ("faust-streaming", "aiokafka", "quixstreams", "bytewax", "confluent-kafka", "vaderSentiment", "msgspec")


def main(arguments: Sequence[str] | None = None) -> int:
    """See the module's docstring."""
    arguments_parser = parser()
    options = arguments_parser.parse_args(arguments)
    if unknown := [name for name in options.parts if name not in PARTS]:
        arguments_parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    plan = plan_of(options)
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]  # measured is what is set here, not what is set on this machine
    result = {**_circumstances(plan, options.quick), "parts": {}}
    failed = False
    with Report() as report:
        try:
            with EmbeddedKafka() as kafka:
                broker = Broker(kafka.bootstrap, kafka.pid)
                for name in options.parts or [name for name in PARTS if name not in NAMED_ONLY]:
                    failed |= not _measure(name, broker, plan, report, result)
                broker.close()
        except EmbeddedKafkaError as error:
            report.line(f"error: {error}")
            return 1
        except KeyboardInterrupt:
            return 130
    _lift(result)
    _show(result, json_too=options.json)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    return int(failed)


def plan_of(options: argparse.Namespace) -> Plan:
    """The full run or the quick one, and what was asked for otherwise."""
    given = {name: getattr(options, option) for option, name in OPTIONS.items()}
    return replace(
        QUICK if options.quick else Plan(), **{name: value for name, value in given.items() if value is not None}
    )


def _numbers(text: str) -> tuple[int, ...]:
    """`10,100` -> whole numbers, each once, ascending."""
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: whole numbers with commas between them are wanted") from None
    if found[0] < 1:
        raise argparse.ArgumentTypeError(f"{found[0]}: 1 or more is wanted")
    return tuple(found)


def _seconds(text: str) -> float:
    """Long enough for a burst of complaints, and an hour at most."""
    try:
        found = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 5 <= found <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: 5 to 3600 seconds are wanted")
    return found


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python -m tests.benchmarks sizing --seconds 20 --rates 10,1000",
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all but sizing)")
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works: about 3 minutes")
    parser.add_argument("--posts", type=int, help=f"posts of each run of `throughput` (default: {Plan.posts})")
    parser.add_argument("--rounds", type=int, help=f"runs of each contender (default: {Plan.rounds})")
    parser.add_argument("--seed", type=int, help=f"of what is made up (default: {Plan.seed})")
    parser.add_argument("--seconds", type=_seconds, help=f"of each rate of `sizing` (default: {Plan.sizing_seconds:g})")
    parser.add_argument("--rates", type=_numbers, help=f"posts/s of `sizing` (default: {_shown(Plan.sizing_rates)})")
    parser.add_argument("--partitions", type=_numbers, help=f"of `sizing` (default: {_shown(Plan.sizing_partitions)})")
    parser.add_argument("--fills", type=_numbers, help=f"posts remembered, `sizing` ({_shown(Plan.sizing_fills)})")
    parser.add_argument("--json", action="store_true", help="the figures on standard output, tables beside them")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="file for the figures (default: %(default)s)")
    return parser


def _shown(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _measure(name: str, broker: Broker, plan: Plan, report: Report, result: dict[str, Any]) -> bool:
    """One part into the result. False if it failed; then why is in the result."""
    started = time.monotonic()
    try:
        result["parts"][name] = PARTS[name].measure(broker, plan, report)
    except (BenchmarkError, KafkaError, TimeoutError) as error:
        report.line(f"error: {name}: {error}")
        result.setdefault("errors", {})[name] = str(error)
        return False
    finally:
        broker.delete(RUN_PREFIX)
    seconds = time.monotonic() - started
    result["parts"][name]["took_s"] = round(seconds, 1)
    report.line(f"{name}: done in {seconds:.0f} s")
    return True


def _circumstances(plan: Plan, quick: bool) -> dict[str, Any]:
    return {
        "command": shlex.join(["python", "-m", "tests.benchmarks", *sys.argv[1:]]),
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": quick,
        "seed": plan.seed,
        "machine": {
            "cores": os.cpu_count(),
            "processor": _processor(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "system": f"{platform.system()} {platform.release()}",
            "load_before": round(os.getloadavg()[0], 2),
        },
        "versions": {"python": platform.python_version(), "kafka": KAFKA_VERSION, **_versions()},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _lift(result: dict[str, Any]) -> None:
    """The figures that others ask for first are at the top."""
    if measured := result["parts"].get("throughput"):
        result |= {name: measured[name] for name in ("posts_per_s", "ratio", "ratio_like_for_like")}


def _show(result: dict[str, Any], *, json_too: bool) -> None:
    console = Console(stderr=json_too)
    if not console.is_terminal:
        console = Console(stderr=json_too, width=COLUMNS)
    for name, measured in result["parts"].items():
        for table in PARTS[name].tables(measured):
            console.print(table)
    if json_too:
        sys.stdout.write(orjson.dumps(result).decode() + "\n")


if __name__ == "__main__":
    sys.exit(main())
