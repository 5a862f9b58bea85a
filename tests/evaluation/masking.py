"""How well personal data is masked: precision and recall by kind, and what was missed, on sentences made up by hand.

In: `tests/data/masking.txt` and `masking_second.txt`, where what must be masked stands as {kind:value}. Out: for each
kind that is to be found its recall and the misses; for each placeholder its precision and the false alarms. A value
counts as found only if nothing of its letters and digits is left; a placeholder counts as right if it stands where
something was to be masked, whatever the kind.

    python -m tests.evaluation.masking [--json]
"""

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from pipeline.directory import Directory
from pipeline.hiding import hide
from pipeline.text.normalise import normalise
from pipeline.text.redaction import mask
from schemas.unit import Unit

FILES = tuple(Path(__file__).parents[1] / "data" / f"{name}.txt" for name in ("masking", "masking_second"))
STAFF = (
    "Maria Gonzalez", "Will", "May", "Tom Baker", "Jörg Müller", "Aisha Khan", "José", "Siobhán O'Brien", "Mark",
    "Grace Lee", "Rob",
)  # fmt: skip
DIRECTORY = Directory([Unit(id="store-17", name="Store 17", kind="store", time_zone="UTC", staff=STAFF)])

_MARKUP = re.compile(r"\{(\w+):([^}]*)\}")
_PLACEHOLDER = re.compile(r"\[(email|phone|card|iban|order|number|address|staff)\]")
Span = tuple[int, int]


class Sentence(NamedTuple):
    """A text and what is to be masked in it: kind and place."""

    text: str
    wanted: list[tuple[str, Span]]


def sentences(file: Path) -> list[Sentence]:
    """A test set."""
    found = []
    for line in file.read_text("utf-8").splitlines():
        if line and not line.startswith("##"):
            text, wanted, done = "", [], 0
            for markup in _MARKUP.finditer(line):
                text += line[done : markup.start()]
                wanted.append((markup[1], (len(text), len(text) + len(markup[2]))))
                text += markup[2]
                done = markup.end()
            found.append(Sentence(text + line[done:], wanted))
    return found


def masked_spans(text: str) -> list[tuple[str, Span]]:
    """What the service hides in a text about the unit: placeholder and place."""
    given = normalise(text)
    assert given == text, f"write it as the service keeps it: {given!r}"
    masked = hide(mask(text), ("store-17",), DIRECTORY)
    parts = _PLACEHOLDER.split(masked.text)
    cut = r"(?P<url>(?:(?<=://)[^\s/]*@)?|(?:[?#]\S*)?)" if "url" in masked.kinds else ""
    pattern = "(.+?)".join(_literal(part, cut) for part in parts[::2])
    whole = re.fullmatch(pattern.replace("(?P<url>", "(?:"), text, re.DOTALL)
    assert whole is not None, f"{text!r} does not fit {masked.text!r}"
    found = [(kind, whole.span(number)) for number, kind in enumerate(parts[1::2], start=1)]
    if "url" in masked.kinds:
        place = next((at for at, (one, other) in enumerate(zip(text, masked.text, strict=False)) if one != other), 0)
        found.append(("url", (min(place, len(text) - 1), len(text))))
    return found


def _literal(part: str, cut: str) -> str:
    """Of a web address login and query are cut without a placeholder."""
    if not cut:
        return re.escape(part)
    return r"(?:\S*@)?".join(
        "(?:[?#]\\S*)?".join(re.escape(word) for word in re.split(r"(?<=\S)(?=\s|\Z)", piece))
        for piece in re.split(r"(?<=://)", part)
    )


def measure(files: Sequence[Path] = FILES) -> dict[str, Any]:
    """`recall` and `precision` by kind: `share`, `right`, `of`; `misses` and `false_alarms` with their sentences."""
    wanted_count, found_count = Counter[str](), Counter[str]()
    misses: dict[str, list[str]] = defaultdict(list)
    false_alarms: dict[str, list[str]] = defaultdict(list)
    texts = [sentence for file in files for sentence in sentences(file)]
    for text, wanted in texts:
        found = masked_spans(text)
        hidden = {place for _, (start, end) in found for place in range(start, end)}
        to_hide = {place for _, (start, end) in wanted for place in range(start, end)}
        for kind, (start, end) in wanted:
            wanted_count[kind] += 1
            if any(text[place].isalnum() and place not in hidden for place in range(start, end)):
                misses[kind].append(f"{text[start:end]} | {text}")
        for kind, (start, end) in found:
            found_count[kind] += 1
            if to_hide.isdisjoint(range(start, end)):
                false_alarms[kind].append(f"{text[start:end]} | {text}")
    return {
        "sentences": len(texts),
        "to_hide": wanted_count.total(),
        "recall": _shares(wanted_count, misses),
        "precision": _shares(found_count, false_alarms),
        "misses": dict(misses),
        "false_alarms": dict(false_alarms),
    }


def _shares(counts: Counter[str], wrong: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    rights = {kind: count - len(wrong.get(kind, ())) for kind, count in sorted(counts.items())}
    rights["all"] = sum(rights.values())
    totals = {**counts, "all": counts.total()}
    return {
        kind: {"share": round(right / max(1, totals[kind]), 4), "right": right, "of": totals[kind]}
        for kind, right in rights.items()
    }


def _summary(measured: dict[str, Any]) -> dict[str, float]:
    return {name: measured[name]["all"]["share"] for name in ("recall", "precision")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation.masking", description="Precision and recall")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    measured = measure() | {"by_file": {file.name: _summary(measure([file])) for file in FILES}}
    if parser.parse_args(arguments).json:
        print(orjson.dumps(measured, option=orjson.OPT_INDENT_2).decode())
        return 0
    print(f"{measured['sentences']} sentences, {measured['to_hide']} things to hide")
    for name, summary in measured["by_file"].items():
        print(f"  {name}: {summary}")
    for name, wrong in (("recall", "misses"), ("precision", "false_alarms")):
        print(f"\n{name}")
        for kind, share in measured[name].items():
            print(f"  {kind:8} {share['share']:.3f}  {share['right']} of {share['of']}")
        print(f"\n{wrong.replace('_', ' ')}")
        for kind, lines in measured[wrong].items():
            print("\n".join(f"  {kind:8} {line}" for line in lines))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
