"""A units file -> Units. In: TOML with a `[[units]]` table for each unit (and maybe `[defaults]` for all of them), or
JSON: an array, lines, or an object with `units`. Out: the units, or a UnitsFileError with everything that is wrong.

The one rule: whoever wrote the file learns all of it at once: which unit, which key, what is wrong, what to write.
What only shows between units (handles used twice, parents that are missing) is found by `directory_check.check`.
"""

import datetime
import re
import tomllib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final, get_args

import msgspec

from schemas.unit import Unit

_FIELDS: Final = {field.name: field for field in msgspec.structs.fields(Unit)}

_WRITE: Final = {
    "id": "write letters, digits and '-' only, 128 at most, because it becomes a part of a topic's name",
    "name": 'add what people call it, such as name = "Harbour Street"',
    "kind": "write one of " + ", ".join(get_args(_FIELDS["kind"].type)),
    "industry": "write one of " + ", ".join(get_args(_FIELDS["industry"].type)),
    "time_zone": 'add the zone that its clocks show, such as time_zone = "Europe/Berlin"',
    "parent": "write the id of the region or brand above it",
    "position": "write it like position = {latitude = 52.52, longitude = 13.40, radius_m = 150}",
    "opening_hours": 'write them like {day = "mon", opens = "09:00", closes = "18:00"}',
    "holidays": 'write days like "2026-12-25"',
    "closures": 'write them like {first = "2026-08-01", last = "2026-08-14"}',
    "departments": 'write them like {name = "service", acknowledge_within = 30}, times in opening minutes',
    "complaints_a_week": "write how many people usually complain in a week about one unit like this, such as 2.5",
}
"""What to do about a key that is wrong. The others are lists of names."""
_WRITE_NAMES: Final = 'write a list of names, such as ["one", "two"]'


class UnitsFileError(ValueError):
    """`messages`: everything that is wrong, each a line of its own."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


def parse_units(text: str) -> list[Unit]:
    """The text of a units file -> its units, in their order. Raises UnitsFileError."""
    tables, defaults, messages = _read(text.removeprefix("\ufeff"))
    units: list[Unit] = []
    if "id" in defaults:
        messages.append("defaults: `id`: every unit needs an id of its own; take it out of the defaults")
    for number, table in enumerate(tables, start=1):
        if not isinstance(table, dict):
            messages.append(f"unit {number}: is {_kind(table)}; write a table or object with at least id, name, kind")
            continue
        merged = {**defaults, **table}
        wrong = list(_check(merged))
        if not wrong:
            units.append(msgspec.convert(merged, Unit))
        identity = merged.get("id")
        label = (
            f"unit {number} ({identity!r})" if isinstance(identity, str) and len(identity) <= 128 else f"unit {number}"
        )
        messages += [f"{label}: {sentence}" for sentence in wrong]
    if not tables and not messages:
        messages.append("no units; begin each with a line [[units]] and give it at least id, name, kind and time_zone")
    if messages:
        raise UnitsFileError(messages)
    return units


def write_units(units: Iterable[Unit]) -> str:
    """Units -> the text of a units file in TOML. What is as by default is left out."""
    return "\n".join(_table(unit) for unit in units)


def _table(unit: Unit) -> str:
    given = msgspec.to_builtins(unit)
    lines = [f"{key} = {_toml(value)}" for key, value in given.items() if key != "schema_version"]
    return "\n".join(["[[units]]", *lines, ""])


def _toml(value: Any) -> str:
    """A value as TOML writes it in one line. Its texts are those of JSON, where one control character is left."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _read(text: str) -> tuple[list[Any], dict[str, Any], list[str]]:
    """The units, the defaults, and what could not be read. A TOML file may begin with `[` too, but not with `[{`."""
    if re.match(r"\s*(?:\{|\[\s*[{\]])", text):
        return _read_json(text)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [], {}, [f"this is not TOML: {_with_line(text, str(error))}"]
    except RecursionError:
        return [], {}, ["this is not a units file: its tables are nested too deeply"]
    return _parts(_plain(document))


def _read_json(text: str) -> tuple[list[Any], dict[str, Any], list[str]]:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as whole:
        if text.lstrip().startswith("["):
            return [], {}, [f"this is not JSON: {whole}"]
    else:
        if isinstance(document, list):
            return document, {}, []
        return _parts(document) if "units" in document else ([document], {}, [])
    units: list[Any] = []
    messages: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                units.append(msgspec.json.decode(line))
            except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
                messages.append(f"line {number}: is not JSON: {error}; write one unit on each line")
    # If no line is a unit, the file was not meant as lines, and one message says more than one for each line.
    return (units, {}, messages) if units else ([], {}, [f"this is neither JSON nor lines of JSON: {messages[0]}"])


def _parts(document: dict[str, Any]) -> tuple[list[Any], dict[str, Any], list[str]]:
    units, defaults = document.get("units", []), document.get("defaults", {})
    messages: list[str] = []
    if not isinstance(units, list):
        units, messages = [], [f"`units`: is {_kind(units)}; begin each unit with a line [[units]], in double brackets"]
    if not isinstance(defaults, dict):
        defaults, messages = {}, [*messages, f"`defaults`: is {_kind(defaults)}; write a table [defaults]"]
    if others := sorted(set(document) - {"units", "defaults"}):
        names = ", ".join(f"`{name}`" for name in others[:5])
        messages.append(f"{names}: not known here; units stand under [[units]], what they share under [defaults]")
    return units, defaults, messages


def _check(table: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one unit: key by key, so that one mistake does not hide the next."""
    for name, field in _FIELDS.items():
        write = _WRITE.get(name, _WRITE_NAMES)
        if name not in table:
            if field.required:
                yield f"`{name}`: missing; {write}"
            continue
        try:
            msgspec.convert(table[name], field.type)
        except msgspec.ValidationError as error:
            sentence, _, path = str(error).partition(" - at `$")
            path = path.rstrip("`")
            yield f"`{name}{path}`: {_what(_inside(table[name], path), sentence)}; {write}"
    for name in sorted(set(table) - set(_FIELDS)):
        # A key that nobody knows is somebody's own; one that is nearly known is a slip, and would do nothing unseen.
        if near := get_close_matches(name, _FIELDS, 1, 0.8):
            yield f"`{name}`: not known; did you mean `{near[0]}`?"


def _what(value: Any, sentence: str) -> str:
    """msgspec's sentence, without what only a programmer reads."""
    if value == "":
        return "is empty"
    if "enum" in sentence or "matching regex" in sentence:
        return f"{_short(value)} cannot be used"
    return sentence[:1].lower() + sentence[1:].replace("`array`", "a list").replace("`object`", "a table")


def _inside(value: Any, path: str) -> Any:
    """What stands at msgspec's path: `[2].opens`."""
    for place, key in re.findall(r"\[(\d+)\]|\.(\w+)", path):
        value = value[int(place)] if place else value[key]
    return value


def _short(value: Any) -> str:
    value = str(value)
    return repr(value if len(value) <= 60 else value[:60] + "…")


def _kind(value: Any) -> str:
    return {dict: "a table", list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(
        type(value), "a number" if isinstance(value, int | float) else "something else"
    )


def _plain(value: Any) -> Any:
    """TOML has days and times of its own; records have them as text. Written without quotes they mean the same."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, datetime.time) and not value.second:
        return f"{value:%H:%M}"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value


def _with_line(text: str, error: str) -> str:
    """The parser's words, and the line that they are about."""
    found = re.search(r"at line (\d+)", error)
    lines = text.splitlines()
    if not found or int(found[1]) > len(lines):
        return error
    return f"{error}: {_short(lines[int(found[1]) - 1].strip())}"
