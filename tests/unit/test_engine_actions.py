"""What people do about an alert: each step is a record and an entry, and no step silences the signal."""

from schemas.alert import Alert
from tests.surge_story import CLEARLY_MORE, firing
from tests.timeline import Timeline


def test_acknowledge_assign_resolve_reopen() -> None:
    """Each step is a record of the alert and an accepted entry of the case; the signal is as it was."""
    story = firing()
    steps = []
    for clock, action in (("48:10", "acknowledge"), ("48:11", "assign"), ("48:12", "resolve"), ("48:13", "reopen")):
        entry = story.act(clock, action)  # type: ignore[arg-type]
        steps.append((entry.accepted, entry.reason, entry.state, story.last.change, story.last.status))
        assert entry.sequence == story.last.sequence
        assert (entry.action_id, "ana") == (story.last.action_id, story.last.actor)
    assert [
        (True, "done", "acknowledged", "acknowledged", "firing"),
        (True, "done", "assigned", "assigned", "firing"),
        (True, "done", "resolved", "resolved", "firing"),
        (True, "done", "open", "reopened", "firing"),
    ] == steps
    assert 1 == len({alert.alert_id for alert in story.alerts}), "a reopened alert keeps its id"


def test_the_same_action_twice_is_done_once() -> None:
    """The second gets an entry that says so, with what is now; no record of the alert."""
    story = firing()
    assert story.act("48:10", "acknowledge", id="press").accepted
    told = len(story.alerts)
    entry = story.act("48:11", "acknowledge", id="press")
    assert (False, "already_done", "acknowledged", 2) == (entry.accepted, entry.reason, entry.state, entry.sequence)
    assert told == len(story.alerts)


def test_two_people_acknowledge() -> None:
    """The second is told that it was no longer open."""
    story = firing()
    story.act("48:10", "acknowledge")
    entry = story.act("48:11", "acknowledge", actor="ben")
    assert (False, "not_from_this_state", "ben") == (entry.accepted, entry.reason, entry.actor)


def test_an_unknown_alert_cannot_be_resolved() -> None:
    """The actor gets an answer, with no state, because there is none."""
    story = Timeline()
    entry = story.act("48:00", "resolve", alert_id="store-17-feedfeedfeedfeed")
    assert (False, "unknown_alert", None, None, 0) == (
        entry.accepted, entry.reason, entry.status, entry.state, entry.sequence
    )  # fmt: skip
    assert story.alerts == []


def test_a_dismissal_needs_a_code() -> None:
    """Why it was dismissed is what is learned from it."""
    story = firing()
    assert "needs_code" == story.act("48:10", "dismiss").reason
    assert story.act("48:11", "dismiss", dismissal_code="false").accepted
    assert "dismissed" == story.last.state


def test_resolving_does_not_silence_the_signal() -> None:
    """A resolved alert may still be firing, may grow, and becomes quiet when the crowd has gone: still resolved."""
    story = firing()
    story.act("48:10", "resolve")
    story.crowd("48:20", 30, name="more")
    assert {("firing", "resolved")} == {(alert.status, alert.state) for alert in story.alerts[1:]}
    assert "grown" in [alert.change for alert in story.alerts]
    story.wait("96:00")
    assert ("quiet", "quiet", "resolved") == (story.last.change, story.last.status, story.last.state)


def test_quiet_does_not_close_the_case() -> None:
    """What nobody has looked at stays open when the signal has gone, and can still be acknowledged and resolved."""
    story = firing()
    story.wait("53:00")
    assert ("quiet", "open") == (story.last.status, story.last.state)
    assert story.act("54:00", "acknowledge").accepted
    assert story.act("54:01", "resolve").accepted
    assert ("quiet", "resolved") == (story.last.status, story.last.state)
    assert story.alerts[1].ends_at == story.last.ends_at


def test_every_record_is_complete_and_counted() -> None:
    """A consumer that sees only the last record knows everything, and sees from the numbers that it missed nothing."""
    story = Timeline()
    story.crowd("48:00", CLEARLY_MORE)
    story.act("48:40", "acknowledge")
    story.delete("48:41", "p1")
    story.wait("53:00")
    story.act("53:01", "resolve")
    assert list(range(1, len(story.records) + 1)) == [alert.sequence for alert in story.records]
    assert 1 == len({_constant(alert) for alert in story.alerts})
    assert story.last.evidence


def _constant(alert: Alert) -> tuple[object, ...]:
    return alert.alert_id, alert.dedup_key, alert.starts_at, alert.labels, alert.parent_alert_id
