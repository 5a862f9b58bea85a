"""All partitions to the member that came first."""

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.notify.first import FirstOfAll

CLUSTER: Any = SimpleNamespace(partitions_for_topic={"cem.alerts": {2, 0, 1}}.get)


def assigned(members: dict[str, bytes | None]) -> dict[str, list[tuple[str, list[int]]]]:
    """Member -> topics with their partitions."""
    given = {
        name: SimpleNamespace(user_data=born, subscription=["cem.alerts"]) for name, born in members.items()
    }  # fmt: skip
    return {name: list(found.assignment) for name, found in FirstOfAll.assign(CLUSTER, given).items()}


def test_who_came_first_has_everything() -> None:
    """Whatever the group calls its members."""
    assert {"b": [("cem.alerts", [0, 1, 2])], "a": []} == assigned({"a": b"20", "b": b"10"})


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.none() | st.binary(max_size=8), min_size=1))
def test_exactly_one_works_whatever_members_say(members: dict[str, bytes | None]) -> None:
    """One has all partitions, also where a member says nonsense of itself; who says a time comes before those."""
    found = assigned(members)
    assert members.keys() == found.keys()
    [one] = [name for name, topics in found.items() if topics]
    times = {name: int(born) for name, born in members.items() if born and born.isdigit()}
    assert not times or times[one] == min(times.values())


def test_what_a_member_says_is_understood() -> None:
    """Its metadata names the topics and when it was started."""
    said = FirstOfAll.metadata(["cem.alerts"])
    assert (["cem.alerts"], True) == (said.subscription, said.user_data.isdigit())
