"""Time to first answer: on little stories, on shuffled logs, and on 25 brands' conversations beside a plain count."""

from pathlib import Path
from random import Random

import msgspec
import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from agents.cli.replay import replay
from pipeline.directory import Directory
from pipeline.evaluation.answers import FirstAnswers, first_answers
from pipeline.evaluation.replay import event_codec, log_of_inputs, ticked_inputs
from pipeline.lane import Limits
from pipeline.saying import Listener
from pipeline.sentiment.vader import VaderScorer
from pipeline.sources.timeline import in_order
from pipeline.text.pseudonym import Pseudonyms
from pipeline.understanding import Understanding
from schemas.codec import encode
from schemas.event import Event
from schemas.insight import Insight
from schemas.post import Author, Post, PostKind
from schemas.time import DAY_MS, MINUTE_MS, Millis
from schemas.unit import Unit
from tests.evaluation import answers
from tests.streams import START_MS

STORE = Unit(id="store-17", name="Elm Street", kind="store", time_zone="UTC", handles=("@elm",))
OTHER = Unit(id="store-18", name="Oak Street", kind="store", time_zone="UTC", handles=("@oak",))
HERS, OURS = Author(id="ana"), Author(id="1", handle="elm")


def post(
    number: int, minute: float, text: str = "@elm why?", *, by: Author = HERS, root: int = 0, **more: object
) -> Post:
    """Post `number`, `minute`s after noon; with `root` a reply in its thread."""
    kind: PostKind = "reply" if root else "post"
    given: dict[str, object] = {"id": f"p{number}", "kind": kind, "in_reply_to": f"p{root}" if root else None} | more
    given.setdefault("root_id", given["in_reply_to"])
    at = Millis(START_MS + round(minute * MINUTE_MS))
    return msgspec.convert({"network": "x", "author": by, "text": text, "event_time": at, **given}, Post, strict=True)


def log_of(posts: list[Post], memory_ms: int = 2 * DAY_MS) -> list[Event]:
    """The log that comes of posts about two stores."""
    values = log_of_inputs(
        ticked_inputs(in_order(posts), 10_000),
        Directory([STORE, OTHER], 1),
        understanding=Understanding(Listener(VaderScorer()), Pseudonyms(b"a key of the tests")),
        limits=Limits(memory_ms=memory_ms),
    )
    return [event_codec.decode(value) for value in values]


def told(found: list[FirstAnswers]) -> dict[str, tuple[int, int, float | None]]:
    """Questions, answered, median minutes, by unit."""
    return {one.unit_id: (one.questions, one.answered, one.median_seconds and one.median_seconds / 60) for one in found}


ASKED = post(1, 0)
STORIES = {
    "nobody answers": ([ASKED], {"store-17": (1, 0, None)}),
    "the first answer counts": (
        [ASKED, post(2, 5, by=OURS, root=1), post(3, 9, root=1), post(4, 10, by=OURS, root=1)],
        {"store-17": (1, 1, 5.0)},
    ),
    "the customer's own second word is no question": (
        [ASKED, post(2, 3, root=1), post(3, 7, by=OURS, root=2, root_id="p1")], {"store-17": (1, 1, 7.0)}
    ),
    "an answer after two days, when the service has forgotten the thread": (
        [ASKED, post(2, 3000, by=OURS, root=1)], {"store-17": (1, 1, 3000.0)}
    ),
    "the same, after a second word that it has not forgotten": (
        [ASKED, post(2, 3000, root=1), post(3, 3010, by=OURS, root=2, root_id="p1")], {"store-17": (1, 1, 3010.0)}
    ),
    "the company began": (
        [post(1, 0, "New menu!", by=OURS), post(2, 5, root=1), post(3, 6, by=OURS, root=2, root_id="p1")], {}
    ),
    "the company's word before the question": (
        [post(2, -5, "We are open", by=OURS), ASKED, post(3, 4, by=OURS, root=1)], {"store-17": (1, 1, 4.0)}
    ),
    "no unit before somebody answered": (
        [post(1, 0, "what a place"), post(2, 8, by=OURS, root=1)], {"store-17": (1, 1, 8.0)}
    ),
    "about two stores": (
        [post(1, 0, "@elm or @oak?"), post(2, 2, by=OURS, root=1)], {"store-17": (1, 1, 2.0), "store-18": (1, 1, 2.0)}
    ),
    "taken back": ([ASKED, post(1, 3, "", kind="delete")], {}),
    "the answer was taken back": (
        [ASKED, post(2, 3, by=OURS, root=1), post(2, 4, "", by=OURS, kind="delete")], {"store-17": (1, 0, None)}
    ),
    "a reply of which nobody knows what it answers": ([post(1, 0, kind="reply")], {}),
    "passed on is not asked": (
        [post(1, 0, "hm"), post(2, 1, kind="repost", by=Author(id="bo"), root=1)], {}
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_a_thread_counts_once_from_the_first_question_to_the_first_answer(story: str) -> None:
    """Whatever happens before, between and after."""
    posts, expected = STORIES[story]
    assert expected == told(first_answers(log_of(posts)))


@given(st.randoms(use_true_random=False))
def test_neither_order_nor_repeats_matter(random: Random) -> None:
    """A log that was exported partition by partition, with what a crash wrote twice, gives the same."""
    events = [event for posts, _ in STORIES.values() for event in log_of_all(tuple(posts))]
    expected = first_answers(events)
    shuffled = events + random.choices(events, k=20)
    random.shuffle(shuffled)
    assert expected == first_answers(shuffled)


def log_of_all(posts: tuple[Post, ...], known: dict[tuple[Post, ...], list[Event]] = {}) -> list[Event]:  # noqa: B006
    """The log of a story, worked out once; its threads are of its own."""
    if posts not in known:
        known[posts] = [
            msgspec.structs.replace(event, thread=f"{len(known)} {event.thread}", id=f"{len(known)} {event.id}")
            for event in log_of(list(posts))
            if isinstance(event, Insight)
        ]
    return known[posts]


def test_median_ninth_tenth_and_mean() -> None:
    """Of ten answers after 1, 2, … 10 minutes; one waits."""
    posts = [post(number, 0) for number in range(1, 12)]
    posts += [post(20 + minute, minute, by=OURS, root=minute) for minute in range(1, 11)]
    assert [
        FirstAnswers(
            unit_id="store-17", channel="x", questions=11, answered=10, waiting=1,
            median_seconds=330.0, p90_seconds=540.0, mean_seconds=330.0,
        )
    ] == first_answers(log_of(posts))  # fmt: skip


def test_the_command_reads_inputs_and_exports_alike(tmp_path: Path) -> None:
    """JSON lines of posts, and of the log that came of them."""
    posts = [ASKED, post(2, 5, by=OURS, root=1)]
    (tmp_path / "posts.jsonl").write_bytes(b"\n".join(map(encode, posts)))
    (tmp_path / "units.toml").write_text(
        '[[units]]\nid = "store-17"\nname = "Elm"\nkind = "store"\ntime_zone = "UTC"\nhandles = ["@elm"]\n'
    )
    lines = [
        orjson.dumps({"partition": 0, "offset": offset, "value": orjson.loads(encode(event))})
        for offset, event in enumerate(log_of(posts))
    ]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines))
    runner, key = CliRunner(), {"CEM_AUTHOR_KEY": "a key of the tests"}
    inputs = ["--answers", "--units", str(tmp_path / "units.toml"), str(tmp_path / "posts.jsonl")]
    found = runner.invoke(replay, inputs, env=key)
    assert found.exit_code == 0, found.output
    assert orjson.loads(found.stdout)["median_seconds"] == 300.0
    assert found.stdout == runner.invoke(replay, ["--answers", str(tmp_path / "events.jsonl")]).stdout


needs_care = pytest.mark.skipif(not answers.DATA.exists(), reason="no conversations in ../shared/data/care")


@needs_care
@pytest.mark.parametrize("memory_hours", ["1", "48", "5000"])
def test_25_brands_are_measured_as_a_plain_count_measures_them(memory_hours: str) -> None:
    """Unit by unit, in every digit, however short the service's memory is."""
    assert answers.reference() == answers.measured(CEM_MEMORY_HOURS=memory_hours)


@needs_care
def test_the_service_itself_measures_what_the_plain_count_does() -> None:
    """With a memory that reaches far enough, `first_answer_ms` in the log is the time of each brand's answers."""
    directory = Directory(answers.units(), 1)
    values = log_of_inputs(
        ticked_inputs(in_order(answers.posts(answers.conversations())), 10_000),
        directory,
        understanding=Understanding(Listener(VaderScorer()), Pseudonyms(b"a key of the tests")),
        limits=Limits(memory_ms=200 * DAY_MS),
    )
    waited: dict[str, list[int]] = {}
    for event in map(event_codec.decode, values):
        if isinstance(event, Insight) and event.first_answer_ms is not None:
            waited.setdefault(event.unit_id, []).append(event.first_answer_ms)
    expected = {one.unit_id: one for one in answers.reference() if one.answered}
    assert {name: one.answered for name, one in expected.items()} == {name: len(ms) for name, ms in waited.items()}
    assert [one.mean_seconds for one in expected.values()] == [
        round(sum(waited[name]) / len(waited[name]) / 1000, 3) for name in expected
    ]
