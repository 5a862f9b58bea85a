"""Logs: one line per event worth knowing, as JSON, or for people in a terminal.

In: settings. Out: every logger of the process, also Faust's and aiokafka's, writes to standard error in one format:
`timestamp`, `level`, `logger`, `event`, and what belongs to the event (`extra`). Our own are called `cem.…`.

The one rule: no post's text, nobody's name, no secret. What is logged of a record is where it is and how it is called
(`outputs.py`); libraries never log at level debug, where they would show requests; a secret setting's value is masked
wherever it turns up.
"""

import json
import logging
import sys
from collections.abc import MutableMapping, Sequence
from typing import Any, TextIO

import orjson
import structlog

from agents.settings import SECRETS, Settings

LIBRARIES = {
    "faust": logging.WARNING, "mode": logging.WARNING, "aiokafka": logging.WARNING, "kafka": logging.WARNING,
    "asyncio": logging.WARNING, "aiohttp": logging.WARNING, "psycopg": logging.WARNING,
    "agents": logging.WARNING,  # Faust, of our subclasses
}  # fmt: skip
"""From which level on they are worth reading. At lower ones they tell of every fetch."""

SECRET_LENGTH_MIN = 4
"""What is shorter is not looked for: it would be found in half of all words."""

_HANDLER = "cem"
_configured = False


def configure(
    settings: Settings, stream: TextIO | None = None, quiet: Sequence[str] = (), secrets: Sequence[str] = ()
) -> None:
    """Sets all loggers up. `quiet`: libraries that are to say errors only. `secrets`: what is masked beside the secret
    settings: a piece of one that may turn up alone. To be called again as often as you like."""
    stream = sys.stderr if stream is None else stream
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.set_name(_HANDLER)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # without the values of variables
                Masked((*(getattr(settings, name) for name in SECRETS), *secrets)),
                _renderer(as_json),
            ],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        if old.get_name() == _HANDLER or type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    for name, level in LIBRARIES.items():
        logging.getLogger(name).setLevel(logging.ERROR if name in quiet else max(level, root.level))
    global _configured
    _configured = True


def is_configured() -> bool:
    """Whether this process has a log, and not a person in front of it."""
    return _configured


def _renderer(as_json: bool) -> Any:
    if as_json:
        return structlog.processors.JSONRenderer(serializer=_json)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _json(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=str).decode()
    except TypeError:  # half a character, a number of more than 64 bits: no line is lost for it
        return json.dumps(event, default=str)


class Masked:
    """A processor: the values of secret settings, wherever they turn up, are asterisks."""

    def __init__(self, secrets: Any) -> None:
        self._secrets = sorted({one for one in secrets if len(one) >= SECRET_LENGTH_MIN}, key=len, reverse=True)

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if self._secrets:
            for name, value in event.items():
                if not isinstance(value, int | float | None):
                    event[name] = self.masked(str(value))  # also an error, which would become text later
        return event

    def masked(self, text: str) -> str:
        """A text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "********")
        return text
