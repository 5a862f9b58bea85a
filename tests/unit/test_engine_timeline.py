"""The life of an alert, as the one who gets it sees it: told as timelines on a manual clock.

The unit has been silent for two days when a story begins, so a handful of people within an hour is a surge
(`tests/surge_story.py`).
"""

import itertools

import pytest

from pipeline.alerts.record import READ_AND_ANSWER
from pipeline.detectors.surge import SurgeDetector
from pipeline.engine import HOLD_MS, Engine
from pipeline.taxonomy import load
from schemas.action import ActionName
from schemas.time import DAY_MS, HOUR_MS
from tests.surge_story import CLEARLY_MORE, NEEDED, firing
from tests.timeline import Timeline, time_of

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
