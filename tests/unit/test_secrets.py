"""No command prints a secret, whatever goes wrong.

In: recognisable secrets in every secret setting, and a Kafka and a PostgreSQL that refuse. Out: what every command
prints. The one rule: commands are found, not listed, so that a new one is tried, too.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from agents.cli import Commands, main
from agents.settings import SECRETS

PLANTED = "pl4nted"
ALONE = {("kafka",), ("demo",), ("scenario",)}
"""They need none of the secrets, and take long. Their --help is looked at."""
SERVICES = {("web",), ("archive",)}
"""They wait for a Kafka that is away: they are stopped after some seconds."""
SERVICE_SECONDS = 4.0


def leaves() -> list[tuple[str, ...]]:
    """Every command there is, by its words."""
    context, found = click.Context(main), []
    for name in Commands.modules:
        command = main.get_command(context, name)
        if isinstance(command, click.Group):
            found += [(name, sub) for sub in command.commands]
            if command.invoke_without_command:
                found.append((name,))
        else:
            found.append((name,))
    return found


def command_of(words: tuple[str, ...]) -> click.Command:
    """The command of these words."""
    command = main.get_command(click.Context(main), words[0])
    assert command is not None
    return command.commands[words[1]] if len(words) > 1 and isinstance(command, click.Group) else command


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """A server that hangs up on everybody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        over.set()
        thread.join()


@pytest.fixture
def environment(refusing: str, tmp_path: Path) -> dict[str, str]:
    """Each secret is recognisable."""
    secrets = {f"CEM_{name.upper()}": f"{PLANTED}-{name}-0123456789abcdef0123456789" for name in SECRETS}
    secrets["CEM_POSTGRES"] = f"postgresql://cem:{PLANTED}-postgres@{refusing}/cem?connect_timeout=2"
    return {
        **secrets, "CEM_KAFKA": refusing, "CEM_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "CEM_SASL_MECHANISM": "PLAIN",
        "CEM_SASL_USERNAME": "somebody", "CEM_HTTP_PORT": "0", "CEM_WEB_PORT": "0", "HOME": str(tmp_path),
    }  # fmt: skip


def arguments_of(words: tuple[str, ...], tmp_path: Path) -> list[str]:
    """Something for each argument and option that is required."""
    file = tmp_path / "file.toml"
    file.write_text('[[units]]\nid = "a"\nname = "n"\nkind = "store"\ntime_zone = "UTC"\n')
    given = []
    for parameter in command_of(words).params:
        if not parameter.required:
            continue
        if isinstance(parameter.type, click.Path):
            value = str(file if parameter.type.exists else tmp_path / "out")
        elif isinstance(parameter.type, click.Choice):
            value = str(parameter.type.choices[0])
        else:
            value = "1"
        given += [value] if isinstance(parameter, click.Argument) else [parameter.opts[0], value]
    return given


@pytest.mark.parametrize("words", [one for one in leaves() if one not in ALONE | SERVICES], ids=" ".join)
def test_no_command_prints_a_secret(words: tuple[str, ...], environment: dict[str, str], tmp_path: Path) -> None:
    """With all that it needs to fail, at Kafka or before: neither its output nor its error has a secret in it."""
    done = CliRunner().invoke(main, [*words, *arguments_of(words, tmp_path)], env=environment)
    assert PLANTED not in done.output
    assert PLANTED not in repr(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)


def test_no_service_that_waits_prints_a_secret(environment: dict[str, str]) -> None:
    """What services say while Kafka and PostgreSQL refuse them."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "agents.cli", *words],
            env={**os.environ, **environment, "CEM_LOG_LEVEL": "debug"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for words in sorted(SERVICES)
    ]
    time.sleep(SERVICE_SECONDS)
    said = b""
    for process in running:
        process.terminate()
        try:
            said += process.communicate(timeout=20)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            said += process.communicate()[0]
    assert b"cem" in said
    assert PLANTED.encode() not in said


@pytest.mark.parametrize("words", sorted(ALONE))
def test_help_prints_no_secret(words: tuple[str, ...], environment: dict[str, str]) -> None:
    """Defaults are not shown from the environment."""
    assert PLANTED not in CliRunner().invoke(main, [*words, "--help"], env=environment).output


def test_every_secret_setting_is_known() -> None:
    """What sounds like a secret is one: it is masked by `cem settings` and in the logs."""
    from agents.settings import ABOUT

    sounds = {name for name, about in ABOUT.items() if "secret" in about.lower() or "password" in name}
    assert sounds - {"notify"} <= SECRETS


@pytest.mark.parametrize("how", ["too short", "no such setting", "no form"])
def test_a_wrong_secret_is_not_repeated(how: str, environment: dict[str, str], tmp_path: Path) -> None:
    """The sentence about a wrong value names the setting and not the value."""
    file = tmp_path / "settings.toml"
    if how == "too short":
        environment["CEM_AUTHOR_KEY"] = PLANTED
    elif how == "no form":
        environment["CEM_POSTGRES"] = f"{PLANTED} is no address"
    else:
        file.write_text(f'sasl_pasword = "{PLANTED}"\nauthor_key = ["{PLANTED}"]\n')
        environment["CEM_CONFIG"] = str(file)
        del environment["CEM_AUTHOR_KEY"]
    command = "archive" if how == "no form" else "settings"
    done = CliRunner().invoke(main, [command], env=environment)
    assert 2 == done.exit_code
    assert PLANTED not in done.output
