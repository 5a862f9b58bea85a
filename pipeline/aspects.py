"""What a text speaks of. In: its words, what moved its score, a taxonomy. Out: aspects, each with its department and
how it was spoken of; the main one first.

The one rule: the longest phrase has the word. "My bag is delayed" is about luggage because the phrase with both words
holds the one about delays; what is left is weighed by how sure its phrases are. In a text that complains, what is
praised comes last.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from operator import itemgetter
from typing import Final, NamedTuple

from pipeline.sentiment.hit import Hit
from pipeline.taxonomy import Meaning, Taxonomy
from pipeline.text.phrases import Found, apart
from pipeline.text.reading import Reading
from schemas.insight import Aspect

ASPECTS_MAX: Final = 8
"""Aspects of one text, the main ones."""
COMPLAINT: Final = -0.05
"""An overall compound up to here is a complaint: what names no aspect gets the taxonomy's default. VADER's own."""
PRAISE: Final = 0.2
"""From here on a text is praise as a whole, and what is praised in it needs not stand back."""
PRAISED: Final = 0.4
"""An aspect above is praised: by a plainly good word, or several."""
ALPHA: Final = 15.0
"""VADER's: brings a sum of valences into -1 to 1."""
REPEATED: Final = 0.5
"""What another phrase of the same aspect adds, as a share of its weight."""

_SEVERAL: Final = ""
"""In place of the one aspect of a clause."""


class Match(NamedTuple):
    """A phrase of the taxonomy that stands in the words from `start` up to `end` (not included)."""

    start: int
    end: int
    topic: str
    weight: float
    pattern: str


def matches(reading: Reading, taxonomy: Taxonomy) -> list[Match]:
    """All phrases that tell an aspect, by start; of those that overlap the longest, of equally long ones the surest."""
    return [_match(*one) for one in _longest(taxonomy.phrases.find_in(reading), reading.clauses)]


def severe(reading: Reading, taxonomy: Taxonomy) -> list[Match]:
    """All phrases that tell a severe cause, by start."""
    found = taxonomy.severe_phrases.find_in(reading)
    return [_match(*one) for one in _longest(found, reading.clauses)] if found else []


def find(reading: Reading, hits: Sequence[Hit], overall: float, taxonomy: Taxonomy) -> tuple[Aspect, ...]:
    """`hits`: by the sentiment scorer, of the same reading. `overall`: the text's compound, -1 to 1."""
    spoken: dict[str, list[Found[Meaning]]] = {}
    for one in _longest(taxonomy.phrases.find_in(reading), reading.clauses):
        topic = one[2].topic
        if topic in spoken:
            spoken[topic].append(one)
        else:
            spoken[topic] = [one]
    if not spoken:
        if overall > COMPLAINT or taxonomy.default is None:
            return ()
        return (_aspect(taxonomy, taxonomy.default, overall),)
    polarities = _polarities(reading.clauses, hits, overall, spoken)
    ranked = list(spoken)
    if len(ranked) > 1:
        mixed = overall < PRAISE
        ranked.sort(key=lambda topic: (mixed and polarities[topic] > PRAISED, -_weight(spoken[topic])))
    return tuple([_aspect(taxonomy, topic, polarities[topic]) for topic in ranked[:ASPECTS_MAX]])


def _aspect(taxonomy: Taxonomy, name: str, polarity: float) -> Aspect:
    topic = taxonomy.aspects[name]
    return Aspect(aspect=name, department=topic.department, polarity=round(polarity or topic.polarity, 4))


def _weight(found: list[Found[Meaning]]) -> float:
    """The surest phrase counts in full, each other one in part; what is said twice counts once. In the order of the
    text, so that of equal ones the first is the main one."""
    if len(found) == 1:
        return found[0][2].weight
    weights = {meaning.pattern: meaning.weight for _, _, meaning in found}.values()
    return max(weights) * (1 - REPEATED) + sum(weights) * REPEATED


def _match(start: int, end: int, meaning: Meaning) -> Match:
    return Match(start, end, meaning.topic, meaning.weight, meaning.pattern)


def _longest(found: list[Found[Meaning]], clauses: list[int]) -> list[Found[Meaning]]:
    """Of those that overlap: one within a clause before one across clauses, then the longest, the surest, the first.
    By start; ignored ones only take words."""
    if apart(found):
        return [one for one in found if one[2].topic]
    chosen: list[Found[Meaning]] = []
    group: list[Found[Meaning]] = []
    reach = 0
    for one in found:
        start, end, _ = one
        if start >= reach and group:
            chosen += group if len(group) == 1 else _apart(group, clauses)
            group = []
        group.append(one)
        if end > reach:
            reach = end
    chosen += group if len(group) < 2 else _apart(group, clauses)
    return [one for one in chosen if one[2].topic]


def _apart(group: list[Found[Meaning]], clauses: list[int]) -> list[Found[Meaning]]:
    """Neighbours that overlap -> those that have the word, by start."""

    def rank(one: Found[Meaning]) -> tuple[bool, int, float, int]:
        start, end, meaning = one
        return clauses[start] != clauses[end - 1], start - end, -meaning.weight, start

    if len(group) == 2:
        return [min(group, key=rank)]
    group.sort(key=rank)
    taken = 0
    chosen: list[Found[Meaning]] = []
    for one in group:
        places = (1 << one[1]) - (1 << one[0])
        if not taken & places:
            taken |= places
            chosen.append(one)
    chosen.sort(key=itemgetter(0))
    return chosen


def _polarities(
    clauses: list[int], hits: Sequence[Hit], overall: float, spoken: Mapping[str, list[Found[Meaning]]]
) -> dict[str, float]:
    """Of each aspect: the sum of the hits in its clauses, where several stand in one of the nearest; else of the
    clauses beside that speak of no aspect; else the whole text."""
    if not hits:
        return dict.fromkeys(spoken, overall)
    owners: dict[int, str] = {}
    for topic, found in spoken.items():
        for start, end, _ in found:
            first, last = clauses[start], clauses[end - 1]
            if owners.setdefault(first, topic) != topic:
                owners[first] = _SEVERAL
            if last != first and owners.setdefault(last, topic) != topic:
                owners[last] = _SEVERAL
    sums: dict[str, float] = {}
    beside: dict[int, float] = {}
    for hit in hits:
        clause = clauses[hit[0]]
        owner = owners.get(clause)
        if owner is None:
            beside[clause] = beside.get(clause, 0.0) + hit[2]
        elif owner != _SEVERAL:
            sums[owner] = sums.get(owner, 0.0) + hit[2]
        else:
            for topic in _nearest(hit, clauses, spoken):
                sums[topic] = sums.get(topic, 0.0) + hit[2]
    polarities: dict[str, float] = {}
    for topic, found in spoken.items():
        total = sums.get(topic)
        if total is None and beside:
            near = {clauses[one[1] - 1] + 1 for one in found} | {clauses[one[0]] - 1 for one in found}
            if neighbours := [beside[clause] for clause in near if clause in beside]:
                total = sum(neighbours)
        polarities[topic] = overall if total is None else total / sqrt(total * total + ALPHA)
    return polarities


def _nearest(hit: Hit, clauses: list[int], spoken: Mapping[str, list[Found[Meaning]]]) -> list[str]:
    """The aspects of the hit's clause whose phrases are the fewest words away."""
    start, end = hit[0], hit[1]
    clause = clauses[start]
    distances = {
        topic: min(apart)
        for topic, found in spoken.items()
        if (
            apart := [
                max(first - end + 1, start - last + 1, 0)
                for first, last, _ in found
                if clauses[first] == clause or clauses[last - 1] == clause
            ]
        )
    }
    least = min(distances.values())
    return [topic for topic, distance in distances.items() if distance == least]
