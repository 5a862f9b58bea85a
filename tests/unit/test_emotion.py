"""The feeling of a text: named where it is named, none where there is none."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.emotion import DECIDING_MAX, NOTHING, Felt, of
from pipeline.sentiment.hit import Hit
from pipeline.text.normalise import normalise
from pipeline.text.reading import Reader
from schemas.vocabulary import Emotion

READER = Reader()


def felt(text: str, compound: float = 0.0, hits: tuple[Hit, ...] = ()) -> Felt:
    """The feeling of a text whose sentiment is given."""
    return of(READER.read(normalise(text)), hits, compound)


@pytest.mark.parametrize(
    ("text", "compound", "expected"),
    [
        ("I am furious, nobody calls back", -0.6, "anger"),
        ("this is unacceptable", -0.4, "anger"),
        ("wtf is going on", -0.5, "anger"),
        ("sick of your excuses", -0.5, "anger"),
        ("what a complete joke", -0.2, "anger"),
        ("😡😡", -0.7, "anger"),
        ("so disappointed with the food", -0.6, "disappointment"),
        ("we expected better from you", 0.1, "disappointment"),
        ("you just lost a loyal customer", -0.1, "disappointment"),
        ("sadly the soup was cold", -0.4, "disappointment"),
        ("I'm worried my bag is gone", -0.4, "worry"),
        ("is it safe to fly with you?", 0.4, "worry"),
        ("stranded in Denver and my insulin is in the bag", -0.4, "worry"),
        ("love the new store", 0.6, "joy"),
        ("best pizza ever", 0.6, "joy"),
        ("can't wait to come back", 0.2, "joy"),
        ("great crew on board 😍", 0.8, "joy"),
        ("thank you so much", 0.4, "gratitude"),
        ("much appreciated", 0.5, "gratitude"),
        ("shout out to Maria at the desk", 0.0, "gratitude"),
        ("I can't believe how quick that was", 0.0, "surprise"),
        ("speechless", 0.0, "surprise"),
        ("do you open on Sundays?", 0.0, "none"),
        ("my order number is 12345", 0.0, "none"),
        ("", 0.0, "none"),
    ],
)
def test_what_is_said_is_felt(text: str, compound: float, expected: Emotion) -> None:
    """Words that name a feeling decide, an emoji speaks for itself, and a plain question has none."""
    assert expected == felt(text, compound).emotion


@pytest.mark.parametrize("text", ["not happy at all", "I am not impressed", "never been less pleased", "don't love it"])
def test_no_joy_is_disappointment(text: str) -> None:
    """A "not" in front turns joy round."""
    assert "disappointment" == felt(text, -0.4).emotion


@pytest.mark.parametrize("text", ["I'm not angry, just asking", "no worry", "nothing to fear"])
def test_a_denied_feeling_is_none(text: str) -> None:
    """Who says that he is not angry has not said what he is."""
    assert NOTHING == felt(text)


def test_thanks_that_are_none() -> None:
    """In a text that complains nobody is grateful; thanks for a harm are anger."""
    assert "anger" == felt("thanks for ruining our holiday", -0.4).emotion
    assert "gratitude" != felt("thanks, still waiting for my refund", -0.4).emotion
    assert "gratitude" == felt("thanks, my refund is here", 0.4).emotion


@pytest.mark.parametrize("text", ["would love an upgrade", "good morning, I'd like to book", "happy to pay for it"])
def test_manners_are_no_feeling(text: str) -> None:
    """Wishes and greetings use the words of joy."""
    assert NOTHING == felt(text, 0.6)


def test_the_words_that_decided_are_told() -> None:
    """In their order, each once, the longer one where two stand within each other."""
    assert Felt("anger", ("furious", "sick of")) == felt("Furious! sick of this, furious", -0.8)


def test_hits_of_the_sentiment_speak_where_words_do_not() -> None:
    """Two broken promises are disappointment, an outrage is anger, though no feeling is named; a good hit is no bad
    feeling, and one word of VADER's lexicon says nothing about which feeling it is."""
    text = "they said Monday then Tuesday and then Friday"
    promise = (Hit(0, 3, -1.5, "promise"), Hit(4, 5, -1.5, "promise"))

    assert Felt("disappointment", ("they said monday", "tuesday")) == felt(text, -0.6, promise)
    assert Felt("anger", ("they said",)) == felt(text, -0.6, (Hit(0, 2, -2.0, "outrage"),))
    assert NOTHING == felt(text, 0.6, (Hit(0, 3, 1.5, "promise"), Hit(4, 5, 1.5, "promise")))
    assert NOTHING == felt(text, -0.6, (Hit(0, 3, -3.0, "lexicon"),))


def test_of_two_feelings_the_one_that_fits_the_tone() -> None:
    """A friendly text with a worried word is not a worried text, and the other way round."""
    text = "I was worried but I love it"

    assert "joy" == felt(text, 0.6).emotion
    assert "worry" == felt(text, -0.6).emotion


def test_a_language_without_a_lexicon_says_nothing() -> None:
    """English words mean nothing in a German text; where nobody can tell the language they are read."""
    reading = READER.read("furious")

    assert NOTHING == of(reading, (), -0.6, "de")
    assert NOTHING == of(reading, (), -0.6, "../en")
    assert "anger" == of(reading, (), -0.6, "en").emotion
    assert "anger" == of(reading, (), -0.6, None).emotion


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.floats(-1, 1))
def test_any_text_gets_an_answer(text: str, compound: float) -> None:
    """One of the six or none, with the words of the text that say so, and twice the same."""
    reading = READER.read(text)
    found = of(reading, (), compound)

    assert found.emotion in get_args(Emotion)
    assert (found.emotion == "none") == (found.words == ())
    assert len(found.words) <= DECIDING_MAX
    assert found == of(reading, (), compound)


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "😡" * 100_000, "שלום " * 20_000, "e\u0301\u0323\u0334" * 25_000, "#love " * 500,
     "<b>&amp;</b>" * 9_000, "\x00\x07\ud800\uffff" * 1000, "not happy " * 10_000, "so sad :( " * 10_000],
    ids=["one word", "emoji", "right to left", "zalgo", "tags", "HTML", "controls", "not happy", "sad"],
)  # fmt: skip
def test_hostile_texts_are_fine(text: str) -> None:
    """Neither length nor script nor control characters do any harm."""
    assert len(of(READER.read(text), (), -0.5).words) <= DECIDING_MAX
