"""Kafka's ACLs: what `schemas/rights.py` wants, brought to a broker.

In: rights, and how principals are called. Out: what is missing; what is there and ours but not wanted.
The rule: `apply` adds only, and twice is as good as once; only `prune` removes, and only what allows one of our own
principals something about a name under our prefix.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.errors import AuthorizationError, KafkaError, SecurityDisabledError

from agents.kafka.admin import AdminError
from agents.kafka.reach import UnreachableError, connect, sentence
from agents.settings import Settings
from schemas.rights import CLUSTER, SERVICES, Right

AT_ONCE = 1000
"""The controller takes up to 10,000 changes in one request."""

UNIT_ID = r"[A-Za-z0-9-]+"

Done = Callable[[int], None]


class NoAuthorizerError(AdminError):
    """This Kafka checks no rights."""


class NotAllowedError(AdminError):
    """Who asks may not read or change ACLs."""


class Principals:
    """`service` has `{service}` in it, `unit` has `{unit}`: `User:cem-{service}`, `User:unit-{unit}`."""

    def __init__(self, settings: Settings) -> None:
        self._service, self._unit = settings.acl_service, settings.acl_unit
        known = "|".join(map(re.escape, SERVICES))
        self._ours = re.compile(
            f"(?:{_pattern(self._service, 'service', known)})|(?:{_pattern(self._unit, 'unit', UNIT_ID)})"
        )

    def of(self, who: str) -> str:
        """The principal of a service or of `unit:<id>`."""
        kind, _, unit_id = who.partition(":")
        if kind == "unit" and unit_id:
            return self._unit.replace("{unit}", unit_id)
        return self._service.replace("{service}", who)

    def ours(self, principal: str) -> bool:
        """Whether it is called as our services and units are."""
        return self._ours.fullmatch(principal) is not None

    def clashes(self, rights: Iterable[Right]) -> list[str]:
        """Principals that two of us would share, one sentence each."""
        owners: dict[str, str] = {}
        wrong = {}
        for right in rights:
            principal = self.of(right.who)
            owner = owners.setdefault(principal, right.who)
            if owner != right.who:
                wrong[principal] = f"{principal} would be both {owner} and {right.who}; change acl_service or acl_unit"
        return list(wrong.values())


def _pattern(text: str, name: str, regex: str) -> str:
    before, _, after = text.partition("{" + name + "}")
    return f"{re.escape(before)}(?:{regex}){re.escape(after)}"


class Acls:
    """A context manager around kafka-python's client. Every method raises AdminError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._principals = Principals(settings)
        self._client: Any = None
        self._names = (f"{settings.prefix}.", f"{settings.prefix}-", f"{settings.group}-{settings.prefix}.")

    def __enter__(self) -> "Acls":
        try:
            self._client = connect(self._settings, KafkaAdminClient, client_id="cem-acls")
        except UnreachableError as error:
            raise AdminError(str(error)) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def there(self) -> set[ACL]:
        """All ACLs of this Kafka."""
        every = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
        with _Told(self._settings):
            found, _ = self._client.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, every))
        return set(found)

    def missing(self, rights: Iterable[Right], there: Collection[ACL]) -> list[Right]:
        """Those that are not there."""
        return [right for right in rights if self._acl(right) not in there]

    def add(self, rights: list[Right], done: Done = lambda count: None) -> None:
        """Adds rights; `done` is told how many with each step."""
        for part in _parts(rights, AT_ONCE):
            with _Told(self._settings):
                for refused in self._client.create_acls([self._acl(right) for right in part])["failed"]:
                    raise refused
            done(len(part))

    def unwanted(self, rights: Iterable[Right], there: Iterable[ACL]) -> list[ACL]:
        """What allows our own principals something about our own names, and is not wanted."""
        wanted = {self._acl(right) for right in rights}
        return [acl for acl in there if acl not in wanted and self._is_ours(acl)]

    def remove(self, acls: list[ACL], done: Done = lambda count: None) -> None:
        """Removes what `unwanted` gave."""
        for part in _parts(acls, AT_ONCE):
            filters = [
                ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, _filter(acl)) for acl in part
            ]
            with _Told(self._settings):
                for refused in [error for _, _, error in self._client.delete_acls(filters) if error.errno]:
                    raise refused
            done(len(part))

    def _is_ours(self, acl: ACL) -> bool:
        name = acl.resource_pattern.resource_name
        ours = name == CLUSTER or name == self._settings.group or name.startswith(self._names)
        return ours and acl.permission_type is ACLPermissionType.ALLOW and self._principals.ours(acl.principal)

    def _acl(self, right: Right) -> ACL:
        return ACL(
            self._principals.of(right.who),
            "*",
            ACLOperation[_snake(right.operation)],
            ACLPermissionType.ALLOW,
            ResourcePattern(
                ResourceType[right.resource.upper().replace("-", "_")],
                right.name,
                ACLResourcePatternType.PREFIXED if right.prefixed else ACLResourcePatternType.LITERAL,
            ),
        )


def line(principals: Principals, right: Right) -> str:
    """As `kafka-acls.sh` takes it."""
    resource = "--cluster" if right.resource == "cluster" else f"--{right.resource} {right.name}"
    kind = "prefixed" if right.prefixed else "literal"
    return (
        f"--add --allow-principal {principals.of(right.who)} --operation {right.operation} {resource} "
        f"--resource-pattern-type {kind}"
    )


def _snake(operation: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).upper()


def _filter(acl: ACL) -> ResourcePatternFilter:
    pattern = acl.resource_pattern
    return ResourcePatternFilter(pattern.resource_type, pattern.resource_name, pattern.pattern_type)


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


class _Told:
    """Kafka's errors as AdminErrors that say what to do."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: Any, error: Any, __: Any) -> None:
        if isinstance(error, SecurityDisabledError):
            raise NoAuthorizerError(
                "this Kafka checks no rights: it has no authorizer (`authorizer.class.name` in its settings)"
            ) from None
        if isinstance(error, AuthorizationError):
            raise NotAllowedError(
                f"{self._settings.sasl_username or 'this client'} may not read or change ACLs: do it as a super "
                "user of this Kafka (`super.users` in its settings)"
            ) from None
        if isinstance(error, KafkaError):
            raise AdminError(f"ACLs: {sentence(self._settings, error)}") from None
