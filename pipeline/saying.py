"""One text -> all that is understood from it, whoever it is about: language, sentiment, feeling, journey, authenticity.

In: a masked, normalised text and what came with it. Out: Said. The one rule: the text is read once, and everything is
found in that reading. What depends on the unit (aspects and severe causes, by its industry's taxonomy) is asked of
`Said` later.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from pipeline import aspects, authenticity, emotion, journey, severe
from pipeline.authenticity import suspicion_of
from pipeline.emotion import Felt
from pipeline.fingerprint import fingerprint
from pipeline.journey import Met
from pipeline.learned.aspects import MainAspect
from pipeline.lexicon import DEFAULT
from pipeline.sentiment.scorer import Judgement, Scorer
from pipeline.taxonomy import Taxonomy, load
from pipeline.text.language import Detected, detect
from pipeline.text.phrases import Joined, Phrases
from pipeline.text.reading import Reading
from schemas.insight import Aspect, InsightKind, SevereCause, Suspicion
from schemas.post import Author

DEFAULT_INDUSTRY: Final = "other"
JOINED_WORDS_MAX: Final = 600
"""Of a longer text its readers look at beginnings of different lengths."""


class Told(NamedTuple):
    """What a text says in the terms of an industry. `taxonomy`: what found it, None where nothing was found."""

    aspects: tuple[Aspect, ...]
    severe: tuple[SevereCause, ...]
    taxonomy: str | None


class Said(msgspec.Struct, frozen=True):
    """Everything about one text. `taxonomies`: by industry, where others are in force than the shipped ones; `main`:
    the model that says the main aspect, if there is one; `told`: what was asked for, by industry."""

    text: str
    reading: Reading
    language: Detected
    judgement: Judgement
    felt: Felt
    met: Met
    suspicion: Suspicion
    fingerprint: str | None
    taxonomies: Mapping[str, Taxonomy]
    main: MainAspect | None
    told: dict[str, Told]

    def tell(self, industry: str) -> Told:
        """What it says in the terms of an industry. A model of main aspects speaks where its taxonomy does. Found once,
        because each unit of the industry asks."""
        told = self.told.get(industry)
        if told is None:
            taxonomy = taxonomy_of(industry, self.taxonomies)
            main = self.main
            if main is not None and main.taxonomy not in ("", taxonomy.name):
                main = None
            found, severe = self.aspects_in(taxonomy, main), self.severe_in(taxonomy)
            told = Told(found, severe, name_of(taxonomy, industry, main) if found or severe else None)
            self.told[industry] = told
        return told

    def aspects(self, industry: str) -> tuple[Aspect, ...]:
        """What it speaks of, in the terms of an industry."""
        return self.tell(industry).aspects

    def aspects_in(self, taxonomy: Taxonomy, main: MainAspect | None) -> tuple[Aspect, ...]:
        """What it speaks of, the main aspect first; nothing where the scorer abstained."""
        sentiment = self.judgement.sentiment
        if not self.text or sentiment.abstained:
            return ()
        found = aspects.find(self.reading, self.judgement.hits, sentiment.compound, taxonomy)
        if main is None or not found:
            return found
        return with_main(main.of(self.text).aspect, found, sentiment.compound, taxonomy)

    def severe(self, industry: str) -> tuple[SevereCause, ...]:
        """Which severe causes it tells, by an industry's taxonomy."""
        return self.tell(industry).severe

    def severe_in(self, taxonomy: Taxonomy) -> tuple[SevereCause, ...]:
        """Which severe causes it tells; nothing where the scorer abstained."""
        return severe.causes(self.reading, taxonomy, self.judgement.sentiment, self.language.language)


def with_main(name: str, found: Sequence[Aspect], overall: float, taxonomy: Taxonomy) -> tuple[Aspect, ...]:
    """What was found with the aspect of that name first. One that the taxonomy does not know (the labels of a model are
    its user's) is for those who are responsible for the one that was first."""
    first = next((one for one in found if one.aspect == name), None)
    if first is None:
        topic = taxonomy.aspects.get(name)
        department = topic.department if topic else found[0].department
        first = Aspect(aspect=name, department=department, polarity=overall)
    return (first, *(one for one in found if one.aspect != name))[: aspects.ASPECTS_MAX]


class Listener:
    """`scorer`; the taxonomies in force, by industry, where they are not the shipped ones; a model of main aspects."""

    def __init__(
        self,
        scorer: Scorer,
        taxonomies: Mapping[str, Taxonomy] = MappingProxyType({}),
        main: MainAspect | None = None,
    ) -> None:
        self.model: Final = scorer.model
        self._scorer = scorer
        self._taxonomies = taxonomies
        self._main = main
        self._read = scorer.reader.read
        self._vocabulary = scorer.reader.vocabulary
        self._lexicons = (*scorer.lexicons, emotion.phrases(), journey.phrases(), authenticity.phrases())
        self._looks: dict[str, Callable[[Reading], Reading]] = {}

    def hear(
        self,
        text: str,
        *,
        kind: InsightKind = "post",
        stated: str | None = None,
        rating: float | None = None,
        author: Author | None = None,
        event_time: int = 0,
        industry: str = DEFAULT_INDUSTRY,
    ) -> Said:
        """`stated`: the language as the source says (BCP 47). `rating` 0-5. `author`, `event_time`: for his account's
        age. `industry`: the one whose aspects are likely to be asked for; what tells them is looked for in the same
        pass, and of others when they are asked for. Never raises."""
        reading = self._read(text)
        detected = detect(text, reading.words, stated, self._vocabulary)
        language = detected.language
        if (language is None or language == DEFAULT) and len(reading.words) <= JOINED_WORDS_MAX:
            reading = (self._looks.get(industry) or self._look_of(industry))(reading)
        judgement = self._scorer.judge(text, reading, language=language, rating=rating)
        sentiment = judgement.sentiment
        return Said(
            text=text,
            reading=reading,
            language=detected,
            judgement=judgement,
            felt=emotion.of(reading, judgement.hits, sentiment.compound, language),
            met=journey.of(reading, kind, language),
            suspicion=suspicion_of(text, reading, author, event_time, language),
            fingerprint=fingerprint(reading.words),
            taxonomies=self._taxonomies,
            main=self._main,
            told={},
        )

    def _look_of(self, industry: str) -> Callable[[Reading], Reading]:
        taxonomy = taxonomy_of(industry, self._taxonomies)
        look = _joined((*self._lexicons, taxonomy.phrases, taxonomy.severe_phrases)).look
        self._looks[industry] = look
        return look

    @property
    def names(self) -> list[str]:
        """What insights call the taxonomies in force, where they are not the shipped ones."""
        return [name_of(taxonomy, industry, None) for industry, taxonomy in self._taxonomies.items()]

    def signs(self, said: Said) -> list[tuple[str, float]]:
        """What the label was decided by and what each sign adds to the logarithm of its odds, the weightiest first;
        nothing where the scorer decides by words."""
        return self._scorer.signs(said.text, said.reading, said.judgement.sentiment.label)


def taxonomy_of(industry: str, taxonomies: Mapping[str, Taxonomy]) -> Taxonomy:
    """The one in force. Raises TaxonomyError for an industry that there is not."""
    return taxonomies.get(industry) or load(industry)


def name_of(taxonomy: Taxonomy, industry: str, main: MainAspect | None) -> str:
    """What an insight calls that which found its aspects: the edition; before it the industry where a taxonomy of
    another name is in force for it, behind it the model of main aspects: `retail=my_shops/8e1b02+reasons/1f0c3a9e`."""
    name = taxonomy.edition if taxonomy.name == industry else f"{industry}={taxonomy.edition}"
    return name if main is None else f"{name}+{main.model}"


@lru_cache(32)
def _joined(lexicons: tuple[Phrases[Any], ...]) -> Joined:
    """One for the process: all listeners look for the same."""
    return Joined(lexicons)
