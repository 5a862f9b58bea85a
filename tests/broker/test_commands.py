"""The commands, as a user types them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson
import pytest

from agents.kafka.embedded import EmbeddedKafka
from pipeline.emission import Emission
from schemas.assignment import Assignment, Label
from schemas.codec import Codec, encode
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER
from schemas.time import Millis
from schemas.unit import Unit
from schemas.unrouted import Unrouted
from tests.broker.conftest import KEY, NewService, Service
from tests.broker.test_way import NOON, STORE, insights, post, raw, surge

pytestmark = pytest.mark.broker

PORT = 18_231


def cem(service: Service | None, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in the service's surroundings."""
    given = {"PATH": os.environ["PATH"], "CEM_AUTHOR_KEY": KEY, "HOME": os.environ.get("HOME", "/")}
    if service is not None:
        settings = service.settings
        given |= {"CEM_KAFKA": settings.kafka, "CEM_PREFIX": settings.prefix, "CEM_GROUP": settings.group}
    command = [sys.executable, "-m", "agents.cli", *map(str, arguments)]
    return subprocess.run(
        command, env={**given, **environment}, capture_output=True, text=True, timeout=280, check=False
    )


def test_demo_once_processes_everything_and_leaves_nothing_running(tmp_path: Path) -> None:
    """`cem demo --once --json`: exit code 0, the summary is the last line, every planted incident is alerted, and
    managers bring alerts into every state in which people can bring them, some in time and some not."""
    done = cem(None, "demo", "--once", "--json", "--hours", 40)
    assert done.returncode == 0, done.stderr
    summary = orjson.loads(done.stdout.splitlines()[-1])
    assert {
        "posts_in", "insights", "alerts", "states", "changes", "actions", "deadlines", "dead_letters",
        "incidents_planted", "incidents_alerted", "seconds",
    } == summary.keys()  # fmt: skip
    assert summary["posts_in"] > 1000 < summary["insights"]
    assert summary["incidents_planted"] == summary["incidents_alerted"] > 0
    assert summary["dead_letters"] == 0
    assert {"open", "acknowledged", "assigned", "answered", "resolved", "dismissed"} == summary["states"].keys()
    assert {"rerouted", "snoozed", "escalated", "deadline_warning", "published"} <= summary["changes"].keys()
    assert summary["actions"]["accepted"] > 4 * summary["actions"]["refused"]
    assert min(summary["deadlines"].values()) > 0


def test_demo_shows_the_console_before_anything_else(tmp_path: Path) -> None:
    """The first line is an address, the second a token that opens it; Ctrl-C ends all of it."""
    command = [sys.executable, "-m", "agents.cli", "demo", "--seconds", "1", "--hours", "36"]
    with (tmp_path / "out").open("wb+") as out:
        running = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test process may ignore it
        )
        try:
            while (tmp_path / "out").read_text().count("\n") < 2:
                time.sleep(0.1)
                assert running.poll() is None
            shown = (tmp_path / "out").read_text().splitlines()
            assert [line.split()[0] for line in shown[:2]] == ["console", "token"]
            address, token = shown[0].split()[1].removesuffix("/login"), shown[1].split()[1]
            request = Request(f"{address}/api/v1/alerts", headers={"Authorization": f"Bearer {token}"})
            found, deadline = [], time.monotonic() + 120
            while not found and time.monotonic() < deadline:
                time.sleep(0.5)
                with suppress(OSError), urlopen(request, timeout=5) as answer:
                    found = orjson.loads(answer.read())["alerts"]
            assert found, (tmp_path / "out").read_text()
        finally:
            os.killpg(running.pid, signal.SIGINT)
            assert running.wait(60) == 130
        with pytest.raises(OSError, match="refused"):
            urlopen(f"{address}/login", timeout=5)


def test_topics_apply_twice(new_service: NewService) -> None:
    """What is there is left alone; what is missing is told by --check with exit code 1 and made by apply."""
    service = new_service()
    assert orjson.loads(cem(service, "topics", "apply", "--json").stdout) == {"created": [], "problems": []}
    elsewhere = cem(service, "topics", "apply", "--check", CEM_PREFIX="nowhere")
    assert (elsewhere.returncode, "topic nowhere.posts is missing" in elsewhere.stderr) == (1, True)


def test_a_worker_does_not_start_where_it_cannot_work(new_service: NewService) -> None:
    """Without a key for the authors, without Kafka, without topics: one clear line and exit code 2."""
    service = new_service()
    for environment, word in (
        ({"CEM_AUTHOR_KEY": ""}, "CEM_AUTHOR_KEY"),
        ({"CEM_PREFIX": "nowhere"}, "cem topics apply"),
        ({"CEM_KAFKA": ""}, "CEM_KAFKA"),
        ({"CEM_TICK_SECONDS": "soon"}, "tick_seconds"),
    ):
        refused = cem(service, "run", **environment)
        assert (refused.returncode, word in refused.stderr) == (2, True), refused.stderr
        assert "Traceback" not in refused.stderr


def test_units_check_tells_all_mistakes(tmp_path: Path) -> None:
    """Duplicate handles, a cycle, a missing time zone and an id that no topic can have are refused, each by name."""
    unit = '[[units]]\nid = "{}"\nname = "n"\nkind = "store"\ntime_zone = "UTC"\n'
    mistakes = {
        "@one": unit.format("a") + 'handles = ["@one"]\n' + unit.format("b") + 'handles = ["@One"]\n',
        "back to itself": unit.format("a") + 'parent = "b"\n' + unit.format("b") + 'parent = "a"\n',
        "time_zone": '[[units]]\nid = "a"\nname = "n"\nkind = "store"\n',
        "store.17": unit.format("store.17"),
    }
    for word, text in mistakes.items():
        file = tmp_path / "units.toml"
        file.write_text(text)
        refused = cem(None, "units", "check", file)
        assert (refused.returncode, word in refused.stderr) == (2, True), refused.stderr


def test_ingest_tells_a_missing_column_and_keeps_bad_rows(new_service: NewService, tmp_path: Path) -> None:
    """A column that is not there is one clear line; a row that cannot be read is a dead letter, the others are sent."""
    service = new_service()
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        'record = "post"\n[columns]\nid = "n"\ntext = "t"\nevent_time = "at"\n[constants]\nnetwork = "x"\n'
    )
    file = tmp_path / "posts.csv"
    file.write_text("n,t\n1,hello\n")
    refused = cem(service, "ingest", file, "--map", mapping)
    assert (refused.returncode, "'at'" in refused.stderr) == (2, True)
    big = "x" * 10_000_000
    file.write_text(f"n,t,at\n1,good,2026-03-02T12:00:00Z\n2,{big},2026-03-02T12:00:00Z\n3,bad,yesterday\n")
    done = cem(service, "ingest", file, "--map", mapping, "--json")
    summary = orjson.loads(done.stdout)
    assert (summary["sent"], summary["refused"]) == (1, 2)
    listed = cem(service, "deadletters", "list", "--json").stdout.splitlines()
    assert {2, 3} == {orjson.loads(line)["source"]["offset"] for line in listed}


def test_dead_letters_are_sent_again(new_service: NewService) -> None:
    """After the cause is mended, `deadletters replay` sends the original bytes to where they came from."""
    service = new_service(past_days=1)
    service.publish([STORE])
    worker = service.worker()
    surge(service, 1)
    service.send(raw(service, b"{broken"))
    service.drain(worker)
    shown = orjson.loads(cem(service, "deadletters", "replay", "--reason", "not_json").stdout)
    assert shown == {"sent": 0, "could_be_sent": 1, "left": 0}
    assert orjson.loads(cem(service, "deadletters", "replay", "--reason", "not_json", "--yes").stdout)["sent"] == 1
    assert [record.value for record in service.records("posts") if record.value == b"{broken"] == [b"{broken"] * 2


def test_alerts_ack_and_resolve_tell_what_became_of_them(new_service: NewService) -> None:
    """The command waits for the service's answer: done, or refused with the reason and exit code 1."""
    service = new_service()
    service.publish([STORE])
    worker = service.worker()
    surge(service)
    service.drain(worker)
    alert_id = service.alerts()[0].alert_id
    assert "is acknowledged" in cem(service, "alerts", "ack", alert_id, "--actor", "maria").stdout
    again = cem(service, "alerts", "ack", alert_id)
    assert (again.returncode, "the case has moved on" in again.stderr) == (1, True)
    assert "is resolved" in cem(service, "alerts", "resolve", alert_id, "--code", "refunded").stdout
    unknown = cem(service, "alerts", "ack", "store-17-0000000000000000")
    assert (unknown.returncode, "there is no such alert" in unknown.stderr) == (1, True)
    tail = cem(service, "alerts", "tail", "--unit", "store-17", "--once").stdout
    assert "opened" in tail and "acknowledged" in tail and "resolved" in tail


def test_a_person_decides_what_found_no_unit(new_service: NewService) -> None:
    """`unrouted list` shows what waits, with candidates and text; `unrouted assign` sends it its way, once; what is
    decided is listed no more; a mistake is one clear line."""
    service = new_service(input_partitions=2)
    twins = [Unit(id=f"mall-{side}", name=side, kind="store", time_zone="UTC", aliases=("The Mall",)) for side in "ab"]
    service.publish([STORE, *twins])
    worker = service.worker()
    service.ingest([post(1, text="rude people at the mall, call 212-555-0123"), post(2, text="nothing at all")])
    service.drain(worker)

    listed = [orjson.loads(line) for line in cem(service, "unrouted", "list", "--json").stdout.splitlines()]
    assert {(one["id"], one["reason"], one["text"]) for one in listed} == {
        ("x:p1", "ambiguous", "rude people at the mall, call [phone]"), ("x:p2", "no_clue", "nothing at all")
    }  # fmt: skip
    (ambiguous,) = cem(service, "unrouted", "list", "--json", "--reason", "ambiguous").stdout.splitlines()
    assert [one["unit_id"] for one in orjson.loads(ambiguous)["candidates"]] == ["mall-a", "mall-b"]
    table = cem(service, "unrouted", "list", "--limit", 1, COLUMNS="200").stdout
    assert ("1 of 2" in table, table.count("x:p")) == (True, 1)

    for identity, unit_id, word in (("x:p1", "mall-c", "'mall-"), ("x:p9", "mall-a", "'x:p9'")):
        refused = cem(service, "unrouted", "assign", identity, unit_id)
        assert (refused.returncode, word in refused.stderr) == (2, True), refused.stderr

    assert cem(service, "unrouted", "assign", "x:p1", "mall-b", "--actor", "maria").stdout == "x:p1 is about mall-b\n"
    again = cem(service, "unrouted", "assign", "x:p1", "mall-a")
    assert (again.returncode, "does not wait" in again.stderr) == (2, True)
    (left,) = cem(service, "unrouted", "list", "--json").stdout.splitlines()
    assert orjson.loads(left)["id"] == "x:p2"
    service.send(raw(service, encode(post(3, text="so true", kind="reply", in_reply_to="p1", root_id="p1")), b"p1"))
    service.drain(worker)
    assert [(one.id, one.unit_id, one.routing.rule) for one in insights(service)] == [
        ("x:p1", "mall-b", "person"), ("x:p3", "mall-b", "thread")
    ]  # fmt: skip
    assert [one.actor for one in service.values("labels", Codec[Label](Label))] == ["maria"]


def test_a_refused_decision_is_sent_again(new_service: NewService) -> None:
    """An assignment to a unit that comes later is a dead letter; replayed it takes effect where the post came from."""
    service = new_service(input_partitions=2)
    service.publish([STORE])
    worker = service.worker()
    service.ingest([post(1, text="nothing at all")])
    service.drain(worker)
    (waiting,) = service.values("unrouted", Codec[Unrouted](Unrouted))
    decided = Assignment(unit_id="new-place", actor="maria", event_time=Millis(NOON), unrouted=waiting)
    source, headers = waiting.insight.source, ((CONTROL_HEADER, CONTROL_ASSIGNMENT),)
    service.send(Emission(source.topic, b"x:p1", encode(decided), source.partition, headers))
    service.drain(worker)
    assert orjson.loads(cem(service, "deadletters", "replay").stdout)["could_be_sent"] == 1

    service.publish([Unit(id="new-place", name="New", kind="store", time_zone="UTC")])
    assert orjson.loads(cem(service, "deadletters", "replay", "--reason", "unknown_unit", "--yes").stdout)["sent"] == 1
    service.drain(worker)
    assert [(one.id, one.unit_id) for one in insights(service)] == [("x:p1", "new-place")]
    assert cem(service, "unrouted", "list", "--json").stdout == ""


def get(path: str) -> tuple[int, str]:
    """Status and body of a page of the worker."""
    try:
        with urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_health_and_metrics(new_service: NewService) -> None:
    """/live and /ready answer, /metrics shows what the worker does; when Kafka is gone the worker lives and is not
    ready, and says why."""
    with EmbeddedKafka() as broker:
        service = new_service(kafka=broker.bootstrap, http_port=PORT)
        service.publish([STORE])
        worker = service.worker()
        service.send(raw(service, encode(post(1))))
        service.drain(worker)
        assert get("/live") == (200, "live\n")
        assert get("/ready") == (200, "ready\n")
        status, page = get("/metrics")
        assert status == 200
        assert f'cem_records_in_total{{topic="{service.topics("posts")}"}}' in page
        assert "cem_ready 1.0" in page
        broker.kill()
        deadline = time.monotonic() + 30
        while get("/ready")[0] == 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert get("/ready") == (503, "cut off from Kafka\n")
        assert get("/live") == (200, "live\n")


def test_score_reads_lines_json_and_csv(tmp_path: Path) -> None:
    """One JSON object for each text, with the fields that the design names."""
    command = [sys.executable, "-m", "agents.cli", "score"]
    given = 'rude and terrible\n{"text": "wunderbar", "language": "de"}\n'
    out = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=60).stdout
    first, second = map(orjson.loads, out.splitlines())
    assert (first["label"], first["abstained"]) == ("negative", False)
    assert {
        "compound", "label", "confidence", "aspects", "emotion", "language", "abstained", "suspicion"
    } <= first.keys()  # fmt: skip
    assert (second["label"], second["abstained"]) == ("neutral", True)
    file = tmp_path / "reviews.csv"
    file.write_text("a,text\n1,lovely place\n")
    done = cem(None, "score", file, "--column", "text")
    assert orjson.loads(done.stdout)["label"] == "positive"
    assert cem(None, "score", file, "--column", "nope").returncode == 2


def test_settings_mask_secrets() -> None:
    """`cem settings` shows every setting with its origin, and no secret."""
    shown = orjson.loads(cem(None, "settings", "--json", CEM_SASL_PASSWORD="hush", CEM_SASL_USERNAME="u").stdout)
    assert (shown["sasl_password"]["value"], shown["sasl_password"]["origin"]) == ("********", "CEM_SASL_PASSWORD")
    assert shown["clock"]["origin"] == "default"
