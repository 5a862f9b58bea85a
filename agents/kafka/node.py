"""One node of Kafka on 127.0.0.1, as files and ports: what it must be told, and what it must have, before Java starts.

In: a folder, ports. Out: settings, a formatted folder, a lock, a port that nobody holds. Everything here raises
EmbeddedKafkaError, whose message is for the person who started it.
"""

import base64
import contextlib
import fcntl
import json
import os
import random
import shutil
import socket
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

HOST = "127.0.0.1"

PORTS = range(20_000, 32_000)
"""Below the ports that systems give to outgoing connections: a client that keeps trying to reach a killed
broker on one of those would sooner or later connect to itself, and hold the port against the restart."""

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

BROKER = {
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
"""What a caller may set otherwise."""


class EmbeddedKafkaError(Exception):
    """The embedded Kafka could not be had; the message says why and what to do."""


class PortTakenError(EmbeddedKafkaError):
    """A port that was asked for cannot be bound."""


def format_topics(topics: Path, checkpoint: Path) -> None:
    """Format a folder as StorageTool does, unless it is formatted; what marks it so is written last."""
    marker = topics / "meta.properties"
    if not marker.exists():
        topics.mkdir(exist_ok=True)
        shutil.copyfile(checkpoint, topics / checkpoint.name)
        identity = {"cluster.id": new_id(), "node.id": "1", "directory.id": new_id()}
        write_properties(marker, {"version": "1", **identity})


def locked(folder: Path) -> int:
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


def node_settings(
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


def write_properties(path: Path, settings: Mapping[str, str]) -> None:
    """Write a file of Java's properties: it has the old contents or the new ones, never half of them."""
    # JSON escapes what Java's properties must have escaped, in the same way: backslashes, other alphabets.
    lines = [f"{name}={json.dumps(value)[1:-1]}\n" for name, value in settings.items()]
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text("".join(lines))
    partial.replace(path)


def new_id() -> str:
    """Return an id as Kafka makes them for clusters and folders: 16 random bytes in base64."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def free_port(taken: Collection[int] = ()) -> int:
    """Return one of `PORTS` that nobody holds now, and that is none of `taken`."""
    for port in random.sample(PORTS, 100):
        if port in taken:
            continue
        with contextlib.suppress(PortTakenError):
            require_free(port)
            return port
    raise EmbeddedKafkaError(f"none of 100 ports tried in {PORTS} on {HOST} is free: end other servers first")


def require_free(port: int) -> None:
    """Raise PortTakenError where somebody listens on the port."""
    with socket.socket() as probe:
        # As Java does: the closed connections of a broker just killed do not keep its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTakenError(
                f"cannot use port {port} on {HOST} ({error.strerror}): end what holds it or choose another"
            ) from error
