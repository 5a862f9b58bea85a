"""What is sent in a simulation: a few hours about a brand and three stores, small and full of corners.

In: chance. Out: emissions for the input topics, each for its partition. Complaints come in bursts, some spread, some
are severe or confidential or by somebody with many followers, so that alerts of all detectors open, grow and become
quiet; records of every kind are among them, also such as are refused, and a new version of the directory comes in the
midst.
"""

from random import Random
from typing import NamedTuple, get_args

from aiokafka.partitioner import murmur2

from pipeline.alerts.identity import alert_id
from pipeline.control import Shape, tick_records
from pipeline.emission import Emission
from pipeline.sources.timeline import input_of
from schemas.action import Action, ActionName
from schemas.assignment import Assignment
from schemas.codec import encode
from schemas.erasure import Erasure
from schemas.feedback import Feedback
from schemas.insight import Insight, Routing
from schemas.post import Author, Metrics, Post
from schemas.record import Source
from schemas.tick import CONTROL_ASSIGNMENT, CONTROL_HEADER
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from schemas.topics import Topics
from schemas.unit import Department, Hours, Unit
from schemas.unrouted import Unrouted

STARTS = 1_772_452_800_000
"""2 March 2026, noon."""
POSTS_MAX = 60
BAD = (b"", b"{", b"\xff\xfe", b"[]", b'{"id":1}', b'{"schema_version":"9.0"}', b'{"id":"x","network":"x"}')
TEXTS = (
    "Terrible, rude and slow @{handle}", "This is awful. Worst place ever @{handle}", "I hate waiting @{handle}",
    "Great food, lovely people @{handle}", "Going to @{handle} now", "horrible horrible @{handle} call 555 123 4567",
    "nobody in particular", "bad bad bad at Elm Street", "My son was injured at @{handle}, he is in hospital",
    "Racist staff at @{handle}, I was refused service because of my skin colour",
)  # fmt: skip

FOLLOWERS = (None, 0, 50, 50, 3_000, 3_000_000)
DEEDS: tuple[ActionName, ...] = get_args(ActionName)
SPREADS = 0.02
"""How often a post is passed on by dozens."""

BRAND = Unit(
    id="brand", name="Brand", kind="brand", industry="retail", time_zone="UTC", handles=("brand",),
    confidential=("discrimination",), complaints_a_week=0.3,
)  # fmt: skip
STORES = tuple(
    Unit(
        id=f"store-{number}",
        name=f"Store {number}",
        kind="store",
        industry="retail",
        time_zone="UTC",
        parent="brand",
        handles=(f"store{number}",),
        opening_hours=(Hours(day="mon", opens="11:00", closes="13:00"), Hours(day="mon", opens="14:00", closes="22:00"))
        if number == 1
        else (),
        departments=(Department(name="safety", acknowledge_within=5, answer_within=20),) if number == 1 else (),
    )
    for number in range(3)
)
HANDLES = ("brand", "store0", "store1", "store2")


class Input(NamedTuple):
    """Records in the order in which they are sent."""

    emissions: list[Emission]


def make_input(random: Random, topics: Topics, shape: Shape, tick_ms: int) -> Input:
    """A history."""
    now = STARTS
    out: list[Emission] = [Emission(topics("units"), unit.id.encode(), encode(unit), 0) for unit in (BRAND, *STORES)]
    written: list[Post] = []
    last_tick = -1
    for number in range(random.randint(15, POSTS_MAX)):
        now += random.choice((0, 1, 1, 3, 40)) * MINUTE_MS
        if now // tick_ms > last_tick:
            last_tick = now // tick_ms
            out += tick_records(shape, last_tick * tick_ms)
        out += _something(random, topics, shape, number, now, written)
    if random.random() < 0.5:
        at = random.randrange(5, len(out))
        changed = STORES[0] if random.random() < 0.5 else None
        renamed = Unit(**{**_fields(STORES[0]), "name": "Elm Street", "aliases": ("Elm Street",)})
        out.insert(at, Emission(topics("units"), b"store-0", encode(renamed) if changed else None, 0))
    for hour in range(2):
        out += tick_records(shape, (now // tick_ms + 2) * tick_ms + hour * 2 * HOUR_MS)
    return Input([_placed(emission, shape) for emission in out])


def _fields(unit: Unit) -> dict[str, object]:
    return {name: getattr(unit, name) for name in unit.__struct_fields__}


def _something(
    random: Random, topics: Topics, shape: Shape, number: int, now: int, written: list[Post]
) -> list[Emission]:
    what = random.random()
    if written and random.random() < SPREADS:
        return [input_of(one, topics) for one in _spread(random, random.choice(written), number, now)]
    if what < 0.62 or not written:
        post = _post(random, number, now, written)
        written.append(post)
        return [input_of(post, topics)] * (2 if random.random() < 0.05 else 1)
    if what < 0.72:
        known = random.choice(written)
        kind = random.choice(("edit", "edit", "delete"))
        fields = {name: getattr(known, name) for name in known.__struct_fields__}
        text = random.choice(TEXTS).format(handle="store1")
        if random.random() < 0.3:  # a connector that polls
            fields["metrics"], text = Metrics(reposts=random.choice((0, 3, 500, 40_000))), ""
        return [input_of(Post(**{**fields, "kind": kind, "text": text, "event_time": Millis(now)}), topics)]
    if what < 0.82:
        unit_id = random.choice(("store-0", "store-1", "store-2", "nowhere"))
        said = random.choice(("terrible, rude, awful", "lovely", ""))
        feedback = Feedback(id=f"f{number}", channel="web", unit_id=unit_id, text=said, csat=random.randint(1, 5),
                            customer_ref=random.choice((None, "C-1", "C-2")), contact_consent=random.random() < 0.5,
                            event_time=Millis(now))  # fmt: skip
        return [input_of(feedback, topics)]
    if what < 0.88:
        return [
            Emission(topics("actions"), action.unit_id.encode(), encode(action))
            for action in _actions(random, number, now, written)
        ]
    if what < 0.92:
        gone = random.choice(written)
        erasure = Erasure(
            id=f"e{number}", network=gone.network, post_ids=(gone.id,), actor="owner", event_time=Millis(now)
        )
        return [Emission(topics("erasures"), erasure.id.encode(), encode(erasure))]
    if what < 0.95:
        unit_id = random.choice(("store-0", "store-2", "nowhere"))
        return [_assigned(random.choice(written), unit_id, topics, shape, now)] * random.choice((1, 1, 2))
    topic = topics(random.choice(("posts", "feedback", "actions", "erasures")))
    return [Emission(topic, b"bad", random.choice(BAD))]


def _actions(random: Random, number: int, now: int, written: list[Post]) -> list[Action]:
    """What people do about the alerts of severe posts, whose ids can be guessed; some about alerts that are not there,
    some twice, some from tomorrow, some that lack what they need."""
    found = [
        (unit.id, cause, post.id)
        for post in written[-30:]
        for unit in (BRAND, *STORES)
        for cause, word in (("injury", "injured"), ("discrimination", "Racist"))
        if word in post.text and f"@{unit.handles[0]}" in post.text
    ]
    unit_id, alert = random.choice(("store-0", "brand", "nowhere")), "al-unknown"
    if found and random.random() < 0.9:
        unit_id, cause, post_id = random.choice(found)
        alert = alert_id(unit_id, f"severe:{cause}", f"x:{post_id}", random.randrange(3))
    actions = []
    for place in range(random.choice((1, 2, 4))):
        tomorrow = 24 * HOUR_MS if random.random() < 0.05 else 0
        action = Action(
            id=f"a{number}-{place}", alert_id=alert, unit_id=unit_id, action=random.choice(DEEDS), actor="manager",
            note=random.choice(("", "done, call 555 123 4567")), we_did=random.choice(("", "sorry")),
            assignee=random.choice((None, "bo")), dismissal_code=random.choice((None, "false")),
            to_unit=random.choice((None, None, "store-2", "nowhere")), to_department=random.choice((None, "kitchen")),
            until=Millis(now + 3 * HOUR_MS), event_time=Millis(now + tomorrow),
        )  # fmt: skip
        actions += [action] * random.choice((1, 1, 1, 2))
    return actions


def _post(random: Random, number: int, now: int, written: list[Post]) -> Post:
    burst = (number // 12) % 2 == 0
    handle = "store1" if burst and random.random() < 0.8 else random.choice(HANDLES)
    text = TEXTS[random.randrange(3)] if burst else random.choice(TEXTS)
    late = random.choice((0, 0, 0, 5, 25)) * MINUTE_MS
    replied = random.choice(written) if written and random.random() < 0.25 else None
    author = "store1" if random.random() < 0.06 else f"u{random.randrange(25)}"
    return Post(
        id=f"p{number}",
        network="x",
        kind="post" if replied is None else random.choice(("reply", "repost")),
        author=Author(id=author, handle=author, followers=random.choice(FOLLOWERS)),
        text=text.format(handle=handle),
        in_reply_to=replied.id if replied else None,
        root_id=(replied.root_id or replied.id) if replied else None,
        event_time=Millis(now - late),
    )


def _spread(random: Random, root: Post, number: int, now: int) -> list[Post]:
    """Dozens pass it on within minutes."""
    return [
        Post(
            id=f"p{number}r{place}",
            network="x",
            kind="repost",
            author=Author(id=f"v{place}", handle=f"v{place}", followers=random.choice(FOLLOWERS)),
            root_id=root.root_id or root.id,
            event_time=Millis(now + place * 4_000 - random.choice((0, 0, 60_000))),
        )
        for place in range(random.randint(15, 80))
    ]


def _assigned(post: Post, unit_id: str, topics: Topics, shape: Shape, now: int) -> Emission:
    """Somebody decides what a post is about, whether it had found its unit or not."""
    placed = _placed(input_of(post, topics), shape)
    identity = f"{post.network}:{post.id}"
    insight = Insight(
        id=identity, kind="post", unit_id="", channel=post.network, event_time=post.event_time,
        routing=Routing(rule="none", confidence=0.0),
        source=Source(topic=placed.topic, partition=placed.partition or 0, offset=0),
    )  # fmt: skip
    decided = Assignment(
        unit_id=unit_id, actor="maria", event_time=Millis(now),
        unrouted=Unrouted(id=identity, reason="no_clue", insight=insight),
    )  # fmt: skip
    headers = ((CONTROL_HEADER, CONTROL_ASSIGNMENT),)
    return Emission(placed.topic, identity.encode(), encode(decided), placed.partition, headers)


def _placed(emission: Emission, shape: Shape) -> Emission:
    """Where Kafka's own clients would put it."""
    if emission.partition is not None:
        return emission
    assert emission.key is not None
    partition = (murmur2(emission.key) & 0x7FFFFFFF) % shape.inputs[emission.topic]
    return Emission(emission.topic, emission.key, emission.value, partition, emission.headers)
