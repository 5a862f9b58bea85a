"""Rows of somebody's file become records, or an error that names the field."""

import gzip
from pathlib import Path

import pytest

from agents.connectors.files import read_rows
from pipeline.sources.mapping import MappingError, parse_mapping
from schemas.codec import RecordError
from schemas.post import Post
from schemas.time import parse_time

MAP = """
record = "post"
[columns]
id = "n"
text = "t"
event_time = "at"
rating = "stars"
[columns.author]
id = "who"
[constants]
network = "google"
[formats]
event_time = "%d.%m.%Y %H:%M %z"
"""
ROW = {"n": "1", "t": "good", "at": "02.03.2026 13:00 +0100", "stars": "4.5", "who": "", "more": "x"}


def test_a_row_becomes_a_record() -> None:
    """Columns nest, constants fill, empty cells are left out, numbers are read."""
    post = parse_mapping(MAP).apply(ROW)
    assert isinstance(post, Post)
    assert ("1", "google", 4.5, None, parse_time("2026-03-02T12:00:00Z")) == (
        post.id,
        post.network,
        post.rating,
        post.author,
        post.event_time,
    )


@pytest.mark.parametrize(
    ("change", "reason", "word"),
    [
        ({"at": "yesterday"}, "invalid_field", "event_time"),
        ({"n": ""}, "missing_field", "id"),
        ({"stars": "many"}, "invalid_field", "rating"),
    ],
)
def test_a_bad_cell_is_told_by_its_field(change: dict[str, str], reason: str, word: str) -> None:
    """With the reason that the dead letter will have."""
    with pytest.raises(RecordError, match=word) as caught:
        parse_mapping(MAP).apply({**ROW, **change})
    assert reason == caught.value.reason


def test_a_time_without_an_offset_is_refused() -> None:
    """It would be read in the zone of whoever reads it."""
    mapping = parse_mapping(MAP.replace(" %z", ""))
    with pytest.raises(RecordError, match="offset"):
        mapping.apply({**ROW, "at": "02.03.2026 13:00"})


@pytest.mark.parametrize("text", ["record = ", 'record = "tweet"\n[columns]', 'record = "post"'])
def test_a_mapping_that_cannot_be_used_is_refused(text: str) -> None:
    """Before anything is read."""
    with pytest.raises(MappingError, match="mapping"):
        parse_mapping(text)


def test_a_missing_column_is_told_before_the_first_row(tmp_path: Path) -> None:
    """With the columns that there are."""
    file = tmp_path / "a.csv"
    file.write_text("n,t\n1,x\n")
    with pytest.raises(MappingError, match=r"'at'.*'n', 't'"):
        list(read_rows(file, parse_mapping(MAP)))


def test_files_of_all_kinds(tmp_path: Path) -> None:
    """With a byte order mark, packed, with null bytes, with a cell of ten million characters; bad rows stop nothing."""
    mapping = parse_mapping(MAP)
    text = "\ufeffn,t,at,stars,who\n" + "".join(
        f"{number},{cell},{at},5,w\n"
        for number, cell, at in (
            (1, "fine", ROW["at"]), (2, "nu\0ll", ROW["at"]), (3, "x" * 10_000_000, ROW["at"]), (4, "late", "never"),
        )
    )  # fmt: skip
    plain, packed = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    plain.write_text(text, "utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    for file in (plain, packed):
        rows = list(read_rows(file, mapping))
        assert [1, 2] == [row.number for row in rows if row.record is not None]
        assert [3, 4] == [row.number for row in rows if row.error is not None]


def test_json_lines(tmp_path: Path) -> None:
    """Posts and feedback side by side; what is no JSON object is told with its line."""
    file = tmp_path / "a.jsonl"
    post = b'{"id":"1","network":"x","event_time":"2026-03-02T12:00:00Z"}'
    feedback = b'{"id":"1","channel":"web","unit_id":"u","event_time":"2026-03-02T12:00:00Z"}'
    file.write_bytes(b"\n".join([post, feedback, b"{nope", b"[1]", b"", b"\xff"]))
    rows = list(read_rows(file, None))
    assert ["Post", "Feedback"] == [type(row.record).__name__ for row in rows if row.record]
    assert [(3, "not_json"), (4, "invalid_field"), (6, "not_json")] == [
        (row.number, row.error.reason) for row in rows if row.error
    ]


def test_csv_needs_a_mapping(tmp_path: Path) -> None:
    """And says so."""
    file = tmp_path / "a.csv"
    file.write_text("a\n")
    with pytest.raises(MappingError, match="--map"):
        list(read_rows(file, None))


@pytest.mark.parametrize("year", ["1931", "1969"])
def test_a_time_that_cannot_be_written_is_refused(year: str) -> None:
    """Before 1970 there is nothing that RFC 3339 in milliseconds could say here."""
    with pytest.raises(RecordError, match="1970"):
        parse_mapping(MAP).apply({**ROW, "at": f"02.03.{year} 13:00 +0100"})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('id = "n"', "id = 7"), "`id`"),
        (('id = "who"', "id = [1]"), "`author.id`"),
        (('[constants]\nnetwork = "google"', "[constants]\nauthor = 7"), "`author`"),
        (('[constants]\nnetwork = "google"', '[constants.text]\nid = "x"'), "`text`"),
    ],
)
def test_a_mapping_that_names_no_columns_is_refused(change: tuple[str, str], word: str) -> None:
    """With the field, before anything is read."""
    assert change[0] in MAP
    with pytest.raises(MappingError, match=word):
        parse_mapping(MAP.replace(*change))
