"""The arithmetic of `make bench ARGS=sizing`, and what may be asked of it; what it measures is run by hand."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.settings import Settings
from schemas.topics import Topics
from tests.benchmarks import needs, runbook, sizing
from tests.benchmarks.__main__ import OPTIONS, parser, plan_of
from tests.benchmarks.contender import by_topic
from tests.benchmarks.latency import BURST_POSTS
from tests.benchmarks.plan import QUICK, Plan
from tests.benchmarks.steady import bursts_of, title_of

RATES = st.integers(1, 100_000)


class TestPlan:
    def test_what_is_asked_for_is_planned(self) -> None:
        """Lists are sorted and hold each number once; what is not asked for is as in the full run."""
        asked = "sizing --seconds 20 --rates 1000,10,10 --partitions 3 --fills 2000,1000"
        plan = plan_of(parser().parse_args(asked.split()))
        assert (20.0, (10, 1000), (3,), (1000, 2000)) == (
            plan.sizing_seconds, plan.sizing_rates, plan.sizing_partitions, plan.sizing_fills,
        )  # fmt: skip
        assert Plan().posts == plan.posts

    def test_the_quick_one_can_be_changed_too(self) -> None:
        """`--quick` and a rate: the rate, and all else quick."""
        plan = plan_of(parser().parse_args(["sizing", "--quick", "--rates", "7"]))
        assert ((7,), QUICK.sizing_seconds) == (plan.sizing_rates, plan.sizing_seconds)

    def test_options_are_fields_of_the_plan(self) -> None:
        assert set(OPTIONS.values()) <= {field.name for field in fields(Plan)}

    @pytest.mark.parametrize(
        "asked", ["--rates 10,x", "--rates 0", "--rates ,", "--seconds 1", "--seconds soon", "--partitions -1"]
    )
    def test_what_cannot_be_measured_is_refused(self, asked: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Exit code 2 and a line that names the option."""
        with pytest.raises(SystemExit) as ended:
            parser().parse_args(["sizing", *asked.split()])
        assert 2 == ended.value.code
        assert f"argument {asked.split()[0]}:" in capsys.readouterr().err

    def test_who_is_played(self) -> None:
        """Each number of partitions with one worker; two workers only where there is something to share."""
        assert [(1, 1), (3, 1), (3, 2)] == sizing.setups_of((1, 3))
        assert [(1, 1)] == sizing.setups_of((1,))
        assert ["1 worker, 1 partition", "2 workers, 3 partitions"] == [title_of(1, 1), title_of(3, 2)]

    @given(rate=RATES)
    def test_bursts_are_a_part_of_the_rate(self, rate: int) -> None:
        """They never make up more than their share, and all are over when the time is."""
        assert needs.bursts_a_second(rate, BURST_POSTS) * BURST_POSTS <= needs.BURST_SHARE_MAX * rate + 1e-9
        plan = Plan(sizing_seconds=20.0)
        assert 0 <= bursts_of(plan, rate) <= needs.BURSTS_A_SECOND_MAX * 18


class TestKeepingUp:
    @pytest.mark.parametrize(("lag", "expected"), [(0, True), (150, True), (151, False)])
    def test_a_second_may_be_under_way(self, lag: int, expected: bool) -> None:
        """At 100 posts/s: a second's posts and a few markers are no lag."""
        assert expected is needs.keeps_up(lag, 100)

    @given(capacity=st.floats(10, 100_000))
    def test_tried_is_less_than_was_done(self, capacity: float) -> None:
        """Descending round numbers, all within reach."""
        rates = list(needs.rates_to_try(capacity))
        assert sorted(rates, reverse=True) == rates
        assert all(0 < rate <= 0.9 * capacity and rate % 10 == 0 for rate in rates)

    def test_tried_are_shares(self) -> None:
        assert [2_500, 2_250, 1_950, 1_650, 1_400] == list(needs.rates_to_try(2_830.0))
        assert [] == list(needs.rates_to_try(5.0))


class TestNeeds:
    def test_memory_of_a_remembered_post(self) -> None:
        """The difference between two workers that did the same; what both hold does not count."""
        fills = [
            {"posts": 0, "remembered_without": 0, "worker_bytes": 200e6, "worker_bytes_without": 190e6},
            {"posts": 101_000, "remembered_without": 1_000, "worker_bytes": 330e6, "worker_bytes_without": 280e6},
        ]
        assert 500.0 == needs.bytes_per_remembered(fills)

    def test_kept_is_what_the_topics_say(self) -> None:
        """Inputs for a week, logs for 90 days, what is kept for ever for a year; what is compacted does not grow."""
        topics = Topics("x")
        written = {"posts": 1.0, "events": 1.0, "alerts.unit": 1.0, "cases": 1.0, "state.events": 9.0, "units": 9.0}
        kept = needs.kept_bytes(written, 1.0, topics)
        assert {"posts": 7, "events": 90, "alerts.unit": 90, "cases": 365} == {
            name: size / 86_400 for name, size in kept.items()
        }
        assert 90 == needs.kept_days("texts", topics)

    @given(points=st.lists(st.tuples(RATES, st.floats(0.1, 8)), min_size=1, unique_by=lambda point: point[0]))
    def test_cores_between_rates(self, points: list[tuple[int, float]]) -> None:
        """What was measured comes out where it was measured, and between two rates nothing beyond both."""
        for rate, cores in points:
            assert needs.at_rate(points, rate) == pytest.approx(cores)
        assert needs.at_rate(points, 0.5) == min(points)[1]
        for (low, below), (high, above) in zip(sorted(points), sorted(points)[1:], strict=False):
            found = needs.at_rate(points, (low + high) / 2)
            assert min(below, above) - 1e-9 <= found <= max(below, above) + 1e-9
        assert needs.at_rate(points, 2 * max(points)[0]) == pytest.approx(2 * max(points)[1])

    @pytest.mark.parametrize(("peak", "workers", "cores"), [(10, 1, 0.5), (1_000, 1, 1.0), (5_000, 5, 5.0)])
    def test_a_row_of_the_plan(self, peak: int, workers: int, cores: float) -> None:
        """A worker for half of what one can do; its cores at the rate that it gets; memory for the posts of two days,
        or as many as are remembered at most; disk for a tenth of the peak."""
        found = {
            "posts_per_s_max": 2_000, "workers": 1, "cores": [(10, 0.5), (1_000, 1.0), (1_500, 3.0)],
            "worker_bytes": 2.0**28, "bytes_per_remembered": 1024.0,
            "bytes_per_post": {"events": 1000.0, "state.events": 5000.0},
        }  # fmt: skip
        settings = Settings()
        row = needs.plan_row(peak, found, settings, Topics())
        assert (workers, workers, cores) == (row["workers"], row["partitions"], row["cores"])
        remembered = min(peak / 10 * 48 * 3600, workers * settings.memory_entries_max)
        assert remembered == row["remembered"]
        assert row["memory_gib"] == pytest.approx(workers / 4 + remembered / 2**20, rel=0.1)
        assert row["disk_gb"] == pytest.approx(peak / 10 * 86_400 * 90 * 1000 / 1e9, rel=0.1)

    def test_topics_of_units_are_taken_together(self) -> None:
        """Sizes by topic without the name of the run."""
        sizes = {"run-1.alerts.unit.a": 1, "run-1.alerts.unit.b": 2, "run-1.events": 4}
        assert {"alerts.unit": 3, "events": 4} == by_topic(sizes, "run-1")


def _row(rate: int, *, kept: bool, kafka_cores: float) -> dict[str, Any]:
    return {
        "posts_a_second": rate, "keeps_up": kept, "sender_late": False, "lag": 7,
        "worker_cores": rate / 2_000, "kafka_cores": kafka_cores,
        "worker_mib": 200.0, "kafka_mib": 300.0, "bytes_per_post": {"posts": 400.0, "events": 800.0, "units": 0.1},
        "alerts": {"number": 0} if rate == 10 else {"number": 3, "p50_s": 0.1, "p99_s": 0.2, "max_s": 0.2},
    }  # fmt: skip


def _result(highest: int) -> dict[str, Any]:
    series = [
        {"partitions": partitions, "workers": workers, "posts_per_s_with_backlog": 2_000.0,
         "posts_per_s_max": highest,
         "rates": [_row(rate, kept=highest >= rate, kafka_cores=kafka_cores) for rate in (10, 1_800)]}
        for partitions, workers, kafka_cores in ((1, 1, 0.2), (3, 2, 0.6))
    ]  # fmt: skip
    fills = [{"posts": 0, "remembered_without": 0, "worker_bytes": 1e8, "worker_bytes_without": 1e8,
              "kafka_bytes": 4e8},
             {"posts": 9_000, "remembered_without": 1_000, "worker_bytes": 3e8, "worker_bytes_without": 2e8,
              "kafka_bytes": 4e8}]  # fmt: skip
    memory = {"fills": fills, "bytes_per_remembered": 500.0, "worker_bytes_max": 4e8, "worker_bytes_max_without": 3e8,
              "start_until_ready_s": 3.0, "restarted_bytes": 2e8}  # fmt: skip
    plan = sizing.planned(series, memory)
    return {"units": 300, "seconds": 20.0, "series": series, "memory": memory, "plan": plan}


class TestResult:
    def test_a_plan_follows_from_what_was_kept_up_with(self) -> None:
        """A row for each peak, from the cores of the set-up that it needs: one worker as one, six as three pairs;
        nothing where nothing was kept up with."""
        rows = _result(1_800)["plan"]["rows"]
        assert [1, 1, 2, 6] == [row["workers"] for row in rows]
        pair = 5_000 / 3 / 2_000 + 0.6
        assert [0.21, 0.25, 1.1, pytest.approx(3 * pair, rel=0.05)] == [row["cores"] for row in rows]
        assert {} == _result(0)["plan"]

    @pytest.mark.parametrize(("highest", "number"), [(1_800, 4), (10, 4), (0, 3)])
    def test_tables_show_every_result(self, highest: int, number: int) -> None:
        """What was measured and what is calculated are apart; without a rate that was kept up with there is no plan."""
        tables = sizing.tables(_result(highest))
        assert number == len(tables)
        assert [True] * 3 + [False] * (number - 3) == [str(table.title).startswith("Measured") for table in tables]


def _file(highest: int, load: float = 0.1) -> dict[str, Any]:
    return {
        "measured_at": "2026-01-02T03:04:05Z", "machine": {"cores": 2, "load_before": load},
        "command": "python -m tests.benchmarks sizing --out /somewhere/else.json --seconds 20",
        "parts": {"sizing": _result(highest)},
    }  # fmt: skip


class TestRunbook:
    def test_written_between_the_markers(self) -> None:
        """Only what is between them changes; written again, nothing does."""
        before = f"# A\n\n{runbook.BEGIN}\nold\n{runbook.END}\n\n## B\n"
        once = runbook.put(before, "new")
        assert f"# A\n\n{runbook.BEGIN}\n\nnew\n\n{runbook.END}\n\n## B\n" == once == runbook.put(once, "new")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            runbook.BEGIN,
            runbook.END + runbook.BEGIN,
            2 * runbook.BEGIN + runbook.END,
            2 * (runbook.BEGIN + runbook.END),
        ],
    )
    def test_without_its_place_nothing_is_written(self, text: str) -> None:
        with pytest.raises(ValueError, match="once each"):
            runbook.put(text, "new")

    def test_all_that_was_measured_is_told(self) -> None:
        """Rates, bytes with what becomes of them, memory, and a row for each peak; no place of whoever measured."""
        text = runbook.section(_file(1_800))
        assert "| 3 partitions" not in text.replace("2 workers, 3 partitions", "")
        for told in (
            "1,800, the highest that was kept up with",
            "`events` 800 (67%, 90 days)",
            "500 bytes for",
            "(30 posts each here)",
            "| 5,000 |",
        ):
            assert told in " ".join(text.split())
        assert "/somewhere" not in text
        assert [] == [line for line in text.splitlines() if len(line) > 120]

    def test_a_busy_machine_is_told(self) -> None:
        """Figures of a machine that did other things are not final, and the runbook says so."""
        assert ("not final" in runbook.section(_file(1_800)), "not final" in runbook.section(_file(1_800, 4.0))) == (
            False, True,
        )  # fmt: skip

    @pytest.mark.parametrize("content", [None, "{", '{"parts": {}}'])
    def test_a_file_without_sizes_is_refused(self, content: str | None, tmp_path: Path) -> None:
        """Exit code 2, and the runbook is as it was."""
        book, result = tmp_path / "README.md", tmp_path / "bench.json"
        book.write_text(f"{runbook.BEGIN}{runbook.END}")
        if content is not None:
            result.write_text(content)
        with pytest.raises(SystemExit) as ended:
            runbook.main([str(result), "--runbook", str(book)])
        assert 2 == ended.value.code
        assert f"{runbook.BEGIN}{runbook.END}" == book.read_text()

    def test_the_runbook_has_its_place(self) -> None:
        """So that the next measurement can be written down."""
        text = (Path(__file__).parents[2] / runbook.RUNBOOK).read_text("utf-8")
        assert text != runbook.put(text, "new")
