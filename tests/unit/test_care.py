"""What customers say that VADER does not know: phrases in place of words, what turns them, and complete files."""

import pytest

from pipeline.lexicon import content
from pipeline.sentiment.care import ASIDE, LEXICON, QUOTED, Care
from pipeline.sentiment.hit import Hit
from pipeline.sentiment.label import LABELS, Labeller
from pipeline.sentiment.signs import NAMES, signs
from pipeline.text.phrases import Joined
from pipeline.text.reading import Reading

CARE = Care()


def reading(text: str) -> Reading:
    return CARE.reader.read(text)


def hits(text: str) -> list[tuple[str, str]]:
    """Reason and words of what moves the score."""
    read = reading(text)
    return [(hit.reason, " ".join(read.words[hit.start : hit.end])) for hit in CARE.hits(read)]


def compound(text: str) -> float:
    return CARE.score(text, reading(text)).compound


class TestPhrases:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("on hold for 2 hours", [("waiting", "on hold for 2 hours")]),
            ("no refund", [("refusal", "no refund")]),
            ("thanks for nothing", [("sarcasm", "thanks for nothing")]),
            ("never again", [("leaving", "never again")]),
            ("not bad", [("praise", "not bad")]),
        ],
    )
    def test_a_phrase_takes_the_place_of_its_words(self, text: str, expected: list[tuple[str, str]]) -> None:
        """One hit, whatever the words within say by themselves."""
        assert expected == hits(text)

    def test_words_beside_a_phrase_count_on(self) -> None:
        """In the order of the text."""
        assert ["waiting", LEXICON] == [reason for reason, _ in hits("on hold for 2 hours, terrible")]

    def test_thanks_for_nothing_is_no_thanks(self) -> None:
        """VADER takes it for praise."""
        assert compound("thanks for nothing") < -0.3 < 0.3 < compound("thanks for everything")

    def test_an_intensified_word_makes_its_phrase_as_strong(self) -> None:
        """A phrase is as strong as the strongest word within."""
        plain, strong = (
            max(hit.valence for hit in CARE.hits(reading(text))) for text in ("great crew", "GREAT crew ok")
        )

        assert strong >= plain > 0


class TestWhatTurns:
    def test_a_negation_before_a_phrase_turns_it(self) -> None:
        """ "Never on hold" is praise."""
        assert compound("never on hold for 2 hours") > 0 > compound("on hold for 2 hours")

    def test_a_negation_in_another_clause_does_not(self) -> None:
        """It ends where its clause does."""
        assert compound("never, on hold for 2 hours") < 0

    def test_but_weighs_what_comes_behind(self) -> None:
        """As VADER does."""
        assert compound("the flight was great but terrible") < compound("the flight was terrible but great")

    @pytest.mark.parametrize("quoted", ['"helpful"', "'helpful'", '"helpful".'])
    def test_praise_in_quotation_marks_is_blame(self, quoted: str) -> None:
        """Nobody quotes praise that is meant."""
        assert (QUOTED, "helpful") in hits(f"the {quoted} people")
        assert compound(f"the {quoted} people") < 0 < compound("the helpful people")


class TestAside:
    def test_a_fact_counts_less_where_no_service_is_spoken_of(self) -> None:
        """Who waits for two hours without a service waits for something else."""
        alone, said = (CARE.hits(reading(text))[-1].valence for text in ("waiting 2 hours", "@shop waiting 2 hours"))

        assert alone == said * ASIDE

    def test_a_handle_at_the_beginning_speaks_to_a_service(self) -> None:
        """And a word of its own speaks of one."""
        assert not CARE.speaks_of_service(reading("lovely weather"))
        assert CARE.speaks_of_service(reading("lovely crew"))

    def test_emoji_count_everywhere(self) -> None:
        """Each of them."""
        assert compound("😡") < 0
        assert compound("😡😡") < compound("😡")
        assert compound("@shop 😡") < 0

    def test_nothing_said_is_nothing(self) -> None:
        """No hit, no compound."""
        assert (0.0, []) == (compound(""), hits("")) == (compound("it is a table"), hits("it is a table"))


def test_what_others_found_before_is_the_same() -> None:
    """A reading that was looked through for several lexicons at once gives the same hits."""
    read = reading("on hold for 2 hours, never again! the “helpful” crew 😡")

    assert CARE.hits(read) == CARE.hits(Joined([CARE.phrases]).look(read))
    assert all(isinstance(hit, Hit) for hit in CARE.hits(read))


@pytest.mark.parametrize("text", ["late " * 20_000, "!" * 100_000, "not " * 25_000 + "good", "😡" * 100_000])
def test_a_hostile_text_stays_in_the_scale(text: str) -> None:
    """However long."""
    assert -1.0 <= compound(text) <= 1.0


class TestFiles:
    def test_every_reason_has_a_phrase(self) -> None:
        """And a phrase that is found by itself, with that reason or one that is longer."""
        file = content("care")
        for reason, valences in {**file["facts"], **file["tone"]}.items():
            assert valences, reason
            for valence, patterns in valences.items():
                assert -4.0 <= float(valence) <= 4.0, reason
                assert any(pattern.strip() for pattern in patterns.splitlines()), (reason, valence)

    def test_a_word_is_never_as_strong_as_the_scale_is_long(self) -> None:
        """VADER's scale."""
        file = content("care")

        assert all(-4.0 <= float(valence) <= 4.0 for valence in (*file["words"].values(), *file["emoji"].values()))
        assert all(not word.isascii() for word in file["emoji"])
        assert all(word == word.lower() for word in file["words"])

    def test_every_sign_has_a_weight_for_every_label(self) -> None:
        """And there is no weight of something else."""
        file = content("label")

        assert set(NAMES) == set(file["weights"])
        assert {len(LABELS)} == {len(weights) for weights in (file["biases"], *file["weights"].values())}
        assert len(NAMES) == len(set(NAMES))

    @pytest.mark.parametrize(
        "text", ["", "hello", "@shop THE flight was great? 3 times!!!", "on hold for 2 hours #late 😡"]
    )
    def test_there_are_as_many_signs_as_names(self, text: str) -> None:
        """Each about 0 to 1, but for the compound and the like; and their probabilities are some."""
        read = reading(text)
        values = signs(text, read, CARE.score(text, read), CARE)
        probabilities = Labeller().probabilities(values)

        assert len(NAMES) == len(values)
        assert all(-1.0 <= float(value) <= 2.0 for value in values)
        assert abs(sum(probabilities) - 1.0) < 1e-12

    def test_what_a_sign_adds_is_its_weight_times_its_value(self) -> None:
        """The weightiest first, and only those that are there."""
        weights = content("label")["weights"]
        values = [0.0] * len(NAMES)
        values[NAMES.index("silent")], values[NAMES.index("asks")] = 1.0, 0.5
        expected = {"silent": weights["silent"][1], "asks": 0.5 * weights["asks"][1]}
        added = Labeller().adds("neutral", values)

        assert expected == dict(added)
        assert sorted(map(abs, expected.values()), reverse=True) == [abs(one) for _, one in added]
