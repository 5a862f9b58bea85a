"""The embedded Kafka holds its promises: a real broker, soon there, of which nothing stays behind.

In: nothing; the first run on a machine fetches Kafka. Out: verdicts. The one rule: waits are bounded and
generous, and no test depends on how fast the machine is.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from agents.kafka import jars
from agents.kafka.broker import BrokerError, choose
from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.node import EmbeddedKafkaError

pytestmark = pytest.mark.broker

PATIENCE_SECONDS = 60.0

PARENT = """
import json, time
from agents.kafka.embedded import EmbeddedKafka
broker = EmbeddedKafka().start()
print(json.dumps([broker.pid, str(broker.log_path.parent)]), flush=True)
time.sleep(600)
"""


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def create_topic(bootstrap: str, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
    admin.close()


def topics(bootstrap: str) -> set[str]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    names = set(admin.list_topics())
    admin.close()
    return names


def send(bootstrap: str, topic: str, value: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    producer.send(topic, value).get(timeout=PATIENCE_SECONDS)
    producer.close()


def receive(bootstrap: str, topic: str) -> list[bytes]:
    """Everything in the topic up to a second of silence, read by a new consumer group."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"reader-{time.time_ns()}",
        auto_offset_reset="earliest",
    )
    values: list[bytes] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not values and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=1000).values():
            values.extend(record.value for record in records)
    consumer.close()
    return values


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the broker that runs for the whole file."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True, scope="module")
def broker(data: Path) -> Iterator[EmbeddedKafka]:
    """A broker for the tests that do it no harm; it also fetches Kafka before a test counts time."""
    with EmbeddedKafka(data=data) as broker:
        yield broker


@pytest.fixture(autouse=True)
def still_there(broker: EmbeddedKafka) -> Iterator[None]:
    """No test harms the broker of the file: the one that does is named, with the broker's last words."""
    yield
    assert broker.alive, f"the broker of this file is gone; the end of its log:\n{broker.log_tail()}"


def test_gives_back_a_record(broker: EmbeddedKafka) -> None:
    """A consumer in a group gets the record that a producer sent: the internal topics work on one node."""
    create_topic(broker.bootstrap, "voices")
    send(broker.bootstrap, "voices", b"the door is stuck")

    assert receive(broker.bootstrap, "voices") == [b"the door is stuck"]


def test_two_at_once_are_two_clusters() -> None:
    """Two brokers started at the same moment share neither a port nor a topic nor an end."""
    one, two = EmbeddedKafka(), EmbeddedKafka()
    starts = [threading.Thread(target=broker.start) for broker in (one, two)]
    try:
        for start in starts:
            start.start()
        for start in starts:
            start.join(2 * PATIENCE_SECONDS)
        create_topic(one.bootstrap, "only-in-one")

        assert one.bootstrap != two.bootstrap
        assert "only-in-one" not in topics(two.bootstrap)

        one.stop()

        assert set() == topics(two.bootstrap)
    finally:
        one.stop()
        two.stop()


def test_stop_leaves_nothing() -> None:
    """After stop() the process and its temporary folder are gone, and a second stop() is harmless."""
    broker = EmbeddedKafka().start()
    folder = broker.log_path.parent

    assert os.getsid(broker.pid) != os.getsid(0), "Ctrl-C in our terminal would reach the broker"

    broker.stop()
    broker.stop()

    assert is_gone(broker.pid)
    assert not folder.exists()
    assert not broker.alive


def test_killed_parent_takes_the_broker_along() -> None:
    """When the process that started it is SIGKILLed, the broker and its temporary folder go too."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        pid, folder = json.loads(parent.stdout.readline())

        assert not is_gone(pid)
    finally:
        parent.kill()
        parent.communicate()

    assert eventually(lambda: is_gone(pid))
    assert eventually(lambda: not Path(folder).exists())


def test_lost_guard_is_cleaned_up_after() -> None:
    """When something ends the guard, the broker says so, and stop() still leaves nothing."""
    broker = EmbeddedKafka().start()
    folder = broker.log_path.parent
    os.kill(os.getpgid(broker.pid), signal.SIGKILL)  # the guard leads the group

    with pytest.raises(EmbeddedKafkaError, match="guard"):
        assert eventually(lambda: not broker.alive)

    broker.stop()

    assert eventually(lambda: is_gone(broker.pid))
    assert not folder.exists()


def test_killed_broker_comes_back_with_its_data() -> None:
    """After kill() a start() returns the same address and the records that were acknowledged."""
    with EmbeddedKafka() as broker:
        bootstrap, first = broker.bootstrap, broker.pid
        create_topic(bootstrap, "voices")
        send(bootstrap, "voices", b"acknowledged")

        broker.kill()

        assert is_gone(first)
        assert not broker.alive

        broker.start()

        assert bootstrap == broker.bootstrap
        assert first != broker.pid
        assert receive(bootstrap, "voices") == [b"acknowledged"]


def test_given_folder_survives_a_stop(tmp_path: Path) -> None:
    """A data folder of the caller keeps its topics from one broker to the next, whatever is in its path."""
    data = tmp_path / "Kafkas Dätä"
    with EmbeddedKafka(data=data) as broker:
        create_topic(broker.bootstrap, "kept")

    with EmbeddedKafka(data=data) as broker:
        assert {"kept"} == topics(broker.bootstrap)


def test_broken_property_shows_the_log() -> None:
    """A start that fails raises with Kafka's own words, and leaves neither process nor folder."""
    broker = EmbeddedKafka(properties={"num.io.threads": "many"})

    with pytest.raises(EmbeddedKafkaError, match=r"(?s)num\.io\.threads.*Invalid value many"):
        broker.start()

    assert is_gone(broker.pid)
    assert not broker.log_path.parent.exists()


def test_data_folder_in_use_shows_the_error(tmp_path: Path) -> None:
    """A second broker on the same folder is told why it cannot start, before it has touched anything: Kafka itself
    would write into the first one's log of metadata, and look for a lock then."""
    with EmbeddedKafka(data=tmp_path) as first:
        before = (tmp_path / "server.properties").read_bytes()
        quorum = (tmp_path / "topics" / "__cluster_metadata-0" / "quorum-state").read_bytes()
        with pytest.raises(EmbeddedKafkaError, match="another Kafka uses the data folder"):
            EmbeddedKafka(data=tmp_path).start()

        assert first.alive, first.log_tail()
        assert before == (tmp_path / "server.properties").read_bytes()
        assert quorum == (tmp_path / "topics" / "__cluster_metadata-0" / "quorum-state").read_bytes()


def test_data_folder_is_free_again_when_nobody_is_left_in_it(tmp_path: Path) -> None:
    """Its lock outlives a broker that is killed, as its guard may start it again, and ends with `stop()`."""
    first = EmbeddedKafka(data=tmp_path).start()
    first.kill()
    with pytest.raises(EmbeddedKafkaError, match="another Kafka uses"):
        EmbeddedKafka(data=tmp_path).start()
    first.stop()
    with EmbeddedKafka(data=tmp_path) as second:
        assert second.alive


def test_own_settings_are_not_for_the_caller() -> None:
    """A property that would move the broker is refused at once, with what to use instead."""
    with pytest.raises(ValueError, match=r"log\.dirs.*`data`"):
        EmbeddedKafka(properties={"log.dirs": "elsewhere"})


def test_second_start_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once Kafka is in the cache, no start resolves or downloads."""

    def refuse(folder: Path) -> list[Path]:
        raise AssertionError(f"downloads into {folder}")

    monkeypatch.setattr(jars, "_download", refuse)

    with EmbeddedKafka() as broker:
        assert broker.alive


def test_several_first_starts_fetch_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Starts that find no cache at the same moment share one download; a lost jar makes a new one."""
    downloads: list[Path] = []

    def download(folder: Path) -> list[Path]:
        downloads.append(folder)
        time.sleep(0.2)
        (folder / "kafka.jar").touch()
        return [folder / "kafka.jar"]

    def make_checkpoint(folder: Path, jars: list[Path]) -> None:
        (folder / "bootstrap.checkpoint").touch()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jars, "_download", download)
    monkeypatch.setattr(jars, "_make_checkpoint", make_checkpoint)
    starts = [threading.Thread(target=jars.distribution) for _ in range(4)]
    for start in starts:
        start.start()
    for start in starts:
        start.join(PATIENCE_SECONDS)

    assert len(downloads) == 1

    (jar,) = jars.distribution().jars
    jar.unlink()
    jars.distribution()

    assert len(downloads) == 2


def test_failed_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a network the first start ends with the remedies, and the next one tries again."""

    def fail(folder: Path) -> list[Path]:
        raise ConnectionError("name or service not known")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jars, "_download", fail)
    for _ in range(2):
        with pytest.raises(EmbeddedKafkaError, match=r"not known.*HTTPS_PROXY.*CEM_KAFKA"):
            jars.distribution()


def test_waiting_for_another_download_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A lock that somebody never gives back ends a start instead of hanging it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jars, "INSTALL_SECONDS_MAX", 0.1)
    (tmp_path / "social-cem").mkdir()

    with (
        filelock.FileLock(tmp_path / "social-cem" / f"kafka-{jars.VERSION}.lock"),
        pytest.raises(EmbeddedKafkaError, match="another process holds"),
    ):
        jars.distribution()


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


def test_named_servers_come_first() -> None:
    """Servers that the settings name are used as they are."""
    with choose(None, "kafka.example:9092") as bootstrap:
        assert bootstrap == "kafka.example:9092"


def test_embedded_can_be_insisted_on() -> None:
    """A kind that is asked for counts more than the settings."""
    with choose("embedded", "kafka.example:9092") as bootstrap:
        assert bootstrap.startswith("127.0.0.1:")


def test_docker_without_an_engine_says_so() -> None:
    """Where no engine runs, asking for Docker ends at once with what to do."""
    if _engine_runs():
        pytest.skip("a Docker engine runs here")

    with pytest.raises(BrokerError, match=r"no Docker engine.*embedded"), choose("docker", None):
        pass


def test_unknown_kind_is_refused() -> None:
    """A misspelt kind names the ones there are."""
    with pytest.raises(BrokerError, match="embedded, docker"), choose("doker", None):
        pass


def _engine_runs() -> bool:
    from docker.errors import DockerException  # type: ignore[import-untyped]
    from testcontainers.core.docker_client import DockerClient

    try:
        return bool(DockerClient().client.ping())
    except DockerException:
        return False
