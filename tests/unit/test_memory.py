"""The enrich agent's memory is bounded, and comes back as it was."""

from pipeline.memory import Memo, Memory


def filled(count: int, entries_max: int = 1000) -> Memory:
    """Entries e0, e1, …, one for each offset and second."""
    memory = Memory(retention_ms=60_000, entries_max=entries_max)
    for number in range(count):
        memory.put(f"e{number}", Memo(offset=number, seen_at=number * 1000, event_time=number, units=("u",)))
    return memory


def test_the_oldest_go_when_there_are_too_many() -> None:
    """Never more than the bound; what goes is deleted from the saved state, too."""
    memory = filled(30, entries_max=10)
    assert 10 == len(memory)
    assert memory.get("e19") is None and memory.get("e20") is not None
    assert {f"e{number}".encode() for number in range(20)} == {
        key for key, value in memory.take_dirty() if value is None
    }


def test_what_is_older_than_the_retention_is_forgotten() -> None:
    """By the stream clock."""
    memory = filled(100)
    memory.expire(99_000)
    assert memory.get("e38") is None and memory.get("e39") is not None


def test_it_comes_back_as_it_was() -> None:
    """The same entries in the same order of age, whatever order they were saved in."""
    memory = filled(20)
    memory.put("e3", Memo(offset=3, seen_at=3000, event_time=3, units=("u",), answered=True))
    saved = [(key.decode(), value) for key, value in memory.take_dirty() if value is not None]
    again = Memory(retention_ms=60_000, entries_max=10)
    again.load(list(reversed(saved)))
    again.put("new", Memo(offset=20, seen_at=20_000, event_time=20))
    assert again.get("e10") is None and again.get("e11") is not None
    whole = Memory(retention_ms=60_000, entries_max=100)
    whole.load(saved)
    assert [memory.get(key) for key, _ in saved] == [whole.get(key) for key, _ in saved]
    assert [] == memory.take_dirty()
