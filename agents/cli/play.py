"""Plays a scenario into the running service, with people who act on its alerts.

In: a scenario and the time to play it in. Out: Played, whose `summary` is what `cem demo --json` prints. The rules:
what is sent goes out in order of its times, actions among posts; before an action, and where an alert is to be
expected, the play stops until the log is as far, so that the same seed gives the same story however fast it is played.

Where an alert is to be expected is worked out beforehand by a replay in this process.
"""

import heapq
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import NamedTuple

from agents.cli.live import LiveView
from agents.cli.played import Played
from agents.cli.watch import Watch
from agents.kafka.progress import Progress
from agents.kafka.units import publish
from agents.kafka.writer import Writer
from agents.parts import engine_of, limits_of, understanding_of
from agents.settings import Settings
from pipeline.control import Shape
from pipeline.directory import Directory
from pipeline.engine import outputs_of
from pipeline.evaluation.managers import Managers
from pipeline.evaluation.replay import event_codec, log_of_inputs, replay_events, ticked_inputs
from pipeline.evaluation.scenario import Scenario
from pipeline.sources.timeline import Grid, Record, input_of
from schemas.action import Action
from schemas.alert import Alert
from schemas.time import Millis
from schemas.topics import Topics

SEND_AT_ONCE = 500
DRAIN_SECONDS_MAX = 300.0
LOOK_SECONDS = 1.0
LAG_EVERY_SECONDS = 1.0
PLAYED = ("posts", "feedback", "actions")


class Opening(NamedTuple):
    """An alert that is to be expected: from when on it is there, and at which unit."""

    at_ms: int
    unit_id: str


def expected(scenario: Scenario, settings: Settings) -> list[Opening]:
    """The alerts that come of a scenario if nobody acts on them, by the same code as the service's."""
    inputs = ticked_inputs(list(scenario.records), settings.tick_ms)
    log = log_of_inputs(
        inputs, Directory(scenario.units, 1), understanding=understanding_of(settings), limits=limits_of(settings)
    )
    alerts = outputs_of(replay_events(((0, event_codec.decode(value)) for value in log), engine_of(settings)))
    return sorted(Opening(int(alert.detected_at), alert.labels.unit_id) for alert in alerts if alert.change == "opened")


class Player:
    """One play. `seconds`: how long it is to take, 0: as fast as it goes. `check` is called now and then and may
    raise."""

    def __init__(
        self,
        settings: Settings,
        shape: Shape,
        scenario: Scenario,
        view: LiveView,
        seconds: float,
        check: Callable[[], None],
    ) -> None:
        self._scenario = scenario
        self._topics = Topics(settings.prefix)
        self._view = view
        self._seconds = seconds
        self._check = check
        self._tick_ms = settings.tick_ms
        self.played = Played(scenario)
        self._settings = settings
        inputs = [self._topics(name) for name in PLAYED]
        self._grid = Grid(inputs, shape, settings.tick_ms)
        self._sources = sum(shape.inputs[topic] for topic in inputs)
        self._managers = Managers(scenario.seed, scenario.units)
        self._given_up: Counter[str] = Counter()
        self._unsent = 0

    def play(self, openings: list[Opening]) -> Played:
        """Publishes the units, plays, waits until all is worked on."""
        self._view.note("publishing the units")
        publish(self._settings, self._topics, self._scenario.units)
        self._watch = Watch(self._settings, self._topics, self.played, self._view, self._sources)
        self._started = self._looked = time.monotonic()
        try:
            with Writer(self._settings) as self._writer, Progress(self._settings, self._topics) as self._progress:
                self._view.note("playing")
                self._send_all(openings)
                self._writer.flush()
                self._view.note("everything is sent; waiting until it is worked on")
                self._drain()
            self._watch.to_the_end()
            self.played.seconds = time.monotonic() - self._started
        finally:
            self._watch.close()
        return self.played

    def _send_all(self, openings: list[Opening]) -> None:
        """In order of time: records, actions, and where to stop because an alert has opened."""
        stops = [(opening.at_ms // self._tick_ms * self._tick_ms + self._tick_ms, opening) for opening in openings]
        numbers = count()  # what comes at the same time comes as it stands here
        queue: list[tuple[int, int, Opening | Record | Action]] = [(at, next(numbers), one) for at, one in stops]
        queue += [(int(one.event_time), next(numbers), one) for one in self._scenario.records]
        heapq.heapify(queue)
        due: Counter[str] = Counter()
        while queue:
            at_ms, _, item = heapq.heappop(queue)
            if at_ms >= self._scenario.ends:
                break
            self._pace(at_ms)
            self._tick(at_ms)
            if isinstance(item, Opening):
                due[item.unit_id] += 1
                for action in self._news(item.unit_id, due[item.unit_id]):
                    heapq.heappush(queue, (int(action.event_time), next(numbers), action))
            elif isinstance(item, Action):
                self._stop()
                self._wait(partial(self._is_at, item))
                self.played.actions[item.id] = item
                self._writer.send(input_of(item, self._topics))
            else:
                self._writer.send(input_of(item, self._topics))
                self.played.sent += 1
                self._count(at_ms)
        self._tick(int(self._scenario.ends))
        self._view.sent(self._unsent, int(self._scenario.ends))

    def _tick(self, at_ms: int) -> None:
        for emission in self._grid.until(at_ms):
            self._writer.send(emission)

    def _stop(self) -> None:
        """Until the log is as far as what was sent."""
        self._writer.flush()
        while not self._watch.until(lambda: self._watch.clock_ms >= self._grid.at_ms, LOOK_SECONDS):
            self._check()

    def _wait(self, reached: Callable[[], bool]) -> bool:
        """Until it is so, or everything is worked on and it is not: the broker's order was another one."""
        while not self._watch.until(reached, LOOK_SECONDS):
            self._check()
            if not any(self._progress.left().values()):
                self._watch.to_the_end()
                return reached()
        return True

    def _is_at(self, action: Action) -> bool:
        """Whether the case has come to the unit where somebody acts: one that was sent on takes a moment longer."""
        alert = self.played.last.get(action.alert_id)
        return alert is not None and alert.labels.unit_id == action.unit_id

    def _news(self, unit_id: str, due: int) -> list[Action]:
        """Waits for an alert that is to be expected (`due`: so many of the unit by now), and gives what people will do
        about it, and about others that have come."""
        self._stop()

        def is_there() -> bool:
            seen = sum(alert.labels.unit_id == unit_id for alert in self.played.opened.values())
            return seen + self._given_up[unit_id] >= due

        if not self._wait(is_there):
            self._given_up[unit_id] += 1
        news, self._watch.news = self._watch.news, []
        return [
            action for alert in sorted(news, key=_order) for action in self._managers.notice(alert, self._grid.at_ms)
        ]

    def _pace(self, at_ms: int) -> None:
        """Waits until it is time; looks at what has come meanwhile."""
        starts, ends = self._scenario.starts, self._scenario.ends
        while self._seconds and (at_ms - starts) / (ends - starts) > (time.monotonic() - self._started) / self._seconds:
            self._watch.look()

    def _count(self, at_ms: int) -> None:
        self._unsent += 1
        if self._unsent >= (SEND_AT_ONCE if not self._seconds else 20):
            self._view.sent(self._unsent, at_ms)
            self._unsent = 0
            self._watch.look(0)
        if time.monotonic() - self._looked > LAG_EVERY_SECONDS:
            self._looked = time.monotonic()
            self._check()
            self._view.lag(sum(self._progress.left().values()))

    def _drain(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS_MAX
        while any((left := self._progress.left()).values()) and time.monotonic() < deadline:
            self._check()
            self._view.lag(sum(left.values()))
            self._watch.look(200)
        self._view.lag(sum(self._progress.left().values()))


def _order(alert: Alert) -> tuple[Millis, str]:
    return alert.detected_at, alert.alert_id
