"""What is edited, deleted, erased or made confidential leaves an alert; a changed directory does not end one."""

from pipeline.engine import Engine
from schemas.time import HOUR_MS
from tests.surge_story import NEEDED, firing
from tests.timeline import Timeline, clock_of


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
