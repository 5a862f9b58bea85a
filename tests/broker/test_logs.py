"""Logs: JSON lines that follow a post through, and in which nothing stands that a customer wrote, and no secret."""

import io
import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from agents import logs
from agents.logs.outputs import Outputs
from agents.settings import load
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from schemas.action import Action
from schemas.codec import encode
from schemas.feedback import Feedback
from schemas.post import Author, Post
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from schemas.topics import Topics
from tests.broker.conftest import KEY, NewService
from tests.broker.test_way import NOON, STORE, raw

PLANTED = re.compile(rb"(?i)pl[4a]nted|gonzalez|script|555-0199|evil|" + KEY.encode())
"""What must not be in any line: each hostile field below has one of these words."""


def hostile(number: int) -> Post:
    """All that is free to choose is chosen badly; the ids, too."""
    author = Author(id=f"evil-{number}@pl4nted.example", handle=f"@PLANTED{number}")
    mail = "maria.gonzalez@planted.example"
    return Post(
        id=f"planted/{number}@evil", network="x", author=author, event_time=Millis(NOON + number * MINUTE_MS),
        text=f"rude <script>planted</script> @elmstreet mail {mail} 212-555-0199 \n{{}} {number}",
        url=f"https://planted.example/{number}", root_id=f"planted-root {number}",
    )  # fmt: skip


def lines_of(worker: Supervisor) -> list[Any]:
    """Every line of its log; none that is no JSON object."""
    lines = worker.log.read_bytes().splitlines()
    assert [] == [line for line in lines if not line.startswith(b"{")]
    return [orjson.loads(line) for line in lines]


@pytest.mark.broker
def test_a_worker_tells_where_and_not_what(new_service: NewService) -> None:
    """Hostile texts, handles, addresses, ids, actors and notes, also in what is refused: not a word of them in the log,
    even at level debug. Each line is JSON. One post can be followed: where it came in, whose log it went into, its
    alert; an action by its id."""
    service = new_service(log_level="debug", past_days=2)
    service.publish([STORE])
    worker = service.worker()
    quiet = [Post(id=f"q{day}", network="x", text="fine @elmstreet", event_time=Millis(NOON - day * 24 * HOUR_MS))
             for day in (1, 2)]  # fmt: skip
    service.ingest([*quiet, *(hostile(number) for number in range(12))])
    feedback = Feedback(id="planted f@evil", channel="web", unit_id="store-17", csat=1, text="planted: call Gonzalez",
                        customer_ref="gonzalez", contact_consent=True, event_time=Millis(NOON + HOUR_MS))  # fmt: skip
    service.send(
        raw(service, b'{"planted": evil'),
        raw(service, encode(hostile(99)).replace(b'"event_time":"2026', b'"event_time":"1999')),
        Emission(service.topics("feedback"), b"f", encode(feedback)),
    )
    service.drain(worker)
    alert = service.alerts()[0]
    for action_id in ("act-77", "planted <script>"):
        action = Action(id=action_id, alert_id=alert.alert_id, unit_id="store-17", action="acknowledge",
                        actor="maria gonzalez", note="planted note", event_time=Millis(time.time() * 1000))  # fmt: skip
        service.send(Emission(service.topics("actions"), b"store-17", encode(action)))
    service.drain(worker)

    log = worker.log.read_bytes()
    assert [] == PLANTED.findall(log), [line for line in log.splitlines() if PLANTED.search(line)][:3]
    lines = lines_of(worker)
    assert all({"timestamp", "level", "logger", "event"} <= line.keys() for line in lines)
    posts = service.topics("posts")
    insights = [line for line in lines if line["event"] == "insight" and line["topic"] == posts]
    assert {"store-17"} == {line["unit"] for line in insights}
    assert {
        record.offset for record in service.records("posts") if b'"id":"planted/3@evil"' in (record.value or b"")
    } & {line["offset"] for line in insights}
    assert alert.alert_id in {line["alert_id"] for line in lines if line["event"] == "alert"}
    reasons = {line["reason"] for line in lines if line["event"] == "dead letter"}
    assert {"not_json", "past"} <= reasons
    actions = {line["action_id"] for line in lines if line["event"] == "case"}
    assert {"act-77", "(not shown)"} <= actions
    assert {"worker starts", "partition taken over"} <= {line["event"] for line in lines}
    assert {"vader+care/1"} == {line["model"] for line in lines if line["event"] == "worker starts"}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where logs go; afterwards all is as it was."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    yield io.StringIO()
    root.setLevel(before[0])
    for handler in list(root.handlers):
        if handler not in before[1]:
            root.removeHandler(handler)
    logs._configured = False


def configured(stream: io.StringIO, **settings: Any) -> None:
    """Logs into the stream."""
    logs.configure(load({}, None, **settings).settings, stream)


class TestConfigure:
    def test_secrets_are_masked(self, stream: io.StringIO) -> None:
        """In the message, in what belongs to it, and in the words of an exception, whoever logs it."""
        configured(stream, sasl_password="hunter-22", author_key=KEY)
        try:
            raise OSError("cannot log in with hunter-22")
        except OSError:
            logging.getLogger("aiokafka.conn").exception("connecting with %s", "hunter-22", extra={"where": KEY})
        (line,) = stream.getvalue().splitlines()
        assert "hunter-22" not in line and KEY not in line
        assert "connecting with ********" == orjson.loads(line)["event"]
        assert "OSError" in orjson.loads(line)["exception"]

    def test_secrets_are_masked_in_what_becomes_text_later(self, stream: io.StringIO) -> None:
        """An error or a list beside the message is written as text, too."""
        configured(stream, sasl_password="hunter-22")
        said = {"error": OSError("hunter-22 is wrong"), "tried": ["hunter-22"], "tries": 3, "next": None}
        logging.getLogger("cem.x").warning("refused", extra=said)
        (line,) = stream.getvalue().splitlines()
        assert "hunter-22" not in line
        assert ("******** is wrong", 3, None) == tuple(orjson.loads(line)[name] for name in ("error", "tries", "next"))

    @pytest.mark.parametrize("value", ["half a character: \udce9", 2**70])
    def test_no_line_is_lost_for_what_json_does_not_take(self, stream: io.StringIO, value: Any) -> None:
        """Python would write the line's words to standard error instead, as they are: no JSON, and not masked."""
        configured(stream)
        logging.getLogger("cem.x").warning("odd", extra={"value": value})
        (line,) = stream.getvalue().splitlines()
        assert value == json.loads(line)["value"]

    def test_libraries_do_not_tell_of_requests(self, stream: io.StringIO) -> None:
        """At our level debug theirs is still warning."""
        configured(stream, log_level="debug")
        for name in ("aiokafka.conn", "kafka.conn", "faust.transport", "mode.worker"):
            logging.getLogger(name).info("a request with %s", "a text")
        logging.getLogger("cem.stage").debug("ours")
        assert ["ours"] == [orjson.loads(line)["event"] for line in stream.getvalue().splitlines()]

    @pytest.mark.parametrize(("log_format", "is_json"), [("auto", True), ("json", True), ("console", False)])
    def test_formats(self, stream: io.StringIO, log_format: str, is_json: bool) -> None:
        """JSON where nobody looks; readable where it is asked for, in one line."""
        configured(stream, log_format=log_format)
        logging.getLogger("cem.x").info("it is so", extra={"unit": "store-17", "text": "two\nlines"})
        (line,) = stream.getvalue().splitlines() if is_json else [stream.getvalue()]
        assert is_json == line.startswith("{")
        assert "it is so" in line and "store-17" in line

    def test_twice_is_as_good_as_once(self, stream: io.StringIO) -> None:
        """Who configures again gets each line once."""
        configured(stream)
        configured(stream)
        logging.getLogger("cem.x").warning("once")
        assert 1 == len(stream.getvalue().splitlines())


def test_a_storm_is_counted(stream: io.StringIO) -> None:
    """A thousand dead letters of one checkpoint are a hundred lines, and one that says how many more."""
    configured(stream)
    topics = Topics("cem")
    letter = orjson.dumps(
        {"reason": "not_json", "tries": 1, "source": {"topic": "cem.posts", "partition": 0, "offset": 7}}
    )
    Outputs(topics).tell([Emission(topics("deadletter"), b"k", letter)] * 1000)
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert (101, 900) == (len(lines), lines[-1]["left_out"])
    assert ("cem.posts", 0, 7) == (lines[0]["topic"], lines[0]["partition"], lines[0]["offset"])


@pytest.mark.parametrize("value", [b"", b"no json", b"[]", b"7", b"{}", b'{"labels":7}', b'{"source":"x"}'])
def test_what_is_of_another_form_is_left_out(stream: io.StringIO, value: bytes) -> None:
    """Telling of what was made never ends the process."""
    configured(stream, log_level="debug")
    topics = Topics("cem")
    for name in ("alerts", "cases", "deadletter", "unrouted", "events"):
        Outputs(topics).tell([Emission(topics(name), b"k", value)])
