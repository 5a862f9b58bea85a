"""What all tests of a stage share: a process that cannot die, and a clock that stands still."""

import pytest

from tests.stage.world import Clock, Died


@pytest.fixture(autouse=True)
def deaths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the process has died of: `die` raises here."""
    found: list[str] = []

    def die(why: str, error: BaseException | None = None) -> None:
        found.append(why)
        raise Died(why)

    monkeypatch.setattr("agents.kafka.stage.die", die)
    monkeypatch.setattr("agents.app.die", die)
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The stage's clock stands still unless it is moved."""
    found = Clock()
    monkeypatch.setattr("agents.kafka.stage._now", found)
    return found
