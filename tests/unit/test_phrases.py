"""The language of phrases: what each construct stands for, which mistakes are told, and that many phrases at once find
what each of them finds alone."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import automaton
from pipeline.text.automaton import GAP_MAX
from pipeline.text.phrases import (
    PATTERN_LENGTH_MAX,
    VARIANTS_MAX,
    Found,
    Joined,
    PatternError,
    Phrases,
    apart,
    longest,
)
from pipeline.text.reading import Reader, Reading

WORDS = ["a", "b", "late", "later", "flight", "3", "3rd", "bag"]


def found(pattern: str, text: str, sets: dict[str, str] | None = None) -> list[tuple[int, int]]:
    """Where one pattern stands in a text."""
    return [(start, end) for start, end, _ in Phrases([(pattern, 0)], sets or {}).find(text.split())]


class TestConstructs:
    @pytest.mark.parametrize(
        ("pattern", "text", "expected"),
        [
            ("late", "so late now", [(1, 2)]),
            ("late", "later", []),
            ("late", "late late", [(0, 1), (1, 2)]),
            ("on hold", "on hold", [(0, 2)]),
            ("on hold", "on the hold", []),
            ("on hold", "on", []),
            ("late|delayed", "delayed and late", [(0, 1), (2, 3)]),
            ("wait*", "wait waiting awaiting wai", [(0, 1), (1, 2)]),
            ("late|wait* flight", "waiting flight", [(0, 2)]),
            ("0 hours", "3 hours", [(0, 2)]),
            ("0 hours", "three hours", []),
            ("0", "3rd", []),
            ("0th time", "3rd time", [(0, 2)]),
            ("0th time", "3 time", []),
            ("(so) late", "so late", [(0, 2), (1, 2)]),
            ("not (really|so) good", "not so good", [(0, 3)]),
            ("not (really|so) good", "not good", [(0, 2)]),
            ("not (really|so) good", "not very good", []),
        ],
    )
    def test_stands_for(self, pattern: str, text: str, expected: list[tuple[int, int]]) -> None:
        """What the docstring of the language says."""
        assert expected == found(pattern, text)

    def test_a_gap_is_up_to_three_words(self) -> None:
        """And may be none."""
        texts = ["lost " + "x " * between + "bag" for between in range(GAP_MAX + 2)]

        assert [[(0, between + 2)] for between in range(GAP_MAX + 1)] + [[]] == [found("lost .. bag", t) for t in texts]

    def test_a_set_is_its_words(self) -> None:
        """Wherever its name stands."""
        assert [(0, 2)] == found("0 {time}", "3 hours", {"time": "hour*|day*"})
        assert [(1, 3)] == found("{time}|week late", "a days late", {"time": "hour*|day*"})

    def test_a_zero_in_a_text_is_a_number_and_a_word_of_the_language_is_not(self) -> None:
        """`0th` and `0` are written by people too: the digits decide."""
        assert [(0, 1)] == found("0", "0")
        assert [(0, 1)] == found("0th", "0th")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "must begin and end"),
        (".. late", "must begin and end"),
        ("late ..", "must begin and end"),
        ("late (so) ..", "must begin and end"),
        ("wa*", "three letters"),
        ("late|", "cannot be read"),
        ("(late", "cannot be read"),
        ("la*te", "cannot be read"),
        ("{nobody}", "a set {nobody} that there is not"),
        ("late " * PATTERN_LENGTH_MAX, "characters"),
        (" ".join(["late", *["(so)"] * 7]), "too many parts in brackets"),
    ],
)
def test_mistakes_are_told(pattern: str, said: str) -> None:
    """With what is wrong, in words."""
    with pytest.raises(PatternError, match=r".") as refused:
        Phrases([(pattern, 0)])

    assert said in str(refused.value)


def test_as_many_brackets_as_there_may_be() -> None:
    """Each doubles the ways to read a pattern."""
    brackets = VARIANTS_MAX.bit_length() - 1

    assert [(0, 1)] == found(" ".join(["late", *["(so)"] * brackets]), "late")


def test_the_values_of_the_same_words_are_in_the_order_of_the_patterns() -> None:
    """Whoever takes the first takes the same everywhere."""
    phrases = Phrases([("late flight", "z"), ("late|later flight", "a"), ("late .. flight", "m"), ("late flight", "z")])

    assert ["z", "a", "m"] == [value for _, _, value in phrases.find(["late", "flight"])]


def test_the_vocabulary_is_the_whole_words() -> None:
    """For a reader: beginnings of words and numbers are none."""
    assert {"late", "delayed", "so"} == Phrases([("(so) late|delayed wait* 0 0th", 0)]).vocabulary


def _matches(sequence: tuple[str, ...], words: list[str]) -> bool:
    """Whether words are what a pattern of plain words, `*`, `0`, `0th` and `..` stands for; slowly."""
    if not sequence:
        return not words
    first, *rest = sequence
    if first == "..":
        return any(_matches(tuple(rest), words[gap:]) for gap in range(min(GAP_MAX, len(words)) + 1))
    if not words:
        return False
    word = words[0]
    fits = any(
        word.startswith(one[:-1]) if one[-1] == "*" else {"0": word == "3", "0th": word == "3rd"}.get(one, one == word)
        for one in first.split("|")
    )
    return fits and _matches(tuple(rest), words[1:])


parts = st.sampled_from(["a", "b", "late", "late*", "flight|bag", "bag|late*", "0", "0th"])
patterns = st.builds(
    lambda first, middle, last: " ".join([first, *middle, last]),
    parts,
    st.lists(parts | st.just(".."), max_size=3).filter(lambda m: ".. .." not in " ".join(m)),
    parts,
)
texts = st.lists(st.sampled_from(WORDS), max_size=9)


class TestLaws:
    @settings(max_examples=150)
    @given(st.lists(patterns, min_size=1, max_size=6), texts)
    def test_finds_what_trying_everything_finds(self, some: list[str], words: list[str]) -> None:
        """Each pattern at each place, and nothing else."""
        places = [(start, end) for start, end in product(range(len(words)), range(len(words) + 1)) if start < end]
        expected = {
            (start, end, pattern)
            for (start, end), pattern in product(places, some)
            if _matches(tuple(pattern.split()), words[start:end])
        }
        actual = Phrases((one, one) for one in some).find(words)

        assert expected == set(actual)
        assert len(expected) == len(actual)
        assert [one[:2] for one in actual] == sorted(one[:2] for one in actual)

    @settings(max_examples=60)
    @given(st.lists(patterns, min_size=1, max_size=5), st.lists(texts, min_size=1, max_size=5))
    def test_what_was_read_before_changes_nothing(self, some: list[str], before: list[list[str]]) -> None:
        """The automaton is made as texts come; what it says does not depend on which came."""
        used = Phrases((one, one) for one in some)
        for words in before:
            used.find(words)

        assert Phrases((one, one) for one in some).find(before[0]) == used.find(before[0])

    @settings(max_examples=60)
    @given(st.lists(st.lists(patterns, max_size=4), min_size=1, max_size=4), texts)
    def test_joined_finds_for_each_what_it_finds_alone(self, lexicons: list[list[str]], words: list[str]) -> None:
        """In the same order; and the reading stays what it was."""
        members = [Phrases((one, one) for one in some) for some in lexicons]
        reading = Reading(words, [0] * len(words), words)
        looked = Joined(members).look(reading)

        assert [one.find(words) for one in members] == [one.find_in(looked) for one in members]
        assert [one.find(words) for one in members] == [one.find_in(reading) for one in members]
        assert (words, words) == (looked.words, looked.raw)


def test_nothing_grows_without_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and states are forgotten when they are many, in the middle of a text too."""
    monkeypatch.setattr(automaton, "KEPT_MAX", 3)
    some = ["late .. flight", "late bag", "wait* 0 hours", "lost .. bag"]
    words = ["late", "my", "flight", "bag", "waiting", "3", "hours", "lost", "the", "late", "bag"] * 3
    bounded = Phrases((one, one) for one in some)
    seen = [bounded.find(words) for _ in range(3)]

    assert len(bounded._automaton._kind_of) <= 3
    assert len(bounded._automaton._states) <= 3
    monkeypatch.undo()
    assert [Phrases((one, one) for one in some).find(words)] * 3 == seen


def test_a_text_of_one_word_a_hundred_thousand_times_is_read_in_one_go() -> None:
    """Each place costs no more than the longest pattern."""
    phrases = Phrases([("so .. so .. so", 0)])

    assert len(phrases.find(["so"] * 100_000)) < 100_000 * 3 * (GAP_MAX + 1)


def test_what_cannot_go_on_is_not_remembered() -> None:
    """Whatever strangers write behind a word, the automaton is as large as its patterns make it."""
    phrases = Phrases([("late", 0), ("lost .. bag", 1), ("no refund", 2)])
    for number in range(1_000):
        phrases.find(f"late word{number} lost word{number} no word{number}".split())

    assert sum(map(len, phrases._automaton._states.values())) < 20


class TestLongest:
    def test_of_those_that_overlap_the_longest(self) -> None:
        """Whatever their order."""
        given_: list[Found[str]] = [(0, 1, "a"), (0, 3, "b"), (2, 4, "c"), (5, 6, "d")]

        assert [(0, 3, "b"), (5, 6, "d")] == list(longest(given_)) == list(longest(given_[::-1]))

    def test_of_equally_long_ones_the_first(self) -> None:
        """By start; in the same words by what was given first."""
        assert [(0, 2, "a")] == list(longest([(0, 2, "a"), (1, 3, "b")]))
        assert [(0, 2, "z")] == list(longest([(0, 2, "z"), (0, 2, "a")]))

    def test_neighbours_are_apart(self) -> None:
        """One may begin where another ends."""
        assert apart([])
        assert apart([(0, 2, 0), (2, 3, 0)])
        assert not apart([(0, 2, 0), (1, 3, 0)])

    def test_those_of_a_reading(self) -> None:
        """As everybody uses it."""
        reading = Reader().read("My late flight is late")

        assert [(1, 3, "late flight"), (4, 5, "late")] == list(
            longest(Phrases((one, one) for one in ("late", "late flight")).find_in(reading))
        )
