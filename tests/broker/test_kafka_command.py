"""`cem kafka` says where Kafka listens, runs until it is told to stop, and ends with one line where it cannot."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agents.kafka.jars import distribution
from tests.broker.outside import PATIENCE_SECONDS, is_gone, topics

pytestmark = pytest.mark.broker


@pytest.fixture(autouse=True, scope="module")
def fetched() -> None:
    """Kafka is in the cache before a test counts time."""
    distribution()


def cem_kafka(*arguments: str) -> subprocess.Popen[str]:
    """As from a terminal: what runs in the background of a script has Ctrl-C switched off, and so have its children."""
    command = "from agents.cli.kafka import kafka; kafka()"
    return subprocess.Popen(
        [sys.executable, "-c", command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_command_runs_until_it_is_told_to_stop(stop: signal.Signals) -> None:
    """`cem kafka --json` prints where it listens, and SIGTERM or Ctrl-C ends it cleanly with exit code 0."""
    command = cem_kafka("--port", "0", "--json")
    try:
        assert command.stdout is not None
        told = json.loads(command.stdout.readline())

        assert set() == topics(told["bootstrap"])

        command.send_signal(stop)
        output, errors = command.communicate(timeout=PATIENCE_SECONDS)
    finally:
        command.kill()

    assert (command.returncode, output, errors) == (0, "", "")
    assert is_gone(told["pid"])
    assert not Path(told["log"]).exists()


def test_command_refuses_a_port_in_use() -> None:
    """A port that somebody holds gives one clear line and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        command = cem_kafka("--port", port)
        output, errors = command.communicate(timeout=PATIENCE_SECONDS)

    assert (command.returncode, output) == (2, "")
    assert len(errors.splitlines()) == 1
    assert f"cannot use port {port}" in errors


def test_command_tells_how_to_use_it() -> None:
    """The help has an example to copy."""
    output, _ = cem_kafka("--help").communicate(timeout=PATIENCE_SECONDS)

    assert "export CEM_KAFKA=127.0.0.1:9092" in output
