"""Time to first answer on 25 brands' conversations with their customers, as `cem replay --answers` measures it.

    python -m tests.evaluation.answers [--json]

Each conversation becomes posts of one thread. Turns of the company are by its handle, also where the data leaves the
author out. `reference` is the same figure straight from the file, in a few lines
that are easily seen to be right; `differing` names the brands where the two are not equal in every digit.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import ceil
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
import orjson
from click.testing import CliRunner

from agents.cli.replay import replay
from pipeline.evaluation.answers import FirstAnswers
from pipeline.sources.units_file import parse_units
from schemas.codec import encode
from schemas.post import Author, Post
from schemas.time import Millis
from schemas.unit import Unit
from tests.evaluation.data import FOLDER

DATA: Final = FOLDER / "care" / "conversations.csv"
UNITS: Final = Path(__file__).parents[1] / "data" / "care.units.toml"
KEY: Final = "a key of the tests"


def conversations() -> list[list[dict[str, str]]]:
    """Turns in their order, by conversation."""
    with DATA.open(encoding="utf-8", newline="") as file:
        by_conversation: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
        for row in csv.DictReader(file):
            by_conversation[row["split"], row["conversation"]].append(row)
    return list(by_conversation.values())


def posts(given: Iterable[list[dict[str, str]]]) -> Iterator[Post]:
    """What a connector would have sent that polls what is said to the brands."""
    for turns in given:
        for number, turn in enumerate(turns):
            yield Post(
                id=turn["tweet_id"],
                network="x",
                kind="reply" if number else "post",
                author=_author(turn["author"] or turn["company"], turn["role"] == "agent"),
                text=turn["text"],
                event_time=_at_ms(turn),
                in_reply_to=turns[number - 1]["tweet_id"] if number else None,
                root_id=turns[0]["tweet_id"] if number else None,
                unit_hint=_unit(turn["company"]),
            )


def units() -> list[Unit]:
    """The 25 brands."""
    return parse_units(UNITS.read_text("utf-8"))


def measured(**environment: str) -> list[FirstAnswers]:
    """What the command prints for the conversations, as JSON lines of posts."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "posts.jsonl"
        file.write_bytes(b"".join(encode(post) + b"\n" for post in posts(conversations())))
        arguments = ["--answers", "--units", str(UNITS), str(file)]
        done = CliRunner().invoke(replay, arguments, env={"CEM_AUTHOR_KEY": KEY, **environment}, catch_exceptions=False)
    return [msgspec.json.decode(line, type=FirstAnswers) for line in done.stdout.splitlines()]


def reference() -> list[FirstAnswers]:
    """Straight from the file: in each conversation the first turn of an agent, from the first turn on. Conversations
    that are there twice count once."""
    waits: dict[str, dict[str, float | None]] = defaultdict(dict)
    for turns in conversations():
        answers = [_at_ms(turn) for turn in turns if turn["role"] == "agent"]
        asked = _at_ms(turns[0])
        waits[_unit(turns[0]["company"])][turns[0]["tweet_id"]] = (min(answers) - asked) / 1000 if answers else None
    found = []
    for unit_id, by_question in sorted(waits.items()):
        times = sorted(wait for wait in by_question.values() if wait is not None)
        found.append(
            FirstAnswers(
                unit_id=unit_id,
                channel="x",
                questions=len(by_question),
                answered=len(times),
                waiting=len(by_question) - len(times),
                median_seconds=round(median(times), 3) if times else None,
                p90_seconds=times[ceil(0.9 * len(times)) - 1] if times else None,
                mean_seconds=round(mean(times), 3) if times else None,
            )
        )
    return found


def measure() -> dict[str, Any]:
    """Both, brand by brand; `skipped` and why, where the conversations are absent."""
    if not DATA.exists():
        return {"skipped": f"no {DATA.name} in {DATA.parent}: first answers are not measured"}
    found, straight = measured(), reference()
    return {
        "brands": len(found),
        "questions": sum(one.questions for one in found),
        "answered": sum(one.answered for one in found),
        "differing": sorted({one.unit_id for one in {*found} ^ {*straight}}),
        "measured": [msgspec.to_builtins(one) for one in found],
        "reference": [msgspec.to_builtins(one) for one in straight],
    }


def rows(found: dict[str, Any]) -> list[tuple[str, str, float, str]]:
    """What was wanted, for the table of all measures."""
    if "differing" not in found:
        return []
    beside = f"{found['answered']} of {found['questions']} questions answered"
    return [(f"first answer, of {found['brands']} brands differing", "0", len(found["differing"]), beside)]


def _author(name: str, agent: bool) -> Author:
    return Author(id=name, handle=name if agent else None)


def _unit(company: str) -> str:
    return company.lower().replace("_", "-")


def _at_ms(turn: dict[str, str]) -> Millis:
    return Millis(round(datetime.fromisoformat(turn["datetime"].replace("Z", "+00:00")).timestamp() * 1000))


if __name__ == "__main__":
    figures = measure()
    if "--json" in sys.argv[1:] or "skipped" in figures:
        print(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())
    else:
        for one in figures["measured"]:
            print(orjson.dumps(one).decode())
        print(f"differing from the reference: {', '.join(figures['differing']) or 'none'}")
