"""The console of a demo: an address that is known before it is there, and a token to try it with.

In: nothing; later the settings of a service. Out: a Trial; a process of `cem web`. The one rule: the token is for this
demo only: its record lies in the demo's own Kafka or topics, and ends with the day.
"""

import secrets
import socket
import sys
import time
from typing import NamedTuple

import msgspec

from agents.kafka.writer import Writer
from agents.settings import Settings
from agents.supervisor import Supervisor
from agents.web.tokens import hash_of, new_token
from pipeline.emission import Emission
from schemas.codec import encode
from schemas.time import DAY_MS, Millis
from schemas.token import Token
from schemas.topics import Topics

HOST = "127.0.0.1"


class Trial(NamedTuple):
    """Where the console will be, and who may come in."""

    port: int
    token: str
    token_id: str

    @property
    def address(self) -> str:
        """For a browser on this machine."""
        return f"http://{HOST}:{self.port}"


def trial() -> Trial:
    """A free port and a new token."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return Trial(taken.getsockname()[1], *new_token())


def console_of(settings: Settings, shown: Trial) -> Supervisor:
    """Writes the record of the token; a context manager that runs `cem web`. Raises WriteError."""
    now_ms = int(time.time() * 1000)
    record = Token(
        id=shown.token_id,
        name="demo",
        role="head_office",
        hash=hash_of(shown.token),
        made_by="cem demo",
        made_at=Millis(now_ms),
        expires_at=Millis(now_ms + DAY_MS),
    )
    with Writer(settings) as writer:
        writer.send(Emission(Topics(settings.prefix)("tokens"), record.id.encode(), encode(record)))
    served = msgspec.structs.replace(settings, web_host=HOST, web_port=shown.port, web_secret=secrets.token_hex(32))
    return Supervisor(served, (sys.executable, "-m", "agents.cli", "web"))
