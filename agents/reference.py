"""The reference for operators, made from the code: settings, commands, topics, metrics, reasons.

`python -m agents.reference` writes `deploy/reference.md`; `--check` says whether it is current.
"""

import sys
from pathlib import Path

import click
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase

from agents.cli import Commands, main
from agents.settings import ABOUT, SECRETS, Settings
from pipeline import metrics
from pipeline.alerts.lifecycle import Refusal
from pipeline.routing import UnroutedReason
from schemas.topics import Topics

FILE = Path(__file__).parents[1] / "deploy" / "reference.md"


def reference() -> str:
    """The whole document, in Markdown."""
    return "\n".join(
        [
            "# Reference",
            "",
            "Made from the code by `make schemas`; do not edit.",
            "",
            *_settings(),
            *_commands(),
            *_topics(),
            *_metrics(),
            *_reasons(),
        ]
    )


def _settings() -> list[str]:
    defaults = Settings()
    rows = [
        f"| `{name}` | `CEM_{name.upper()}` | {_default(defaults, name)} | {about} |" for name, about in ABOUT.items()
    ]
    return [
        "## Settings",
        "",
        "From the environment, else from the TOML file that `--config` or `CEM_CONFIG` names, else the default. "
        "`cem settings` shows what is in force and where it comes from.",
        "",
        "| setting | variable | default | what it is |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


def _default(defaults: Settings, name: str) -> str:
    value = getattr(defaults, name)
    return "*none, secret*" if name in SECRETS else f"`{value}`" if value != "" else "*none*"


def _commands() -> list[str]:
    lines = ["## Commands", "", "Each tells more with `--help`.", "", "| command | what it does |", "|---|---|"]
    context = click.Context(main)
    for name in Commands.modules:
        command = main.get_command(context, name)
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                lines.append(f"| `cem {name}` | {command.get_short_help_str(200)} |")
            lines += [
                f"| `cem {name} {sub}` | {one.get_short_help_str(200)} |" for sub, one in command.commands.items()
            ]
        elif command is not None:
            lines.append(f"| `cem {name}` | {command.get_short_help_str(200)} |")
    return [*lines, ""]


def _topics() -> list[str]:
    topics = Topics()
    rows = [
        f"| `{name}` | {spec.record} | {spec.key} | {_width(spec.width)} | {spec.cleanup} | {_days(spec.retention_ms)} "
        f"| {spec.about} |"
        for name, spec in {**topics.specs, topics.unit_alerts("<id>"): topics.unit_alerts_spec()}.items()
    ]
    return [
        "## Topics",
        "",
        "With the default prefix. The records are described in `schemas/json/`, all of it in `schemas/asyncapi.json`.",
        "",
        "| topic | record | key | partitions | cleanup | kept | what it carries |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _width(width: str) -> str:
    return {"input": "`input_partitions`", "events": "`events_partitions`", "one": "1"}[width]


def _days(retention_ms: int | None) -> str:
    return "for ever" if retention_ms is None else f"{retention_ms // 86_400_000} days"


def _metrics() -> list[str]:
    found = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    rows = []
    for metric in found:
        name = metric._name + ("_total" if isinstance(metric, Counter) else "")
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        rows.append(f"| `{name}` | {metric._type} | {labels} | {metric._documentation} |")
    return ["## Metrics", "", "| metric | type | labels | what it says |", "|---|---|---|---|", *rows, ""]


def _reasons() -> list[str]:
    dead = {
        "tombstone": "a record without a value in a topic that takes none",
        "too_large": "more than 2 MiB",
        "not_utf8": "bytes that are no UTF-8",
        "not_json": "no JSON",
        "unknown_version": "a `schema_version` of another major version",
        "missing_field": "a required field is not there; the detail names it",
        "invalid_field": "a field has a wrong type or value; the detail names it",
        "future": "the event time is too far ahead of the stream clock",
        "past": "the event time is too far behind the stream clock",
        "wrong_key": "the key of a unit is not its id",
        "unknown_unit": "an action or an assignment for a unit that is not in the directory",
        "taken_back": "an assignment of what its author has deleted",
        "already_assigned": "an assignment of what is about another unit already",
        "wrong_partition": "an assignment that is not in the partition where its post came from",
        "unsupported": "an erasure by author or customer, which is not carried out yet",
        "not_delivered": "a message that its recipient did not take; the detail says who, what and why",
        "not_storable": "`cem archive` cannot write it to PostgreSQL; the detail says why",
        "poison": "the process died of this record again and again",
    }
    return [
        "## Reasons",
        "",
        "Why a record is a dead letter:",
        "",
        *(f"- `{reason}`: {about}" for reason, about in dead.items()),
        "",
        "Why a record is unrouted: " + ", ".join(f"`{reason}`" for reason in UnroutedReason) + ".",
        "",
        "Why an action is refused: " + ", ".join(f"`{reason}`" for reason in Refusal) + ".",
        "",
    ]


if __name__ == "__main__":
    text = reference()
    if "--check" in sys.argv:
        if not FILE.exists() or FILE.read_text() != text:
            sys.exit(f"{FILE.name} is stale; run `make schemas`")
    else:
        FILE.write_text(text)
