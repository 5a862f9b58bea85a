"""`cem alerts` as a manager at a terminal uses it: act, be told what became of it, read the whole story."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from agents.cli import main
from pipeline.emission import Emission
from schemas.unit import Department, Unit
from tests.broker.conftest import KEY, NewService, Service
from tests.broker.test_way import STORE, post, surge

pytestmark = pytest.mark.broker

ELM = Unit(
    id=STORE.id,
    name=STORE.name,
    kind="store",
    time_zone="UTC",
    handles=STORE.handles,
    departments=(Department(name="service", acknowledge_within=30), Department(name="kitchen")),
)
OAK = Unit(id="store-18", name="Oak Street", kind="store", time_zone="UTC")

Run = Callable[..., Result]


def terminal(service: Service, group: str = "alerts") -> Run:
    """`cem alerts …` (or another group) of somebody who plays history, on the clock of the data."""
    settings = service.settings
    environment = {
        "CEM_KAFKA": settings.kafka, "CEM_PREFIX": settings.prefix, "CEM_CLOCK": "data", "CEM_AUTHOR_KEY": KEY,
        "COLUMNS": "200",
    }  # fmt: skip

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, [group, *arguments], env=environment)

    return run


def alerted(new_service: NewService) -> tuple[Service, Run, str]:
    """A service with one alert about Elm Street, and a terminal."""
    service = new_service()
    service.publish([ELM, OAK])
    worker = service.worker()
    surge(service)
    service.drain(worker)
    return service, terminal(service), service.alerts()[0].alert_id


def test_what_managers_do_is_done_and_told(new_service: NewService, tmp_path: Path) -> None:
    """Each command takes effect and says so; what is refused is refused in words, changes nothing, and exits with 1;
    the same id takes effect once; a case that went to another unit is found there. `show` tells all of it, and the
    audit finds it whole, until somebody changes it."""
    service, run, alert_id = alerted(new_service)

    def did(*arguments: str) -> str:
        done = run(arguments[0], alert_id, *arguments[1:], "--actor", "maria")
        assert done.exit_code == 0, done.output
        return done.stdout.removeprefix(f"{alert_id}: ").strip()

    assert did("ack", "--id", "once", "--note", "I [bold]see[/bold] to it") == "acknowledged; the case is acknowledged"
    assert did("ack", "--id", "once") == "it had been done already; the case is acknowledged"
    assert did("assign", "--to", "jonas") == "assigned to jonas; the case is assigned"
    assert did("comment", "--note", "Call 212-555-0123") == "commented; the case is assigned"
    assert did("snooze", "--until", "4h") == "snoozed; the case is assigned"
    assert did("reply") == "answered; the case is answered"
    refused = run("reroute", alert_id, "--to-unit", "store-99")
    assert (refused.exit_code, refused.stderr) == (1, "refused: there is no such unit\n")
    assert did("reroute", "--to-department", "kitchen") == "rerouted to kitchen; the case is open"
    assert did("reroute", "--to-unit", "store-18") == "rerouted to store-18; the case is open"
    told = did("resolve", "--code", "staff_added", "--we-did", "A second till is open.")
    assert told == "resolved; the case is resolved"
    refused = run("ack", alert_id, "--json")
    assert (refused.exit_code, orjson.loads(refused.stdout)["reason"]) == (1, "not_from_this_state")
    assert "the case has moved on since" in refused.stderr
    assert did("publish") == "published; the case is resolved"
    assert did("reopen") == "reopened; the case is open"
    assert did("dismiss", "--code", "duplicate") == "dismissed; the case is dismissed"

    story = run("show", alert_id)
    assert story.exit_code == 0, story.output
    for words in (
        "Many complaints · Oak Street (store-18)", "customers complain", "X  terrible, rude and dirty @elmstreet",
        "“I [bold]see[/bold] to it”", "“Call [phone]”", "Sent on → store-18, by maria", "More staff put on",
        "“A second till is open.”", "Send on: refused, there is no such unit", "Told elsewhere already",
    ):  # fmt: skip
        assert words in story.stdout, story.stdout
    assert "done already" not in story.stdout

    known = orjson.loads(run("show", alert_id, "--json").stdout)
    assert known["alert"]["work"]["dismissal_code"] == "duplicate"
    assert {one["text"] for one in known["evidence"]} == {post(1).text}
    links = [one for one in known["timeline"] if one["accepted"]]
    assert [one["change"] for one in links if one["change"] != "grown"] == [
        "opened", "acknowledged", "assigned", "commented", "snoozed", "answered", "rerouted", "rerouted", "rerouted",
        "resolved", "published", "reopened", "dismissed",
    ]  # fmt: skip
    numbers = [one["number"] for one in links]
    assert numbers == list(range(1, len(links) + 1))

    audit = terminal(service, "audit")
    whole = audit("verify")
    assert (whole.exit_code, "entries of 1 alert: all as they were written" in whole.stdout) == (0, True), whole.output
    told = orjson.loads(audit("verify", "--alert", alert_id, "--json").stdout)
    assert (told["flaws"], told["ends"][alert_id]["number"]) == ([], len(links))
    (assigned,) = (one for one in links if one["change"] == "assigned")

    exported = tmp_path / "events.jsonl"
    exported.write_text(terminal(service, "topics")("export", service.topics("events")).stdout)
    again = terminal(service, "replay")(str(exported), "--cases").stdout.splitlines()
    written = {record.value.decode() for record in service.records("cases")}
    assert (len(again), {*again}) == (len(written), written), "a replay of the log gives the same history"

    forged = next(record for record in service.records("cases") if b'"change":"assigned"' in record.value)
    service.send(Emission(service.topics("cases"), forged.key, forged.value.replace(b"jonas", b"maria")))
    broken = audit("verify")
    assert (broken.exit_code, f"{alert_id}: entry {assigned['number']}, two contents" in broken.stdout) == (1, True)
    assert "1 flaw" in broken.stdout


def test_a_mistake_is_told_before_anything_is_sent(new_service: NewService) -> None:
    """Exit code 2 and one line: no alert, a time that is none, a note that is too long, nobody to send it to."""
    service = new_service()
    run, alert_id = terminal(service), "store-17-0000000000000000"
    for arguments, word in (
        (("show", alert_id), "no alert 'store-17-0000000000000000'"),
        (("ack", "store-17"), "no id of an alert"),
        (("snooze", alert_id, "--until", "tomorrow"), "--until: 'tomorrow' is not a time"),
        (("reroute", alert_id), "whom is it for?"),
        (("comment", alert_id, "--note", "x" * 100_000), "note"),
        (("resolve", alert_id, "--code", "Gave money back!"), "resolution_code"),
    ):
        refused = run(*arguments)
        assert (refused.exit_code, word in refused.stderr) == (2, True), refused.stderr
        assert len(refused.stderr) < 400
    assert service.records("actions") == []
