"""`cem backtest`: what would have been alerted, on a history whose incidents are known and on one whose are not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from agents.cli import main
from pipeline.evaluation.backtest import History, busiest
from pipeline.evaluation.incident import Incident
from pipeline.evaluation.rules import TUNABLE
from pipeline.evaluation.scoring import Sighting
from schemas.codec import encode
from schemas.post import Author, Post
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis, parse_time
from tests.streams import insight

START_MS = parse_time("2026-01-05T00:00:00Z")
DAYS = 10
SURGE_MS = START_MS + 8 * DAY_MS + 10 * HOUR_MS
UNITS = "".join(
    f'[[units]]\nid = "store-{number}"\nname = "Store {number}"\nkind = "store"\nhandles = ["@store{number}"]\n'
    'time_zone = "UTC"\n\n'
    for number in (1, 2)
)
RUDE = "the staff was rude, I waited an hour and it was terrible"


def post(number: int, at_ms: int, unit: int, text: str = RUDE) -> Post:
    author = Author(id=f"u{number}", handle=f"somebody{number}")
    return Post(
        id=f"p{number}", network="x", kind="post", author=author, text=f"@store{unit} {text}", event_time=Millis(at_ms)
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stores, a complaint every eleven hours, and twelve within half an hour in the first."""
    folder = tmp_path_factory.mktemp("world")
    hours = range(0, DAYS * 24, 11)
    posts = [post(number, START_MS + hour * HOUR_MS, number % 2 + 1) for number, hour in enumerate(hours)]
    posts += [post(1000 + number, START_MS + number * DAY_MS, 2, "lovely food, thank you!") for number in range(DAYS)]
    crowd = [post(500 + number, SURGE_MS + number * 2 * MINUTE_MS, 1) for number in range(12)]
    found = [
        Incident(
            unit_id="store-1",
            cause="staff",
            starts=crowd[0].event_time,
            ends=crowd[-1].event_time,
            posts=12,
            authors=12,
            size=12,
            post_ids=tuple(one.id for one in crowd),
        )
    ]
    lines = sorted((*posts, *crowd), key=lambda one: one.event_time)
    (folder / "posts.jsonl").write_bytes(b"".join(encode(one) + b"\n" for one in lines))
    (folder / "incidents.jsonl").write_bytes(b"".join(encode(one) + b"\n" for one in found))
    (folder / "units.toml").write_text(UNITS)
    return folder


@pytest.fixture
def run(world: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(world)

    def invoke(*arguments: str, file: str = "posts.jsonl") -> Result:
        words = ["backtest", file, *arguments]
        return CliRunner().invoke(main, [*words, *([] if "--units" in words else ["--units", "units.toml"])])

    return invoke


def figures(result: Result) -> dict[str, Any]:
    assert 0 == result.exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_an_incident_is_found_and_nothing_else(run: Callable[..., Result]) -> None:
    """By detector and budget, with its delay; the rules of thumb beside it; no budget finds less than a smaller one."""
    found = figures(run("--truth", "incidents.jsonl", "--budgets", "1,0.1", "--json"))
    surge = found["budgets"]["0.1"]["NegativeSurge"]
    assert (1, 0, 1.0, 1.0) == (surge["alerts"], surge["false_alerts"], surge["precision"], surge["recall"])
    assert {"surge": 1} == surge["found"] == surge["planted"]
    assert 3 <= surge["delay_posts"]["median"] <= 12
    assert pytest.approx(2 * (surge["delay_posts"]["median"] - 1)) == surge["delay_minutes"]["median"]
    assert ["0.1", "1"] == list(found["budgets"])
    assert (2, 1, 0) == (found["units"], found["incidents"], found["distractions"])
    rules = {(rule["rule"], rule["budget"]) for rule in found["rules"]}
    assert {("alarm always", None), ("alarm never", None)} | {
        (rule.name, budget) for rule in TUNABLE for budget in (None, 0.1, 1.0)
    } == rules


def test_more_may_be_spent_more_is_alerted(run: Callable[..., Result]) -> None:
    """Each budget is the engine's own: next to nothing finds twelve people late or never, plenty finds few."""
    found = figures(run("--truth", "incidents.jsonl", "--budgets", "1e-12,20", "--json"))["budgets"]
    little, plenty = found["1e-12"]["NegativeSurge"], found["20"]["NegativeSurge"]
    assert plenty["recall"] == 1.0
    assert little["recall"] == 0.0 or plenty["delay_posts"]["median"] < little["delay_posts"]["median"]


def test_without_truth_there_are_alerts_and_the_days_of_most(run: Callable[..., Result]) -> None:
    """Nothing is said about what nobody knows: no precision, no recall."""
    found = figures(run("--json", "--budgets", "0.1"))
    assert found["incidents"] is None
    assert found["budgets"]["0.1"]["NegativeSurge"]["recall"] is None
    assert ["2026-01-13"] == [day["day"] for day in found["busiest"]["0.1"]]
    assert 0 < found["budgets"]["0.1"]["all"]["alerts_a_week"] < found["budgets"]["0.1"]["all"]["alerts_a_month"]


def test_the_table_is_for_people(run: Callable[..., Result]) -> None:
    """Every budget and rule has its line, with and without truth."""
    known = run("--truth", "incidents.jsonl", "--budgets", "0.1,1").output
    assert all(f"{rule.name} at {rule.threshold:g}" in known for rule in TUNABLE)
    assert "NegativeSurge" in known and "100.0%" in known and "2026-01-13" in known
    unknown = run("--budgets", "0.1").output
    assert "NegativeSurge" in unknown and "recall" not in unknown


def test_an_export_of_the_log_gives_the_same(run: Callable[..., Result], world: Path) -> None:
    """Also in a file: understanding is not done again."""
    from pipeline.directory import Directory
    from pipeline.evaluation.replay import log_of_inputs, ticked_inputs
    from pipeline.lane import Limits
    from pipeline.sources.units_file import parse_units
    from schemas.codec import Codec
    from tests.unit.test_replay import _understanding

    codec = Codec[Post](Post)
    posts = [codec.decode(line) for line in (world / "posts.jsonl").read_bytes().splitlines()]
    log = log_of_inputs(
        ticked_inputs(list(posts), 10_000),
        Directory(parse_units(UNITS), 1),
        understanding=_understanding(),
        limits=Limits(),
    )
    lines = [b'{"partition":0,"offset":%d,"value":%b}\n' % (offset, value) for offset, value in enumerate(log)]
    (world / "events.jsonl").write_bytes(b"".join(lines))
    given = ("--truth", "incidents.jsonl", "--budgets", "0.1", "--json")
    inputs, events = figures(run(*given)), figures(run(*given, file="events.jsonl"))
    assert inputs["budgets"]["0.1"]["NegativeSurge"]["found"] == events["budgets"]["0.1"]["NegativeSurge"]["found"]
    assert inputs["insights"] == events["insights"]


def test_the_picture(run: Callable[..., Result], world: Path) -> None:
    """An SVG with ours and each rule."""
    assert 0 == run("--truth", "incidents.jsonl", "--budgets", "0.1", "--plot", "out.svg").exit_code
    picture = (world / "out.svg").read_text()
    assert picture.startswith("<svg") and all(rule.name in picture for rule in TUNABLE)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--budgets", "none"), "--budgets"),
        (("--budgets", "0.1,-1"), "--budgets"),
        (("--budgets", "nan"), "--budgets"),
        (("--budgets", "inf"), "--budgets"),
        (("--budgets", ",".join(map(str, range(1, 30)))), "at most 20"),
        (("--plot", "out.svg"), "--truth"),
        (("--truth", "units.toml"), "units.toml: line 1 is no incident"),
        (("--truth", "none.jsonl"), "none.jsonl"),
        (("--truth", "incidents.jsonl", "--plot", "no/such/folder.svg", "--budgets", "1"), "folder.svg"),
        (("--units", "incidents.jsonl"), "incidents.jsonl"),
    ],
)
def test_a_mistake_is_one_clear_line(run: Callable[..., Result], arguments: tuple[str, ...], complaint: str) -> None:
    """On standard error, with exit code 2."""
    result = run(*arguments)
    assert 2 == result.exit_code
    assert complaint in result.stderr
    assert "Traceback" not in result.output


def test_a_history_about_nobody_is_a_mistake(run: Callable[..., Result], world: Path) -> None:
    """No unit was spoken of: there is no rate to tell."""
    (world / "nobody.jsonl").write_bytes(encode(post(1, START_MS, 7, "hello")) + b"\n")
    result = run(file="nobody.jsonl")
    assert 2 == result.exit_code
    assert "nothing is said about any unit" in result.stderr


def test_complaints_are_negative_originals_by_person() -> None:
    """What the rules of thumb are given: no praise, no reposts, each insight once."""
    history = History()
    said = ("negative post", "negative post", "positive post", "negative repost", "negative reply")
    for number, words in enumerate(said):
        mood, kind = words.split()
        one = insight(max(number, 1), START_MS + number, author=f"a{number}", mood=mood)
        history.observe(msgspec.structs.replace(one, kind=kind))
    found = [complaint.author for complaints in history.complaints.values() for complaint in complaints]
    assert ["hmac:a0", "hmac:a4"] == found
    assert (5, 1) == (history.insights, history.span.units)


def test_the_busiest_days_come_first() -> None:
    """At most ten, by alerts and then by date; what only grew is not counted."""
    days = [3, 3, 3, 1, 1, *range(20, 35)]
    seen = [
        Sighting(day * DAY_MS + number, f"u{number}", "Surge", str(number), True) for number, day in enumerate(days)
    ]
    found = busiest([*seen, Sighting(9 * DAY_MS, "u", "Surge", "1", False)])
    assert ["1970-01-04", "1970-01-02", "1970-01-21"] == [day.day for day in found[:3]]
    assert (10, 3, {"Surge": 3}) == (len(found), found[0].units, found[0].detectors)
