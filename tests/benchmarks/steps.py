"""What the steps of the core cost, each alone in a loop over the same posts, in one process without Kafka.

In: made-up posts. Out: µs of processor time per post. The one rule: a step is called as the worker calls it, with what
the step before has made; nothing of it is kept but what the next one needs.
"""

import time
from collections.abc import Callable, Iterable
from random import Random
from statistics import median
from typing import Any, NamedTuple

import msgspec
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from agents.parts import engine_of, limits_of, understanding_of
from agents.settings import Settings
from pipeline.control import Shape
from pipeline.directory import Directory
from pipeline.emission import Emission, Incoming
from pipeline.enrich import Enricher
from pipeline.evaluation import scenario
from pipeline.lane import Lane
from pipeline.log import Log
from pipeline.routing import route
from pipeline.sentiment.vader import VaderScorer
from pipeline.text.normalise import normalise
from pipeline.text.pseudonym import Pseudonyms
from pipeline.text.redaction import mask
from schemas.codec import Codec, encode
from schemas.event import Event
from schemas.post import Post
from schemas.text import StoredText
from schemas.topics import INPUTS, Topics
from schemas.unit import Unit
from tests.benchmarks.cem import AUTHOR_KEY
from tests.benchmarks.posts import Input, encoded, local_units, make_post, make_units, write

REPEATS = 3
CHECKPOINT_POSTS = 1_000
"""What is between two checkpoints at about 10,000 posts/s: a unit's state is saved once for all that was said about it
meanwhile."""
BATCH_BYTES = 256 * 1024

_topics = Topics()
_settings = Settings(author_key=AUTHOR_KEY)


class Step(NamedTuple):
    """µs per post. `part_of` names the step that this one is a part of, None for one that stands for itself."""

    name: str
    us: float
    part_of: str | None = None


def core_steps(given: Input) -> list[Step]:
    """Each step of the core over all posts."""
    directory = Directory(given.units, 1)
    values = [record.value for record in given.records]
    incoming = _incoming(given)
    number = len(values)
    codec, event_codec, scorer = Codec[Post](Post), Codec[Event](Event), VaderScorer()
    posts = [codec.decode(value) for value in values]
    normal = [normalise(text) for text in given.texts]
    masked = [mask(text).text for text in normal]
    emissions = enriched(incoming, directory)
    events = [event_codec.decode(one.value) for one in emissions if one.topic == _topics("events")]
    text_codec = Codec[StoredText](StoredText)
    texts = [text_codec.decode(one.value) for one in emissions if one.topic == _topics("texts")]
    states, outputs = _logged(events)
    enrich = "enrich"

    def us(work: Callable[[], Any]) -> float:
        return median(_seconds(work) for _ in range(REPEATS)) / number * 1e6

    def each(function: Callable[[Any], Any], values: Iterable[Any]) -> Callable[[], Any]:
        return lambda: [None for value in values if function(value) is None]

    return [
        Step("unpack fetched posts", us(lambda: _unpack(_packed((r.key, r.value) for r in given.records)))),
        Step(enrich, us(lambda: _enrich(incoming, directory))),
        Step("decode the post", us(each(codec.decode, values)), enrich),
        Step("normalise the text", us(each(normalise, given.texts)), enrich),
        Step("mask personal data", us(each(mask, normal)), enrich),
        Step("score", us(each(scorer.score, masked)), enrich),
        Step("name of the author", us(lambda: _pseudonyms(posts)), enrich),
        Step(
            "find the unit", us(each(lambda text: route(network="x", text=text, directory=directory), masked)), enrich
        ),
        Step("encode insight and text", us(each(encode, [*events, *texts])), enrich),
        Step("pack insights and texts", us(lambda: _packed((one.key, one.value) for one in emissions))),
        Step(
            "unpack fetched events",
            us(lambda: _unpack(_packed((one.key, one.value) for one in emissions if one.topic == _topics("events")))),
        ),
        Step("decode the event", us(each(event_codec.decode, [encode(event) for event in events]))),
        Step("log and alerts", us(lambda: _logged(events, save=False))),
        Step("encode alerts", us(each(encode, outputs))),
        Step("encode states of units", median(_saving_seconds(events) for _ in range(REPEATS)) / number * 1e6),
        Step("pack states of units", us(lambda: _packed(states))),
    ]


def enrich_us_per_post(seed: int, units: int, number: int) -> float:
    """What it costs to enrich one of `number` posts where the directory has so many units. The first word about a unit
    costs more (its settings go into its log), so that is over before."""
    random = Random(seed)
    directory_units = _many_units(seed, units)
    directory = Directory(directory_units, 1)
    sites = random.sample(directory_units, min(units, number // 2))
    enricher, lane = _enricher(directory)
    seconds = 0.0
    for turn in range(2):
        records = []
        for place in range(number):
            site = sites[place % len(sites)]
            text = write(random, site, "neutral")
            key, value = encoded(make_post(random, turn * number + place, text, int(scenario.STARTS)))
            records.append(Incoming(_topics("posts"), 0, len(records), key, value, (), 0))
        seconds = _seconds(lambda records=records: [enricher.step(lane, record) for record in records])
    return seconds / number * 1e6


def _many_units(seed: int, count: int) -> list[Unit]:
    """Copies of a few under names of their own."""
    models = local_units(make_units(seed, 100))
    return [_renamed(models[number % len(models)], number) for number in range(count)]


def _renamed(unit: Unit, number: int) -> Unit:
    return msgspec.structs.replace(
        unit,
        id=f"unit-{number}",
        parent=None,
        aliases=(f"Unit {number} {unit.name}",),
        handles=(f"unit_{number}",),
        hashtags=(f"Unit{number}",),
        place_ids=(f"p-{number}",),
    )


def _enricher(directory: Directory) -> tuple[Enricher, Lane]:
    limits = limits_of(_settings)
    enricher = Enricher(
        topics=_topics,
        shape=Shape(inputs={_topics(name): 1 for name in INPUTS}, events=1),
        understanding=understanding_of(_settings),
        directories=lambda _: directory,
        limits=limits,
    )
    return enricher, Lane(limits)


def _incoming(given: Input) -> list[Incoming]:
    return [
        Incoming(_topics("posts"), 0, offset, record.key, record.value, (), 0)
        for offset, record in enumerate(given.records)
    ]


def enriched(records: list[Incoming], directory: Directory) -> list[Emission]:
    """What the enrich agent makes of the records."""
    enricher, lane = _enricher(directory)
    out: list[Emission] = []
    for record in records:
        out += enricher.step(lane, record)
    return out


def _enrich(records: list[Incoming], directory: Directory) -> None:
    """The same with nothing kept: a worker hands on what it makes, and rids itself of it."""
    enricher, lane = _enricher(directory)
    for record in records:
        enricher.step(lane, record)


def _logged(events: list[Event], *, save: bool = True) -> tuple[list[tuple[bytes, bytes]], list[Any]]:
    """What the unit agent saves and says."""
    log = Log(engine_of(_settings))
    states: list[tuple[bytes, bytes]] = []
    outputs: list[Any] = []
    for number, event in enumerate(events, start=1):
        outputs += log.apply(event)
        if save and number % CHECKPOINT_POSTS == 0:
            states += log.take_dirty()
    return states, outputs


def _saving_seconds(events: list[Event]) -> float:
    """What the unit agent spends on taking its states at checkpoints."""
    log = Log(engine_of(_settings))
    seconds = 0.0
    for number, event in enumerate(events, start=1):
        log.apply(event)
        if number % CHECKPOINT_POSTS == 0:
            seconds += _seconds(log.take_dirty)
    return seconds


def _pseudonyms(posts: list[Post]) -> None:
    names = Pseudonyms(AUTHOR_KEY.encode())
    for post in posts:
        if post.author is not None:
            names.author(post.network, post.author.id)


def _packed(items: Iterable[tuple[bytes | None, bytes | None]]) -> list[bytearray]:
    """Records into batches, as aiokafka's producer does it."""

    def new() -> DefaultRecordBatchBuilder:
        return DefaultRecordBatchBuilder(
            2, 0, is_transactional=True, producer_id=-1, producer_epoch=-1, base_sequence=0, batch_size=BATCH_BYTES
        )

    built, builder, offset = [], new(), 0
    for key, value in items:
        if builder.append(offset, 0, key, value, []) is None:
            built.append(builder.build())
            builder, offset = new(), 0
            builder.append(offset, 0, key, value, [])
        offset += 1
    built.append(builder.build())
    return built


def _unpack(built: list[bytearray]) -> int:
    """Records out of batches, as aiokafka's consumer does it."""
    number = 0
    for data in built:
        records = MemoryRecords(bytes(data))
        while records.has_next():
            for record in records.next_batch():
                number += record.value is not None
    return number


def _seconds(work: Callable[[], Any]) -> float:
    """Of the processor: what others on the machine take is not counted."""
    started = time.process_time()
    work()
    return time.process_time() - started
