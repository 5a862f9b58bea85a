"""The file that says who gets messages. In: TOML, and an environment for what is secret. Out: Rules, and the secrets of
each recipient; or a NotifyFileError with everything that is wrong.

The one rule: whoever wrote the file learns all of it at once: where, what is wrong, what to do. Secrets stand in the
environment; the file names the variables. No message shows the value of one.
"""

import datetime
import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, get_args
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import msgspec

from pipeline.notify import pagerduty
from pipeline.notify.quiet import Quiet, never_ends
from pipeline.notify.rules import SEVERITIES, MailServer, Recipient, Rules
from pipeline.notify.webhook import key_of
from schemas.alert import AlertChange

_WRITE: Final = {
    "name": 'write who it is, such as name = "harbour-street"',
    "kind": "write webhook, slack, pagerduty or email",
    "url": 'write an address such as url = "https://example.com/hooks/cem"',
    "url_env": "write the name of the environment variable that holds the address, such as CEM_SLACK_URL",
    "secret_env": "write the name of an environment variable, or a list of two while a secret is replaced",
    "password_env": "write the name of the environment variable that holds the password",
    "to": 'write a list of addresses such as ["care@example.com"]',
    "from": 'write the address that mails come from, such as from = "alerts@example.com"',
    "host": 'write the mail server\'s name, such as host = "smtp.example.com"',
    "security": "write starttls, tls or none",
    "units": 'write a list of ids of units, such as ["store-17", "region-west"]',
    "severity_min": f"write one of {', '.join(SEVERITIES)}",
    "changes": f"write some of {', '.join(get_args(AlertChange))}",
    "quiet_hours": 'write {time_zone = "Europe/Berlin", from = "22:00", to = "07:00"}, maybe days = ["sat", "sun"] too',
    "time_zone": 'write the zone that clocks show there, such as "Europe/Berlin"',
    "group_seconds": "write seconds, 0 to 86400",
    "confidential": "write true or false, without quotes",
    "insecure": "write true or false, without quotes",
}
"""What to do about a key that is wrong. The others are lists of names, or numbers."""
_LISTS: Final = ("secret_env", "quiet_hours", "to", "units", "departments", "people", "alertnames", "changes")
"""Keys where one may stand without brackets."""
SECRETS_MAX: Final = 2


class NotifyFileError(ValueError):
    """`messages`: everything that is wrong, each a line of its own."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in the environment for one recipient. Never printed: `repr` is that of any object."""

    url: str = ""
    keys: tuple[bytes, ...] = ()
    routing_key: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Secrets(…)"


def parse_rules(text: str) -> Rules:
    """The text of a file -> its rules. Raises NotifyFileError."""
    try:
        document = _plain(tomllib.loads(text.removeprefix("\ufeff")))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise NotifyFileError([f"this is not TOML: {str(error)[:200]}"]) from None
    wrong = [
        f"`{name}`: not known here; recipients stand under [[recipients]], the mail server under [email]"
        for name in sorted(set(document) - {"recipients", "email"})
    ]
    recipients, more = _recipients(document.get("recipients", []))
    mail, most = _mail_server(document.get("email"))
    wrong += [*more, *most]
    if any(one.kind == "email" for one in recipients) and "email" not in document:
        wrong.append('[email]: missing; a recipient has kind = "email": add it with `host` and `from`')
    if wrong:
        raise NotifyFileError(wrong)
    return Rules(recipients=tuple(each for one in recipients for each in _one_address_each(one)), email=mail)


def secrets_of(rules: Rules, environment: Mapping[str, str]) -> dict[str, Secrets]:
    """A recipient's id -> its secrets. Raises NotifyFileError: a variable that is not set, a secret that is none."""
    wrong: dict[str, None] = {}
    found: dict[str, Secrets] = {}
    for one in rules.recipients:
        try:
            found[one.id] = _secrets(one, rules.email, environment)
        except ValueError as error:
            wrong[f"recipient {one.name!r}: {error}"] = None
    if wrong:
        raise NotifyFileError(list(wrong))
    return found


def _recipients(tables: Any) -> tuple[list[Recipient], list[str]]:
    if not isinstance(tables, list) or not tables:
        return [], ["no recipients; begin each with a line [[recipients]] and give it at least a name and a kind"]
    found: list[Recipient] = []
    wrong: list[str] = []
    for number, table in enumerate(tables, 1):
        name = table.get("name") if isinstance(table, dict) else None
        where = (
            f"recipient {number} ({name!r})" if isinstance(name, str) and len(name) <= 128 else f"recipient {number}"
        )
        sentences = list(_check(table, Recipient))
        if not sentences:
            one = msgspec.convert(_with_lists(table), Recipient)
            sentences = list(_check_recipient(one, found))
            found.append(one)
        wrong += [f"{where}: {sentence}" for sentence in sentences]
    return found, wrong


def _mail_server(table: Any) -> tuple[MailServer | None, list[str]]:
    if table is None:
        return None, []
    wrong = [f"[email]: {sentence}" for sentence in _check(table, MailServer)]
    if wrong:
        return None, wrong
    mail = msgspec.convert(table, MailServer)
    if mail.security == "none" and not mail.insecure and not _is_loopback(mail.host):
        wrong.append("[email]: `security`: mails and password would be readable on the way; write starttls or tls, or "
                     "insecure = true if the way is your own")  # fmt: skip
    if mail.username and mail.password_env is None:
        wrong.append("[email]: `password_env`: missing beside `username`; " + _WRITE["password_env"])
    return mail, wrong


def _check(table: Any, kind: type) -> Iterator[str]:
    """Key by key, so that one mistake does not hide the next."""
    if not isinstance(table, dict):
        yield "is no table; write one key = value on each line"
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    given = _with_lists(table)
    for name, field in fields.items():
        write = _WRITE.get(name, "write it as the README shows")
        if name not in given:
            if field.required:
                yield f"`{name}`: missing; {write}"
            continue
        try:
            msgspec.convert(given[name], field.type)
        except msgspec.ValidationError as error:
            yield f"`{name}`: {_what(str(error))}; {write}"
    for name in sorted(set(table) - set(fields)):
        near = get_close_matches(name, fields, 1, 0.6)
        yield f"`{name[:60]}`: not known" + (f"; did you mean `{near[0]}`?" if near else "; take it out")


def _check_recipient(one: Recipient, before: list[Recipient]) -> Iterator[str]:
    """What only shows between keys. A value of `url` is not repeated: people write secrets into it."""
    if any(one.name == other.name for other in before):
        yield "`name`: stands there twice; give each a name of its own"
    if "/" in one.name or any(ord(char) < 32 or ord(char) == 127 for char in one.name):
        yield "`name`: has a `/` or a control character; take it out"
    if one.url and one.url_env:
        yield "`url`, `url_env`: take one of them out"
    if one.kind in ("webhook", "slack") and not (one.url or one.url_env):
        yield "`url`: missing; " + _WRITE["url" if one.kind == "webhook" else "url_env"]
    if one.url and (problem := address_problem(one.url, one.insecure)):
        yield f"`url`: {problem}"
    if one.kind == "webhook" and not one.secret_env:
        yield "`secret_env`: missing; webhooks are signed: name the environment variable that holds whsec_ and base64"
    if one.kind == "pagerduty" and len(one.secret_env) != 1:
        yield "`secret_env`: write the name of the environment variable that holds the routing key"
    if len(one.secret_env) > SECRETS_MAX:
        yield "`secret_env`: more than two; the new one and the old one are enough"
    if one.kind in ("slack", "email") and one.secret_env:
        yield f"`secret_env`: {one.kind} has none; take it out"
    if one.kind == "email" and (one.url or one.url_env):
        yield "`url`: e-mail goes through the server under [email]; take it out"
    if (one.kind == "email") != bool(one.to):
        yield "`to`: " + ("missing; " + _WRITE["to"] if one.kind == "email" else "is for e-mail; take it out")
    yield from _check_zones("time_zone", {one.time_zone or "UTC"})
    yield from _check_zones("quiet_hours", {stretch.time_zone for stretch in one.quiet_hours})
    yield from _check_quiet(one.quiet_hours)


def _check_zones(field: str, zones: set[str]) -> Iterator[str]:
    for zone in sorted(zones - available_timezones()):
        near = get_close_matches(zone, available_timezones(), 1) or ["Europe/Berlin"]
        yield f"`{field}`: {zone!r} is no time zone; write a name of the IANA database such as {near[0]!r}"


def _check_quiet(stretches: tuple[Quiet, ...]) -> Iterator[str]:
    if len({one.time_zone for one in stretches}) > 1:
        yield "`quiet_hours`: in more than one time zone; write them all in one"
    elif never_ends(stretches):
        yield "`quiet_hours`: never end; leave some hours of the week, or take the recipient out"


def address_problem(url: str, insecure: bool) -> str | None:
    """What is wrong with an address, None if nothing is. It does not repeat the address."""
    try:
        parts = urlsplit(url)
        host, user, _ = parts.hostname or "", parts.username, parts.port
    except ValueError:
        return "is no address; write it like https://example.com/hooks/cem"
    if parts.scheme not in ("https", "http") or not host or any(ord(char) <= 32 for char in url):
        return "is no address; write it like https://example.com/hooks/cem"
    if user is not None:
        return "has a user or password in it; name an environment variable with the whole address as `url_env`"
    if parts.scheme == "http" and not insecure and not _is_loopback(host):
        return "is not encrypted; write https, or insecure = true if the way is your own"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secrets(one: Recipient, mail: MailServer | None, environment: Mapping[str, str]) -> Secrets:
    if one.kind == "email":
        assert mail is not None
        return Secrets(password=_variable(environment, mail.password_env) if mail.password_env else "")
    url = one.url or (_variable(environment, one.url_env) if one.url_env else pagerduty.URL)
    if one.url_env and (problem := address_problem(url, one.insecure)):
        raise ValueError(f"the address in {one.url_env} {problem}")
    if one.kind == "pagerduty":
        return Secrets(url=url, routing_key=_variable(environment, one.secret_env[0]))
    return Secrets(url=url, keys=tuple(_key(environment, name) for name in one.secret_env))


def _key(environment: Mapping[str, str], name: str) -> bytes:
    try:
        return key_of(_variable(environment, name))
    except ValueError as error:
        if name in str(error):
            raise
        raise ValueError(f"the secret in {name} {error}; make one: echo whsec_$(openssl rand -base64 32)") from None


def _variable(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ValueError(f"the environment variable {name} is not set; export it where `cem notify` runs")
    if any(ord(char) < 32 for char in value):
        raise ValueError(f"the value of {name} has a control character in it; write it on one line")
    return value


def _one_address_each(one: Recipient) -> list[Recipient]:
    if one.kind != "email":
        return [one]
    return [msgspec.structs.replace(one, to=(address,)) for address in dict.fromkeys(one.to)]


def _with_lists(table: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [value] if name in _LISTS and isinstance(value, str | dict) else value for name, value in table.items()
    }


def _what(sentence: str) -> str:
    """msgspec's words, without what only a programmer reads; the value is not repeated, for it may be a secret."""
    sentence, _, path = sentence.partition(" - at `$")
    if "matching regex" in sentence or "enum" in sentence:
        said = "cannot be used"
    else:
        said = sentence[:1].lower() + sentence[1:].replace("`array`", "a list").replace("`object`", "a table")
    return f"{said} (at {path.rstrip('`')})" if path else said


def _plain(value: Any) -> Any:
    """TOML has times of its own; written without quotes they mean the same."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, datetime.time):
        return f"{value:%H:%M}"
    return value
