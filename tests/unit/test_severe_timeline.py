"""The life of an alert about a severe post, as the one who gets it sees it: told as timelines on a manual clock."""

import pytest

from pipeline.taxonomy import load
from tests.timeline import Timeline, time_of


def injured(story: Timeline, clock: str, author: str) -> str:
    """Somebody writes that somebody was hurt."""
    return story.word(clock, author, severe=("injury",))


@pytest.fixture
def story() -> Timeline:
    """A unit about which one person wrote that somebody was hurt, at 5:00."""
    told = Timeline()
    injured(told, "5:00", "ana")
    return told


def test_opened_at_once(story: Timeline) -> None:
    """By the first post, at its time, in a unit of which hardly anything is known; with what to do."""
    assert story.news() == ["5:00 opened"]
    alert, topic = story.last, load("other").severe["injury"]
    assert alert.starts_at == time_of("5:00")
    assert ("SeverePost", "injury", "safety", 8) == (
        alert.labels.alertname, alert.labels.aspect, alert.labels.department, alert.severity,
    )  # fmt: skip
    assert ("severe_phrase", ("injury",), None) == (
        alert.detection.method, alert.detection.words, alert.detection.p_value,
    )  # fmt: skip
    assert alert.annotations.summary.startswith(topic.title)
    assert topic.recommended_action == alert.annotations.recommended_action
    assert ["ana"] == story.evidence


def test_grown_with_every_second_further_person(story: Timeline) -> None:
    """The second person is no news, the third is; nothing is above ten; the same person again is none at all."""
    for minute in range(1, 6):
        injured(story, f"5:{minute:02d}", f"p{minute}")
        injured(story, f"5:{minute:02d}:30", "ana")
    assert story.news() == ["5:00 opened", "5:02 grown", "5:04 grown"]
    assert (10, "critical") == (story.last.severity, story.last.severity_label)


def test_quiet_when_a_day_has_passed_without_another(story: Timeline) -> None:
    """And held for half an hour; a further post begins the day anew."""
    injured(story, "15:00", "ben")
    story.wait("39:00")
    assert story.news() == ["5:00 opened"]
    story.wait("40:00")
    assert story.news() == ["39:30 quiet"]
    assert "quiet" == story.last.status


def test_another_cause_is_another_alert(story: Timeline) -> None:
    """Who has to do with injuries need not have to do with threats."""
    story.word("5:10", "ben", severe=("threat",))
    assert story.news() == ["5:00 opened", "5:10 opened"]
    assert 2 == len({alert.alert_id for alert in story.alerts})


def test_a_post_that_is_taken_back(story: Timeline) -> None:
    """The alert says so, and ends without waiting for the day to pass."""
    story.delete("5:20", "ana")
    assert story.news() == ["5:00 opened", "5:00 corrected"]
    assert [] == story.evidence
    story.wait("7:00")
    assert "quiet" == story.last.status
    assert [] == story.evidence


def test_a_post_that_is_corrected(story: Timeline) -> None:
    """An edit without the severe words takes it out like a delete."""
    story.edit("5:20", "ana", mood="neutral")
    assert [] == story.evidence
    story.wait("7:00")
    assert "quiet" == story.last.status


def test_an_edit_that_tells_it_first() -> None:
    """What was harmless becomes severe by what it says now."""
    story = Timeline()
    story.complaint("5:00", "ana")
    story.word("5:10", "ana", kind="edit", severe=("injury",))
    assert 1 == len(story.news())
    assert "SeverePost" == story.last.labels.alertname


def test_an_erased_post(story: Timeline) -> None:
    """What is to be forgotten is in no evidence."""
    story.erase("5:20", "ana")
    assert [] == story.evidence
