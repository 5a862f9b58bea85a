"""What a text speaks of. In: its words, what moved its score, a taxonomy. Out: aspects, each with its department and
how it was spoken of; the main one first.

The one rule: the longest phrase has the word. "My bag is delayed" is about luggage because the phrase with both words
holds the one about delays; what is left is weighed by how sure its phrases are. In a text that complains, what is
praised comes last.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Final, NamedTuple

from pipeline.sentiment.hit import Hit
from pipeline.taxonomy import Meaning, Taxonomy
from pipeline.text.phrases import Found, Phrases
from pipeline.text.reading import Reading
from schemas.insight import Aspect

ASPECTS_MAX: Final = 8
"""Aspects of one text, the main ones."""
COMPLAINT: Final = -0.05
"""An overall compound below is a complaint: what names no aspect gets the taxonomy's default. VADER's own threshold."""
ALPHA: Final = 15.0
"""VADER's: brings a sum of valences into -1 to 1."""
REPEATED: Final = 0.5
"""What another phrase of the same aspect adds, as a share of its weight."""


class Match(NamedTuple):
    """A phrase of the taxonomy that stands in the words from `start` up to `end` (not included)."""

    start: int
    end: int
    topic: str
    weight: float
    pattern: str


def matches(reading: Reading, taxonomy: Taxonomy) -> list[Match]:
    """All phrases that tell an aspect, by start; of those that overlap the longest, of equally long ones the surest."""
    return _matches(reading, taxonomy.phrases)


def severe(reading: Reading, taxonomy: Taxonomy) -> list[Match]:
    """All phrases that tell a severe cause, by start."""
    return _matches(reading, taxonomy.severe_phrases)


def find(reading: Reading, hits: Sequence[Hit], overall: float, taxonomy: Taxonomy) -> tuple[Aspect, ...]:
    """`hits`: by the sentiment scorer, of the same reading. `overall`: the text's compound, -1 to 1."""
    found = _matches(reading, taxonomy.phrases)
    if not found:
        if overall > COMPLAINT or taxonomy.default is None:
            return ()
        return (_aspect(taxonomy, taxonomy.default, overall),)
    by_topic: dict[str, list[Match]] = {}
    for match in found:
        by_topic.setdefault(match.topic, []).append(match)
    polarities = _polarities(reading.clauses, hits, overall, by_topic)
    if len(by_topic) == 1:
        [(topic, polarity)] = polarities.items()
        return (_aspect(taxonomy, topic, polarity),)
    complaint = overall <= COMPLAINT

    def rank(topic: str) -> tuple[bool, float, int]:
        praised = complaint and polarities[topic] > 0
        return praised, -_weight(by_topic[topic]), by_topic[topic][0].start

    return tuple(_aspect(taxonomy, topic, polarities[topic]) for topic in sorted(by_topic, key=rank)[:ASPECTS_MAX])


def _aspect(taxonomy: Taxonomy, name: str, polarity: float) -> Aspect:
    return Aspect(aspect=name, department=taxonomy.aspects[name].department, polarity=round(polarity, 4))


def _weight(found: list[Match]) -> float:
    """The surest phrase counts in full, each other one in part; what is said twice counts once."""
    weights = {match.pattern: match.weight for match in found}.values()
    return max(weights) * (1 - REPEATED) + sum(weights) * REPEATED


def _matches(reading: Reading, phrases: Phrases[Meaning]) -> list[Match]:
    found = phrases.find(reading.words)
    if len(found) > 1:
        found.sort(key=_longest_first)
        taken: set[int] = set()
        chosen: list[Found[Meaning]] = []
        for one in found:
            places = range(one.start, one.end)
            if taken.isdisjoint(places):
                taken.update(places)
                chosen.append(one)
        chosen.sort()
        found = chosen
    return [
        Match(start, end, meaning.topic, meaning.weight, meaning.pattern)
        for start, end, meaning in found
        if meaning.topic is not None
    ]


def _longest_first(one: Found[Meaning]) -> tuple[int, float, int]:
    return one.start - one.end, -one.value.weight, one.start


def _polarities(
    clauses: list[int], hits: Sequence[Hit], overall: float, by_topic: dict[str, list[Match]]
) -> dict[str, float]:
    """Each aspect's share of the hits of its clauses. Where several stand in one clause a hit goes to the nearest."""
    owners: dict[int, dict[str, list[Match]]] = {}
    for topic, found in by_topic.items():
        for match in found:
            for clause in {clauses[match.start], clauses[match.end - 1]}:
                owners.setdefault(clause, {}).setdefault(topic, []).append(match)
    sums: dict[str, float] = {}
    beside: dict[int, float] = {}
    for hit in hits:
        clause = clauses[hit.start]
        here = owners.get(clause)
        if here is None:
            beside[clause] = beside.get(clause, 0.0) + hit.valence
        else:
            for topic in here if len(here) == 1 else _nearest(hit, here):
                sums[topic] = sums.get(topic, 0.0) + hit.valence
    polarities: dict[str, float] = {}
    for topic, found in by_topic.items():
        total = sums.get(topic)
        if total is None and beside:
            near = {clauses[match.end - 1] + 1 for match in found} | {clauses[match.start] - 1 for match in found}
            if spoken := [beside[clause] for clause in near if clause in beside]:
                total = sum(spoken)
        polarities[topic] = overall if total is None else total / sqrt(total * total + ALPHA)
    return polarities


def _nearest(hit: Hit, owners: dict[str, list[Match]]) -> list[str]:
    distances = {
        topic: min(max(match.start - hit.end + 1, hit.start - match.end + 1, 0) for match in found)
        for topic, found in owners.items()
    }
    least = min(distances.values())
    return [topic for topic, distance in distances.items() if distance == least]
