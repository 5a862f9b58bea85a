"""The life of an alert, as the one who gets it sees it: told as timelines on a manual clock.

The unit has been silent for two days when a story begins, so a handful of people within an hour is a surge. `NEEDED`
says how many: it follows from the count model, which has its own tests.
"""

import itertools

import pytest

from pipeline.alerts.record import READ_AND_ANSWER
from pipeline.detectors.surge import SurgeDetector
from pipeline.engine import CASES_MAX, HOLD_MS, Engine
from pipeline.log import Log
from pipeline.state import encode_state
from pipeline.taxonomy import load
from schemas.action import ActionName
from schemas.alert import Alert
from schemas.event import Event
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS
from tests.timeline import Timeline, clock_of, time_of


def _needed() -> int:
    """So many people, one a minute from 48:00 on, are just enough."""
    story = Timeline()
    for people in itertools.count(1):
        story.complaint(f"48:{people - 1:02d}", f"p{people}")
        if story.alerts:
            return people
    raise AssertionError


NEEDED = _needed()
CLEARLY_MORE = NEEDED + 4
assert HOLD_MS == 30 * MINUTE_MS, "the stories below are told for this hold"


def firing() -> Timeline:
    """An alert was opened by just enough people, `p0` at 48:00 and one more a minute."""
    story = Timeline()
    story.crowd("48:00", NEEDED)
    assert story.news() == [f"48:{NEEDED - 1:02d} opened"]
    return story


# Opened and grown


def test_opened_at_the_post_that_makes_the_difference() -> None:
    """One person less is no alert; the next one's post raises it, at that post's own time, with all of them in it."""
    story = Timeline()
    people = story.crowd("48:00", NEEDED - 1)
    assert story.news() == []
    people.append(story.complaint("48:20", "last"))
    assert story.news() == ["48:20 opened"]
    alert = story.last
    assert ("firing", "open", 1) == (alert.status, alert.state, alert.sequence)
    assert alert.starts_at == alert.detected_at == time_of("48:20")
    assert alert.ends_at is None
    assert people == story.evidence
    assert alert.detection.distinct_authors == alert.detection.observed == NEEDED


def test_an_alert_says_what_most_people_complain_about() -> None:
    """The main aspect of most posts and its department; what to do about it, by the industry's taxonomy."""
    story = Timeline()
    for number in range(NEEDED):
        about = ("cleanliness", "operations") if number == 0 else ("wait_time", "operations")
        story.word(f"48:{number:02d}", f"a{number}", about=about)
    alert = story.last
    assert ("wait_time", "operations") == (alert.labels.aspect, alert.labels.department)
    assert "mostly about waiting time" in alert.annotations.summary
    assert load("other").aspects["wait_time"].recommended_action == alert.annotations.recommended_action


def test_an_alert_about_nothing_in_particular_says_so() -> None:
    """No aspect, no department, and what is right for any complaint."""
    alert = firing().last
    assert (None, None) == (alert.labels.aspect, alert.labels.department)
    assert READ_AND_ANSWER == alert.annotations.recommended_action


def test_one_person_is_no_crowd() -> None:
    """However often one person writes, nothing is raised."""
    story = Timeline()
    for number in range(30):
        story.complaint(f"48:{number:02d}", "ana", post=f"post-{number}")
    assert story.news() == []


def test_praise_questions_reposts_and_answers_raise_nothing() -> None:
    """Only complaints that people wrote themselves count."""
    story = Timeline()
    for number in range(12):
        story.word(f"48:{number:02d}", f"a{number}", mood="positive")
        story.word(f"48:{number:02d}", f"b{number}", mood="neutral")
        story.word(f"48:{number:02d}", f"c{number}", kind="repost")
        story.word(f"48:{number:02d}", f"d{number}", kind="answer")
    assert story.news() == []


def test_all_kinds_of_originals_count_together() -> None:
    """Posts, replies, reviews and surveys are voices of customers alike."""
    story = Timeline()
    kinds = itertools.cycle(("post", "reply", "review", "feedback"))
    for number, kind in zip(range(NEEDED), kinds, strict=False):
        story.complaint(f"48:{number:02d}", f"a{number}", kind=kind)  # type: ignore[arg-type]
    assert story.news() == [f"48:{NEEDED - 1:02d} opened"]


def test_people_spread_over_weeks_are_no_surge() -> None:
    """The same number of people and more, but never three within a day: nothing."""
    story = Timeline()
    story.crowd("48:00", 3 * NEEDED, every_minutes=13 * 60)
    assert story.news() == []


def test_a_mention_leaves_the_longest_window_after_exactly_a_day() -> None:
    """At 23:59:59 it still counts, at 24:00:00 it does not."""
    within, after = Timeline(), Timeline()
    for story in (within, after):
        story.complaint("96:00", "first")
    within.complaint("119:59:59", "last")
    after.complaint("120:00", "last")
    counts = []
    for story, at in ((within, "119:59:59"), (after, "120:00")):
        unit = story.log.units["store-17"]
        counts.append(SurgeDetector().evaluate(unit.surge, "surge", time_of(at)).detection)
    assert [(24 * 3600, 2), (24 * 3600, 1)] == [(one.window_s, one.distinct_authors) for one in counts]


def test_grown_only_when_the_severity_rises_a_step() -> None:
    """More people are told of when they make it worse, not each by each; no other record comes."""
    story = firing()
    severities = [story.last.severity]
    for number in range(39):
        story.complaint(f"48:{20 + number}", f"more{number}")
        told = story.news()
        if told:
            assert told == [f"48:{20 + number} grown"]
            severities.append(story.last.severity)
    assert len(severities) > 3
    assert severities == sorted(set(severities)), "each record is worse than the one before"


def test_grown_once_when_another_department_is_concerned() -> None:
    """Nothing can be more severe; what people complain about has changed, and is another department's: that is told,
    once."""
    story = Timeline()
    for number in range(58):
        story.word(f"48:{number:02d}", f"a{number}", about=("wait_time", "operations"))
    assert 10 == story.last.severity
    story.news()
    for number in range(58):
        story.word(f"49:{number:02d}", f"b{number}", about=("cleanliness", "facilities"))
    for number in range(10):
        story.word(f"49:59:{number:02d}", f"d{number}", about=("cleanliness", "facilities"))
    assert ["grown"] == [told.partition(" ")[2] for told in story.news()]
    assert "cleanliness" == story.last.detection.aspects[0]
    for number in range(58):
        story.word(f"50:{number:02d}", f"c{number}", about=("wait_time", "operations"))
    assert story.news() == [], "operations have been told"


def test_severity_never_falls_while_firing() -> None:
    """When the crowd has gone the alert is still as severe as it was at its worst."""
    story = Timeline()
    story.crowd("48:00", CLEARLY_MORE)
    worst = story.last.severity
    story.delete("48:30", "p0")
    assert worst == story.last.severity
    story.wait("60:00")
    assert ("quiet", worst) == (story.last.change, story.last.severity)


# Quiet


def test_quiet_after_the_hold_and_not_before() -> None:
    """The first post leaves the window of four hours at 52:00. What is looked at every 5 minutes from the opening on is
    calm at the next look, and quiet when it has been calm for 30 minutes."""
    story = firing()
    opened = 48 * 60 + NEEDED - 1
    calm = next(opened + 5 * look for look in itertools.count(1) if opened + 5 * look >= 52 * 60)
    quiet = f"{(calm + 30) // 60}:{(calm + 30) % 60:02d}"
    before = f"{(calm + 29) // 60}:{(calm + 29) % 60:02d}:50"
    story.wait(before)
    assert story.news() == []
    story.wait(quiet)
    assert story.news() == [f"{quiet} quiet"]
    assert ("quiet", "open", time_of(quiet)) == (story.last.status, story.last.state, story.last.ends_at)


def test_a_quiet_unit_becomes_quiet_on_the_watermark_alone() -> None:
    """Nobody has to say anything for an alert to end, and one late look is as good as many."""
    often, once = firing(), firing()
    for minutes in range(48 * 60 + 10, 51 * 60):
        often.wait(f"{minutes // 60}:{minutes % 60:02d}")
    once.wait("51:00")
    assert often.news() == once.news()
    assert often.alerts == once.alerts


def test_without_a_watermark_nothing_ends() -> None:
    """While one of two partitions that are ticked together has not ticked, alerts are raised but none ends."""
    story = Timeline(partitions=2)
    story.crowd("48:00", NEEDED)
    story.wait("72:00")
    assert story.news() == [f"48:{NEEDED - 1:02d} opened"]


def test_the_hold_is_a_setting() -> None:
    """With a longer hold the same alert ends so much later."""
    ends = []
    for hold_ms in (HOLD_MS, HOLD_MS + HOUR_MS):
        story = Timeline(Engine(hold_ms=hold_ms))
        story.crowd("48:00", NEEDED)
        story.wait("72:00")
        ends.append(story.last.detected_at)
    assert HOUR_MS == ends[1] - ends[0]


def test_no_flapping_at_the_edge() -> None:
    """One complaint every quarter of an hour, for six hours: now one too few in a window, now just enough. That is one
    alert, which ends when the trickle has ended."""
    story = Timeline()
    step = 60 // NEEDED + 1
    story.crowd("48:00", 6 * 60 // step, every_minutes=step)
    story.wait("90:00")
    changes = [alert.change for alert in story.alerts]
    assert ["opened", "quiet"] == [change for change in changes if change != "grown"]
    assert 1 == len({alert.alert_id for alert in story.alerts})


def test_calm_that_is_broken_starts_again() -> None:
    """Twenty calm minutes and then another crowd: the hold begins anew, and it is the same alert."""
    story = firing()
    story.crowd("52:25", NEEDED, name="q")
    story.wait("56:25")
    assert "quiet" not in [alert.change for alert in story.alerts]
    story.wait("80:00")
    assert ["opened", "quiet"] == [alert.change for alert in story.alerts if alert.change != "grown"]
    assert story.last.detected_at >= time_of("56:25") + HOLD_MS


def quiet() -> Timeline:
    """An alert that has become quiet before 60:00."""
    story = firing()
    story.wait("60:00")
    assert ["quiet"] == [told.partition(" ")[2] for told in story.news()]
    return story


def test_what_comes_back_within_a_day_is_the_same_alert() -> None:
    """It is firing again under its id, with the next number, and tells only what is new."""
    story = quiet()
    first, told = story.alerts[0], len(story.alerts)
    story.crowd("70:00", NEEDED + 3, name="q")
    again = story.alerts[told]
    assert ("reopened", "firing", "open", first.alert_id) == (again.change, again.status, again.state, again.alert_id)
    assert (first.starts_at, None) == (again.starts_at, again.ends_at)
    assert all(evidence.post_id.startswith("x:q") for evidence in again.evidence)
    story.wait("94:00")
    assert ["opened", "quiet", "reopened", "quiet"] == [
        alert.change for alert in story.alerts if alert.change != "grown"
    ]
    assert list(range(1, len(story.records) + 1)) == [alert.sequence for alert in story.records]


def test_what_comes_back_after_a_day_is_a_new_alert() -> None:
    """It has an id of its own and counts from one; what it is about (the dedup key) stays."""
    story = quiet()
    story.crowd("90:00", NEEDED + 3, name="q")
    first, second = story.alerts[0], story.alerts[2]
    assert ["opened", "quiet", "opened"] == [alert.change for alert in story.alerts[:3]]
    assert first.alert_id != second.alert_id
    assert first.dedup_key == second.dedup_key
    assert 1 == second.sequence
    assert not {"p0", "p1"} & set(story.evidence)


@pytest.mark.parametrize("action", ["resolve", "dismiss"])
def test_what_comes_back_when_its_case_is_finished_is_a_new_alert(action: ActionName) -> None:
    """Somebody said that nothing is left to be done; this is something else to be done."""
    story = quiet()
    assert story.act("60:10", action, dismissal_code="false").accepted
    told = len(story.alerts)
    story.crowd("70:00", NEEDED + 3, name="q")
    second = story.alerts[told]
    assert ("opened", 1, "open") == (second.change, second.sequence, second.state)
    assert second.alert_id != story.alerts[0].alert_id


def test_what_was_alerted_is_not_learned_as_usual() -> None:
    """A crowd of some days ago does not make the next crowd look normal."""
    story = quiet()
    story.crowd("100:00", NEEDED, name="q")
    first, second = story.alerts[0], story.last
    assert "opened" == second.change
    usual = [(one.detection.expected or 0.0) / one.detection.window_s for one in (first, second)]
    assert usual[0] >= usual[1]


def test_what_lasts_for_days_becomes_the_usual() -> None:
    """A level that stays for longer than a day is learned: the alert ends although the level has not."""
    story = Timeline()
    for hour in range(48, 48 + 24 * 9):
        story.crowd(f"{hour}:00", NEEDED, name=f"h{hour}-", every_minutes=2)
    ended = [alert for alert in story.alerts if alert.change == "quiet"]
    assert ended
    assert DAY_MS < ended[0].detected_at - ended[0].starts_at


# Edits, deletes, erasures


def test_a_deleted_complaint_does_not_count() -> None:
    """Taken back before the alert: one more is needed."""
    story = Timeline()
    story.crowd("48:00", NEEDED - 1)
    story.delete("48:15", "p0")
    story.complaint("48:16", "late")
    assert story.news() == []
    story.complaint("48:17", "later")
    assert story.news() == ["48:17 opened"]
    assert "p0" not in story.evidence


def test_a_delete_of_evidence_corrects_the_alert() -> None:
    """Who got the alert hears that a post is gone, and what is left; it is the same alert, still firing."""
    story = firing()
    story.delete("48:30", "p1")
    assert ["corrected"] == [told.partition(" ")[2] for told in story.news()]
    assert [f"p{number}" for number in range(NEEDED) if number != 1] == story.evidence
    assert ("firing", NEEDED - 1) == (story.last.status, story.last.detection.distinct_authors)
    assert (story.alerts[0].alert_id, 2) == (story.last.alert_id, story.last.sequence)


def test_a_delete_of_old_evidence_corrects_the_alert_too() -> None:
    """As long as the alert is firing, though the post has left the window."""
    story = firing()
    story.delete("49:25", "p1")
    assert ["corrected"] == [told.partition(" ")[2] for told in story.news()]
    assert [f"p{number}" for number in range(NEEDED) if number != 1] == story.evidence


def test_what_an_alert_was_raised_for_is_remembered_while_it_is_firing() -> None:
    """With a long hold the posts are hours old when one is deleted; the others are still the alert's evidence."""
    story = Timeline(Engine(hold_ms=8 * HOUR_MS))
    story.crowd("48:00", NEEDED)
    story.word("52:00", "fan", mood="positive")
    story.delete("52:01", "p1")
    assert ["opened", "corrected"] == [told.partition(" ")[2] for told in story.news()]
    assert [f"p{number}" for number in range(NEEDED) if number != 1] == story.evidence


def test_a_delete_after_an_action_leaves_the_other_evidence() -> None:
    """What the manager does in between does not change what the alert is about."""
    story = firing()
    story.wait("49:10")
    story.act("49:10", "acknowledge")
    story.delete("49:12", "p1")
    assert ["acknowledged", "corrected"] == [told.partition(" ")[2] for told in story.news()]
    assert [f"p{number}" for number in range(NEEDED) if number != 1] == story.evidence


def test_a_delete_of_what_is_no_evidence_says_nothing() -> None:
    """A post that the alert does not name can go without a word."""
    story = firing()
    story.word("48:20", "fan", mood="positive")
    story.delete("48:30", "fan")
    story.delete("48:31", "fan")
    assert story.news() == []


def test_a_delete_twice_corrects_once() -> None:
    """The second time there is nothing left to correct."""
    story = firing()
    story.delete("48:30", "p1")
    story.delete("48:31", "p1")
    assert ["corrected"] == [told.partition(" ")[2] for told in story.news()]


def test_an_erasure_corrects_as_deletes_do() -> None:
    """Posts that must be forgotten leave the evidence."""
    story = firing()
    story.erase("48:30", "p0", "p2")
    assert {"corrected"} == {told.partition(" ")[2] for told in story.news()}
    assert [f"p{number}" for number in range(NEEDED) if number not in (0, 2)] == story.evidence


def test_an_edit_from_complaint_to_praise_takes_it_out() -> None:
    """It counts no more, and an alert that names it is corrected."""
    story = Timeline()
    story.crowd("48:00", NEEDED - 1)
    story.edit("48:10", "p0", mood="positive")
    story.complaint("48:11", "late")
    assert story.news() == []
    story.complaint("48:12", "later")
    assert story.news() == ["48:12 opened"]
    story.edit("48:20", "late", mood="positive")
    assert ["corrected"] == [told.partition(" ")[2] for told in story.news()]
    assert "late" not in story.evidence


def test_an_edit_from_praise_to_complaint_counts() -> None:
    """Who changes his mind is one more."""
    story = Timeline()
    story.word("48:00", "fan", mood="positive")
    story.crowd("48:01", NEEDED - 1)
    story.edit("48:20", "fan", mood="negative")
    assert ["opened"] == [told.partition(" ")[2] for told in story.news()]
    assert "fan" in story.evidence


def test_an_edited_complaint_counts_once_and_keeps_its_time() -> None:
    """A corrected spelling makes nobody new, and does not keep a complaint in the window for longer."""
    story = Timeline()
    story.complaint("48:00", "first")
    story.crowd("48:30", NEEDED - 2)
    story.edit("48:50", "first", mood="negative")
    assert story.news() == []
    story.complaint("49:05", "last")
    assert story.news() == []


def test_an_edit_of_old_evidence_does_not_keep_the_alert_alive() -> None:
    """A corrected spelling an hour later says nothing about now."""
    plain, edited = firing(), firing()
    edited.edit("49:20", "p1", mood="negative")
    for story in (plain, edited):
        story.wait("52:00")
    assert plain.last.ends_at == edited.last.ends_at


def test_new_counters_replace_nothing() -> None:
    """An edit that only brings counters says nothing new: what the post said stays, and no record comes."""
    story = firing()
    story.edit("48:30", "p1", mood=None)
    assert story.news() == []
    story.delete("48:40", "p0")
    assert [f"p{number}" for number in range(1, NEEDED)] == story.evidence


def test_an_edit_that_makes_a_post_confidential_takes_it_out() -> None:
    """The unit's alert is corrected and does not name the post any more; head office has it in an alert of its own."""
    story = Timeline()
    story.settings("47:00", 1, "Elm Street", confidential=("discrimination",))
    story.crowd("48:00", NEEDED)
    story.news()
    story.edit("48:20", "p1", mood="negative", severe=("discrimination",))
    by_cause = {alert.labels.alertname: alert for alert in story.alerts}
    assert {"48:20 opened", f"48:{NEEDED - 1:02d} corrected"} == {
        f"{clock_of(alert.detected_at)} {alert.change}" for alert in story.alerts[1:]
    }
    unit, office = by_cause["NegativeSurge"], by_cause["SeverePost"]
    assert (None, "acme") == (unit.addressed_to, office.addressed_to)
    assert "x:p1" not in {evidence.post_id for evidence in unit.evidence}
    assert ["x:p1"] == [evidence.post_id for evidence in office.evidence]
    story.crowd("48:30", 9, name="q")
    assert not any(
        "x:p1" in {one.post_id for one in alert.evidence} for alert in story.alerts[2:] if alert.addressed_to is None
    )


def test_what_becomes_of_an_action_on_a_confidential_alert_goes_where_the_alert_went() -> None:
    """To head office, not to the unit."""
    story = Timeline()
    story.settings("47:00", 1, "Elm Street", confidential=("discrimination",))
    story.word("48:00", "ana", severe=("discrimination",))
    assert "acme" == story.last.addressed_to
    assert "acme" == story.act("48:10", "acknowledge").addressed_to


def test_an_open_alert_of_a_removed_unit_becomes_quiet() -> None:
    """It goes on as it is, can be resolved, and ends when it would have ended."""
    story, stays = firing(), firing()
    story.settings("48:30", 9, None)
    assert story.news() == []
    assert story.act("49:00", "resolve").accepted
    for one in (story, stays):
        one.wait("80:00")
    assert ("quiet", "resolved") == (story.last.status, story.last.state)
    assert stays.last.ends_at == story.last.ends_at


def test_settings_are_in_the_alert_and_never_go_back() -> None:
    """Name, region and brand are those of the highest version so far, in whatever order versions come."""
    story = Timeline()
    story.settings("47:00", 7, "Elm Street")
    story.settings("47:01", 3, "Old Name")
    story.crowd("48:00", NEEDED)
    labels = story.last.labels
    assert ("acme", "west", "store") == (labels.brand, labels.region, labels.unit_kind)
    assert "Elm Street" in story.last.annotations.summary
    assert "acme/store-17/surge" == story.last.dedup_key


# What people do


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


# Restarts and bounds


class Restarting(Timeline):
    """A worker that ends and begins again before every record."""

    def _apply(self, clock: str, event: Event) -> None:
        log = Log(Engine())
        for state in self.log.units.values():
            log.load(encode_state(state))
        log.load_clock(self.log.save_clock())
        self.log = log
        super()._apply(clock, event)


def _eventful(story: Timeline) -> Timeline:
    story.settings("1:00", 1, "Elm Street", confidential=("discrimination",))
    story.crowd("48:00", CLEARLY_MORE)
    story.word("48:10", "ben", severe=("injury", "discrimination"))
    story.edit("48:20", "p1", mood="positive")
    story.act("48:30", "acknowledge")
    story.wait("60:00")
    story.crowd("70:00", CLEARLY_MORE, name="q")
    story.delete("70:30", "q1")
    story.erase("70:40", "q2", "ben")
    story.word("71:00", "cleo", severe=("injury",))
    story.wait("100:00")
    story.crowd("130:00", CLEARLY_MORE, name="r")
    story.wait("160:00")
    return story


def test_nothing_is_repeated_after_a_restart() -> None:
    """A state that is written and read back at every point of a story leads to the same records."""
    straight, restarted = _eventful(Timeline()), _eventful(Restarting())
    assert straight.alerts == restarted.alerts
    assert straight.entries == restarted.entries
    assert {"opened", "grown", "corrected", "acknowledged", "quiet", "reopened"} <= {
        alert.change for alert in straight.alerts
    }
    unit_id = "store-17"
    assert encode_state(straight.log.units[unit_id]) == encode_state(restarted.log.units[unit_id])


def test_cases_are_bounded() -> None:
    """Of many alerts the oldest quiet ones are forgotten; an action on them is refused as unknown."""
    story = Timeline()
    for number in range(CASES_MAX + 10):
        story.word(f"{24 + number * 72}:00", f"p{number}", severe=("injury",))
    opened = [alert.alert_id for alert in story.alerts if alert.change == "opened"]
    assert CASES_MAX + 10 == len(set(opened))
    assert CASES_MAX >= len(story.log.units["store-17"].cases)
    assert "unknown_alert" == story.act("9000:00", "resolve", alert_id=opened[0]).reason
    assert story.act("9000:01", "resolve", alert_id=opened[-1]).accepted


def test_a_typical_unit_is_small() -> None:
    """With one complaint in five hours and twice as much praise, after sixty days, with all detectors: less than
    2 KB."""
    story, largest = Timeline(), 0
    for number in range(60 * 24 // 5):
        hour = 1 + number * 5
        story.word(f"{hour}:{number * 7 % 60:02d}", f"c{number}", about=("wait_time", "operations"))
        story.word(f"{hour + 1}:00", f"f{number}", mood="positive")
        story.word(f"{hour + 2}:00", f"g{number}", mood="positive")
        story.wait(f"{hour + 3}:00")
        largest = max(largest, len(encode_state(story.log.units["store-17"])))
    assert largest < 2_000
    assert not [alert for alert in story.alerts if alert.labels.alertname != "NegativeSurge"]
