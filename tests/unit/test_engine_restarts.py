"""A unit's state is all that there is, written and read back at any point, and it is small."""

from pipeline.engine import CASES_MAX, Engine
from pipeline.log import Log
from pipeline.state import encode_state
from schemas.event import Event
from tests.surge_story import CLEARLY_MORE
from tests.timeline import Timeline


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
