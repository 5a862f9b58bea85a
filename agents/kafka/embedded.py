"""Apache Kafka itself, embedded: one Java process, broker and controller at once, on 127.0.0.1.

In: nothing that must be installed. The first start on a machine fetches Kafka (`jars.py`); every later start works
without a network. Out: a bootstrap address, about two seconds later.

The one rule: nothing is left behind. The Java process and its temporary folder end with `stop()`, with the
`with` block, and with this process even when it is killed (see `guard.py`); and every wait is bounded.

A data folder, given or temporary, holds `server.properties`, `server.log`, `topics/`, `tmp/` and `lock`. The lock is
ours, and is taken before anything is written: Kafka takes its own only after its controller has elected itself over
the log of metadata in the folder and written to it, beneath the broker that is at work there.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

from agents.kafka.guard import Guard, GuardLostError
from agents.kafka.jars import VERSION, Distribution, distribution
from agents.kafka.node import (
    BROKER,
    HOST,
    EmbeddedKafkaError,
    format_topics,
    free_port,
    locked,
    node_settings,
    require_free,
    write_properties,
)

START_ATTEMPTS_MAX = 5
LOG_LINES_SHOWN = 30
LOG_ERRORS_SHOWN = 5

_READY = "Kafka Server started"
_PORT_TAKEN = "Address already in use"


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
        if ours := sorted(properties.keys() & node_settings(Path(), 0, 0).keys()):
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
                port = self._port or self._asked_port or free_port()
                require_free(port)
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
        self._lock = locked(self._folder)
        format_topics(self._folder / "topics", kafka.checkpoint)
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
                self._also[protocol] = free_port(taken)
                taken.add(self._also[protocol])
        settings = {**BROKER, **self._properties, **node_settings(self._folder, port, free_port(taken), self._also)}
        write_properties(self._folder / "server.properties", settings)
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
