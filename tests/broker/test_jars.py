"""Kafka is fetched once, whole or not at all, and who cannot fetch it is told what to do; without a network."""

import threading
import time
from pathlib import Path

import filelock
import pytest

from agents.kafka import jars
from agents.kafka.node import EmbeddedKafkaError
from tests.broker.outside import PATIENCE_SECONDS

pytestmark = pytest.mark.broker


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
