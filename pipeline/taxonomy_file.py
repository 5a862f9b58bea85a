"""A taxonomy file (TOML) -> one checked document, or a TaxonomyError with everything that is wrong.

A file names departments, aspects (each with a department and with phrases, in the language of `text/phrases.py`) and
severe causes, of which one post alone is enough. Words that many phrases share may be a set with a name. A file may
extend another: then it adds to what stands there. The one rule: whoever wrote the file learns all of its mistakes at
once: where, what is wrong, what to write.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Final, get_args

import msgspec

from pipeline.text.phrases import PatternError, Phrases
from schemas.unit import Unit

LEVELS: Final = ("strong", "phrases", "weak")
"""How sure the phrases of a list are."""
FILE_LENGTH_MAX: Final = 500_000
TOPICS_MAX: Final = 200
"""Aspects and severe causes together."""
PATTERNS_MAX: Final = 10_000
PATTERNS_PER_LIST_MAX: Final = 1_000
EXTENDS_MAX: Final = 8
"""Files that a file may stand on."""
COMMON: Final = "common"

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TEXT_MAX: Final = 500
_NUMBERS: Final = {"weight": (0.1, 10.0), "polarity": (-1.0, 1.0)}
_SEVERITIES: Final = (1, 10)
_SET_NAME: Final = re.compile(r"[a-z_]{1,64}")
_NAMED: Final = re.compile(r"\{([a-z_]*)\}")
_KEYS: Final = (
    "name", "version", "title", "extends", "default", "without", "ignored", "sets", "departments", "aspects", "severe"
)  # fmt: skip
_TOPIC_KEYS: Final = ("title", "department", "recommended_action", "weight", "polarity", *LEVELS)
_SEVERE_KEYS: Final = ("title", "department", "recommended_action", "severity", "announced", "phrases")
_WRITE_NAME: Final = "write small letters, digits and `_`, a letter first, 64 at most"


class TaxonomyError(ValueError):
    """`messages`: everything that is wrong, each a line of its own."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


def shipped() -> list[str]:
    """The names of the industries that there is a taxonomy for."""
    fields = {field.name: field for field in msgspec.structs.fields(Unit)}
    return sorted(get_args(fields["industry"].type))


def shipped_text(name: str) -> str | None:
    """The file of a shipped taxonomy, None where there is none of that name."""
    if name != COMMON and name not in shipped():
        return None
    return files("pipeline").joinpath("taxonomies", f"{name}.toml").read_text("utf-8")


@cache
def shipped_causes() -> frozenset[str]:
    """The names of the severe causes, which all shipped taxonomies share."""
    return frozenset(tomllib.loads(shipped_text(COMMON) or "")["severe"])


def read(text: str, known: Callable[[str], str | None] = shipped_text) -> dict[str, Any]:
    """The text of a file -> one document in its form, with all that the files that it extends say; each key that other
    code asks for is there and is right. `known`: name -> text of those files. Raises TaxonomyError."""
    documents, messages = _chain(text, known)
    if messages:
        raise TaxonomyError(messages)
    whole = _merged(documents)
    messages = [sentence for document in documents for sentence in _unknown_keys(document)]
    messages += _check_whole(whole)
    if messages:
        raise TaxonomyError(messages)
    return whole


def _chain(text: str, known: Callable[[str], str | None]) -> tuple[list[dict[str, Any]], list[str]]:
    """The file and those that it stands on, the deepest last; and what is wrong in them."""
    documents: list[dict[str, Any]] = []
    names: list[str] = []
    messages: list[str] = []
    following: str | None = text
    while following is not None:
        document, wrong = _read(following)
        label = f"in {names[-1]!r}, which it extends: " if names else ""
        messages += [label + sentence for sentence in wrong]
        documents.append(document)
        name, base = document.get("name"), document.get("extends")
        names[-1:] = [name] if not names and isinstance(name, str) else names[-1:]
        if wrong or base is None:
            break
        if base in names:
            circle = " -> ".join([*names[names.index(base) :], base])
            messages.append(f"`extends`: goes in a circle, {circle}; give the file a name of its own or take one out")
            break
        if len(documents) > EXTENDS_MAX:
            messages.append(f"`extends`: more than {EXTENDS_MAX} files on top of each other; write some of them as one")
            break
        names.append(base)
        following = known(base)
        if following is None:
            messages.append(
                f"`extends`: there is no taxonomy {_short(base)}; use one of {', '.join(shipped())}, common"
            )
    return documents, messages


def _read(text: str) -> tuple[dict[str, Any], list[str]]:
    """One file -> its tables and what is wrong with it alone."""
    if len(text) > FILE_LENGTH_MAX:
        return {}, [f"has {len(text)} characters; {FILE_LENGTH_MAX} are allowed"]
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        return {}, [f"this is not TOML: {error}"]
    except RecursionError:
        return {}, ["this is not a taxonomy: its tables are nested too deeply"]
    return document, list(_check(document))


def _check(document: dict[str, Any]) -> Iterator[str]:
    """Names and types, without which the file cannot be put together with those that it extends."""
    for key in ("name", "extends", "default"):
        value = document.get(key)
        if value is None and key == "name":
            yield '`name`: missing; add what it is called in alerts, such as name = "my_shops"'
        elif value is not None and not (isinstance(value, str) and _NAME.fullmatch(value)):
            yield f"`{key}`: {_short(value)} cannot be used; {_WRITE_NAME}"
    version = document.get("version", 1)
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= 2**31:
        yield f"`version`: {_short(version)} cannot be used; write a whole number from 1 on, one more with each change"
    yield from _check_text(document, "title", "")
    yield from _check_list(document, "without", "")
    yield from _check_list(document, "ignored", "")
    yield from _check_sets(document.get("sets", {}))
    departments = document.get("departments", {})
    if not isinstance(departments, dict) or not all(isinstance(title, str) for title in departments.values()):
        yield '`departments`: write a table [departments] with lines such as kitchen = "Kitchen"'
    else:
        for name in departments:
            if not _NAME.fullmatch(name):
                yield f"`departments`: the name {_short(name)} cannot be used; {_WRITE_NAME}"
    for part in ("aspects", "severe"):
        tables = document.get(part, {})
        if not isinstance(tables, dict):
            yield f"`{part}`: write a table for each, such as [{part}.some_name]"
            continue
        for name, table in tables.items():
            if not _NAME.fullmatch(name):
                yield f"`{part}`: the name {_short(name)} cannot be used; {_WRITE_NAME}"
            elif not isinstance(table, dict):
                yield f"`{part}.{name}`: write a table [{part}.{name}] with `department` and `phrases`"
            else:
                yield from _check_topic(table, f"{part}.{name}.")


def _check_sets(sets: Any) -> Iterator[str]:
    if not isinstance(sets, dict) or not all(isinstance(words, str) for words in sets.values()):
        yield '`sets`: write a table [sets] with lines such as drinks = "tea|coffee|beer*"'
        return
    for name, words in sets.items():
        if not _SET_NAME.fullmatch(name):
            yield f"`sets`: the name {_short(name)} cannot be used; write small letters and `_`, 64 at most"
        try:
            Phrases([(_joined(words), None)])
        except PatternError as error:
            yield f"`sets.{name}`: {error}"


def _check_topic(table: dict[str, Any], where: str) -> Iterator[str]:
    for key in ("title", "department", "recommended_action"):
        yield from _check_text(table, key, where)
    for key, (least, most) in _NUMBERS.items():
        number = table.get(key, 1)
        if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number <= most:
            yield f"`{where}{key}`: {_short(number)} cannot be used; write a number from {least:g} to {most:g}"
    severity, (least, most) = table.get("severity", 1), _SEVERITIES
    if isinstance(severity, bool) or not isinstance(severity, int) or not least <= severity <= most:
        yield f"`{where}severity`: {_short(severity)} cannot be used; write a whole number from {least} to {most}"
    if not isinstance(table.get("announced", True), bool):
        yield f"`{where}announced`: {_short(table['announced'])} cannot be used; write true or false"
    for key in LEVELS:
        yield from _check_list(table, key, where)


def _unknown_keys(document: dict[str, Any]) -> Iterator[str]:
    """A key that nobody reads is a slip, and would do nothing unseen."""
    tables: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [("", _KEYS, document)]
    parts: tuple[tuple[str, tuple[str, ...]], ...] = (("aspects", _TOPIC_KEYS), ("severe", _SEVERE_KEYS))
    for part, keys in parts:
        tables += [(f"{part}.{name}.", keys, table) for name, table in document.get(part, {}).items()]
    for where, keys, table in tables:
        for key in table:
            if key not in keys:
                near = get_close_matches(key, keys, 1, 0.7)
                write = f"did you mean `{near[0]}`?" if near else f"write one of {', '.join(keys)}"
                yield f"`{where}{key}`: not known here; {write}"


def _check_text(table: dict[str, Any], key: str, where: str) -> Iterator[str]:
    value = table.get(key, "-")
    if not isinstance(value, str) or not value.strip() or len(value) > _TEXT_MAX:
        yield f"`{where}{key}`: {_short(value)} cannot be used; write a text of 1 to {_TEXT_MAX} characters"


def _check_list(table: dict[str, Any], key: str, where: str) -> Iterator[str]:
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        yield f'`{where}{key}`: write a list of texts, such as ["one", "two"]'
    elif len(values) > PATTERNS_PER_LIST_MAX:
        yield f"`{where}{key}`: has {len(values)} entries; {PATTERNS_PER_LIST_MAX} are allowed"


def _merged(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """From the deepest file up: what a file says replaces what stood there, its phrases are added."""
    whole: dict[str, Any] = {"version": 1, "departments": {}, "aspects": {}, "severe": {}, "ignored": []}
    whole.update(sets={}, unknown=[])
    for document in reversed(documents):
        whole.update({key: document[key] for key in ("name", "title", "default") if key in document})
        whole["version"] = document.get("version", 1)
        whole["departments"] = {**whole["departments"], **document.get("departments", {})}
        for name, words in document.get("sets", {}).items():
            before = whole["sets"].get(name)
            whole["sets"][name] = words if before is None else f"{before}|{words}"
        whole["ignored"] = [*whole["ignored"], *document.get("ignored", [])]
        for part in ("aspects", "severe"):
            topics = {name: dict(table) for name, table in whole[part].items()}
            for name, table in document.get(part, {}).items():
                before = topics.setdefault(name, {})
                lists = {key: [*before.get(key, []), *table.get(key, [])] for key in LEVELS}
                topics[name] = {**before, **table, **lists}
            whole[part] = topics
        for name in document.get("without", []):
            if whole["aspects"].pop(name, None) is None and whole["severe"].pop(name, None) is None:
                whole["unknown"].append(name)
    whole["sets"] = {name: _joined(words) for name, words in whole["sets"].items()}
    return whole


def _check_whole(whole: dict[str, Any]) -> Iterator[str]:
    """What only shows when all files are put together."""
    aspects, severe, departments = whole["aspects"], whole["severe"], whole["departments"]
    if not aspects:
        yield "has no aspects; begin each with a line such as [aspects.wait_time] and give it department and phrases"
    if len(aspects) + len(severe) > TOPICS_MAX:
        yield f"has {len(aspects) + len(severe)} aspects and severe causes; {TOPICS_MAX} are allowed"
    patterns = 0
    for part, topics in (("aspects", aspects), ("severe", severe)):
        for name, table in topics.items():
            department = table.get("department")
            if department is None:
                yield f"`{part}.{name}.department`: missing; write one of {_list(departments)}"
            elif department not in departments:
                yield (
                    f"`{part}.{name}.department`: there is no department {_short(department)}; "
                    f"add it under [departments] or write one of {_list(departments)}"
                )
            count = sum(len(table.get(key, [])) for key in LEVELS)
            patterns += count
            for key in LEVELS:
                for pattern in table.get(key, []):
                    yield from _check_pattern(pattern, whole["sets"], f"{part}.{name}.{key}")
            if not count:
                yield f'`{part}.{name}`: has no phrases; add some, such as phrases = ["too slow", "wait*"]'
    for pattern in whole["ignored"]:
        yield from _check_pattern(pattern, whole["sets"], "ignored")
    if patterns > PATTERNS_MAX:
        yield f"has {patterns} phrases; {PATTERNS_MAX} are allowed"
    default = whole.get("default")
    if default is not None and default not in aspects:
        yield f"`default`: there is no aspect {_short(default)}; write one of {_list(aspects)}"
    for name in whole["unknown"]:
        yield f"`without`: there is no aspect {_short(name)} to leave out; take it out of the list"


def _check_pattern(pattern: str, sets: Mapping[str, str], where: str) -> Iterator[str]:
    """It is in small letters, its sets are there, and it can be read with their words in it."""
    if pattern != pattern.lower():
        yield f"`{where}`: {_short(pattern)} cannot be used; write it in small letters, as all texts are read"
    elif unknown := [name for name in _NAMED.findall(pattern) if name not in sets]:
        yield (
            f"`{where}`: the phrase {_short(pattern)} names {{{unknown[0]}}}, a set that there is not; "
            f"add it under [sets] or write one of {_list(sets)}"
        )
    else:
        try:
            Phrases([(pattern, None)], sets)
        except PatternError as error:
            yield f"`{where}`: {_short(pattern)} cannot be used; {error}"


def _joined(words: str) -> str:
    """The words of a set, which may be written on several lines."""
    return "|".join(words.replace("|", " ").split())


def _list(names: Mapping[str, Any]) -> str:
    return ", ".join(sorted(names)[:30]) or "none are given"


def _short(value: Any) -> str:
    value = str(value)
    return repr(value if len(value) <= 60 else value[:60] + "…")
