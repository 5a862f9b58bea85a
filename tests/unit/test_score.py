"""`cem score`: each text gets an answer, whatever it is; and what cannot be used is told in one line."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from agents.cli import main
from pipeline.taxonomy import parse
from tests.unit.test_taxonomy import SMALL

FIELDS = {
    "compound", "label", "confidence", "aspects", "emotion", "journey_stage", "touchpoint", "language", "abstained",
    "suspicion", "suspicion_reasons", "model", "severe", "taxonomy",
}  # fmt: skip
HOSTILE = {
    "empty": "",
    "long": "waited for hours " * 6_000,
    "one word": "a" * 100_000,
    "emoji": "😡" * 3_000,
    "right to left": "الخدمة سيئة جدا 😡 ‏والموظف وقح",
    "mixed": "the сервис was 最悪 και αργό",
    "zalgo": "t̷̨̛̗̖e̵r̶r̷i̸b̵l̶e̷ s̴e̸r̷v̶i̵c̷e̸",
    "hashtags": " ".join(f"#WorstServiceEver{number}" for number in range(500)),
    "html": "<script>alert('bad service')</script> &amp; <b>rude</b>",
    "controls": "bad\x00\x07\x1b[31m service\x85",
    "surrogate": "bad \\ud83d service",
}


def run(*arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(main, ["score", *arguments], input=text)


def scored(*arguments: str, text: str) -> list[dict[str, Any]]:
    result = run(*arguments, text=text)
    assert 0 == result.exit_code, result.output
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def test_all_fields_are_there() -> None:
    """For each line one object, with the names that the design fixes."""
    found = scored(text="great food, rude waiter\nthanks!\n")
    assert [FIELDS, FIELDS] == [set(one) for one in found]


def test_severe_causes() -> None:
    """What one post is enough for, with the words that told it; `--explain` says why words are not meant so."""
    hurt, denied = scored("--explain", text="my mum slipped on your wet floor\nno food poisoning this time\n")
    assert [{"cause": "injury", "words": "slipped on your wet floor", "department": "safety", "severity": 8}] == (
        hurt["severe"]
    )
    assert [None] == [one["not_meant"] for one in hurt["explain"]["severe"]]
    assert [] == denied["severe"]
    assert ["denied"] == [one["not_meant"] for one in denied["explain"]["severe"]]


def test_several_aspects_each_with_its_own_polarity() -> None:
    """Praise of one thing is no praise of another; the complaint is the main aspect."""
    one = scored("--taxonomy", "restaurant", text="food great, waiter rude")[0]
    assert ["staff", "food_quality"] == [aspect["aspect"] for aspect in one["aspects"]]
    assert ["service", "kitchen"] == [aspect["department"] for aspect in one["aspects"]]
    assert one["aspects"][0]["polarity"] < 0 < one["aspects"][1]["polarity"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("@acme delayed 3 hours, on hold since 9am", "negative"),
        ("@acme still waiting for my refund", "negative"),
        ("@acme third time I call and nobody answers", "negative"),
        ("thanks for nothing @acme", "negative"),
        ("@acme #WorstServiceEver", "negative"),
        ("@acme the waitress was soooo friendly, will be back!", "positive"),
        ("@acme thank you so much for the quick help", "positive"),
        ("@acme what time do you open on Sunday?", "neutral"),
        ("@acme DM sent", "neutral"),
    ],
)
def test_what_customers_mean(text: str, label: str) -> None:
    """Complaints that are told as facts, mockery, run-together words; and questions, which are no complaints."""
    assert label == scored(text=text)[0]["label"]


def test_stars_weigh_in() -> None:
    """The same words, more or fewer stars; without words the stars alone."""
    lines = [orjson.dumps({"text": text, "rating": stars}).decode() for text in ("the usual", "") for stars in (1, 5)]
    found = scored(text="\n".join(lines))
    assert ["negative", "positive"] * 2 == [one["label"] for one in found]


def test_a_language_that_is_not_covered_is_abstained_from() -> None:
    """Visibly: the label means nothing, and no aspects are claimed."""
    one = scored(text="Wir haben über eine Stunde auf das Essen gewartet und niemand kam")[0]
    assert ("de", True, [], 0.0) == (one["language"], one["abstained"], one["aspects"], one["confidence"])


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_gets_an_answer(text: str) -> None:
    """Nothing that a stranger writes stops the command, and every figure is within its bounds."""
    one = scored("--explain", text=orjson.dumps({"text": text}).decode())[0]
    assert -1 <= one["compound"] <= 1
    assert all(0 <= one[share] <= 1 for share in ("confidence", "suspicion"))


def test_explain_shows_words_phrases_and_units(tmp_path: Path) -> None:
    """What moved the score, which phrase gave the aspect, which rule chose the unit."""
    units = tmp_path / "units.toml"
    units.write_text(
        '[[units]]\nid = "acme-1"\nname = "Acme"\nkind = "store"\ntime_zone = "UTC"\nhandles = ["@acme"]\n'
    )
    options = ("--explain", "--taxonomy", "restaurant", "--units", str(units))
    one = scored(*options, text="@acme rude waiter, never again")[0]
    explained = one["explain"]
    assert {"words": "never again", "reason": "leaving"}.items() <= explained["words"][-1].items()
    assert "rude waiter" in [aspect["words"] for aspect in explained["aspects"]]
    assert {"unit_id": "acme-1", "rule": "handle"}.items() <= one["units"]["found"][0].items()
    assert explained["signs"]


def test_personal_data_is_masked_before_anything_is_understood() -> None:
    """As the service does: what `--explain` shows holds none."""
    result = run("--explain", text="call me on +44 20 7946 0991 about my bad meal")
    assert "7946" not in result.stdout


def test_csv_and_ids(tmp_path: Path) -> None:
    """A column of a CSV; an `id` of JSON lines comes back."""
    file = tmp_path / "reviews.csv"
    file.write_text('id,text\n1,"rude, slow"\n2,\n')
    assert ["negative", "neutral"] == [one["label"] for one in scored(str(file), "--column", "text", text="")]
    assert "a-7" == scored(text='{"id": "a-7", "text": "fine"}')[0]["id"]


def test_a_taxonomy_of_ones_own(tmp_path: Path) -> None:
    """By its path; it is named as insights name it."""
    file = tmp_path / "ours.toml"
    file.write_text(SMALL)
    assert [parse(SMALL).edition] == [one["taxonomy"] for one in scored("--taxonomy", str(file), text="x")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('name = "ours"\n[departments]\n[aspects.a]\ndepartment = "nobody"\nphrases = ["late"]\n', "nobody"),
        ('name = "ours"\nextends = "ours"\n', "circle"),
        ('name = "ours"\n[departments]\nd = "D"\n[aspects.a]\ndepartment = "d"\nphrases = ["(("]\n', "(("),
        ("this is no TOML", "TOML"),
    ],
    ids=["no department", "circle", "pattern", "no TOML"],
)
def test_a_taxonomy_that_cannot_be_used(content: str, said: str, tmp_path: Path) -> None:
    """One clear line for each mistake, with the file's path, and exit code 2."""
    file = tmp_path / "ours.toml"
    file.write_text(content)
    result = run("--taxonomy", str(file), text="x")
    assert (2, "") == (result.exit_code, result.stdout)
    assert str(file) in result.stderr
    assert said in result.stderr


@pytest.mark.parametrize(
    "content", [b"", b"not a model", b"CEMMODEL\xff\xff" + b"0" * 40, b"CEMMODEL\x01\x00" + b"0" * 40]
)
def test_a_model_that_cannot_be_used(content: bytes, tmp_path: Path) -> None:
    """Empty, foreign, too new, damaged: one line with the path, and exit code 2."""
    file = tmp_path / "stores.model"
    file.write_bytes(content)
    result = run("--model", str(file), text="x")
    assert (2, "") == (result.exit_code, result.stdout)
    assert str(file) in result.stderr


def test_an_unknown_taxonomy_or_column_is_told() -> None:
    """With what there is."""
    assert "use one of airline" in run("--taxonomy", "circus", text="x").stderr
    assert "it has a, b" in run("--column", "c", text="a,b\n1,2\n").stderr
