"""Severe words are severe where they are meant so: not denied, not supposed, not asked, not of others."""

import pytest

from pipeline import severe
from pipeline.saying import Listener, Said
from pipeline.sentiment.customer import CustomerScorer
from pipeline.severe import CAUSES_MAX, Doubt
from pipeline.taxonomy import load, parse
from pipeline.text.normalise import normalise
from tests.evaluation import severe as evaluation

LISTENER = Listener(CustomerScorer())
OTHER = load("other")


def heard(text: str, stated: str | None = "en") -> Said:
    """All that is understood of a text."""
    return LISTENER.hear(normalise(text), stated=stated)


def doubts(text: str) -> set[Doubt | None]:
    """Why its severe phrases are not meant so; None of one that is."""
    said = heard(text)
    found = severe.judged(said.reading, OTHER, said.judgement.sentiment, said.language.language)
    return {doubt for _, doubt in found}


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        ("injury", "my mother slipped on your wet floor and broke her hip"),
        ("illness", "all of us got food poisoning from your buffet"),
        ("discrimination", "they refused to serve us because we are black"),
        ("threat", "your guard grabbed me by the neck"),
        ("legal", "if nobody answers I will sue you"),
        ("data_leak", "you sent me another customer's statement"),
        ("minors", "they sold beer to a 15 year old"),
    ],
)
def test_each_cause(cause: str, text: str) -> None:
    """A plain sentence for each, with who is responsible and how severe it is by the taxonomy."""
    [found] = heard(text).severe("other")
    topic = OTHER.severe[cause]
    assert (cause, topic.department, topic.severity) == (found.cause, found.department, found.severity)
    assert found.words in text.lower()


@pytest.mark.parametrize(
    ("doubt", "text"),
    [
        (Doubt.DENIED, "the lamp came down, luckily nobody was seriously injured"),
        (Doubt.DENIED, "we never had food poisoning here"),
        (Doubt.DENIED, "I'm not saying it is racist"),
        (Doubt.DENIED, "I don't want to sue anybody, I want my money"),
        (Doubt.SUPPOSED, "hopefully that isn't it, if I get food poisoning I know why"),
        (Doubt.SUPPOSED, "if the lift drops somebody will be seriously injured"),
        (Doubt.SUPPOSED, "boarding is like being severely injured"),
        (Doubt.SUPPOSED, "somebody could slip on that floor"),
        (Doubt.ASKED, "do you know of anyone with an allergic reaction to it?"),
        (Doubt.ELSEWHERE, "saw on the news that a man was stabbed at the mall"),
        (Doubt.ELSEWHERE, "heard that another bank had a data breach"),
        (Doubt.ELSEWHERE, "broke my leg skiing, may I sit at the aisle"),
        (Doubt.PRAISED, "thank you so much, my son had an allergic reaction and your wonderful staff were great"),
    ],
)  # fmt: skip
def test_what_takes_it_back(doubt: Doubt, text: str) -> None:
    """The phrase is found, and it is said why it does not count."""
    assert {doubt} == doubts(text)
    assert () == heard(text).severe("other")


@pytest.mark.parametrize(
    "text",
    [
        "nobody helped when my mother slipped on the wet floor",
        "I can't stop vomiting since your lunch",
        "why did your waiter call me a racial slur?",
        "no apology, no call back, and my son was badly hurt",
        "If you care: my daughter got food poisoning at your place.",
    ],
)
def test_what_is_near_does_not_take_it_back(text: str) -> None:
    """A negation or an if that belongs to something else leaves it standing."""
    assert {None} == doubts(text)


@pytest.mark.parametrize(
    "text",
    ["this wait is killing me", "sick of waiting", "the cake is to die for", "you are bleeding me dry", "", "!!!"],
)
def test_figures_of_speech(text: str) -> None:
    """Nothing severe is found in them at all."""
    assert set() == doubts(text)


def test_where_the_language_is_not_covered_nothing_is_said() -> None:
    """The scorer abstains, and so does this."""
    said = heard("la empleada fue muy racist con nosotros y nadie nos ayudó en la tienda", stated="es")
    assert said.judgement.sentiment.abstained
    assert () == said.severe("other")


def test_each_cause_once_the_most_severe_first() -> None:
    """However often it is said."""
    text = "you hear from my lawyer. my son broke his arm. I will sue. he broke his leg too"
    assert ["injury", "legal"] == [cause.cause for cause in heard(text).severe("other")]


def test_what_is_told_is_bounded_and_names_nobody() -> None:
    """At most five causes, each with a few words; what the taxonomy does not know may be a name, and is left out."""
    [cause] = heard("security pulled me by Karlheinz's neck. Zebulon threatened Ottokar to kill him").severe("other")[
        :1
    ]
    assert "…" in cause.words
    assert not {"karlheinz's", "zebulon", "ottokar"} & set(cause.words.split())
    tables = "".join(
        f'[severe.{name}]\ndepartment = "safety"\nphrases = ["bad .. thing{name}"]\n' for name in "abcdefghi"
    )
    mine = parse('name = "mine"\nextends = "other"\n' + tables)
    said = heard(". ".join(f"bad {'awful' * 12} {'worse' * 12} thing{name}" for name in "abcdefghi"))
    assert CAUSES_MAX == len(said.severe_in(mine))
    assert {"bad … thinga"} == {one.words for one in said.severe_in(mine) if one.cause == "a"}


@pytest.mark.parametrize(("name", "precision", "recall"), [("severe", 0.94, 0.92), ("severe_second", 0.90, 0.68)])
def test_what_is_called_severe_mostly_is(name: str, precision: float, recall: float) -> None:
    """On sentences of our own, those that phrases were written for and those that they were not."""
    found = evaluation.measure_sentences(evaluation.sentences(evaluation.FILES[name]))
    assert found["precision"] >= precision
    assert found["recall"] >= recall
