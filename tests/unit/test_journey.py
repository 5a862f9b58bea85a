"""Where customers are on their way, and where they met the company."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.journey import DECIDING_MAX, Met, Touchpoint, of
from pipeline.text.normalise import normalise
from pipeline.text.reading import Reader
from schemas.vocabulary import JourneyStage

READER = Reader()


def met(text: str) -> Met:
    """Of a reply, which says nothing by its kind."""
    return of(READER.read(normalise(text)), "reply")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@shop do you have this in blue?", "interest"),
        ("what time do you open tomorrow", "interest"),
        ("how much is the breakfast", "interest"),
        ("thinking of getting your credit card", "interest"),
        ("trying to book a flight for two", "purchase"),
        ("my card was charged twice at checkout", "purchase"),
        ("ordered a pizza an hour ago", "purchase"),
        ("our room was dirty and the shower cold", "use"),
        ("sitting on the tarmac for two hours", "use"),
        ("the app keeps crashing", "use"),
        ("worst customer service, on hold since nine", "service"),
        ("I want a refund", "service"),
        ("where is my bag? nobody answers", "service"),
        ("please call me back", "service"),
        ("highly recommend this place to everyone", "refer"),
        ("tell all your friends to avoid this airline", "refer"),
        ("I will never fly with you again", "leave"),
        ("switching to another bank", "leave"),
        ("cancel my account", "leave"),
        ("you just lost a customer", "leave"),
        ("hm", None),
        ("", None),
    ],
)
def test_a_stage_is_said_by_words(text: str, expected: JourneyStage | None) -> None:
    """From the first question to the last word."""
    assert expected == met(text).stage


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on hold for an hour", "phone"),
        ("your agent hung up on me", "phone"),
        ("the app keeps crashing", "app"),
        ("your website is down", "website"),
        ("I got no reply to my emails", "email"),
        ("the live chat closed on me", "chat"),
        ("you never answer tweets", "social"),
        ("the cashier was rude", "counter"),
        ("the self checkout does not work", "kiosk"),
        ("our waiter forgot the drinks", "in_person"),
        ("the toilets were dirty", "premises"),
        ("stuck on the plane", "on_board"),
        ("the courier threw my parcel over the fence", "delivery"),
        ("twenty minutes in the drive thru", "drive_through"),
        ("I am so happy", None),
    ],
)
def test_a_touchpoint_is_named(text: str, expected: Touchpoint | None) -> None:
    """Where they met, if the text says so."""
    assert expected == met(text).touchpoint


def test_of_two_stages_the_one_with_more_to_say() -> None:
    """Three words about the service outweigh one about the booking."""
    assert "service" == met("booked a flight, customer service lost my bag, no refund").stage


def test_of_two_that_say_as_much_the_later_one() -> None:
    """Whoever asks for a refund has also bought."""
    assert "service" == met("bought a coat, want a refund").stage


def test_the_most_specific_touchpoint_is_told() -> None:
    """A "gate agent" says more than an "app", though the app stands first; of two single words the first counts."""
    assert Touchpoint.COUNTER == met("the app said so and the gate agent too").touchpoint
    assert Touchpoint.APP == met("the app and the website are down").touchpoint


def test_the_words_that_decided_are_told() -> None:
    """Those of the stage, the weightiest first, and that of the touchpoint."""
    assert Met("service", Touchpoint.PHONE, ("on hold", "refund")) == met("still on hold for my refund")


def test_a_review_is_about_the_use() -> None:
    """It is written after the visit; what its words say goes before that."""
    assert "use" == of(READER.read("lovely"), "review").stage
    assert "service" == of(READER.read("no refund"), "review").stage
    assert None is of(READER.read("lovely"), "post").stage


def test_a_language_without_a_lexicon_says_nothing() -> None:
    """English words mean nothing in a German text; where nobody can tell the language they are read."""
    reading = READER.read("refund by phone")

    assert Met(None, None, ()) == of(reading, "review", "de")
    assert "service" == of(reading, "post", None).stage


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_gets_an_answer(text: str) -> None:
    """A known stage and touchpoint, or none, with words exactly if there is one, and twice the same."""
    reading = READER.read(text)
    found = of(reading, "post")

    assert found.stage in (None, *get_args(JourneyStage))
    assert found.touchpoint in (None, *Touchpoint)
    assert (found.stage is None and found.touchpoint is None) == (found.words == ())
    assert len(found.words) <= DECIDING_MAX
    assert found == of(reading, "post")


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "😡" * 100_000, "שלום " * 20_000, "e\u0301\u0323\u0334" * 25_000, "#refund " * 500,
     "<b>&amp;</b>" * 9_000, "\x00\x07\ud800\uffff" * 1000, "never again refund " * 10_000],
    ids=["one word", "emoji", "right to left", "zalgo", "tags", "HTML", "controls", "again"],
)  # fmt: skip
def test_hostile_texts_are_fine(text: str) -> None:
    """Neither length nor script nor control characters do any harm."""
    assert len(of(READER.read(text), "post").words) <= DECIDING_MAX
