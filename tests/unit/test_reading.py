"""A text as words: what each thing that people write becomes, and that no text is too much."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import reading as module
from pipeline.text.reading import (
    TOKEN_LENGTH_MAX,
    WORDS_MAX,
    WORDS_PER_CHARACTER_MAX,
    Reader,
    everyday,
    segmented,
)

READER = Reader({"worst", "airline", "ever", "service", "cool", "bad"})


def words(text: str) -> list[str]:
    """As everybody who asks for meaning sees it."""
    return READER.read(text).words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("!!! ... -", ""),
        ("My Bag is LATE", "my bag is late"),
        ('"service" (late)', "service late"),
        ("don’t don´t don`t don't", "don't don't don't don't"),
        ("self-service a.b", "self service a b"),
        ("@staff @a.b", "@ @ b"),
        ("http://x.example www.example.com gone", "gone"),
        ("#WorstAirlineEver", "worst airline ever"),
        ("#worst_airline_ever", "worst airline ever"),
        ("#worstairlineever", "worst airline ever"),
        ("#qzxjv", "qzxjv"),
        ("# tag", "tag"),
        ("u r gr8 thx", "you are great thanks"),
        ("idk", "i don't know"),
        ("2hrs 4pm", "2 hours 4 pm"),
        ("1st 3rd", "1st 3rd"),
        ("$50 50%", "$ 50 50 %"),
        ("1,000 10:30", "1 000 10 30"),
        ("sooooo coooool baaad", "so cool bad"),
        ("😡😡 ✈️", "😡 😡 ✈"),
        (":( <3 ;-) good:)", ":( <3 ;-) good :)"),
        ("I\\u2019m here", "i'm here"),
        ("late \\ud83d now", "late now"),
        ("&lt;3 you &amp; me", "<3 you me"),
    ],
)
def test_what_is_written_becomes_words(text: str, expected: str) -> None:
    """Each rule of the reader."""
    assert expected.split() == words(text)


class TestClauses:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("good staff, late flight", [0, 0, 1, 1]),
            ("good. Late", [0, 1]),
            ("good but late", [0, 1, 1]),
            ("it cost 3.50 and more", [0, 0, 0, 0, 0, 0]),
            ("good ... late", [0, 1]),
            ("2hrs, late", [0, 0, 1]),
        ],
    )
    def test_end_at_punctuation_and_begin_with_but(self, text: str, expected: list[int]) -> None:
        """The number of the clause, for each word."""
        assert expected == READER.read(text).clauses


class TestAsWritten:
    def test_capitals_and_punctuation_stay(self) -> None:
        """For those who read emphasis from them."""
        assert ["GREAT!!", '"service"'] == READER.read('GREAT!! "service"').raw

    def test_a_drawn_out_word_is_written_as_it_is_read(self) -> None:
        """Or no lexicon knew it."""
        assert ["cool", "NO"] == READER.read("coooool NOOOO").raw


everything = st.text(max_size=200) | st.lists(
    st.sampled_from(["late", "idk", "@me", "#ABc", "2hrs", "but", "…", "😡", "&amp;", "\\u2019", "http://x", "a" * 99])
).map(" ".join)


@settings(max_examples=300)
@given(everything)
def test_three_lists_of_one_length(text: str) -> None:
    """Whatever is written; clauses are in order, and the second reading is the first."""
    one = READER.read(text)

    assert len(one.words) == len(one.clauses) == len(one.raw)
    assert one.clauses == sorted(one.clauses)
    assert all(one.words)
    assert one == READER.read(text) == Reader(READER.vocabulary).read(text)


class TestBounds:
    @pytest.mark.parametrize(
        "text", ["late " * 50_000, "idk " * 50_000, "😡" * 100_000, "a,b" * 33_000, "#aB " * 30_000]
    )
    def test_behind_so_many_words_nothing_is_read(self, text: str) -> None:
        """But for the rest of the token that the last one stands in."""
        started = time.perf_counter()
        read = READER.read(text)

        assert len(read.words) <= WORDS_MAX + TOKEN_LENGTH_MAX * WORDS_PER_CHARACTER_MAX
        assert time.perf_counter() - started < 3.0

    def test_exactly_where_it_ends(self) -> None:
        """The first token that is too much is the last one."""
        assert WORDS_MAX + 1 == len(words("late " * (WORDS_MAX + 100)))
        assert WORDS_MAX + 2 == len(words("idk " * (WORDS_MAX + 100)))

    def test_of_a_long_token_the_beginning_is_read(self) -> None:
        """It is no word, and is not kept."""
        reader = Reader()

        assert ["ab" * (TOKEN_LENGTH_MAX // 2)] == reader.read("ab" * 999).words
        assert not reader

    def test_no_shorthand_stands_for_more_words_than_is_reckoned_with(self) -> None:
        """A short text is not counted."""
        shorthand = everyday("en")[1]

        assert max(len(full.split()) / len(short) for short, full in shorthand.items()) <= WORDS_PER_CHARACTER_MAX

    def test_what_is_remembered_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And what is forgotten is read again, the same."""
        monkeypatch.setattr(module, "KEPT_MAX", 3)
        reader = Reader()
        text = "one two three four five. two one"

        assert text.replace(".", "").split() == reader.read(text).words == reader.read(text).words
        assert len(reader) <= 3


def test_letters_run_together_are_the_fewest_words() -> None:
    """Of one letter only those that are words; none if a piece is left over."""
    known = {"a", "i", "at", "late", "ever", "x", "never"}

    assert ["late", "ever"] == segmented("lateever", known)
    assert ["a", "late"] == segmented("alate", known)
    assert [] == segmented("xlate", known)
    assert [] == segmented("lateq", known)
    assert len(segmented("late" * 16, known)) == 16
