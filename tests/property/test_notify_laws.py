"""What must hold of messages, whatever happens: records that come twice, tries that fail, processes that are killed."""

from collections import defaultdict

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.notify.plan import Delivery
from pipeline.notify.quiet import quiet_until
from pipeline.notify.rules import urgent
from schemas.alert import Alert, AlertChange
from schemas.time import HOUR_MS, MINUTE_MS
from tests.notify_desk import NIGHT, Desk
from tests.notify_examples import alert, recipient

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["record", "record", "record", "again", "wait", "delivered", "delivered", "fails", "crash", "up"]
        ),
        st.integers(0, 5),
        st.sampled_from([1_000, 25_000, 20 * MINUTE_MS, 5 * HOUR_MS]),
    ),
    max_size=60,
)
PEOPLE = (
    recipient("all", group_seconds=0),
    recipient("night", quiet_hours=NIGHT),
    recipient("duty", kind="pagerduty"),
    recipient("store", units=("store-17",), group_seconds=300, quiet_hours=NIGHT),
)
CHANGES: tuple[AlertChange, ...] = ("opened", "grown", "acknowledged", "deadline_warning", "resolved", "reopened")


def life(desk: Desk, steps: list[tuple[str, int, int]]) -> list[tuple[int, Delivery]]:
    """Plays records, tries and crashes; at the end, all messages come through. Gives each try: when and what."""
    sequences: dict[int, int] = defaultdict(int)
    records: list[Alert] = []
    tries: list[tuple[int, Delivery]] = []
    under_way: list[Delivery] = []
    for what, number, wait_ms in steps:
        if what == "record":
            sequences[number] += 1
            unit = ("store-17", "store-18")[number % 2]
            severity = 9 if number == 5 else 4
            change = CHANGES[(sequences[number] - 1 + number) % len(CHANGES)]
            records.append(alert(number, sequences[number], change, unit, severity=severity))
            desk.take(records[-1])
        elif what == "again":  # read once more, from a position that was not committed
            desk.take(*records[-number:])
        elif what == "wait":
            desk.now_ms += wait_ms
        elif what == "crash":
            desk.keep()
            desk.crash()
            under_way = []
        elif under_way:
            one = under_way.pop(number % len(under_way))
            desk.settle(one, {"delivered": "delivered", "fails": "again", "up": "given_up"}[what])
        found = desk.round()
        under_way += found
        tries += [(desk.now_ms, one) for one in found]
    for _ in range(1000):
        for one in under_way:
            desk.settle(one, "delivered")
        if (next_ms := desk.plan.next_at()) is None:
            break
        desk.now_ms = max(desk.now_ms, next_ms)
        under_way = desk.round()
        tries += [(desk.now_ms, one) for one in under_way]
    wanted = {
        (person.id, one.alert_id, one.sequence)
        for one in records
        for person in PEOPLE
        if one.change in person.told_of and (not person.units or one.labels.unit_id in person.units)
    }
    check(wanted, tries)
    return tries


def check(wanted: set[tuple[str, str, int]], tries: list[tuple[int, Delivery]]) -> None:
    """What must hold of all tries."""
    messages: dict[str, Delivery] = {}
    homes: dict[tuple[str, str, int], str] = {}
    last: dict[tuple[str, str], int] = {}
    for at_ms, one in tries:
        before = messages.setdefault(one.message.id, one)
        assert before.message == one.message, "a repeat is the same message"
        calm = not any(urgent(part.alert) for part in one.message.parts)
        assert not calm or quiet_until(one.recipient.quiet_hours, at_ms) is None, "quiet hours are quiet"
        for part in one.message.parts:
            for change in part.changes:
                name = (one.recipient.id, part.alert.alert_id, change.sequence)
                assert one.message.id == homes.setdefault(name, one.message.id), "a change is in one message"
                if before is one:
                    line = (one.recipient.id, part.alert.alert_id)
                    assert last.get(line, 0) < change.sequence, "changes come in their order"
                    last[line] = change.sequence
    assert wanted == set(homes), "all that is wanted is told, and nothing else"


AWAY_OVERNIGHT = [("record", 0, 0), ("wait", 0, 5 * HOUR_MS), ("wait", 0, 5 * HOUR_MS), ("crash", 0, 0)]


@example(AWAY_OVERNIGHT)  # made in the evening, not through when the process was killed, started again in quiet hours
@given(STEPS)
def test_whatever_happens_each_change_is_told_in_one_message(steps: list[tuple[str, int, int]]) -> None:
    """Records that come twice, tries that fail, processes that are killed: nothing is lost, nothing is in two messages,
    a repeat is the same message, the order of an alert's changes is kept, quiet hours are kept."""
    life(Desk(*PEOPLE), steps)


@given(STEPS)
def test_the_same_life_gives_the_same_messages(steps: list[tuple[str, int, int]]) -> None:
    """The plan asks neither a clock nor chance."""
    assert life(Desk(*PEOPLE), steps) == life(Desk(*PEOPLE), steps)
