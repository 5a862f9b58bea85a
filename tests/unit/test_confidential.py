"""What is confidential goes to head office, and the unit that it is about sees no trace of it: from the post to the
records that consumers read, by the service's own parts, without Kafka."""

from collections.abc import Iterable

import pytest

from agents.units import emissions_of
from pipeline.control import Shape
from pipeline.directory import Directory
from pipeline.emission import Emission, Incoming
from pipeline.engine import Engine
from pipeline.enrich import Enricher
from pipeline.lane import Lane, Limits
from pipeline.log import Log
from pipeline.saying import Listener
from pipeline.sentiment.customer import CustomerScorer
from pipeline.text.pseudonym import Pseudonyms
from pipeline.understanding import Understanding
from schemas.action import Action
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec, encode
from schemas.event import Event
from schemas.post import Author, Metrics, Post
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis
from schemas.topics import INPUTS, Topics
from schemas.unit import Unit

TOPICS = Topics("t")
SHAPE = Shape(inputs={TOPICS(name): 1 for name in INPUTS}, events=1)
START_MS = 20_000 * DAY_MS
RACISM = "@elm your manager is racist, she refused to serve us because we are black"
UNITS = (
    Unit(id="acme", name="Acme", kind="brand", time_zone="UTC", confidential=("discrimination",)),
    Unit(id="west", name="West", kind="region", parent="acme", time_zone="UTC"),
    Unit(
        id="elm", name="Elm Street", kind="store", industry="retail", parent="west", time_zone="UTC", handles=("@elm",)
    ),
)

_events: Codec[Event] = Codec(Event)
_alerts = Codec[Alert](Alert)
_cases = Codec[CaseEntry](CaseEntry)


class Service:
    """Posts and actions in, records out."""

    def __init__(self) -> None:
        self.out: list[Emission] = []
        self.offset = 0
        self._lane = Lane(Limits())
        self._lane.position.version = 1
        self._log = Log(Engine())
        directory = Directory(UNITS, 1)
        self._enricher = Enricher(
            topics=TOPICS,
            shape=SHAPE,
            understanding=Understanding(Listener(CustomerScorer()), Pseudonyms(b"a key of the tests")),
            directories=lambda _: directory,
            limits=Limits(),
        )

    def take(self, topic: str, record: Post | Action) -> None:
        """One input record and all that comes of it."""
        incoming = Incoming(TOPICS(topic), 0, self.offset, b"k", encode(record), (), START_MS)
        self.offset += 1
        for emission in self._enricher.step(self._lane, incoming):
            if emission.topic == TOPICS("events"):
                for output in self._log.apply(_events.decode(emission.value)):
                    self.out += emissions_of(output, TOPICS)

    def on(self, unit_id: str) -> list[Alert]:
        """What a consumer of a unit's topic reads."""
        return [_alerts.decode(one.value) for one in self.out if one.topic == TOPICS.unit_alerts(unit_id)]

    def with_key(self, unit_id: str) -> list[Emission]:
        """Everything that a reader of one unit gets: its topic, and what has its id as key."""
        return [one for one in self.out if one.topic == TOPICS.unit_alerts(unit_id) or one.key == unit_id.encode()]


def post(number: int, text: str, minute: int = 0, **more: object) -> Post:
    """A customer's post."""
    fields: dict[str, object] = {
        "id": f"p{number}", "network": "x", "kind": "post", "author": Author(id=f"a{number}", handle=f"h{number}"),
        "text": text, "event_time": Millis(START_MS + minute * MINUTE_MS),
    }  # fmt: skip
    return Post(**(fields | more))  # type: ignore[arg-type]


def crowd(service: Service) -> None:
    """A store that people speak of once a day for three days; then 28 complain within ten minutes."""
    for day in range(1, 4):
        service.take("posts", post(1000 + day, "@elm do you open on Sundays", (day - 4) * 24 * 60))
    for number in range(2, 30):
        service.take("posts", post(number, "@elm waited an hour, terrible service, never again", number // 3))


def names(emissions: Iterable[Emission], *said: str) -> list[bytes | None]:
    """Records that name one of these."""
    return [one.value for one in emissions if any(word.encode() in (one.value or b"") for word in said)]


@pytest.fixture
def service() -> Service:
    """A brand to which discrimination is confidential, and a store below its region."""
    return Service()


def test_goes_to_the_topmost_unit(service: Service) -> None:
    """The brand's topic gets the alert, about the store, with the brand as key among all alerts."""
    service.take("posts", post(1, RACISM))
    [alert] = service.on("acme")
    assert ("SeverePost", "discrimination", "elm", "acme") == (
        alert.labels.alertname, alert.labels.aspect, alert.labels.unit_id, alert.addressed_to,
    )  # fmt: skip
    assert "head_office" == alert.labels.department
    assert [b"acme"] == [one.key for one in service.out if one.topic == TOPICS("alerts")]
    assert [] == service.with_key("elm")
    assert [] == service.on("west")


def test_other_causes_stay_with_the_unit(service: Service) -> None:
    """An injury is for those who can secure the place."""
    service.take("posts", post(1, "@elm a shelf fell on my foot and broke two toes"))
    assert ["injury"] == [alert.labels.aspect for alert in service.on("elm")]
    assert [] == service.on("acme")


def test_is_no_evidence_of_the_units_other_alerts(service: Service) -> None:
    """A crowd complains in the same hour: the store's alert knows nothing of the confidential post."""
    service.take("posts", post(1, RACISM))
    crowd(service)
    assert "NegativeSurge" in {alert.labels.alertname for alert in service.on("elm")}
    assert [] == names(service.with_key("elm"), 'x:p1"', "discrimination", "racis")


@pytest.mark.parametrize("confidential_first", [True, False])
def test_with_another_cause_beside_it(service: Service, confidential_first: bool) -> None:
    """A post that tells of an injury too stays with head office, also where the store has an alert of injuries."""
    both = post(1, RACISM + " and the guard broke my arm")
    injuries = [post(number, "@elm a shelf fell on my foot and broke two toes", number) for number in range(2, 6)]
    for one in [both, *injuries] if confidential_first else [*injuries, both]:
        service.take("posts", one)
    assert {"injury"} == {alert.labels.aspect for alert in service.on("elm")}
    assert {"discrimination"} == {alert.labels.aspect for alert in service.on("acme")}
    assert [] == names(service.with_key("elm"), 'x:p1"', "discrimination")


def test_what_became_of_actions_is_told_to_head_office(service: Service) -> None:
    """The history of the case has head office as its key; the store's cases name neither post nor cause."""
    service.take("posts", post(1, RACISM))
    [alert] = service.on("acme")
    service.take("actions", Action(
        id="c1", alert_id=alert.alert_id, unit_id="elm", action="acknowledge", actor="ana",
        event_time=Millis(START_MS + HOUR_MS),
    ))  # fmt: skip
    entries = [one for one in service.out if one.topic == TOPICS("cases")]
    assert [(b"acme", "acme", True, change) for change in ("opened", "acknowledged")] == [
        (one.key, entry.addressed_to, entry.accepted, entry.change)
        for one in entries
        if (entry := _cases.decode(one.value))
    ]
    assert ["opened", "acknowledged"] == [one.change for one in service.on("acme")]
    assert [] == service.with_key("elm")


def test_that_spreads_is_told_to_head_office(service: Service) -> None:
    """Reposts of a confidential post raise what they raise with head office, and nothing at the store."""
    service.take("posts", post(1, RACISM, author=Author(id="a1", handle="h1", followers=200_000)))
    for number in range(2, 200):
        service.take("posts", post(
            number, "", number // 20, kind="repost", in_reply_to="p1", root_id="p1",
            author=Author(id=f"a{number}", handle=f"h{number}", followers=5_000),
        ))  # fmt: skip
    assert {"SeverePost"} < {alert.labels.alertname for alert in service.on("acme")}
    assert [] == names(service.with_key("elm"), 'x:p1"', "x:p1/", "discrimination")
    assert [] == service.on("elm")


def test_counters_of_a_confidential_post(service: Service) -> None:
    """A connector that polls how often the post was passed on tells head office only."""
    service.take("posts", post(1, RACISM, author=Author(id="a1", handle="h1", followers=200_000)))
    for minute in range(1, 30):
        service.take("posts", post(1, "", 0, kind="edit", metrics=Metrics(reposts=minute * minute * 20)))
    assert [] == service.on("elm")


def test_a_post_that_becomes_confidential(service: Service) -> None:
    """An edit that says so takes the post out of the store's sight."""
    crowd(service)
    shown = {evidence.post_id for alert in service.on("elm") for evidence in alert.evidence}
    edited = int(sorted(shown)[0].removeprefix("x:p"))
    before = len(service.on("elm"))
    service.take("posts", post(edited, RACISM, edited // 3, kind="edit"))
    assert ["acme"] == [alert.addressed_to for alert in service.on("acme")]
    later = service.on("elm")[before:]
    assert all(f"x:p{edited}" != evidence.post_id for alert in later for evidence in alert.evidence)
