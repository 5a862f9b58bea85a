"""Street addresses are found where they are sure, in the forms of several countries; counts and years are not."""

import time

import pytest

from pipeline.text.address import addresses


def found(text: str) -> list[str]:
    """The addresses in a text."""
    return [text[start:end] for start, end in addresses(text)]


@pytest.mark.parametrize(
    "address",
    [
        "12 Acacia Avenue", "221B Baker Street", "350 5th Avenue, Apt 12C", "77 N. Ocean Blvd", "5 Mill Rd.",
        "Lindenstraße 14", "Hauptstr. 7a", "Berliner Straße 120", "Am Alten Markt 5", "Kerkstraat 18",
        "14 rue de la Paix", "3 bis avenue Victor Hugo", "Calle Mayor 25", "Avenida de América 33",
        "Carrera 7 # 45-20", "Via Garibaldi 12", "Rua Augusta, 1500", "ul. Długa 15",
    ],
)  # fmt: skip
def test_found(address: str) -> None:
    """Number, name and kind of street, in the order of the country, wherever in a sentence."""
    assert found(f"bring it to me, {address}, please") == [address]
    assert found(f"{address}: nobody came") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "I live at 15 church lane and hear you", "deliver to 15 CHURCH LANE", "my address is 82 high street",
        "sent it to 15 church lane",
    ],
)  # fmt: skip
def test_announced(text: str) -> None:
    """Behind words that announce an address no capitals are needed."""
    assert len(found(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "the store on Main Street", "5th Avenue is full", "in 2021 Oxford Street was empty", "3 Oxford Street shops",
        "bus 12 Baker Street", "2 lane road", "4 way stop", "15 church lane", "256 GB Flash Drive", "row 24 Exit Row",
        "$12 Park Avenue", "1:12 Elm Street", "Parkplatz 12", "Umweg 20 Minuten", "Heimweg 2 Stunden", "Gleis 12",
        "Via London 3 hours", "carrera 10 km", "Hauptstraße 20 Minuten lang", "24 Hour Court",
        "the 12 Main Street crew", "Saal 4 Platz 12",
    ],
)  # fmt: skip
def test_not_found(text: str) -> None:
    """Without a number, with a number of something else, or in lower case without an announcement."""
    assert found(text) == []


def test_several() -> None:
    """Each stands for itself."""
    assert found("from 12 Elm Street to 9 Oak Road and Lindenweg 3") == ["12 Elm Street", "9 Oak Road", "Lindenweg 3"]


@pytest.mark.parametrize(
    "unit",
    [
        "1 ",
        "12 Elm ",
        "12 Elm Street ",
        "Straße 1 ",
        "live at 1 ",
        "A 1 ",
        "Aa ",
        "1 Aa ",
        "Calle A 1 ",
        "Am 1 ",
        "a1 ",
    ],
)
def test_hostile_text_costs_no_more_than_its_length(unit: str) -> None:
    """Five times the text takes about five times the time, whatever is repeated."""

    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            list(addresses(text))
            best = min(best, time.process_time() - start)
        return best

    assert seconds(50_000) < 12 * seconds(10_000) + 0.01
