"""`cem doctor` finds what is wrong: each thing is broken on real parts, and looked for.

In: a real Kafka, a real PostgreSQL, services that are broken in one way each. Out: findings. The one rule: a test of a
finding also sees that it is not there where nothing is broken (the first test).
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import orjson
import psycopg
import pytest
from kafka.admin import KafkaAdminClient

from agents.doctor import examine, history
from agents.doctor.finding import Finding, exit_code
from agents.doctor.patient import Patient
from agents.health import HealthServer
from agents.kafka.admin import Admin
from agents.kafka.embedded import EmbeddedKafka
from agents.settings import Settings, load
from pipeline.control import tick_records
from schemas.time import DAY_MS, HOUR_MS
from schemas.topics import Topics
from schemas.unit import Unit
from tests.broker.conftest import KEY, NewService
from tests.broker.test_commands import cem
from tests.broker.test_way import STORE, post, raw
from tests.postgres import PASSWORD, postgres, postgres_server  # noqa: F401

pytestmark = pytest.mark.broker


def now_ms() -> int:
    """The clock of this machine."""
    return int(time.time() * 1000)


def looked_at(settings: Settings, clock_ms: Callable[[], int] = now_ms, *workers: str) -> list[Finding]:
    """All findings."""
    with Patient(settings, clock_ms, workers) as patient:
        return list(examine(patient))


def about(findings: list[Finding], check: str, *words: str) -> Finding:
    """The one finding about something that has these words."""
    (found,) = [one for one in findings if one.check == check and all(word in one.what for word in words)]
    return found


def test_where_all_is_well_nothing_is_found(new_service: NewService) -> None:
    """A service that works: exit code 0, every part was looked at, and a person reads one line for each."""
    service = new_service(input_partitions=3, events_partitions=3)
    service.publish([STORE])
    worker = service.worker()
    service.ingest([post(1)])
    service.drain(worker)
    done = cem(service, "doctor", "--json", CEM_CLOCK="data")
    findings = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert (0, {"well"}) == (done.returncode, {one["level"] for one in findings}), done.stdout
    parts = ["settings", "kafka", "topics", "rights", "clock", "directory", "lag", "letters"]
    assert parts == list(dict.fromkeys(one["check"] for one in findings))
    shown = cem(service, "doctor", CEM_CLOCK="data").stdout
    assert len(findings) == len(shown.splitlines()) and "→" not in shown


class TestKafka:
    def test_it_is_not_there(self) -> None:
        """The reason, what was not looked at, exit code 2; no half minute of waiting for each question."""
        findings = looked_at(load({}, None, kafka="127.0.0.1:1").settings)
        assert "wrong" == about(findings, "kafka", "nothing listens").level
        assert "warning" == about(findings, "kafka", "not looked at", "topics", "lag").level
        assert 2 == exit_code(findings)

    def test_it_goes_away_while_we_look(self) -> None:
        """What was seen before is told, then that it went away; the rest is not asked for."""
        with EmbeddedKafka() as broker:
            settings = load({}, None, kafka=broker.bootstrap).settings
            with Admin(settings, Topics(settings.prefix)) as admin:
                admin.apply()
            with Patient(settings, now_ms) as patient:
                seen = []
                for finding in examine(patient):
                    seen.append(finding)
                    if finding.check == "topics":
                        broker.kill()
        assert "well" == about(seen, "topics").level
        assert [one for one in seen if "went away" in one.what and one.level == "wrong"]
        assert "letters" in about(seen, "kafka", "not looked at").what


@pytest.fixture
def admin(kafka: str) -> Iterator[KafkaAdminClient]:
    """To break topics with."""
    client = KafkaAdminClient(bootstrap_servers=kafka)
    yield client
    client.close()


class TestTopics:
    def test_made_by_hand_and_wrongly(self, new_service: NewService, admin: KafkaAdminClient) -> None:
        """A wrong number of partitions, cleanup policy, retention, size or clock, a strange topic: each is told
        with its name and with what to do; `cem run` refuses what it cannot live with."""
        service = new_service(input_partitions=2)
        name = service.topics
        broken = {
            "state.posts": (3, {"cleanup.policy": "compact"}),
            "units": (2, {"cleanup.policy": "compact"}),
            "state.events": (2, {"cleanup.policy": "delete"}),
            "events": (2, {"cleanup.policy": "compact"}),
            "posts": (2, {"retention.ms": str(90 * DAY_MS)}),
            "cases": (4, {"retention.ms": str(DAY_MS), "max.message.bytes": "1000"}),
            "evnets": (1, {}),
        }
        admin.delete_topics([name(one) for one in broken if one != "evnets"])
        while [one for one in admin.list_topics() if one in {name(one) for one in broken}]:
            time.sleep(0.1)
        admin.create_topics(
            {
                name(one): {"num_partitions": width, "replication_factor": 1, "configs": configs}
                for one, (width, configs) in broken.items()
            }
        )
        admin.wait_for_topics([name(one) for one in broken])
        admin.delete_topics([name("feedback")])
        while name("feedback") in admin.list_topics():
            time.sleep(0.1)
        findings = looked_at(service.settings)

        def told(topic: str, *words: str) -> tuple[str, bool]:
            found = about(findings, "topics", name(topic), *words)
            return found.level, bool(found.do)

        assert ("wrong", True) == told("feedback", "missing")
        assert ("wrong", True) == told("state.posts", "3 partitions", "has 2")
        assert ("wrong", True) == told("units", "must have one")
        assert ("wrong", True) == told("state.events", "cleanup.policy=delete", "loses")
        assert ("wrong", True) == told("events", "cleanup.policy=compact", "loses")
        assert ("warning", True) == told("posts", "90 days instead of 7 days", "longer")
        assert ("warning", True) == told("posts", "message.timestamp.type=CreateTime")
        assert ("wrong", True) == told("cases", "1 days instead of everything")
        assert ("wrong", True) == told("cases", "1000 bytes")
        assert ("warning", True) == told("cases", "4 partitions", "CEM_EVENTS_PARTITIONS")
        assert ("warning", True) == told("evnets", "not ours")
        assert not [one for one in findings if name("alerts") in one.what]
        refused = cem(service, "run")
        assert 2 == refused.returncode
        assert f"{name('state.posts')} has 3 partitions but {name('posts')} has 2" in refused.stderr


class TestClock:
    @pytest.mark.parametrize(("off_ms", "words"), [(HOUR_MS, "ahead"), (-HOUR_MS, "behind")])
    def test_an_hour_off(self, new_service: NewService, off_ms: int, words: str) -> None:
        """Our clock against the broker's, in either direction."""
        found = about(looked_at(new_service().settings, lambda: now_ms() + off_ms), "clock", "broker")
        assert ("wrong", True, True) == (found.level, words in found.what, "60.0 minutes" in found.what)

    @pytest.mark.parametrize(
        ("tick_ms", "level", "words"),
        [(HOUR_MS, "wrong", "ahead"), (-HOUR_MS, "wrong", "stands still"), (-5000, "well", "last tick")],
    )
    def test_the_stream_clock(self, new_service: NewService, tick_ms: int, level: str, words: str) -> None:
        """The leader's clock was ahead, or nobody writes ticks: time stands still, and that is told."""
        service = new_service(clock="wall")
        service.send(*tick_records(service.shape, now_ms() + tick_ms))
        assert level == about(looked_at(service.settings), "clock", words).level


def test_the_directory(new_service: NewService) -> None:
    """Mistakes that were published, units without topics; none at all."""
    service = new_service()
    assert "warning" == about(looked_at(service.settings), "directory", "no units").level
    service.publish([STORE, Unit(id="twin", name="n", kind="store", time_zone="UTC", handles=("@elmstreet",))])
    findings = looked_at(service.settings)
    assert [one for one in findings if one.level == "wrong" and "@elmstreet" in one.what and one.do]
    assert "warning" == about(findings, "directory", "2 units have no topic").level
    without = looked_at(msgspec.structs.replace(service.settings, taxonomies="retail=gone.toml"))
    assert "warning" == about(without, "directory").level


def test_lag_and_dead_letters(new_service: NewService) -> None:
    """Nobody works, records wait; what was refused lately is counted by reason."""
    service = new_service(past_days=1)
    service.publish([STORE])
    service.send(*(raw(service, b"{broken") for _ in range(1500)))
    findings = looked_at(service.settings)
    assert "wrong" == about(findings, "lag", "no members").level
    assert "warning" == about(findings, "lag", "wait", service.topics("posts")).level
    worker = service.worker()
    service.drain(worker)
    findings = looked_at(service.settings)
    assert "well" == about(findings, "lag", "1 worker").level
    assert "warning" == about(findings, "letters", "1,500", "not_json").level
    assert "well" == about(looked_at(service.settings, lambda: now_ms() + 3 * DAY_MS), "letters").level


@contextmanager
def health(why_not: str | None) -> Iterator[str]:
    """A worker's web server in a thread."""
    loop, server = asyncio.new_event_loop(), HealthServer("127.0.0.1", 0, lambda: why_not)
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


@pytest.mark.parametrize(("why_not", "level"), [(None, "well"), ("reading states back", "warning")])
def test_a_worker_is_asked(why_not: str | None, level: str) -> None:
    """What `/ready` says; a port on which nobody is is told, too."""
    settings = load({}, None, kafka="127.0.0.1:1").settings
    with health(why_not) as address:
        findings = looked_at(settings, now_ms, address, "http://127.0.0.1:1")
    assert level == about(findings, "worker", address, why_not or "ready").level
    assert "wrong" == about(findings, "worker", "http://127.0.0.1:1 ", "refused").level


def test_who_speaks_no_http_is_no_worker() -> None:
    """A port of somebody else, and what is no address: told, and the rest is looked at."""
    settings = load({}, None, kafka="127.0.0.1:1").settings
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_greet, args=(listener,), daemon=True).start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        findings = looked_at(settings, now_ms, address, "http://127.0.0.1:port")
    assert "wrong" == about(findings, "worker", address).level
    assert "wrong" == about(findings, "worker", "http://127.0.0.1:port").level


def _greet(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


class TestHistory:
    @staticmethod
    def of(dsn: str) -> Finding:
        """What is said of PostgreSQL alone."""
        (found,) = [
            one
            for one in looked_at(load({}, None, kafka="127.0.0.1:1", postgres=dsn).settings)
            if one.check == "history"
        ]
        return found

    def test_migrations(self, postgres: str) -> None:  # noqa: F811
        """Up to date; behind; of a newer version."""
        assert "well" == self.of(postgres).level
        with psycopg.connect(postgres) as connection:
            connection.execute("DELETE FROM cem.migration WHERE number = 1")
        assert ("warning", True) == (self.of(postgres).level, "cem archive" in self.of(postgres).do)
        with psycopg.connect(postgres) as connection:
            connection.execute("INSERT INTO cem.migration SELECT n, 'x', '' FROM generate_series(50, 99) n")
        assert "wrong" == self.of(postgres).level

    def test_a_table_that_is_locked(self, postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
        """As by a migration that takes long: told, and not waited for."""
        monkeypatch.setattr(history, "ANSWER_SECONDS_MAX", 1)
        with psycopg.connect(postgres) as connection:
            connection.execute("LOCK TABLE cem.migration IN ACCESS EXCLUSIVE MODE")
            found = self.of(postgres)
        assert ("wrong", True) == (found.level, "timeout" in found.what)

    def test_it_does_not_let_us_in(self, postgres: str) -> None:  # noqa: F811
        """Nobody there, a wrong password, no address at all, a password that is read as a port: told without it."""
        wrong_password = postgres.replace(PASSWORD, "pl4nted")
        for dsn in (
            "postgresql://u:pl4nted@127.0.0.1:1/x",
            wrong_password,
            "pl4nted is no address",
            "postgresql://u:pl4nted/1@db/x",
        ):
            found = self.of(dsn)
            assert "wrong" == found.level
            assert "pl4nted" not in found.what + found.do


def test_files_and_keys(tmp_path: str) -> None:
    """What a setting names and is not there; the key without which no worker starts, which is never shown."""
    missing = looked_at(load({}, None, kafka="127.0.0.1:1", model=f"{tmp_path}/gone.model").settings)
    assert "wrong" == about(missing, "settings", "CEM_MODEL", "gone.model").level
    assert "warning" == about(missing, "settings", "CEM_AUTHOR_KEY").level
    wrong = looked_at(load({}, None, kafka="127.0.0.1:1", taxonomies="retail=gone.toml").settings)
    assert "wrong" == about(wrong, "settings", "CEM_TAXONOMIES", "gone.toml").level
    assert KEY not in str(looked_at(load({}, None, kafka="127.0.0.1:1", author_key=KEY).settings))
