"""Files become rows, whatever is in them: a bad row is told with its number, and never stops the file."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.connectors import files
from agents.connectors.files import Row, read_rows
from pipeline.sources.mapping import Mapping, MappingError
from schemas.codec import RECORD_BYTES_MAX, encode
from schemas.feedback import Feedback
from schemas.post import Post
from schemas.time import DAY_MS, Millis, format_time

TIME = Millis(20_000 * DAY_MS)
MAPPING = Mapping(
    record="post", columns={"id": "number", "text": "said", "event_time": "at"}, constants={"network": "x"}
)
HEAD = "number,said,at\n"

Write = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file and says where."""

    def written(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return written


def line(number: int, said: str = "hello") -> str:
    """A good row."""
    return f"{number},{said},{format_time(TIME)}\n"


def post(number: int, text: str = "hello") -> Post:
    """What it means."""
    return Post(id=str(number), network="x", text=text, event_time=TIME)


def rows_of(path: Path, mapping: Mapping | None = MAPPING) -> list[Row]:
    return list(read_rows(path, mapping))


def short(rows: list[Row]) -> list[tuple[int, object]]:
    """Number, and the record or the reason of its refusal."""
    return [(row.number, row.record if row.error is None else row.error.reason) for row in rows]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.b.csv"])
def test_csv(write: Write, name: str) -> None:
    """Rows are counted from the one behind the header, packed or not."""
    assert [(1, post(1)), (2, post(2))] == short(rows_of(write(name, (HEAD + line(1) + line(2)).encode())))


def test_tabs(write: Write) -> None:
    """A .tsv file is split at tabs."""
    data = (HEAD + line(1)).replace(",", "\t").encode()
    assert [(1, post(1))] == short(rows_of(write("a.tsv", data)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(write: Write, end: str) -> None:
    """Whatever the writer's system ends lines with, also within a quoted cell."""
    data = (HEAD + line(1, '"two\nlines"') + line(2)).replace("\n", end).encode()
    assert [(1, post(1, f"two{end}lines")), (2, post(2))] == short(rows_of(write("a.csv", data)))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(write: Write, name: str) -> None:
    """As Excel writes it."""
    assert [(1, post(1))] == short(rows_of(write(name, b"\xef\xbb\xbf" + (HEAD + line(1)).encode())))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_byte_order_mark_is_no_part_of_the_first_json_line(write: Write, name: str) -> None:
    """As PowerShell writes it."""
    rows = rows_of(write(name, b"\xef\xbb\xbf" + encode(post(1)) + b"\n" + encode(post(2))), None)
    assert [(1, post(1)), (2, post(2))] == short(rows)


def test_null_bytes_and_broken_utf_8_stop_nothing(write: Write) -> None:
    """What cannot be read becomes a replacement character, and the row is taken."""
    data = HEAD.encode() + line(1, "a?b").encode().replace(b"?", b"\0") + line(2, "c?d").encode().replace(b"?", b"\xff")
    assert [(1, post(1, "a\ufffdb")), (2, post(2, "c\ufffdd"))] == short(rows_of(write("a.csv", data)))


def test_rows_with_too_few_or_too_many_cells(write: Write) -> None:
    """Too few: the field that is missing is named. Too many: what is too much is left out."""
    data = HEAD + "1,short\n" + "\n" + line(2).strip() + ",more,and more\n"
    rows = rows_of(write("a.csv", data.encode()))
    assert [(1, "missing_field"), (2, post(2))] == short(rows)
    assert rows[0].error is not None and "event_time" in rows[0].error.detail
    assert b'{"number":"1","said":"short","at":null}' == rows[0].raw


def test_a_cell_of_ten_megabytes_is_refused_and_the_next_row_read(write: Write) -> None:
    """Python's own limit for a cell would have ended the file."""
    data = HEAD + line(1, "x" * 10_000_000) + line(2)
    assert [(1, "invalid_field"), (2, post(2))] == short(rows_of(write("a.csv", data.encode())))


def test_a_cell_beyond_all_bounds_is_refused_and_the_next_row_read(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quote that never closes swallows lines up to the bound, no further."""
    monkeypatch.setattr(files, "FIELD_CHARACTERS_MAX", 1000)
    data = HEAD + line(1) + line(2, "y" * 2000) + line(3)
    rows = rows_of(write("a.csv", data.encode()))
    assert [(1, post(1)), (2, "invalid_field"), (3, post(3))] == short(rows)


def test_an_empty_file_lacks_all_columns(write: Write) -> None:
    """It is told as a missing column is, not as success."""
    with pytest.raises(MappingError, match="'at', 'number', 'said'"):
        rows_of(write("a.csv", b""))


def test_json_lines_are_posts_and_feedback(write: Write) -> None:
    """What has a channel is feedback; empty lines do not count as rows but keep the numbers of the file's lines."""
    survey = Feedback(id="f", channel="web", unit_id="store-17", event_time=TIME)
    data = encode(post(1)) + b"\n\n" + encode(survey) + b"\r\n  \n"
    assert [(1, post(1)), (3, survey)] == short(rows_of(write("a.jsonl", data), None))


def test_json_lines_with_a_mapping(write: Write) -> None:
    """Fields of somebody's objects are columns."""
    data = b'{"number": "1", "said": "hello", "at": "%s"}\n{"number": "2"}\n' % format_time(TIME).encode()
    assert [(1, post(1)), (2, "missing_field")] == short(rows_of(write("a.ndjson", data)))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{nope", "not_json"), (b"[]", "invalid_field"), (b"7", "invalid_field"), (b"null", "invalid_field"),
        (b'{"id":"1"}', "missing_field"), (b"\0\0", "not_json"), (b'{"id":"\xff"}', "not_json"),
        (b"[" * 5000, "not_json"),
        (b'{"id":"1","text":"' + b"x" * (RECORD_BYTES_MAX + 1) + b'"}', "too_large"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_bad_json_line_is_told_with_its_bytes(write: Write, bad: bytes, reason: str) -> None:
    """And the lines around it are read."""
    rows = rows_of(write("a.jsonl", b"\n".join([encode(post(1)), bad, encode(post(3))])), None)
    assert [(1, post(1)), (2, reason), (3, post(3))] == short(rows)
    assert bad == rows[1].raw


def test_a_file_that_is_not_packed_is_told(tmp_path: Path) -> None:
    """That is no matter of a row: it is raised."""
    path = tmp_path / "plain.jsonl.gz"
    path.write_bytes(encode(post(1)))
    with pytest.raises(OSError, match="gzip"):
        rows_of(path, None)


def test_a_file_that_is_cut_off_is_told(write: Write) -> None:
    """After the rows that could be read."""
    path = write("cut.jsonl.gz", b"".join(encode(post(number)) + b"\n" for number in range(50_000)))
    path.write_bytes(path.read_bytes()[:-1000])
    rows = read_rows(path, None)
    assert post(0) == next(rows).record
    with pytest.raises(EOFError):
        list(rows)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400), name=st.sampled_from(["a.csv", "a.jsonl", "b.jsonl.gz", "b.csv.gz"]))
def test_whatever_is_in_a_file_it_is_rows(write: Write, data: bytes, name: str) -> None:
    """Each is a record or an error, never both, never neither; numbers rise."""
    head = HEAD.encode() if "csv" in name else b""
    rows = rows_of(write(name, head + data), MAPPING if "csv" in name else None)
    assert all((row.record is None) != (row.error is None) for row in rows)
    assert sorted({row.number for row in rows}) == [row.number for row in rows]
