"""Every text has one form: NFC, one line, nothing that a person cannot see."""

import unicodedata

import pytest

from pipeline.text.normalise import normalise


def test_clean_text_stays_the_same() -> None:
    """Text that is in its form already comes back as the very same object: the hot path copies nothing."""
    text = "@pellamoor the soup was cold, 45 minutes of waiting :("

    assert text is normalise(text)


def test_white_space_is_one_space() -> None:
    """Line ends, tabs and runs of spaces, also those of other scripts, become one space; the ends have none."""
    assert normalise("  a\tb\r\nc \n\n d\u00a0e\u3000f\u2028g \n") == "a b c d e f g"


def test_controls_are_gone() -> None:
    """Controls and null would break terminals, databases and logs."""
    assert normalise("\x00r\x1be\x07d\x7f te\x9bxt") == "red text"


def test_composed_and_decomposed_letters_are_equal() -> None:
    """An é is an é, however the phone wrote it."""
    assert normalise("cafe\u0301 Beyonce\u0301") == "caf\u00e9 Beyonc\u00e9"


def test_letters_meet_when_what_hid_between_them_goes() -> None:
    """A mark composes with its letter also when something hidden stood between the two."""
    assert normalise("e\u200b\u0301") == "\u00e9"


@pytest.mark.parametrize(
    "hidden",
    ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u2066", "\u200f", "\u3164", "\U000e0041",
     "\u034f", "\ud800"],
)  # fmt: skip
def test_hidden_characters_split_nothing(hidden: str) -> None:
    """What has no width cannot hide a number from masking, or turn the reading order round."""
    assert normalise(f"4111 11{hidden}11 p{hidden}ay{hidden}") == "4111 1111 pay"


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u2764\ufe0f\u200d\U0001f525",
        "\U0001f3f3\ufe0f\u200d\U0001f308",
        "\U0001f469\U0001f3fd\u200d\U0001f373",
    ],
    ids=["family", "heart on fire", "rainbow flag", "cook with a skin tone"],
)
def test_an_emoji_stays_one(text: str) -> None:
    """The joiner inside of an emoji is no disguise, it is the emoji."""
    assert text == normalise(text)


@pytest.mark.parametrize("text", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"])
def test_words_keep_the_joiners_of_their_spelling(text: str) -> None:
    """Persian and Sinhala are not spelt wrong by us."""
    assert text == normalise(text)


def test_joiners_between_digits_go() -> None:
    """Also Arabic digits cannot be held apart by a joiner."""
    assert normalise("\u0663\u200c\u0664") == "\u0663\u0664"


def test_every_character_has_a_stable_form() -> None:
    """Normalising twice changes nothing, whichever character it is, alone and beside a joiner."""
    for code in (*range(0x20000), *range(0xE0000, 0xE1000)):  # the other planes hold letters that stand alone
        for text in (chr(code), f"a{chr(code)}b", f"{chr(code)}\u200d{chr(code)}"):
            once = normalise(text)
            assert once == normalise(once), hex(code)
            assert unicodedata.is_normalized("NFC", once), hex(code)
