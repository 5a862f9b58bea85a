"""Names of staff are found however they are written; words that happen to be names are left alone."""

import time

import pytest

from pipeline.text.staff import Staff

STAFF = Staff([("u", ("Maria Gonzalez", "Will", "May Chen", "Tom Baker", "Jörg Müller", "Siobhán O'Brien", "José"))])


def found(text: str, staff: Staff = STAFF) -> list[str]:
    """The names in a text."""
    return [text[start:end] for start, end in staff.find(text, lambda unit_id: unit_id == "u")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("thank you maria gonzalez!", ["maria gonzalez"]),
        ("MARIA was rude", ["MARIA"]),
        ("ask Maria's boss", ["Maria"]),
        ("M. Gonzalez hung up", ["M. Gonzalez"]),
        ("I told Gonzalez so", ["Gonzalez"]),
        ("Joerg Mueller und Jorg Muller", ["Joerg Mueller", "Jorg Muller"]),
        ("Herr Müller, bitte", ["Müller"]),
        ("Siobhan O\u2019Brien and Siobhan OBrien", ["Siobhan O\u2019Brien", "Siobhan OBrien"]),
        ("JOS\u00c9 nos atendi\u00f3", ["JOS\u00c9"]),
        ("Mr Baker promised", ["Baker"]),
        ("tom baker is the worst", ["tom baker"]),
        ("your waiter Will forgot us", ["Will"]),
        ("Will was rude", ["Will"]),
        ("the girl called May", ["May"]),
        ("I told Will and Tom", ["Will", "Tom"]),
    ],
)
def test_found(text: str, names: list[str]) -> None:
    """In any case, with accents or without, whole, by the given name, by the family name behind a title."""
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "will you answer", "Will you answer", "it was bad. Will come again", "@acme Will you answer", "WILL YOU ANSWER",
        "#fail Will I make it", ":) Will I make it", "we may come", "May I speak", "in May all was fine", "May 19th",
        "on 3 May it rained", "the Will", "the baker next door", "Baker Street", "This Place Will Never Learn",
        "@maria_g", "@maria", "#maria", "https://shop.example/maria", "Mariana", "muller", "gonzalez", "Juan",
        "Maria_1", "[staff]",
    ],
)  # fmt: skip
def test_not_found(text: str) -> None:
    """Words, months, streets, mentions, tags, and names that only begin alike."""
    assert found(text) == []


def test_of_units_that_are_concerned_only() -> None:
    """A name that only others list is nobody's here."""
    staff = Staff([("u", ("Maria",)), ("v", ("Juan", "Maria Lopez"))])

    assert found("Maria, Juan and Maria Lopez", staff) == ["Maria", "Maria"]


def test_nobody_is_listed() -> None:
    """Without names nothing is found."""
    assert not Staff([])
    assert found("Maria", Staff([])) == []


@pytest.mark.parametrize("unit", ["Maria ", "Will ", "M. ", "M. Gonzalez ", "x ", "'", "Herr ", "@a Will ", "a'"])
def test_hostile_text_costs_no_more_than_its_length(unit: str) -> None:
    """Five times the text takes about five times the time, whatever is repeated."""

    def seconds(length: int) -> float:
        text = "Maria " + (unit * length)[:length]
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            found(text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(50_000) < 12 * seconds(10_000) + 0.01
