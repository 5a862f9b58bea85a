"""The files of the languages are there, can be read, and nothing else can be reached through their names."""

import pytest

from pipeline.authenticity import Reason
from pipeline.journey import Touchpoint
from pipeline.lexicon import content, covers
from pipeline.text.phrases import Phrases
from schemas.vocabulary import Emotion, JourneyStage

NAMES = ["authenticity", "emotion", "journey"]


@pytest.mark.parametrize("name", NAMES)
def test_english_is_covered(name: str) -> None:
    """It is the default, also for what nobody can tell the language of."""
    assert covers(name, "en")
    assert covers(name, None)
    assert content(name) == content(name, "en")


@pytest.mark.parametrize("language", ["xx", "", "../en", "en/..", "e\x00n", "EN ", "🇬🇧", "a" * 10_000])
def test_what_is_not_there_is_not_covered(language: str) -> None:
    """A language comes from strangers, and becomes a part of a path."""
    assert not covers("emotion", language)


def test_sections_are_words_of_the_vocabularies() -> None:
    """What a file says, the records can say."""
    assert set(content("authenticity")) <= set(Reason)
    assert set(content("emotion")) - {"emoji", "turned", "turned_by"} <= set(Emotion.__args__)
    assert set(content("journey")["stage"]) == set(JourneyStage.__args__)
    assert set(content("journey")["touchpoint"]) == set(Touchpoint)


@pytest.mark.parametrize("name", NAMES)
def test_no_pattern_of_parts_that_may_all_be_missing_stands_for_everyday_words(name: str) -> None:
    """A pattern whose end may be missing matches its beginning alone: "going (to) (another)" is every "going". None of
    these words says anything by itself."""
    patterns: list[str] = []

    def collect(part: object) -> None:
        if isinstance(part, dict):
            for inner in part.values():
                collect(inner)
        elif isinstance(part, list):
            patterns.extend(part)

    collect({key: value for key, value in content(name).items() if key not in ("emoji", "turned", "turned_by", "kind")})
    found = Phrases((pattern, pattern) for pattern in patterns)
    everyday = ["i", "you", "it", "the", "a", "my", "me", "going", "go", "get", "have", "like", "want", "can", "will"]

    assert [] == [value for word in everyday for _, _, value in found.find([word])]
