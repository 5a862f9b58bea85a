"""Which role people have whom a trusted proxy names. In: a TOML file, an e-mail address, groups. Out: a Viewer or None.

    [[people]]
    email = "maria@example.com"
    role = "unit"
    unit_id = "store-17"

    [[people]]
    group = "head-office"
    role = "head_office"

The one rule: who is in no entry has no role. An entry for the person counts before one for a group; of several the
first.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agents.web.access import Viewer, scope_problem
from schemas.token import Role
from schemas.vocabulary import Identifier, ShortText, UnitId


class PeopleError(ValueError):
    """The file of roles cannot be used. The message says where and why."""


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry: a person by `email`, or everybody of a `group`."""

    email: Identifier | None = None
    group: Identifier | None = None
    role: Role
    unit_id: UnitId | None = None
    department: ShortText | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    people: tuple[Person, ...] = ()


class People:
    """All entries."""

    def __init__(self, entries: Iterable[Person] = ()) -> None:
        self._by_email: dict[str, Person] = {}
        self._by_group: dict[str, tuple[int, Person]] = {}
        for place, entry in enumerate(entries):
            if entry.email is not None:
                self._by_email.setdefault(entry.email.casefold(), entry)
            if entry.group is not None:
                self._by_group.setdefault(entry.group, (place, entry))

    def viewer(self, email: str, groups: Iterable[str]) -> Viewer | None:
        """Who this is in the console; None without a role."""
        entry = self._by_email.get(email.casefold())
        if entry is None:
            found = [self._by_group[group] for group in groups if group in self._by_group]
            entry = min(found, key=lambda one: one[0])[1] if found else None
        return None if entry is None else Viewer(email, entry.role, entry.unit_id, entry.department)


def read_people(file: str) -> People:
    """The file's entries; none where no file is set. Raises PeopleError."""
    if not file:
        return People()
    try:
        entries = msgspec.convert(tomllib.loads(Path(file).read_text("utf-8")), _File).people
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PeopleError(f"web_roles: {file}: {error}") from None
    for place, entry in enumerate(entries, 1):
        problem = scope_problem(entry.role, entry.unit_id, entry.department)
        if (entry.email is None) == (entry.group is None):
            problem = "give either email or group"
        if problem is not None:
            raise PeopleError(f"web_roles: {file}: entry {place} ({entry.email or entry.group}): {problem}")
    return People(entries)
