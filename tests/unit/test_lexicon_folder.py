"""Another language is another folder: nothing of what scores a text is written for English only."""

from pathlib import Path
from shutil import copyfile

import pytest

from pipeline import lexicon
from pipeline.sentiment.customer import CustomerScorer

WORDS = 'common = "und der die das war"\nclauses = "aber obwohl"\n[shorthand]\nmfg = "grüße"\n'
CARE = """
[words]
unfreundlich = -2.2
lecker = 2.4
[emoji]
"😡" = -3.0
[sets]
zeit = "minuten|stunde|stunden"
[context]
words = "essen kellner bedienung"
negations = "nicht kein nie"
persons = "ich wir"
thanks = "danke"
[facts.waiting]
"-2.0" = '''
gewartet
0 {zeit} gewartet
'''
[tone.praise]
"2.5" = '''
gerne wieder
'''
"""


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CustomerScorer:
    """A scorer of a language that is not shipped; its label's weights are the English ones, which know no words."""
    folder = tmp_path / "de"
    folder.mkdir()
    shipped = Path(lexicon.__file__).parent / "lexicons" / "en"
    (folder / "words.toml").write_text(WORDS, "utf-8")
    (folder / "care.toml").write_text(CARE, "utf-8")
    copyfile(shipped / "label.toml", folder / "label.toml")
    monkeypatch.setattr(lexicon, "files", lambda _: tmp_path)
    return CustomerScorer("de")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Wir haben 50 Minuten gewartet und der Kellner war unfreundlich 😡", "negative"),
        ("Das Essen war lecker, gerne wieder!", "positive"),
    ],
)
def test_another_folder_is_another_language(text: str, label: str, german: CustomerScorer) -> None:
    """Its own words, phrases, sets, clauses and negations; and VADER's English words mean nothing in it."""
    found = german.score(text, language="de")
    assert (label, False) == (found.label, found.abstained)
    assert [] == german.judge("great", german.reader.read("great"), language="de").hits


def test_each_scorer_abstains_from_what_is_not_its_own(german: CustomerScorer) -> None:
    """English is a foreign language to it."""
    assert german.score("great food", language="en").abstained
