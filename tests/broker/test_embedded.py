"""The embedded Kafka holds its promises: a real broker, soon there, of which nothing stays behind.

In: nothing; the first run on a machine fetches Kafka. Out: verdicts. The one rule: waits are bounded and
generous, and no test depends on how fast the machine is.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.kafka import jars
from agents.kafka.embedded import EmbeddedKafka
from agents.kafka.node import EmbeddedKafkaError
from tests.broker.outside import PATIENCE_SECONDS, create_topic, eventually, is_gone, receive, send, topics

PARENT = """
import json, time
from agents.kafka.embedded import EmbeddedKafka
broker = EmbeddedKafka().start()
print(json.dumps([broker.pid, str(broker.log_path.parent)]), flush=True)
time.sleep(600)
"""


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
