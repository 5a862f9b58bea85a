"""The commands, as a user types them, without Kafka."""

import base64
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from agents.cli.notify import notify
from tests.notify.conftest import MailSink, Receiver

SECRET = "whsec_" + base64.b64encode(b"n" * 24).decode()
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`cem notify COMMAND` over a file with this text."""
    for name in ("CEM_NOTIFY", "CEM_KAFKA", "CEM_CONFIG", "CEM_WEB_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_NOTIFY_SECRET", SECRET)

    def command(text: str, name: str, *arguments: str) -> Result:
        file = tmp_path / "notify.toml"
        file.write_text(text)
        return CliRunner().invoke(notify, [name, str(file), *arguments])

    return command


def webhook(url: str, more: str = "") -> str:
    """A file with one recipient."""
    return (
        f'[[recipients]]\nname = "till"\nkind = "webhook"\nurl = "{url}"\nsecret_env = "TEST_NOTIFY_SECRET"\n{more}\n'
    )


GOOD = webhook("https://till.example.com")


def test_check_says_that_nothing_is_wrong(run: Run) -> None:
    """In words, and for programs."""
    assert (0, True) == ((said := run(GOOD, "check")).exit_code, "1 recipients, nothing wrong" in said.output)
    assert {"recipients": 1, "problems": []} == orjson.loads(run(GOOD, "check", "--json").output)


def test_check_tells_all_that_is_wrong(run: Run) -> None:
    """A line for each mistake, with the file's name, exit code 2, no secret; as JSON too."""
    text = webhook("http://s3cret.example.com", 'severity_min = "high"') + webhook("https://x.example", "units = [17]")
    said = run(text, "check")
    assert (2, 2) == (said.exit_code, len(said.output.splitlines())), said.output
    assert all("notify.toml: recipient" in line for line in said.output.splitlines())
    as_json = run(text, "check", "--json")
    assert (2, 2) == (as_json.exit_code, len(orjson.loads(as_json.output)["problems"]))
    assert "s3cret" not in said.output + as_json.output


def test_check_misses_secrets_and_units(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set (unless it is told not to look), a unit that is not in the units file."""
    monkeypatch.delenv("TEST_NOTIFY_SECRET")
    assert "TEST_NOTIFY_SECRET is not set" in run(GOOD, "check").output
    units = tmp_path / "units.toml"
    units.write_text('[[units]]\nid = "store-17"\nname = "Elm Street"\nkind = "store"\ntime_zone = "UTC"\n')
    for unit, expected in (("store-17", 0), ("store-71", 2)):
        text = webhook("https://till.example.com", f'units = "{unit}"')
        said = run(text, "check", "--no-secrets", "--units", str(units))
        assert (expected, expected == 2) == (said.exit_code, "'store-71' is not in the units file" in said.output)


def test_a_test_message_is_sent_once(run: Run, receiver: Receiver) -> None:
    """It says that it is one, whatever filters and quiet hours say; the others are left alone."""
    quiet = 'severity_min = "critical"\nquiet_hours = {time_zone = "UTC", from = "00:00", to = "23:59"}\n'
    text = webhook(receiver.url(), quiet) + '[[recipients]]\nname = "chat"\nkind = "slack"\nurl_env = "NOT_SET"\n'
    said = run(text, "test", "--recipient", "till", "--json")
    [got] = receiver.received
    assert {"recipient": "till", "message": got.id, "outcome": "delivered", "why": ""} == orjson.loads(said.output)
    assert "cem.test" == orjson.loads(got.body)["type"]
    assert got.id not in run(text, "test", "--recipient", "till").output, "each test is another message"


def test_a_test_message_that_is_not_taken(run: Run, receiver: Receiver) -> None:
    """Exit code 1 and why; a recipient that is not in the file is exit code 2 and who is."""
    receiver.answer = lambda _: web.Response(status=401)
    said = run(webhook(receiver.url()), "test", "--recipient", "till")
    assert (1, True) == (said.exit_code, "till: it refused the message with 401" in said.output)
    unknown = run(GOOD, "test", "--recipient", "tilt")
    assert (2, True) == (unknown.exit_code, "there is no recipient 'tilt'; there are till" in unknown.output)


def test_a_test_mail_goes_to_each_address(run: Run, new_mail_server: Callable[..., MailSink]) -> None:
    """All addresses of the entry."""
    server = new_mail_server()
    text = (
        f'[email]\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nfrom = "cem@acme.example"\n'
        '[[recipients]]\nname = "care"\nkind = "email"\nto = ["a@acme.example", "b@acme.example"]\n'
    )
    assert 0 == run(text, "test", "--recipient", "care").exit_code
    assert [["a@acme.example"], ["b@acme.example"]] == [mail.rcpt_tos for mail in server.sink.mails]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "no Kafka is set"),
        ({"CEM_KAFKA": "127.0.0.1:1"}, "export CEM_NOTIFY=notify.toml"),
        ({"CEM_KAFKA": "127.0.0.1:1", "CEM_NOTIFY": "/nowhere.toml"}, "/nowhere.toml"),
    ],
)
def test_it_does_not_start_where_it_cannot_work(run: Run, environment: dict[str, str], words: str) -> None:
    """One clear line and exit code 2."""
    said = CliRunner().invoke(notify, [], env=environment)
    assert (2, True, 1) == (said.exit_code, words in said.output, len(said.output.splitlines())), said.output
