"""Signal and case of an alert never get into each other's way, whatever is said, done and waited for in which order.

A machine writes the log of one unit step by step: complaints, edits, deletes, erasures, answers, actions, time. It
keeps its own small picture of every alert and holds each record that comes out against it.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pipeline.alerts.trail import verify
from pipeline.engine import SAME_AGAIN_MS, Engine
from schemas.alert import Alert
from schemas.codec import encode
from schemas.time import MINUTE_MS, Millis
from tests.streams import START_MS
from tests.timeline import BY_TIME, Timeline, clock_of, time_of

UNFINISHED = {"open", "acknowledged", "assigned", "answered"}
FINISHED = {"resolved", "verified", "dismissed"}
LEADS_TO: dict[str, dict[str, str]] = {
    "acknowledge": {"open": "acknowledged"},
    "assign": {"open": "assigned", "acknowledged": "assigned", "assigned": "assigned", "answered": "answered"},
    "comment": {state: state for state in UNFINISHED | FINISHED},
    "reply": dict.fromkeys(UNFINISHED, "answered"),
    "reroute": dict.fromkeys(UNFINISHED, "open"),
    "snooze": {state: state for state in UNFINISHED},
    "resolve": dict.fromkeys(UNFINISHED, "resolved"),
    "dismiss": dict.fromkeys(UNFINISHED, "dismissed"),
    "reopen": dict.fromkeys(FINISHED, "open"),
    "publish": {"resolved": "resolved", "verified": "verified"},
}
"""What the design says of the steps: from which states, to which."""
NEEDS: dict[str, dict[str, Any]] = {
    "assign": {"assignee": "bo"},
    "comment": {"note_ref": "note:1"},
    "reroute": {"to_department": "kitchen"},
    "snooze": {},
    "dismiss": {"dismissal_code": "false"},
    "publish": {"we_did_ref": "we_did:1"},
}
"""What an action cannot do without; a snooze needs a time, which follows from when it is."""
SAID = {
    "acknowledged", "assigned", "commented", "answered", "rerouted", "snoozed", "resolved", "dismissed", "reopened",
    "published",
}  # fmt: skip
BY_SIGNAL = {"opened", "grown", "quiet", "corrected"}
"""Also `reopened` may come from the signal: what comes back within a day, while nobody has finished it."""

people = st.integers(0, 9).map(lambda number: f"person-{number}")
minutes = st.integers(0, 3) | st.integers(0, 20)


class Lifecycle(RuleBasedStateMachine):
    """One unit, an engine that raises alerts easily and lets them go after ten calm minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Timeline(Engine(false_alerts_a_month=30, hold_ms=10 * MINUTE_MS))
        self.now = int(time_of("24:00"))
        self.said = 0
        self.done = 0
        self.checked = 0
        self.seen: dict[str, Alert] = {}
        self.firing: set[str] = set()

    def _clock(self, gap_minutes: int) -> str:
        self.now += gap_minutes * MINUTE_MS
        return clock_of(self.now)

    def _some_post(self, number: int) -> str:
        return f"post-{max(0, self.said - 1 - number)}"

    @rule(gap=minutes, who=people, mood=st.sampled_from(["negative", "negative", "negative", "neutral", "positive"]))
    def say(self, gap: int, who: str, mood: str) -> None:
        self.story.word(self._clock(gap), who, mood=mood, post=f"post-{self.said}")
        self.said += 1

    @initialize(crowd=st.integers(5, 9))
    def first_crowd(self, crowd: int) -> None:
        self.crowd(0, crowd)

    @rule(gap=minutes, crowd=st.integers(3, 9))
    def crowd(self, gap: int, crowd: int) -> None:
        for number in range(crowd):
            self.say(gap if number == 0 else 0, f"person-{number}", "negative")

    @rule(gap=minutes)
    def echo(self, gap: int) -> None:
        self.story.word(self._clock(gap), "somebody", kind="repost", post=f"post-{self.said}")
        self.said += 1

    @rule(gap=minutes, back=st.integers(0, 12), mood=st.sampled_from(["negative", "positive"]))
    def edit(self, gap: int, back: int, mood: str) -> None:
        if self.said:
            self.story.edit(self._clock(gap), self._some_post(back), mood=mood)

    @rule(gap=minutes, back=st.integers(0, 12))
    def delete(self, gap: int, back: int) -> None:
        if self.said:
            self.story.delete(self._clock(gap), self._some_post(back))

    @rule(gap=minutes, back=st.integers(0, 12))
    def erase(self, gap: int, back: int) -> None:
        self.story.erase(self._clock(gap), *{self._some_post(number) for number in range(back)})

    @rule(minutes=st.integers(0, 120))
    def wait(self, minutes: int) -> None:
        self.story.wait(self._clock(minutes))

    @rule(gap=minutes, action=st.sampled_from(sorted(LEADS_TO)), back=st.integers(0, 8), complete=st.booleans())
    def act(self, gap: int, action: Any, back: int, complete: bool) -> None:
        """An action on one of the last alerts, or on one that is not there: what the table says, and nothing else."""
        clock = self._clock(gap)
        self.story.wait(clock)
        self.no_record_breaks_the_rules()
        alert_id = list(self.seen)[-1 - back % len(self.seen)] if self.seen and back < 8 else "store-17-unknown"
        before, told, trail = self.seen.get(alert_id), len(self.story.records), len(self.story.entries)
        self.done += 1
        said = dict(NEEDS.get(action, {})) if complete else dict.fromkeys(NEEDS.get(action, {}))
        if action == "snooze" and complete:
            said["until"] = Millis(self.now + 60 * MINUTE_MS)
        entry = self.story.act(clock, action, alert_id=alert_id, id=f"action-{self.done}", **said)
        new = self.story.records[told:]
        assert [entry] == self.story.entries[trail:], "an action has one answer"
        if before is None:
            assert (False, "unknown_alert", []) == (entry.accepted, entry.reason, new)
            return
        target = LEADS_TO[action].get(before.state)
        already = action == "reroute" and complete and before.labels.department == "kitchen"
        lacks = not complete and action in NEEDS and not (action == "publish" and before.work.we_did_ref)
        if target is None or lacks or already:
            assert not entry.accepted
            assert (0, "", []) == (entry.number, entry.hash, new), "what was refused has changed nothing"
            assert (before.state, before.status, before.sequence) == (entry.state, entry.status, entry.sequence)
            return
        assert (True, "done", target) == (entry.accepted, entry.reason, entry.state)
        assert [(target, before.status, entry.action_id)] == [(one.state, one.status, one.action_id) for one in new]

    @rule(gap=minutes, back=st.integers(0, 12))
    def reply(self, gap: int, back: int) -> None:
        """The company answers one of the last posts: what was waiting for it is answered."""
        if not self.said:
            return
        clock, thread = self._clock(gap), f"x:{self._some_post(back)}"
        self.story.wait(clock)
        self.no_record_breaks_the_rules()
        cases = self.story.log.units["store-17"].cases
        waiting = {
            key for key, case in cases.items()
            if thread in case.threads and thread not in case.answered and case.last.state in UNFINISHED - {"answered"}
        }  # fmt: skip
        told = len(self.story.records)
        self.story.answer(clock, thread.removeprefix("x:"))
        new = self.story.records[told:]
        assert {(key, "answered", "answered") for key in waiting} == {(a.alert_id, a.change, a.state) for a in new}

    @precondition(lambda self: any(alert.state in UNFINISHED for alert in self.seen.values()))
    @rule(gap=minutes)
    def act_twice(self, gap: int) -> None:
        """A button that was pressed twice: the second time changes nothing and says so."""
        alert = next(alert for alert in self.seen.values() if alert.state in UNFINISHED)
        action: Any = "acknowledge" if alert.state == "open" else "resolve"
        self.done += 1
        clock = self._clock(gap)
        assert self.story.act(clock, action, alert_id=alert.alert_id, id=f"action-{self.done}").accepted
        told = len(self.story.records)
        again = self.story.act(clock, action, alert_id=alert.alert_id, id=f"action-{self.done}")
        assert (False, "already_done", told) == (again.accepted, again.reason, len(self.story.records))

    @rule(gap=minutes, back=st.integers(0, 8))
    def move(self, gap: int, back: int) -> None:
        """A case goes to another unit: nothing more is heard of it here, and who acts on it is told where it is."""
        unfinished = [alert for alert in self.seen.values() if alert.state in UNFINISHED]
        if not unfinished:
            return
        clock = self._clock(gap)
        self.story.wait(clock)
        self.no_record_breaks_the_rules()
        alert = self.seen[unfinished[back % len(unfinished)].alert_id]
        self.done += 1
        entry = self.story.act(clock, "reroute", alert_id=alert.alert_id, id=f"action-{self.done}", to_unit="store-18")
        assert (True, "open", "quiet") == (entry.accepted, entry.state, entry.status)
        self.no_record_breaks_the_rules()
        assert "store-18" == self.seen.pop(alert.alert_id).work.moved_to
        transfer = self.story.transfers[-1]
        assert (alert.alert_id, entry.number, entry.hash) == (
            transfer.alert.alert_id, transfer.number, transfer.hash
        )  # fmt: skip
        again = self.story.act(clock, "acknowledge", alert_id=alert.alert_id, id=f"action-{self.done}b")
        assert (False, "moved", "store-18") == (again.accepted, again.reason, again.to_unit)

    @invariant()
    def no_record_breaks_the_rules(self) -> None:
        for alert in self.story.records[self.checked :]:
            before = self.seen.get(alert.alert_id)
            if before is None:
                self._begins(alert)
            else:
                self._goes_on(before, alert)
            self.seen[alert.alert_id] = alert
            self._has_its_entry(alert)
            (self.firing.add if alert.status == "firing" else self.firing.discard)(alert.alert_id)
            assert len(self.firing) <= 1, "one alert of a cause at a time"
        self.checked = len(self.story.records)

    def _has_its_entry(self, alert: Alert) -> None:
        """Each record is in the case's chain, under its own number."""
        link = next(
            e for e in reversed(self.story.entries) if (e.alert_id, e.number) == (alert.alert_id, alert.sequence)
        )
        assert (alert.change, alert.state, alert.status) == (link.change, link.state, link.status)
        assert (alert.actor, alert.action_id) == (link.actor, link.action_id)

    @staticmethod
    def _begins(alert: Alert) -> None:
        assert ("opened", "firing", "open", 1) == (alert.change, alert.status, alert.state, alert.sequence)
        assert alert.starts_at == alert.detected_at
        assert (None, None, None) == (alert.ends_at, alert.action_id, alert.actor)
        assert alert.evidence

    @staticmethod
    def _goes_on(before: Alert, alert: Alert) -> None:
        assert before.sequence + 1 == alert.sequence
        assert (before.dedup_key, before.starts_at) == (alert.dedup_key, alert.starts_at)
        assert before.labels == alert.labels or alert.change == "rerouted"
        assert before.detected_at <= alert.detected_at
        assert before.severity <= alert.severity
        by_time, by_reply = alert.change in BY_TIME, alert.change == "answered" and alert.action_id is None
        by_signal = alert.action_id is None and not by_time and not by_reply
        if by_time or by_reply:
            assert (before.status, before.ends_at) == (alert.status, alert.ends_at), "this leaves the signal alone"
            assert before.state in UNFINISHED and alert.state == ("answered" if by_reply else before.state)
            return
        assert alert.change in (BY_SIGNAL | {"reopened"} if by_signal else SAID)
        if by_signal:
            assert before.state == alert.state, "the signal leaves the case alone"
        if by_signal and alert.change == "reopened":
            assert ("quiet", "firing") == (before.status, alert.status), "what comes back was gone"
            assert before.state in UNFINISHED, "what is finished does not come back"
            assert alert.detected_at - (before.ends_at or 0) <= SAME_AGAIN_MS
        elif by_signal:
            assert "firing" == before.status, "what is quiet has no signal any more"
            assert ("quiet" if alert.change == "quiet" else "firing") == alert.status
        elif alert.work.moved_to is None:
            assert (before.status, before.ends_at) == (alert.status, alert.ends_at), "an action leaves the signal alone"
        if alert.change == "grown":
            assert before.severity < alert.severity
        assert (alert.ends_at is None) == (alert.status == "firing")

    @invariant()
    def the_state_knows_what_was_told(self) -> None:
        unit = self.story.log.units["store-17"]
        assert set(unit.firing.values()) == self.firing
        assert {key: self.seen[key] for key in unit.cases} == {key: case.last for key, case in unit.cases.items()}

    def teardown(self) -> None:
        """In the end, when nobody says anything for two days, everything is quiet, every case is as it was left, and
        the chains are whole."""
        left = {alert_id: alert.state for alert_id, alert in self.seen.items()}
        self.story.wait(clock_of(max(self.now, START_MS) + 48 * 60 * MINUTE_MS))
        self.no_record_breaks_the_rules()
        assert set() == self.firing
        assert left == {alert_id: alert.state for alert_id, alert in self.seen.items() if alert_id in left}
        for alert_id in {entry.alert_id for entry in self.story.entries}:
            assert verify(encode(entry) for entry in self.story.entries if entry.alert_id == alert_id) is None


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
