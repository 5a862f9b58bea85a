"""A labelled world keeps what it promises: repeatable, of the shape asked for, with the truth about what is hidden."""

import hashlib
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from random import Random
from statistics import fmean

import pytest

from pipeline.cascade import Cascade
from pipeline.directory_check import check
from pipeline.evaluation import phrases
from pipeline.evaluation.incident import INCIDENT_KINDS, Incident
from pipeline.evaluation.world.history import LATE_MS_MAX, history
from pipeline.evaluation.world.locals import CLOSED, QUIETER, local, locals_of
from pipeline.evaluation.world.people import FOLLOWERS_MODEST
from pipeline.evaluation.world.sentences import LOUD, PRAISE_CAMPAIGN, SEVERE, SEVERE_OF, SPAM
from pipeline.evaluation.world.settings import WorldSettings
from pipeline.evaluation.world.spreading import (
    ORDINARY_MAX,
    growing_ages,
    ordinary_reposts,
    polls,
    repost_ages,
)
from pipeline.evaluation.world.timed import Timed
from pipeline.evaluation.world.world import World
from pipeline.forecast import forecast
from pipeline.sources.units_file import parse_units, write_units
from pipeline.taxonomy import load
from schemas.codec import Codec, encode
from schemas.feedback import Feedback
from schemas.post import Post
from schemas.time import DAY_MS, HOUR_MS, parse_time

PLANTED = re.compile(r"-i\d+-")
NOTHING = dict.fromkeys(INCIDENT_KINDS, 0)


def some(*, counters: bool = False, each: int = 3) -> WorldSettings:
    return WorldSettings(
        seed=4, units=8, days=10, rates=(0.1, 4.0), incidents=dict.fromkeys(INCIDENT_KINDS, each),
        cascade_reposts=(200, 900), counters=counters,
    )  # fmt: skip


SOME = some()


@cache
def records(*, counters: bool = False, each: int = 3) -> list[Timed]:
    return list(World(some(counters=counters, each=each)).records())


@cache
def truth(*, counters: bool = False) -> list[Incident]:
    return list(World(some(counters=counters)).incidents())


def digest(settings: WorldSettings) -> str:
    made = hashlib.sha256()
    world = World(settings)
    for piece in (*world.units, *world.incidents(), *(one.record for one in world.records())):
        made.update(encode(piece))
    return made.hexdigest()


def complains(record: Post | Feedback) -> bool:
    """Whether it is an ordinary original that was drawn as a complaint: those are by odd people."""
    if isinstance(record, Post) and record.kind not in ("post", "review"):
        return False
    who = record.customer_ref if isinstance(record, Feedback) else record.author.id if record.author else None
    found = re.search(r"-[nr](\d+)\Z", who or "")
    return found is not None and int(found[1]) % 2 == 1


def test_a_seed_is_the_world() -> None:
    """The same settings give the same bytes, another seed others."""
    few = WorldSettings(seed=9, units=3, days=4, rates=(0.5, 2.0), incidents=dict.fromkeys(INCIDENT_KINDS, 1))
    other = WorldSettings(seed=10, units=3, days=4, rates=(0.5, 2.0), incidents=few.incidents)
    assert digest(few) == digest(few)
    assert digest(other) != digest(few)


def test_a_unit_does_not_depend_on_the_others() -> None:
    """Who it is and what is written about it is the same in a world of 3 and of 12."""
    few, many = (WorldSettings(seed=3, units=units, days=4, incidents=NOTHING) for units in (3, 12))
    assert locals_of(few) == locals_of(many)[:3]
    for number in range(3):
        assert list(history(few, local(few, number))) == list(history(many, local(many, number)))


def test_no_unit_and_no_incident_is_a_copy_of_another() -> None:
    """Each has random streams of its own: even units with the same rate are written about at other moments."""
    settings = WorldSettings(seed=3, units=10, days=4, rates=(1.0, 1.0), incidents=NOTHING)
    moments = [{one.record.event_time % HOUR_MS for one in history(settings, unit)} for unit in locals_of(settings)]
    assert all(len(one & other) <= 2 for one, other in pairwise(moments))
    planted = [one.record for one in records() if PLANTED.search(one.record.id) and isinstance(one.record, Post)]
    handles: dict[str, set[str | None]] = defaultdict(set)
    for post in planted:
        handles[post.id.split("-")[2]].add(post.author and post.author.handle)
    assert all(one.isdisjoint(other) or len(one & other) < len(one) / 10 for one, other in pairwise(handles.values()))


def test_ordinary_life_does_not_depend_on_what_is_planted() -> None:
    """Incidents are added and change nothing else."""
    rest = [one for one in records() if not PLANTED.search(one.record.id)]
    assert records(each=0) == rest
    assert len(rest) < len(records())


@pytest.mark.parametrize("counters", [False, True], ids=["reposts", "counters"])
def test_records_are_valid_and_in_order_of_arrival(counters: bool) -> None:
    """On the wire each is what it was; none comes before it happened, few come late, none after the end."""
    posts, feedback = Codec[Post](Post), Codec[Feedback](Feedback)
    found = records(counters=counters)
    for arrives, record in found:
        assert record == (posts if isinstance(record, Post) else feedback).decode(encode(record))
        assert SOME.starts <= record.event_time <= arrives < SOME.ends + LATE_MS_MAX
    assert all(before.arrives <= after.arrives for before, after in pairwise(found))
    late = sum(one.arrives > one.record.event_time for one in found)
    assert 0.002 < late / len(found) < 0.03


def test_every_kind_of_record_occurs() -> None:
    """Also those that are a trouble: changed, taken back, sent twice."""
    found = [one.record for one in records()]
    kinds = Counter(one.kind if isinstance(one, Post) else "feedback" for one in found)
    assert {"post", "reply", "repost", "review", "edit", "delete", "feedback"} == set(kinds)
    assert len({encode(one) for one in found}) < len(found)
    assert 0.02 < kinds["feedback"] / (kinds["feedback"] + kinds["post"] + kinds["review"]) < 0.1


def test_ids_are_given_once() -> None:
    """To posts and to people, over all units: what has the same id is the same post again, or a change of it."""
    posts: dict[str, Post] = {}
    people: dict[str, str | None] = {}
    units: dict[str, str] = {}
    for _, record in records():
        if isinstance(record, Post) and record.kind not in ("edit", "delete"):
            assert posts.setdefault(record.id, record) == record
            assert record.author is not None
            assert people.setdefault(record.author.id, record.author.handle) == record.author.handle
            if not record.author.id.startswith("acct-"):
                number = record.id.split("-")[1]
                assert units.setdefault(record.author.id, number) == number


@pytest.mark.parametrize("dispersion", [1.0, 1.5, 2.0])
def test_complaints_have_the_mean_and_dispersion_asked_for(dispersion: float) -> None:
    """Around what each hour expects, holidays and the local clock included; each by an author of its own."""
    settings = WorldSettings(
        seed=6, units=4, days=60, rates=(4.0, 4.0), dispersion=dispersion, incidents=NOTHING, negative=0.5
    )
    ratios: list[float] = []
    total = expected = 0.0
    for one in locals_of(settings):
        hours: dict[int, set[str]] = defaultdict(set)
        for timed in history(settings, one):
            record = timed.record
            if complains(record):
                who = record.customer_ref if isinstance(record, Feedback) else record.author and record.author.id
                hours[(record.event_time - settings.starts) // HOUR_MS].add(str(who))
        for hour, mean in enumerate(one.means(settings.starts, settings.hours)):
            count, wanted = len(hours[hour]), mean * settings.negative
            ratios.append((count - wanted) ** 2 / wanted)
            total, expected = total + count, expected + wanted
    assert expected == pytest.approx(total, rel=0.03)
    assert dispersion == pytest.approx(fmean(ratios), rel=0.08)


def test_rates_are_log_uniform_between_the_bounds() -> None:
    """A quarter of the units is in each quarter of the logarithms."""
    rates = [one.rate for one in locals_of(WorldSettings(seed=2, units=400, days=2, rates=(0.05, 30.0)))]
    assert min(rates) >= 0.05 and max(rates) <= 30.0
    middle = (0.05 * 30.0) ** 0.5
    assert 0.43 < sum(rate < middle for rate in rates) / len(rates) < 0.57


def test_the_clock_is_the_units_own() -> None:
    """When summer time begins, the busy hours come an hour earlier in UTC."""
    settings = WorldSettings(seed=1, units=40, days=5, rates=(1.0, 1.0), incidents=NOTHING)
    one = next(one for one in locals_of(settings) if one.unit.time_zone == "Europe/Athens" and not one.on)
    before, after = parse_time("2026-03-27T00:00:00Z"), parse_time("2026-04-03T00:00:00Z")
    assert one.means(before + HOUR_MS, 22) == pytest.approx(one.means(after, 22))
    assert one.means(before, 22) != pytest.approx(one.means(after, 22))


def test_holidays_are_quieter() -> None:
    """For a unit that is closed nearly nothing is said, else half; the units file names the days."""
    settings = WorldSettings(seed=5, units=30, days=90, rates=(1.0, 1.0), incidents=NOTHING)
    with_holidays = [one for one in locals_of(settings) if one.unit.holidays and not one.unit.closures]
    assert {CLOSED, QUIETER} == {factor for one in with_holidays for factor in one.on.values()}
    for one in with_holidays:
        noon = parse_time(f"{one.unit.holidays[0]}T12:00:00Z")
        usual = one.means(noon + 7 * DAY_MS, 1)[0] / one.on.get((noon + 7 * DAY_MS) // DAY_MS + 719_163, 1.0)
        assert one.means(noon, 1)[0] == pytest.approx(usual * one.on[noon // DAY_MS + 719_163])


def test_units_are_a_directory_without_mistakes() -> None:
    """Also when names must be used again; written as a units file they are read as they are."""
    units = World(WorldSettings(seed=1, units=300, days=2, incidents=NOTHING)).units
    assert [] == check(units)
    assert list(units) == parse_units(write_units(units))


def test_as_many_incidents_as_asked_for() -> None:
    """Of each kind, by start, after the time for learning, and within the world."""
    found = truth()
    assert dict.fromkeys(INCIDENT_KINDS, 3) == Counter(incident.kind for incident in found)
    assert sorted(found, key=lambda incident: incident.starts) == found
    assert min(incident.starts for incident in found) >= SOME.starts + SOME.warm_up_ms
    assert max(incident.ends for incident in found) < SOME.ends


def test_the_planted_sizes_are_there() -> None:
    """What the truth says is what the records show."""
    posts = {one.record.id: one.record for one in records() if isinstance(one.record, Post)}
    reposts: dict[str, list[Post]] = defaultdict(list)
    for post in posts.values():
        if post.kind == "repost":
            reposts[post.in_reply_to or ""].append(post)
    for incident in truth():
        originals = [posts[post_id] for post_id in incident.post_ids]
        authors = {post.author.id for post in originals if post.author}
        assert incident.posts == len(originals) if incident.posts <= 100 else len(originals) == 100
        assert incident.starts == originals[0].event_time
        if incident.kind in ("surge", "distraction"):
            assert incident.size == incident.authors == incident.posts
            assert len(authors) == len(originals)
            if incident.posts <= 100:
                assert incident.ends == originals[-1].event_time
        else:
            assert len(originals) == 1
        passed_on = reposts[incident.post_ids[0]]
        if incident.kind in ("cascade", "influential"):
            assert incident.ends == max(post.event_time for post in passed_on)
            assert incident.authors == 1 + len({post.author.id for post in passed_on if post.author})
        if incident.kind == "cascade":
            assert incident.size == len(passed_on)
        if incident.kind == "influential":
            assert originals[0].author is not None
            assert incident.size == originals[0].author.followers


def test_only_what_is_planted_is_large() -> None:
    """Nobody else is followed by many, nothing else is passed on often."""
    ordinary = [one.record for one in records() if not PLANTED.search(one.record.id)]
    posts = [record for record in ordinary if isinstance(record, Post)]
    assert max(post.author.followers or 0 for post in posts if post.author) <= FOLLOWERS_MODEST
    passed_on = Counter(post.in_reply_to for post in posts if post.kind == "repost")
    assert 1 < max(passed_on.values()) <= ORDINARY_MAX


def test_what_is_planted_stays() -> None:
    """It is neither changed nor taken back, so that the truth stays true."""
    planted = [one.record for one in records() if PLANTED.search(one.record.id)]
    assert {"post", "repost"} == {post.kind for post in planted if isinstance(post, Post)}


def test_a_counter_tells_of_the_reposts_instead() -> None:
    """No repost is sent; the post comes again with a total that rises, up to the size of a cascade."""
    totals: dict[str, list[int]] = defaultdict(list)
    originals: dict[str, Post] = {}
    for _, record in records(counters=True):
        if isinstance(record, Post):
            assert record.kind != "repost"
            originals.setdefault(record.id, record)
            if record.kind == "edit" and record.metrics and record.metrics.reposts:
                assert record.text == originals[record.id].text
                totals[record.id].append(record.metrics.reposts)
    assert all(before < after for rising in totals.values() for before, after in pairwise(rising))
    for incident in truth(counters=True):
        if incident.kind == "cascade":
            assert 0.95 * incident.size <= totals[incident.post_ids[0]][-1] <= incident.size
            assert len(totals[incident.post_ids[0]]) > 10


def test_polls_are_frequent_while_a_post_is_young() -> None:
    """Every five minutes, then sparser; only where the total has risen."""
    ages = [1_000, 2_000, 299_000, 301_000, 3 * HOUR_MS, 5 * DAY_MS]
    found = list(polls(ages))
    assert [(300_000, 3), (600_000, 4), (3 * HOUR_MS, 5), (5 * DAY_MS, 6)] == found
    assert found[:2] == list(polls(ages, HOUR_MS))


def test_cascades_have_the_pace_of_real_ones() -> None:
    """Half of the reposts within a few hours, a tenth within minutes, the last after days; the number is exact."""
    halves, tenths = [], []
    for seed in range(20):
        ages = repost_ages(Random(seed), 1_000)
        assert len(ages) == 1_000 and sorted(ages) == ages and ages[0] > 0
        halves.append(ages[500] / 60_000)
        tenths.append(ages[100] / 60_000)
        assert ages[-1] > 3 * DAY_MS
    assert 60 < fmean(halves) < 200
    assert 2 < fmean(tenths) < 12
    assert all(age < 2 * DAY_MS for age in repost_ages(Random(1), 500, 2 * DAY_MS))


def test_what_grows_from_person_to_person_doubles() -> None:
    """A dozen or so at first, then supercritical as the forecast sees it, in the end exactly as many as planted."""
    doubled = supercritical = 0
    for seed in range(10):
        ages = growing_ages(Random(seed), 2_000)
        assert len(ages) == 2_000 and sorted(ages) == ages and ages[0] > 0
        after_20, after_60 = (bisect_right(ages, minutes * 60_000) for minutes in (20, 60))
        doubled += after_60 > 4 * after_20
        cascade = Cascade(followers=500)
        for age in ages[:after_60]:
            cascade.observe(age / 1000, 300)
        supercritical += forecast(cascade, 3600.0).supercritical
        assert ages[20] < 30 * 60_000
    assert doubled >= 8
    assert supercritical >= 7
    assert all(age < DAY_MS for age in growing_ages(Random(1), 500, DAY_MS))


def test_ordinary_posts_are_seldom_passed_on() -> None:
    """As tweets to airlines: 6 % at all, 0.8 % more than once."""
    random = Random(1)
    found = [ordinary_reposts(random) for _ in range(50_000)]
    assert 0.06 == pytest.approx(sum(count > 0 for count in found) / len(found), rel=0.1)
    assert 0.008 == pytest.approx(sum(count > 1 for count in found) / len(found), rel=0.2)


def test_causes_are_those_of_the_taxonomies() -> None:
    """Whatever is planted can be named; each severe cause has sentences enough of its own."""
    for industry, causes in SEVERE_OF.items():
        assert set(causes) <= set(load(industry).severe)
        assert set(phrases.ASPECTS[industry]) <= set(load(industry).aspects)
    assert set(load("retail").severe) == set(SEVERE)
    assert all(len(sentences) >= 6 for sentences in SEVERE.values())


@pytest.mark.parametrize("industry", phrases.ASPECTS)
def test_every_sentence_can_be_said(industry: str) -> None:
    """No slot is left open."""
    for template in (*LOUD, *(one for several in SEVERE.values() for one in several)):
        assert not set("[]{}|") & set(phrases.say(Random(1), template, industry))
    for template in (*PRAISE_CAMPAIGN, *SPAM):
        filled = template.replace("{name}", "Elm Street").replace("{number}", "7")
        assert not set("[]{}|") & set(phrases.say(Random(1), filled, industry))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("units", 0, "1 to 100000 units"),
        ("days", 1, "2 to 3660 days"),
        ("rates", (2.0, 1.0), "the lower first"),
        ("rates", (float("nan"), 1.0), "the lower first"),
        ("dispersion", 0.9, "1 (Poisson) to 100"),
        ("negative", 1.1, "between 0 and 1"),
        ("starts", 17, "full hour"),
        ("incidents", {"surge": -1}, "of each kind"),
        ("surge_authors", (1, 3), "a surge has"),
        ("cascade_reposts", (5, 3), "a cascade has"),
        ("followers", (0, 3), "followers are"),
    ],
)
def test_what_is_no_world_is_refused(field: str, value: object, said: str) -> None:
    """With a sentence that says why."""
    with pytest.raises(ValueError, match=re.escape(said)):
        WorldSettings(**{"seed": 1, field: value})  # type: ignore[arg-type]


def test_too_many_incidents_are_refused() -> None:
    """They keep apart, so there is an end to it."""
    with pytest.raises(ValueError, match="do not fit"):
        World(WorldSettings(seed=1, units=1, days=10, incidents={"severe": 50}))
