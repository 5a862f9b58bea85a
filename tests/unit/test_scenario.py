"""A scenario keeps what it promises: repeatable, of the size asked for, with incidents that can be found and nothing
else that looks like one."""

import hashlib
import itertools
from collections import Counter, defaultdict
from functools import cache
from random import Random

import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from pipeline.evaluation import phrases
from pipeline.evaluation.scenario import FIRST_INCIDENT_MS, STARTS, Scenario, generate
from schemas.codec import Codec, encode
from schemas.feedback import Feedback
from schemas.post import Post
from schemas.time import HOUR_MS, MINUTE_MS, format_time
from schemas.unit import Unit

SEEDS = (1, 7, 42)
_ANALYZER = SentimentIntensityAnalyzer()
_scenario = cache(generate)


@pytest.fixture(params=SEEDS, ids=lambda seed: f"seed-{seed}")
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return _scenario(request.param)


@cache
def _compound(text: str) -> float:
    return float(_ANALYZER.polarity_scores(text)["compound"])


def _digest(scenario: Scenario) -> str:
    return hashlib.sha256(encode(scenario)).hexdigest()


def _posts(scenario: Scenario) -> list[Post]:
    return [record for record in scenario.records if isinstance(record, Post)]


def _originals(scenario: Scenario) -> dict[str, Post]:
    """Posts by id as they were first written."""
    return {post.id: post for post in reversed(_posts(scenario)) if post.kind not in ("edit", "delete")}


def _locals(scenario: Scenario) -> list[Unit]:
    return [unit for unit in scenario.units if unit.kind not in ("brand", "region")]


def _names(unit: Unit) -> list[str]:
    handles = [f"@{name}" for name in unit.handles]
    return [name.lower() for name in (*handles, *(f"#{tag}" for tag in unit.hashtags), unit.name, *unit.aliases)]


def _unit_of(scenario: Scenario, record: Post | Feedback, originals: dict[str, Post]) -> str | None:
    """The unit that a record is about, as an attentive reader would say. Positions are left out."""
    if isinstance(record, Feedback):
        return record.unit_id
    root = originals.get(record.thread, record)
    text = root.text.lower()
    for unit in _locals(scenario):
        placed = root.place is not None and root.place.id in unit.place_ids
        if root.unit_hint == unit.id or placed or any(name in text for name in _names(unit)):
            return unit.id
    return None


def test_a_seed_is_the_world() -> None:
    """The same seed gives the same bytes, another seed others; nothing global is drawn from or changed."""
    assert _digest(generate(7)) == _digest(_scenario(7))
    assert _digest(generate(8)) != _digest(_scenario(7))


def test_every_record_and_unit_is_valid_on_the_wire(scenario: Scenario) -> None:
    post_codec: Codec[Post] = Codec(Post)
    feedback_codec: Codec[Feedback] = Codec(Feedback)
    unit_codec: Codec[Unit] = Codec(Unit)
    for record in scenario.records:
        codec = post_codec if isinstance(record, Post) else feedback_codec
        assert record == codec.decode(encode(record))
    assert list(scenario.units) == [unit_codec.decode(encode(unit)) for unit in scenario.units]


def test_the_defaults_make_a_day_or_two_of_a_few_dozen_units(scenario: Scenario) -> None:
    times = [record.event_time for record in scenario.records]
    assert 6_000 <= len(times) <= 10_000
    assert sorted(times) == times
    assert scenario.starts <= times[0] and times[-1] < scenario.ends
    assert format_time(STARTS) == "2026-01-05T00:00:00.000Z"
    assert len(_locals(scenario)) == 36


def test_units_hang_together(scenario: Scenario) -> None:
    """Every parent is there, before its children; nothing that names a unit names two."""
    seen: set[str] = set()
    for unit in scenario.units:
        assert unit.parent is None or unit.parent in seen
        seen.add(unit.id)
    names = [name for unit in scenario.units for name in (*_names(unit), *unit.place_ids)]
    assert len(names) == len(set(names))
    for unit in _locals(scenario):
        assert unit.opening_hours and unit.escalation
        assert all(department.owner and department.acknowledge_within for department in unit.departments)


def test_every_kind_of_record_occurs(scenario: Scenario) -> None:
    posts = _posts(scenario)
    kinds = Counter(post.kind for post in posts)
    assert {"post", "reply", "repost", "review", "edit", "delete"} == set(kinds)
    assert 20 <= kinds["delete"] < kinds["edit"] < 300
    handles = {handle for unit in scenario.units for handle in unit.handles}
    answers = [post for post in posts if post.author and post.author.handle in handles]
    assert len(answers) > 200
    assert all(answer.kind == "reply" and answer.in_reply_to for answer in answers)
    repeated = Counter(encode(post) for post in posts)
    assert 5 <= sum(times > 1 for times in repeated.values()) < 80
    assert sum("@example." in post.text or "+44 7700" in post.text for post in posts) > 10


def test_threads_are_whole_and_in_order(scenario: Scenario) -> None:
    """What answers, repeats, changes or takes back a post comes after it, in its thread, on its network."""
    originals = _originals(scenario)
    for post in _posts(scenario):
        if post.kind in ("post", "review"):
            assert post.root_id is None and post.in_reply_to is None
        elif post.kind in ("edit", "delete"):
            before = originals[post.id]
            assert post.event_time > before.event_time and post.author == before.author
        else:
            root, parent = originals[post.root_id or ""], originals[post.in_reply_to or ""]
            assert parent.thread == root.id == post.thread
            assert post.event_time > parent.event_time and post.network == root.network


def test_every_unit_is_spoken_of_early(scenario: Scenario) -> None:
    """A baseline that starts with the first mention has learned for more than a day before any incident."""
    early = {r.unit_id for r in scenario.records if isinstance(r, Feedback) and r.event_time < STARTS + 4 * HOUR_MS}
    assert {unit.id for unit in _locals(scenario)} == early


def test_some_name_no_unit(scenario: Scenario) -> None:
    originals = _originals(scenario)
    posts = [post for post in originals.values() if post.kind == "post" and post.place is None]
    lost = [post for post in posts if _unit_of(scenario, post, originals) is None]
    assert 0.01 < len(lost) / len(posts) < 0.1


def test_rates_vary_and_the_day_has_a_rhythm(scenario: Scenario) -> None:
    originals = _originals(scenario)
    roots = [post for post in originals.values() if post.kind in ("post", "review")]
    by_unit = Counter(_unit_of(scenario, post, originals) for post in roots)
    by_unit.pop(None)
    assert len(by_unit) >= 34
    assert max(by_unit.values()) > 20 * min(by_unit.values())
    hours = Counter((post.event_time - scenario.starts) // HOUR_MS % 24 for post in roots)
    assert sum(hours[hour] for hour in range(6)) < sum(hours[hour] for hour in range(12, 18)) / 2


def test_authors_have_a_heavy_tail_of_followers(scenario: Scenario) -> None:
    authors = {(p.network, p.author.id): p.author.followers or 0 for p in _posts(scenario) if p.author}
    followers = sorted(authors.values())
    assert followers[len(followers) // 2] < 200
    assert followers[-1] > 20_000


def test_texts_differ_and_moods_are_mostly_calm(scenario: Scenario) -> None:
    texts = [record.text for record in scenario.records if record.text]
    assert len(set(texts)) >= 0.6 * len(texts)
    lengths = sorted(len(text) for text in texts)
    assert lengths[len(lengths) // 20] < 40 and lengths[-len(lengths) // 20] > 120
    planted = {post_id for incident in scenario.incidents for post_id in incident.post_ids}
    moods = [_compound(record.text) for record in scenario.records if record.text and record.id not in planted]
    assert 0.05 < sum(mood <= -0.05 for mood in moods) / len(moods) < 0.2
    assert sum(mood >= 0.05 for mood in moods) / len(moods) > 0.25


def test_incidents_are_many_people_with_one_complaint(scenario: Scenario) -> None:
    originals = _originals(scenario)
    units = {unit.id: unit for unit in scenario.units}
    assert len(scenario.incidents) == 6
    for incident in scenario.incidents:
        posts = [originals[post_id] for post_id in incident.post_ids]
        authors = {post.author.id for post in posts if post.author}
        times = [post.event_time for post in posts]
        assert (incident.posts, incident.authors) == (len(posts), len(authors))
        assert 10 <= incident.authors <= 25 and incident.posts <= incident.authors + 3
        assert (incident.starts, incident.ends) == (min(times), max(times))
        assert 30 * MINUTE_MS <= incident.ends - incident.starts <= 50 * MINUTE_MS
        assert incident.starts >= scenario.starts + FIRST_INCIDENT_MS and incident.ends < scenario.ends
        unit = units[incident.unit_id]
        assert incident.cause in phrases.ASPECTS[unit.industry]
        assert {incident.unit_id} == {_unit_of(scenario, post, originals) for post in posts}
        assert all(any(name in post.text.lower() for name in _names(unit)) for post in posts)
        assert sum(_compound(post.text) <= -0.05 for post in posts) >= 0.9 * len(posts)
        assert len({post.text for post in posts}) == len(posts)


def test_incident_posts_stay(scenario: Scenario) -> None:
    """They are neither changed nor taken back, so that the labels stay true."""
    planted = {post_id for incident in scenario.incidents for post_id in incident.post_ids}
    assert [post for post in _posts(scenario) if post.id in planted and post.kind in ("edit", "delete")] == []


def test_incidents_at_one_unit_keep_apart() -> None:
    """With few units one is hit more than once, hours apart."""
    scenario = generate(3, units=3, hours=60, incidents=4)
    starts = sorted(incident.starts for incident in scenario.incidents)
    assert len({incident.unit_id for incident in scenario.incidents}) == 1
    assert all(later - earlier > 3 * HOUR_MS for earlier, later in itertools.pairwise(starts))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_but_the_incidents_is_a_burst(seed: int) -> None:
    """In no hour do more than four people complain about a unit, two where it is quiet, but in an incident."""
    scenario = _scenario(seed)
    originals, busy = _originals(scenario), defaultdict(list)
    planted = {post_id for incident in scenario.incidents for post_id in incident.post_ids}
    own = {handle for unit in scenario.units for handle in unit.handles}
    for record in {record.id: record for record in reversed(scenario.records)}.values():
        if isinstance(record, Post):
            answer = record.author is not None and record.author.handle in own
            if answer or record.id in planted or record.kind not in ("post", "reply", "review"):
                continue
        if record.text and _compound(record.text) <= -0.05 and (unit := _unit_of(scenario, record, originals)):
            busy[unit].append(record.event_time)
    assert len(busy) > 20
    for unit, times in busy.items():
        at_once = max(sum(0 <= other - time < HOUR_MS for other in times) for time in times)
        assert at_once <= 4, unit
        if unit in {incident.unit_id for incident in scenario.incidents}:
            assert at_once <= 2, unit


@pytest.mark.parametrize("units, hours, incidents", [(0, 48, 1), (5, 0, 0), (5, 30, 1), (1, 33, 2)])
def test_a_world_too_small_is_refused(units: int, hours: int, incidents: int) -> None:
    with pytest.raises(ValueError, match=r"a scenario has|do not fit"):
        generate(1, units=units, hours=hours, incidents=incidents)


def test_small_and_large_worlds() -> None:
    assert not generate(5, units=1, hours=1, incidents=0).incidents
    large = generate(5, units=120, hours=36, incidents=12)
    assert len(large.incidents) == len({incident.unit_id for incident in large.incidents}) == 12


@pytest.mark.parametrize("industry", phrases.ASPECTS)
def test_a_phrase_keeps_its_mood_in_all_its_variants(industry: str) -> None:
    """Plain complaints are negative in plain VADER, praise is positive, small talk and hard complaints are neither."""
    random = Random(11)
    bounds = [
        (template, -1.0, -0.05) for aspect in phrases.ASPECTS[industry] for template in phrases.COMPLAINTS[aspect]
    ]
    bounds += [(template, 0.05, 1.0) for template in phrases.PRAISE]
    bounds += [(template, -0.0499, 0.0499) for template in (*phrases.SMALL_TALK, *phrases.HARD, *phrases.CHATTER)]
    for template, low, high in bounds:
        for _ in range(25):
            text = phrases.say(random, template, industry)
            assert not set("[]{}|") & set(text)
            assert low <= _compound(text) <= high, text


def test_every_aspect_has_texts_for_a_whole_incident() -> None:
    used = {aspect for aspects in phrases.ASPECTS.values() for aspect in aspects}
    assert used == set(phrases.COMPLAINTS)
    assert all(len(templates) >= 6 for templates in phrases.COMPLAINTS.values())
