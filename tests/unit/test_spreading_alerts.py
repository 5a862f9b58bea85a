"""From the posts of a cascade to the alerts of the unit: enrich and engine together, without Kafka."""

from typing import Any

from pipeline.engine import Engine, outputs_of
from pipeline.state import UnitState, decode_state, encode_state
from schemas.alert import Alert
from schemas.event import UnitSettings
from schemas.insight import Insight
from schemas.post import Author, Metrics
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Millis
from tests.input_partition import NOON, TOPICS, Partition, events
from tests.timeline import BY_TIME

COMPLAINT = "we waited an hour for our cold food, awful, never again @elm"
TICK_MS = 5 * MINUTE_MS


class Unit:
    """Posts in, alerts of store-17 out. `restarts`: the state is written and read back after every event."""

    def __init__(self, *, restarts: bool = False) -> None:
        self.alerts: list[Alert] = []
        self._partition = Partition()
        self._engine = Engine()
        self._state = UnitState(unit_id="store-17")
        self._restarts = restarts
        self._watermark = int(NOON)
        self.post(0, id="first", text="hello @elm")

    def post(self, after_ms: int, **fields: Any) -> None:
        """A post so long after noon."""
        self.pass_time(after_ms)
        for one in self._partition.post(**{"event_time": Millis(NOON + after_ms), **fields}):
            if one.topic == TOPICS("events") and one.key == b"store-17":
                event = events.decode(one.value)
                assert isinstance(event, Insight | UnitSettings)
                self._take(self._engine.step(self._state, event, self._watermark))

    def pass_time(self, after_ms: int) -> None:
        """The watermark follows in steps."""
        while self._watermark + TICK_MS <= NOON + after_ms:
            self._watermark += TICK_MS
            self._take(self._engine.advance(self._state, self._watermark))

    def reposts(
        self, count: int, *, of: str = "p", first_ms: int = 6 * SECOND_MS, every_ms: int = 6 * SECOND_MS
    ) -> None:
        """So many people pass a post on, without a word."""
        for number in range(count):
            self.post(
                first_ms + number * every_ms, id=f"{of}-{first_ms}-{number}", kind="repost", text="", root_id=of,
                in_reply_to=of, author=Author(id=f"{of}-{first_ms}-{number}", followers=250),
            )  # fmt: skip

    def changes(self) -> list[str]:
        """What was told of alerts."""
        return [alert.change for alert in self.alerts if alert.change not in BY_TIME]

    def _take(self, out: Any) -> None:
        self.alerts += outputs_of(out)
        if self._restarts:
            self._state = decode_state(encode_state(self._state))


def complaint(unit: Unit, post: str = "p", **fields: Any) -> None:
    """The post itself."""
    unit.post(0, **{"id": post, "text": COMPLAINT, "author": Author(id=post, followers=400), **fields})


def test_a_complaint_that_spreads_is_one_alert_with_a_department() -> None:
    """Opened while it is small, grown at most once for each threshold, quiet when it is over; a restart after every
    event changes nothing."""
    told = []
    for restarts in (False, True):
        unit = Unit(restarts=restarts)
        complaint(unit)
        unit.reposts(300)
        unit.pass_time(3 * DAY_MS)
        told.append([alert for alert in unit.alerts if alert.change not in BY_TIME])
    assert told[0] == told[1]
    opened, *grown, quiet = told[0]
    assert ("opened", "quiet") == (opened.change, quiet.change)
    assert {"grown"} == {alert.change for alert in grown} and len(grown) <= 3
    assert {"ComplaintSpreads"} == {alert.labels.alertname for alert in told[0]}
    assert opened.amplification.reposts < 100 and opened.starts_at <= NOON + 10 * MINUTE_MS
    assert opened.labels.aspect is not None and opened.labels.department is not None
    assert ["x:p"] == [evidence.post_id for evidence in opened.evidence][:1]
    assert quiet.ends_at is not None and quiet.ends_at <= NOON + 12 * HOUR_MS
    severities = [alert.severity for alert in told[0]]
    assert sorted(severities) == severities


def test_praise_that_spreads_is_no_complaint() -> None:
    """Nobody has to hurry."""
    unit = Unit()
    complaint(unit, text="lovely food, thank you @elm")
    unit.reposts(300)
    assert [] == unit.alerts


def test_a_polled_counter_does_it_too() -> None:
    """The same post as edits with a counter: an alert, and its text is understood once."""
    unit = Unit()
    complaint(unit)
    for poll in range(1, 25):
        unit.post(
            poll * 5 * MINUTE_MS, id="p", kind="edit", text=COMPLAINT, author=Author(id="p", followers=400),
            metrics=Metrics(reposts=50 * poll),
        )  # fmt: skip
    assert "opened" == unit.changes()[0]
    assert 1 == unit.alerts[0].detection.distinct_authors
    assert unit.alerts[0].amplification.reposts <= 300


def test_a_deleted_complaint_is_corrected_and_ends() -> None:
    """An update says so, no further repost lets it grow, and it becomes quiet after the hold."""
    unit = Unit()
    complaint(unit)
    unit.reposts(90)
    before = len(unit.alerts)
    assert "opened" == unit.changes()[0]
    unit.post(10 * MINUTE_MS, id="p", kind="delete", text="")
    unit.reposts(200, first_ms=11 * MINUTE_MS)
    unit.pass_time(2 * HOUR_MS)
    assert ["corrected", "quiet"] == unit.changes()[before:]


def test_two_complaints_that_spread_are_two_alerts() -> None:
    """Each with its own id, severity and evidence."""
    unit = Unit()
    complaint(unit)
    complaint(unit, "q")
    unit.reposts(90)
    unit.reposts(90, of="q", first_ms=10 * MINUTE_MS, every_ms=SECOND_MS)
    opened = [alert for alert in unit.alerts if alert.change == "opened"]
    assert ["x:p", "x:q"] == [alert.evidence[0].post_id for alert in opened]
    assert 2 == len({alert.alert_id for alert in opened}) == len({alert.dedup_key for alert in opened})


def test_an_influential_author_is_told_at_once() -> None:
    """Three million followers, one post; the second post of the same author is no news; a day later it is over."""
    unit = Unit()
    star = Author(id="star", followers=3_000_000)
    complaint(unit, author=star)
    assert ["InfluentialAuthor"] == [alert.labels.alertname for alert in unit.alerts]
    assert 3_000_000 == unit.alerts[0].amplification.reach
    unit.post(HOUR_MS, id="again", text=COMPLAINT, author=star)
    unit.pass_time(27 * HOUR_MS)
    assert ["opened", "quiet"] == unit.changes()
