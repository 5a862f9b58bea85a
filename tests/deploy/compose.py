"""The compose file, taken apart: its services, and their settings as compose sets them.

In: `docker-compose.kafka.yml`. Out: plain values. Nothing is started, and nothing is set but what must be.
"""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.kafka.yml"
TEXT = FILE.read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
KAFKA, TOPICS, WORKER = (SERVICES[name] for name in ("kafka", "topics", "worker"))
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "social-cem"}
THEIRS = {name: service for name, service in SERVICES.items() if name not in OURS}
RUNNING = [name for name in SERVICES if name not in ("topics", "demo")]
"""They stay; the others do something and end."""
KEY = "a-key-of-thirty-two-letters-or-more"


def interpolated(value: str) -> str:
    """A value as compose sets it where nothing is set but what must be."""
    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", lambda m: KEY if m[2] == "?" else m[3], value).replace("$$", "$")


def environment(service: dict[str, Any]) -> dict[str, str]:
    """The settings of a service that have a value."""
    return {name: interpolated(value) for name, value in service["environment"].items() if value is not None}


def seconds(duration: str) -> int:
    """Of a duration such as "30s"."""
    return int(duration.removesuffix("s"))
