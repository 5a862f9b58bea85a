"""The benchmark's own arithmetic, and that nobody is given an easier task: what it measures is run by `make bench`."""

from types import SimpleNamespace
from typing import Any

import pytest

from agents.kafka.embedded import EmbeddedKafka
from schemas.codec import Codec
from schemas.post import Post
from tests.benchmarks import delivery_layer, figures, throughput
from tests.benchmarks.broker import Broker, partition_of
from tests.benchmarks.plan import Plan
from tests.benchmarks.posts import Input, local_units, make_input, make_units, sure_texts
from tests.benchmarks.report import Report
from tests.benchmarks.sampler import modules
from tests.benchmarks.scaling import longest_gap
from tests.benchmarks.steps import core_steps, enrich_us_per_post


@pytest.fixture(scope="module")
def given() -> Input:
    return make_input(seed=3, posts=400)


class TestFigures:
    def test_a_percentile_is_one_of_the_values(self) -> None:
        """Nearest rank: of a hundred values the 99th percentile is the 99th, not something between."""
        values = [float(value) for value in range(1, 101)]
        assert [1.0, 50.0, 99.0, 100.0] == [figures.percentile(values, percent) for percent in (0, 50, 99, 100)]
        assert figures.percentile([7.0], 99) == 7.0

    def test_no_values_are_no_percentile(self) -> None:
        """Nothing measured is an error, never a zero; told is that there were none."""
        with pytest.raises(ValueError, match="no values"):
            figures.percentile([], 50)
        assert figures.distribution([]) == {"number": 0}

    def test_ratios_are_of_who_was_measured(self) -> None:
        """Ours to each rival; a rival that was left out has no ratio."""
        assert figures.ratios({"cem": 30.0, "slow": 10.0}, "cem", ("slow", "absent")) == {"slow": 3.0}

    def test_digits_that_mean_something(self) -> None:
        assert [0.0123, 12_350.0, 0.0] == [figures.significant(value) for value in (0.0123, 12_345.6, 0.0)]


class TestInput:
    def test_the_same_for_all(self, given: Input) -> None:
        """The same seed gives the same bytes; each post names one unit by a handle."""
        assert given.records == make_input(seed=3, posts=400).records
        handles = {unit.handles[0] for unit in local_units(given.units)}
        assert all(sum(f"@{handle}" in text.split() for handle in handles) >= 1 for text in given.texts)

    def test_posts_are_posts(self, given: Input) -> None:
        """What the rivals get is what the service gets: whole posts, in order of their times, no id twice."""
        codec = Codec[Post](Post)
        posts = [codec.decode(record.value) for record in given.records]
        assert len({post.id for post in posts}) == 400
        assert [post.event_time for post in posts] == sorted(post.event_time for post in posts)

    def test_the_job_comes_to_what_is_expected(self) -> None:
        """The rivals' job, done by what is run on our own layer, gives the records that every run is checked by."""
        given = make_input(seed=3, posts=3_000)
        job = delivery_layer.CountNegatives("alerts")
        out = job.process([SimpleNamespace(value=record.value) for record in given.records])
        alerts = [delivery_layer.orjson.loads(emission.value) for emission in out]
        assert given.alerts == {(alert["unit"], alert["count"]) for alert in alerts}
        assert len(given.alerts) == len(alerts) > 0

    def test_counts_survive(self) -> None:
        """Saved and loaded, the job goes on where it was."""
        given = make_input(seed=3, posts=3_000)
        records = [SimpleNamespace(value=record.value) for record in given.records]
        straight, before, after = (delivery_layer.CountNegatives("alerts") for _ in range(3))
        expected = straight.process(records)
        out = before.process(records[:1_700])
        after.load({key: value for key, value in before.save() if value is not None}, before.save_position())
        assert expected == out + after.process(records[1_700:])

    def test_sure_texts_are_about_all_units(self) -> None:
        """Texts for long runs go round over the units."""
        from random import Random

        sites = local_units(make_units(1, 5))
        assert [site.id for site in sites] * 2 == [unit.id for unit, _ in sure_texts(Random(1), sites, "negative", 10)]

    def test_keys_go_where_kafka_puts_them(self) -> None:
        """By murmur2, as Java computes it: the values are from the tests of Kafka's own clients."""
        assert [1_173_551_340 % 10, 1_357_151_166 % 10] == [partition_of(key, 10) for key in (b"21", b"foobar")]


class TestLooks:
    def test_the_longest_gap(self) -> None:
        """The longest time without a commit, of the partition where that is longest; also if it lasts to the end."""
        a, b = ("posts", 0), ("posts", 1)
        seen = [(0.0, {a: 1, b: 1}), (1.0, {a: 2, b: 1}), (4.0, {a: 3, b: 1}), (5.0, {a: 4, b: 2}), (6.0, {a: 5, b: 2})]
        assert longest_gap(seen) == 5.0
        assert longest_gap(seen[:3]) == 4.0
        assert longest_gap([(at, {a: look[a]}) for at, look in seen]) == 3.0

    def test_stacks_by_module(self) -> None:
        """The innermost frame counts: of ours by file, of others by package."""
        stacks = "run (asyncio/runners.py:1);step (pipeline/engine.py:9) 3\nrun (asyncio/runners.py:1) 2\n"
        assert {"pipeline/engine.py": 3, "asyncio": 2} == dict(modules(stacks))


class TestProfile:
    def test_every_step_can_be_measured(self, given: Input) -> None:
        """The steps of the profile are those of the service as it is now: each takes time, a part less than all."""
        steps = {step.name: step for step in core_steps(given)}
        assert [] == [name for name, step in steps.items() if step.us < 0]
        assert steps["score"].us < steps["enrich"].us
        assert enrich_us_per_post(seed=1, units=50, number=100) > 0


class _Quiet(Report):
    """Says nothing."""

    def line(self, text: str) -> None:
        """Nowhere."""


@pytest.mark.broker
def test_delivery_is_cheaper_than_naive_faust() -> None:
    """The same job (decode, VADER, count, write), durable and exactly once, takes less than half of the processor that
    it takes as Faust's tutorial does it, on the same Kafka. Processor time and not posts a second, because others may
    be at work on this machine."""
    with EmbeddedKafka() as kafka, _Quiet() as report:
        broker = Broker(kafka.bootstrap, kafka.pid)
        plan = Plan(posts=12_000, rounds=1)
        result: dict[str, Any] = throughput.measure(broker, plan, report, only=("cem_small_job", "naive_faust"))
        broker.close()
    costs = {name: system["worker_cpu_us_per_post"] for name, system in result["systems"].items()}
    assert costs["cem_small_job"] * 2 < costs["naive_faust"]
