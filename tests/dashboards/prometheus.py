"""A real Prometheus for tests: Debian's, in a temporary folder on a free port, gone when we are gone.

In: which processes to ask. Out: answers of its HTTP API. The one rule: it runs on the project's own settings and rules;
only addresses and the pace are others.
"""

import json
import shutil
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import yaml

from agents.kafka.guard import Guard
from agents.kafka.node import HOST, free_port

OURS = Path(__file__).parents[2] / "deploy" / "prometheus"
START_SECONDS_MAX = 30.0


class Prometheus:
    """A context manager. `jobs`: name of a job -> ports on this machine; all others are left out."""

    def __init__(self, program: str, jobs: Mapping[str, Sequence[int]], scrape_seconds: int = 1) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cem-prometheus-"))
        self.port = free_port()
        settings = yaml.safe_load((OURS / "prometheus.yml").read_text())
        settings["global"] = dict.fromkeys(("scrape_interval", "evaluation_interval"), f"{scrape_seconds}s")
        del settings["alerting"]
        settings["scrape_configs"] = [
            {"job_name": name, "static_configs": [{"targets": [f"{HOST}:{port}" for port in ports]}]}
            for name, ports in jobs.items()
        ]
        shutil.copy(OURS / "rules.yml", self.folder)
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
        command = [
            program, f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address={HOST}:{self.port}", "--log.level=error",
        ]  # fmt: skip
        self._guard = Guard(command, self.folder / "prometheus.log", self.folder)

    def __enter__(self) -> Self:
        self._guard.ask("start")
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            with suppress(OSError):
                urllib.request.urlopen(f"http://{HOST}:{self.port}/-/ready", timeout=2).close()
                return self
            time.sleep(0.1)
        raise TimeoutError(f"Prometheus does not start:\n{(self.folder / 'prometheus.log').read_text()[-2000:]}")

    def __exit__(self, *_: object) -> None:
        self._guard.stop()

    def ask(self, path: str, **values: object) -> Any:
        """What `/api/v1/<path>` says. Raises AssertionError with its words where it refuses."""
        asked = urllib.parse.urlencode({name: str(value) for name, value in values.items()})
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/api/v1/{path}?{asked}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{values}: {error.read().decode()[:500]}") from None
