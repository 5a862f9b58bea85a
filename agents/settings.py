"""Settings: defaults, then a TOML file, then the environment (`CEM_…`). Checked at start, all at once.

In: an environment and maybe a file. Out: Settings, and for each of them where it came from; or a SettingsError that
names every setting that is wrong. The one rule: a secret is never printed.
"""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS

ENVIRONMENT_PREFIX = "CEM_"
FILE_VARIABLE = "CEM_CONFIG"
LIKENESS_MIN = 0.85
SECRETS = frozenset(("author_key", "sasl_password", "tls_key_password", "web_secret", "postgres"))

Positive = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
HeaderName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}\Z")]
Partitions = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class SettingsError(ValueError):
    """One line for each setting that is wrong."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings. `ABOUT` says what each is; each can be set as `CEM_<NAME>` or in the file."""

    kafka: str = ""
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "cem"
    group: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,200}$")] = "cem"
    instance: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,200}$")] = ""
    stages: Annotated[str, msgspec.Meta(pattern=r"^(enrich|units|rollup)(,(enrich|units|rollup))*$")] = (
        "enrich,units,rollup"
    )
    clock: Literal["wall", "data"] = "wall"
    author_key: str = ""
    model: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    aspect_model: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    taxonomies: Annotated[str, msgspec.Meta(max_length=5000)] = ""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str = ""
    sasl_password: str = ""
    tls_ca_file: str = ""
    tls_cert_file: str = ""
    tls_key_file: str = ""
    tls_key_password: str = ""
    acl_service: Annotated[str, msgspec.Meta(pattern=r"^User:[^{}]*\{service\}[^{}]*$")] = "User:cem-{service}"
    acl_unit: Annotated[str, msgspec.Meta(pattern=r"^User:[^{}]*\{unit\}[^{}]*$")] = "User:unit-{unit}"
    input_partitions: Partitions = 3
    events_partitions: Partitions = 3
    replication_factor: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    tick_seconds: Annotated[float, msgspec.Meta(ge=0.001, le=86_400)] = 10.0
    output_seconds: Positive = 0.1
    checkpoint_seconds: Positive = 1.0
    batch_records_max: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    session_timeout_seconds: Annotated[float, msgspec.Meta(ge=6, le=300)] = 10.0
    false_alerts_per_month: Positive = 0.1
    hold_minutes: Positive = 30.0
    recovery_csat_max: Annotated[int, msgspec.Meta(ge=0, le=5)] = 2
    recovery_nps_max: Annotated[int, msgspec.Meta(ge=-1, le=10)] = 6
    recovery_rating_max: Annotated[float, msgspec.Meta(ge=-1, le=5)] = 2.0
    future_minutes: Positive = HOUR_MS / MINUTE_MS
    past_days: Positive = 30.0
    memory_hours: Positive = 48.0
    memory_entries_max: Annotated[int, msgspec.Meta(ge=1000)] = 500_000
    notify: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    notify_past_hours: Annotated[float, msgspec.Meta(ge=0, le=24 * 365)] = 1.0
    postgres: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    archive_retention_months: Annotated[int, msgspec.Meta(ge=1, le=1200)] = 24
    archive_batch_records_max: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 5000
    archive_batch_seconds: Positive = 1.0
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    metrics_units_max: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 500
    web_host: str = "127.0.0.1"
    web_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8090
    web_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?\Z")] = ""
    web_secret: str = ""
    web_trusted_proxies: Annotated[str, msgspec.Meta(max_length=5000)] = ""
    web_roles: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    web_user_header: HeaderName = "X-Auth-Request-Email"
    web_groups_header: HeaderName = "X-Auth-Request-Groups"
    web_texts: Annotated[int, msgspec.Meta(ge=1000, le=10_000_000)] = 100_000
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"

    @property
    def past_ms(self) -> int:
        return int(self.past_days * DAY_MS)

    @property
    def hold_ms(self) -> int:
        return int(self.hold_minutes * MINUTE_MS)

    @property
    def tick_ms(self) -> int:
        return int(self.tick_seconds * 1000)


ABOUT: dict[str, str] = {
    "kafka": "bootstrap servers, `host:port,host:port`; the demo and `cem kafka` start an embedded one without it",
    "prefix": "what all topics begin with",
    "group": "consumer group of the workers",
    "instance": "a lasting name of this worker in the group (static membership), its own: started again within the "
    "session time-out, it has its partitions back at once and nobody else is disturbed",
    "stages": "what this worker does: `enrich`, `units`, `rollup`; apart, each can have processes of its own",
    "clock": "`wall`: time passes with the leader's clock; `data`: with the ticks that `cem ingest` writes",
    "author_key": "secret that authors' ids are hashed with, at least 16 characters; a worker does not start without",
    "model": "file of `cem train` that scores sentiment instead of the lexicon; read at start: for another stop all "
    "workers, then start them again, so that what is done twice is scored as the first time",
    "aspect_model": "file of `cem train --target aspect` that says the main aspect, where its taxonomy is in force",
    "taxonomies": "files in place of the shipped taxonomies, by industry: `restaurant=ours.toml,retail=shops.toml`",
    "security_protocol": "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    "sasl_mechanism": "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
    "sasl_username": "user for SASL",
    "sasl_password": "password for SASL (secret)",
    "tls_ca_file": "PEM file of the authorities to trust; the system's without it",
    "tls_cert_file": "PEM file of the client's certificate",
    "tls_key_file": "PEM file of the client's key",
    "tls_key_password": "password of the client's key (secret)",
    "acl_service": "what Kafka calls the principal of a service, for `cem acls`; `{service}` stands for its name",
    "acl_unit": "what Kafka calls the principal of a unit's alert consumers, for `cem acls`",
    "input_partitions": "partitions of posts, feedback and texts when topics are created",
    "events_partitions": "partitions of the units' logs when topics are created",
    "replication_factor": "replicas of each topic when topics are created",
    "tick_seconds": "grid of the stream clock",
    "output_seconds": "how long what a worker has made may wait before it is shown, in one transaction with its states",
    "checkpoint_seconds": "how often states and positions are made durable where there is nothing to show",
    "batch_records_max": "records that are worked on in one go",
    "session_timeout_seconds": "after how long without a heartbeat a worker's partitions go to others",
    "false_alerts_per_month": "budget of false alerts per unit and 30 days over everything statistical",
    "hold_minutes": "how long a signal must be gone before its alert is quiet",
    "recovery_csat_max": "a customer who gave a csat up to this and may be contacted gets a case; 0 switches it off",
    "recovery_nps_max": "the same for the nps; -1 switches it off",
    "recovery_rating_max": "the same for the rating; -1 switches it off",
    "future_minutes": "how far ahead of the stream clock an event time may be",
    "past_days": "how far behind the stream clock an event time may be",
    "memory_hours": "how long posts are remembered for their replies, edits, deletes and repeats (stream time)",
    "memory_entries_max": "how many posts are remembered per input partition",
    "notify": "TOML file that says who gets messages about what (`cem notify`)",
    "notify_past_hours": "how far back `cem notify` looks when it is started for the first time; what is older is not "
    "sent",
    "postgres": "the database of the history, `postgresql://user:password@host:port/database` (secret); for `cem "
    "archive` and `cem export`",
    "archive_retention_months": "months of history that are kept, by the stream clock; older ones are dropped whole",
    "archive_batch_records_max": "records that `cem archive` writes in one transaction",
    "archive_batch_seconds": "how long `cem archive` gathers records for a transaction when few come",
    "http_host": "address of /metrics, /live and /ready",
    "http_port": "port of /metrics, /live and /ready; 0 takes a free one",
    "metrics_units_max": "how many units have metrics of their own, in each worker; all others are `other`",
    "web_host": "address of the console (`cem web`)",
    "web_port": "port of the console; 0 takes a free one",
    "web_url": "how people reach the console, `https://cem.example.com`: other hosts are refused; with https, cookies "
    "are for https only",
    "web_secret": "secret that the console signs sessions with, at least 32 characters, the same for all replicas; "
    "`cem web` does not start without",
    "web_trusted_proxies": "addresses or networks of the proxies whose word on who somebody is counts, "
    "`10.0.0.7,10.1.0.0/16`; without it nobody's",
    "web_roles": "TOML file that says which role people and groups have whom the proxy names",
    "web_user_header": "header in which the proxy says who somebody is",
    "web_groups_header": "header in which the proxy says which groups somebody is in",
    "web_texts": "how many of the newest texts the console keeps in memory, beside those of known alerts: as many as "
    "come within the longest time that an alert looks back, a day",
    "log_level": "debug, info, warning or error; at debug a worker writes a line for each post",
    "log_format": "`json`: a JSON object per line; `console`: for people; `auto`: for people in a terminal, else JSON",
}


class Loaded(msgspec.Struct, frozen=True):
    """Settings, and for each where it came from: `default`, the file's path, or the variable's name."""

    settings: Settings
    origins: dict[str, str]


def load(environment: Mapping[str, str], file: Path | None = None, **overrides: Any) -> Loaded:
    """Settings in force. `file` (or `CEM_CONFIG`) is TOML with the names as in Settings; `overrides` are what a
    command was told. Raises SettingsError."""
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.__struct_fields__, "default")
    if file is None and environment.get(FILE_VARIABLE):
        file = Path(environment[FILE_VARIABLE])
    if file is not None:
        for name, value in _read(file).items():
            values[name], origins[name] = value, str(file)
    for name in Settings.__struct_fields__:
        variable = ENVIRONMENT_PREFIX + name.upper()
        if variable in environment:
            values[name], origins[name] = environment[variable], variable
    for name, value in overrides.items():
        if value is not None:
            values[name], origins[name] = value, "command line"
    return Loaded(_check(values, origins), origins)


def misspelt(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variables that look like one of ours and are none, each with the one that it looks like. Others that begin so may
    be somebody else's: Kubernetes sets CEM_WEB_SERVICE_HOST for a service that is called cem-web."""
    ours = [FILE_VARIABLE, *(ENVIRONMENT_PREFIX + name.upper() for name in Settings.__struct_fields__)]
    strangers = [name for name in environment if name.startswith(ENVIRONMENT_PREFIX) and name not in ours]
    return [(name, like[0]) for name in sorted(strangers) if (like := get_close_matches(name, ours, 1, LIKENESS_MIN))]


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from None


def _check(values: dict[str, Any], origins: dict[str, str]) -> Settings:
    """One by one first, so that all mistakes are told at once."""
    wrong = [f"{name} ({origins[name]}): there is no such setting" for name in values if name not in ABOUT]
    for name, value in values.items():
        if name in ABOUT:
            try:
                msgspec.convert({name: value}, Settings, strict=False)
            except msgspec.ValidationError as error:
                choices = get_args(get_type_hints(Settings)[name])
                told = f"{value!r} is none of {', '.join(choices)}" if choices else str(error).partition(" - at")[0]
                wrong.append(f"{name} ({origins[name]}): {told}")
    if wrong:
        raise SettingsError("\n".join(wrong))
    settings = msgspec.convert(values, Settings, strict=False)
    if settings.author_key and len(settings.author_key.encode()) < 16:
        raise SettingsError(f"author_key ({origins['author_key']}): at least 16 characters are needed")
    if settings.web_secret and len(settings.web_secret) < 32:
        raise SettingsError(f"web_secret ({origins['web_secret']}): at least 32 characters are needed")
    if settings.security_protocol.startswith("SASL") and not settings.sasl_username:
        raise SettingsError("sasl_username: needed with a security_protocol of SASL")
    return settings


def shown(settings: Settings, name: str) -> Any:
    """A setting's value as it may be printed."""
    value = getattr(settings, name)
    return "********" if name in SECRETS and value else value
