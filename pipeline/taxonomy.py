"""What customers of an industry speak of, and who is responsible for it: aspects, departments, severe causes, and the
phrases that tell them. In: a taxonomy file (`taxonomy_file.py` says what it holds), shipped or a user's own. Out: a
Taxonomy.

The one rule: everything that reads a text with a taxonomy can say which one it was, by its name and what is in it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from math import inf
from typing import Any, Final

import msgspec

from pipeline.taxonomy_file import COMMON, TaxonomyError, read, shipped, shipped_text
from pipeline.text.phrases import Phrases

WEIGHTS: Final = {"strong": 3.0, "phrases": 2.0, "weak": 1.0}
"""What a phrase weighs. Weak ones only hint at an aspect: they decide where nothing else is said."""
SEVERITY: Final = 8
"""Of a severe cause whose file does not say how severe it is."""
EDITION_DIGITS: Final = 6


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """An aspect or a severe cause. `recommended_action`: a sentence for those who have to do something. `weight`: how
    much its phrases count beside those of others; more for a cause whose words hardly ever mean anything else.
    `polarity`: how it is spoken of, -1 to 1, where the text does not say; below zero for what is a complaint by being
    named. Of a severe cause, `severity`: of the alert that one post opens, 1 to 10; `announced`: it is enough that
    somebody says he will."""

    name: str
    title: str
    department: str
    recommended_action: str = ""
    weight: float = 1.0
    polarity: float = 0.0
    severity: int = SEVERITY
    announced: bool = False


class Meaning(msgspec.Struct, frozen=True):
    """What a phrase says: the topic (empty: none, the words are only not to be taken for something else), its weight,
    and how it is written in the file."""

    topic: str
    weight: float
    pattern: str


class Taxonomy(msgspec.Struct, frozen=True, kw_only=True):
    """`edition`: the name and the beginning of a checksum over all that it says, also what it has from the files that
    it extends (`restaurant/d63efe`). `default`: the aspect of a complaint that names none. `departments`: name ->
    title."""

    name: str
    version: int
    edition: str
    title: str
    departments: Mapping[str, str]
    aspects: Mapping[str, Topic]
    severe: Mapping[str, Topic]
    default: str | None
    phrases: Phrases[Meaning]
    severe_phrases: Phrases[Meaning]

    @property
    def identity(self) -> str:
        """Name and version as its author counts them: what a model that stands on it asks for."""
        return f"{self.name}/{self.version}"

    @property
    def vocabulary(self) -> set[str]:
        """All whole words of its phrases, for a Reader."""
        return self.phrases.vocabulary | self.severe_phrases.vocabulary


@cache
def load(name: str) -> Taxonomy:
    """A shipped taxonomy. Raises TaxonomyError where there is none of that name."""
    text = shipped_text(name) if name != COMMON else None
    if text is None:
        raise TaxonomyError([f"there is no taxonomy {name[:60]!r}; use one of {', '.join(shipped())}, or a file"])
    return parse(text)


def parse(text: str, known: Callable[[str], str | None] = shipped_text) -> Taxonomy:
    """The text of a file -> what it says together with the files that it extends. `known`: name -> text of those.
    Raises TaxonomyError."""
    whole = read(text, known)
    aspects, severe = whole["aspects"], whole["severe"]
    sets = whole["sets"]
    ignored = [(pattern, Meaning("", inf, pattern)) for pattern in whole["ignored"]]
    return Taxonomy(
        name=whole["name"],
        version=whole["version"],
        edition=f"{whole['name']}/{_checksum(whole)}",
        title=whole.get("title", _spoken(whole["name"])),
        departments=whole["departments"],
        aspects={name: _topic(name, table) for name, table in aspects.items()},
        severe={name: _topic(name, table) for name, table in severe.items()},
        default=whole.get("default"),
        phrases=Phrases([*ignored, *_meanings(aspects)], sets),
        severe_phrases=Phrases([*ignored, *_meanings(severe)], sets),
    )


def _checksum(whole: dict[str, Any]) -> str:
    """Of what is said, not of how it is written: comments, spaces and the order of keys change nothing."""
    return hashlib.sha256(msgspec.json.encode(whole, order="deterministic")).hexdigest()[:EDITION_DIGITS]


def _topic(name: str, table: dict[str, Any]) -> Topic:
    return Topic(
        name=name,
        title=table.get("title", _spoken(name)),
        department=table["department"],
        recommended_action=table.get("recommended_action", ""),
        weight=float(table.get("weight", 1.0)),
        polarity=float(table.get("polarity", 0.0)),
        severity=table.get("severity", SEVERITY),
        announced=table.get("announced", False),
    )


def _meanings(topics: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Meaning]]:
    for name, table in topics.items():
        for key, weight in WEIGHTS.items():
            for pattern in table.get(key, []):
                yield pattern, Meaning(name, weight * float(table.get("weight", 1.0)), pattern)


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()
