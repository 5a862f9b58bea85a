"""Who may do what: tried on a Kafka that checks, one service after the other, with that service's rights only.

In: a broker with an authorizer, users with passwords, ACLs as `cem acls apply` makes them. Out: what was allowed and
what was refused, held against the matrix of `rights.py`.
"""

import asyncio
import base64
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec
import orjson
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import errors as aiokafka_errors
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import ACL, ACLOperation, ACLPermissionType, KafkaAdminClient, ResourcePattern, ResourceType
from kafka.errors import GroupAuthorizationFailedError

from agents.kafka.client import aiokafka_options, kafka_python_options
from agents.kafka.node import free_port
from agents.settings import Settings
from agents.supervisor import Supervisor
from pipeline.emission import Emission
from schemas.codec import encode
from schemas.rights import SERVICES
from schemas.topics import Topics
from schemas.unit import Unit
from tests.broker.conftest import Service
from tests.broker.rights import (
    MATRIX,
    TOPICS,
    TRIED,
    UNITS,
    KafkaProducerOf,
    as_user,
    environment,
    join,
    principals,
    readable,
    settings,
    user_of,
    writable,
)
from tests.broker.secured import SecuredKafka, password_of
from tests.broker.test_commands import cem
from tests.broker.test_way import STORE, post, surge
from tests.notify_examples import alert
from tests.postgres import postgres, postgres_server  # noqa: F401

pytestmark = pytest.mark.broker

OTHER = Unit(id="store-1", name="First Street", kind="store", time_zone="UTC")
WAIT_SECONDS_MAX = 60.0


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """One broker for all, with the users of the matrix."""
    with SecuredKafka(tmp_path_factory.mktemp("secured")) as broker:
        broker.add_users(map(user_of, MATRIX))
        yield broker


@pytest.fixture(scope="module")
def service(secured: SecuredKafka) -> Iterator[Service]:
    """Topics and units are there, and the ACLs; made by the super user."""
    with ExitStack() as stack:
        service = Service(settings(kafka=secured.bootstrap), stack)
        service.publish([STORE, OTHER])
        made = {TOPICS.unit_alerts(unit_id): {"num_partitions": 1, "replication_factor": 1} for unit_id in UNITS}
        secured.admin.create_topics(made)
        secured.admin.wait_for_topics(list(made))
        done = cem(service, "acls", "apply", "--json")
        assert done.returncode == 0, done.stderr
        summary = orjson.loads(done.stdout)
        assert (0, 0, True) == (summary["missing"], summary["unwanted"], summary["added"] > len(SERVICES))
        yield service


@pytest.fixture(scope="module")
def tried(secured: SecuredKafka) -> Topics:
    """Topics that nobody works on, under a prefix of their own, each with a record in it; and their ACLs."""
    with ExitStack() as stack:
        apart = Service(settings(kafka=secured.bootstrap, prefix="tried", group="tried"), stack)
        made = {apart.topics.unit_alerts(unit_id): {"num_partitions": 1, "replication_factor": 1} for unit_id in UNITS}
        secured.admin.create_topics(made)
        secured.admin.wait_for_topics(list(made))
        apart.publish([STORE, OTHER])
        assert 0 == cem(apart, "acls", "apply").returncode
        with KafkaProducerOf(apart.settings) as producer:
            for name in TRIED:
                producer.send(apart.topics(name), key=b"k", value=b"{}").get(timeout=20)
    return apart.topics


@pytest.mark.parametrize("who", MATRIX)
def test_everybody_may_do_what_the_matrix_says_and_nothing_else(secured: SecuredKafka, tried: Topics, who: str) -> None:
    """Each service, connector and unit's consumer reads and writes its own topics and is refused all others."""
    options = kafka_python_options(as_user(secured, who))
    consumer = KafkaConsumer(**options, enable_auto_commit=False, auto_offset_reset="earliest", retry_backoff_ms=5)
    # The right to read or to write brings the right to see: what is not seen is refused, which no client would ask for.
    visible = consumer.topics()
    seen = [name for name in TRIED if tried(name) in visible]
    reads = {name for name in seen if readable(consumer, tried(name))}
    consumer.close(timeout_ms=0)
    producer = KafkaProducer(**options, max_block_ms=2000, retries=0, retry_backoff_ms=5)
    writes = {name for name in seen if writable(producer, tried(name))}
    producer.close(timeout=0)
    assert tuple(wanted & {*TRIED} for wanted in MATRIX[who]) == (reads, writes)


def test_every_service_is_in_the_matrix() -> None:
    """Nobody gets rights that were not tried."""
    assert {*SERVICES} == {who for who in MATRIX if not who.startswith("unit:")}


def test_a_unit_reads_in_its_own_groups_only(secured: SecuredKafka, service: Service) -> None:
    """`store-1` consumes its topic in `cem.unit.store-1` and in `cem.unit.store-1.anything`; it can neither join the
    group of `store-17`, whose name begins with its own, nor the workers'."""
    topic = TOPICS.unit_alerts("store-1")
    with KafkaProducerOf(service.settings) as producer:
        producer.send(topic, value=b"an alert").get(timeout=20)
    options = kafka_python_options(as_user(secured, "unit:store-1"))
    for group in ("cem.unit.store-1", "cem.unit.store-1.pager"):
        assert b"an alert" in [record.value for record in join(options, topic, group)]
    for group in ("cem.unit.store-17", "cem", "somebody-elses"):
        with pytest.raises(GroupAuthorizationFailedError):
            join(options, topic, group)


def test_a_worker_needs_no_more_than_its_rights(secured: SecuredKafka, service: Service) -> None:
    """From the post of a connector with its rights to the alert that the unit's consumer reads with its own, through a
    worker with the worker's, over TLS; a unit that is new gets its topic from it."""
    new = Unit(id="store-99", name="New Street", kind="store", time_zone="UTC", handles=("@newstreet",))
    service.publish([new])
    surge(service)
    with KafkaProducerOf(as_user(secured, "connector-posts")) as producer:
        producer.send(TOPICS("posts"), key=b"p500", value=encode(post(500))).get(timeout=20)
    port = free_port()
    worker = service.worker(**secured.settings_of("cem-worker", "SASL_SSL"), http_port=port)
    service.drain(worker)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert password_of("cem-worker").encode() not in answer.read()
    assert password_of("cem-worker") not in worker.log.read_text()
    assert 0 == worker.restarts, worker.log_tail(60)
    consumer = kafka_python_options(as_user(secured, "unit:store-17"))
    records = join(consumer, TOPICS.unit_alerts("store-17"), "cem.unit.store-17")
    alerts = [record for record in records if record.headers]
    assert "opened" == orjson.loads(alerts[0].value)["change"]
    assert TOPICS.unit_alerts("store-99") in secured.admin.list_topics()


def test_a_restore_needs_the_rights_of_the_workers(secured: SecuredKafka, stack: ExitStack) -> None:
    """`cem restore` as the user of the workers: from inputs alone to an alert."""
    apart = Service(settings(kafka=secured.bootstrap, prefix="again", group="again"), stack)
    apart.publish([STORE, OTHER])
    assert 0 == cem(apart, "acls", "apply").returncode
    surge(apart)
    given = {f"CEM_{name.upper()}": value for name, value in secured.settings_of("cem-worker").items()}
    done = cem(apart, "restore", **given)
    assert 0 == done.returncode, done.stderr
    assert {"opened"} <= {alert.change for alert in apart.alerts()}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends what a test has started."""
    with ExitStack() as stack:
        yield stack


def until(true: Callable[[], bool], *processes: Supervisor) -> None:
    """Waits; fails with the logs."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        with suppress(OSError, psycopg.Error):
            if true():
                return
        time.sleep(0.1)
    pytest.fail("\n".join(process.log_tail() for process in processes))


def answers(port: int, path: str) -> bool:
    """Whether it is ready."""
    with urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return bool(answer.status == 200)


def test_other_services_need_no_more_than_their_rights(
    secured: SecuredKafka,
    service: Service,
    postgres: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stack: ExitStack,
) -> None:
    """The console is ready, an alert reaches the memory of messages and PostgreSQL: each service with its own user."""
    monkeypatch.setenv("HOOK_SECRET", "whsec_" + base64.b64encode(b"n" * 24).decode())
    recipients = tmp_path / "notify.toml"
    recipients.write_text(
        '[[recipients]]\nname = "x"\nkind = "webhook"\nurl = "http://127.0.0.1:1/x"\nsecret_env = "HOOK_SECRET"\n'
        "group_seconds = 0.1\n"
    )
    ports = [free_port() for _ in range(3)]
    own: dict[str, dict[str, Any]] = {
        "web": {"web_port": ports[0], "web_secret": "s" * 40},
        "notify": {"notify": str(recipients), "http_port": ports[1]},
        "archive": {"postgres": postgres, "archive_batch_seconds": 0.1, "http_port": ports[2]},
    }
    running = []
    for name, given in own.items():
        wanted = msgspec.structs.replace(service.settings, **secured.settings_of(f"cem-{name}"), **given)
        running.append(stack.enter_context(Supervisor(wanted, (sys.executable, "-m", "agents.cli", name))))
    told = alert(1, 1, "opened", "store-17")
    service.send(Emission(TOPICS("alerts"), b"store-17", encode(told)))
    until(lambda: answers(ports[0], "/health/ready"), *running)
    until(lambda: answers(ports[1], "/ready") and answers(ports[2], "/ready"), *running)
    until(lambda: any(told.alert_id.encode() in (one.value or b"") for one in service.records("notified")), *running)

    def archived() -> bool:
        with psycopg.connect(postgres) as connection:
            return (
                connection.execute("SELECT FROM cem.alert WHERE alert_id = %s", (told.alert_id,)).fetchone() is not None
            )

    until(archived, *running)


@pytest.mark.parametrize(
    "words",
    ["settings", "doctor", "topics apply --check", "alerts tail --once", "deadletters list", "acls print --json"],
)
def test_an_operator_sees_all_but_his_password(secured: SecuredKafka, service: Service, words: str) -> None:
    """The operator's rights are enough for the commands that look, over TLS; his password is nowhere."""
    done = cem(service, *words.split(), **environment(secured.settings_of("cem-operator", "SASL_SSL")))
    assert done.returncode in (0, 1, 2) and done.stdout
    assert "may not" not in done.stderr and "Traceback" not in done.stderr
    assert password_of("cem-operator") not in done.stdout + done.stderr


class TestApply:
    def test_twice_is_as_good_as_once(self, service: Service) -> None:
        """What is there is left alone; only what a new unit needs is added."""
        assert 0 == cem(service, "acls", "apply").returncode
        summary = orjson.loads(cem(service, "acls", "apply", "--json").stdout)
        assert (0, 0) == (summary["added"], summary["missing"])
        assert 0 == cem(service, "acls", "apply", "--check").returncode

    def test_only_prune_removes_and_only_ours(self, secured: SecuredKafka, service: Service, tmp_path: Path) -> None:
        """The ACLs of a unit that left go with --prune; a stranger's and what somebody denied stay."""
        pattern = ResourcePattern(ResourceType.TOPIC, "cem.posts")
        stranger = ACL("User:reporting", "*", ACLOperation.READ, ACLPermissionType.ALLOW, pattern)
        denied = ACL("User:unit-store-17", "*", ACLOperation.READ, ACLPermissionType.DENY, pattern)
        secured.admin.create_acls([stranger, denied])
        file = tmp_path / "units.toml"
        file.write_text('[[units]]\nid = "store-17"\nname = "n"\nkind = "store"\ntime_zone = "UTC"\n')
        kept = cem(service, "acls", "apply", "--units", file)
        assert (0, True) == (kept.returncode, "--prune" in kept.stderr)
        pruned = orjson.loads(cem(service, "acls", "apply", "--units", file, "--prune", "--json").stdout)
        left = principals(secured)
        assert (True, 0) == (pruned["removed"] >= 3, pruned["unwanted"])
        assert ("User:unit-store-1" in left, "User:unit-store-17" in left) == (False, True)
        assert "User:reporting" in left
        back = orjson.loads(cem(service, "acls", "apply", "--json").stdout)
        assert (True, 0) == (back["added"] >= 3, back["missing"])

    @pytest.mark.parametrize("who", ["operator", "web"])
    def test_who_may_not_is_told(self, secured: SecuredKafka, service: Service, tmp_path: Path, who: str) -> None:
        """Only a super user changes ACLs; who is none is told so in one line, may he look at them or not."""
        file = tmp_path / "units.toml"
        file.write_text('[[units]]\nid = "new"\nname = "n"\nkind = "store"\ntime_zone = "UTC"\n')
        given = environment(secured.settings_of(user_of(who)))
        refused = cem(service, "acls", "apply", "--units", file, **given)
        assert 2 == refused.returncode
        assert "super user" in refused.stderr and "Traceback" not in refused.stderr


class TestConnections:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"sasl_password": "wr0ng-pass"}, ("user or the password", "CEM_SASL_PASSWORD", "cem-operator")),
            ({"sasl_mechanism": "PLAIN"}, ("kind of password", "CEM_SASL_MECHANISM")),
            ({"tls_ca_file": "STRANGER"}, ("certificate", "not trusted", "CEM_TLS_CA_FILE")),
            ({"tls_ca_file": "/nowhere.pem"}, ("/nowhere.pem", "CEM_TLS_CA_FILE")),
            ({"security_protocol": "PLAINTEXT"}, ("CEM_SECURITY_PROTOCOL", "PLAINTEXT")),
        ],
        ids=["password", "mechanism", "authority", "no file", "protocol"],
    )
    def test_who_comes_wrongly_is_told_why(
        self, secured: SecuredKafka, change: dict[str, str], words: tuple[str, ...]
    ) -> None:
        """A wrong password, mechanism, authority or protocol: exit code 2, one sentence that names the setting, no
        secret. `connect` shows the reason before the client's patience (30 s) ends, where waiting is of no use."""
        given = {**secured.settings_of("cem-operator", "SASL_SSL"), **change}
        if given["tls_ca_file"] == "STRANGER":
            given["tls_ca_file"] = str(secured.stranger)
        told = cem(None, "topics", "apply", "--check", **environment(given))
        assert 2 == told.returncode
        assert all(word in told.stderr for word in words), told.stderr
        assert "Traceback" not in told.stderr
        assert password_of("cem-operator") not in told.stderr + told.stdout and "wr0ng-pass" not in told.stderr

    @pytest.mark.usefixtures("service")
    def test_both_clients_speak_tls(self, secured: SecuredKafka) -> None:
        """kafka-python and aiokafka write and read over TLS with a password; with a wrong authority it fails."""
        wanted = as_user(secured, "operator", "SASL_SSL")
        admin = KafkaAdminClient(**kafka_python_options(wanted))
        assert TOPICS("posts") in admin.list_topics()
        admin.close()

        async def way(settings: Settings) -> bytes:
            producer = AIOKafkaProducer(**aiokafka_options(settings))
            consumer = AIOKafkaConsumer(TOPICS("scores"), **aiokafka_options(settings), auto_offset_reset="earliest")
            try:
                await producer.start()
                await producer.send_and_wait(TOPICS("scores"), b"by TLS")
                await consumer.start()
                record = await asyncio.wait_for(consumer.getone(), 20)
                return bytes(record.value)
            finally:
                await producer.stop()
                await consumer.stop()

        assert asyncio.run(way(wanted))
        strange = settings(**{**secured.settings_of("cem-operator", "SASL_SSL"), "tls_ca_file": str(secured.stranger)})
        with pytest.raises(aiokafka_errors.KafkaConnectionError):
            asyncio.run(way(strange))

    def test_a_worker_whose_password_is_wrong_does_not_start(self, secured: SecuredKafka, service: Service) -> None:
        """Exit code 2 and why, at once."""
        given = environment({**secured.settings_of("cem-worker"), "sasl_password": "wr0ng-pass"})
        refused = cem(service, "run", **given)
        assert (2, True) == (refused.returncode, "CEM_SASL_PASSWORD" in refused.stderr)
        assert "wr0ng-pass" not in refused.stderr + refused.stdout
