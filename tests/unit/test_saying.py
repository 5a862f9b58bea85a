"""One text, heard: each reader of meaning says what it says alone, in any language and of any length."""

import pytest

from pipeline import aspects, emotion, journey
from pipeline.authenticity import suspicion_of
from pipeline.fingerprint import fingerprint
from pipeline.journey import Met
from pipeline.learned.aspects import Main, MainAspect
from pipeline.saying import DEFAULT_INDUSTRY, JOINED_WORDS_MAX, Listener, with_main
from pipeline.sentiment.customer import CustomerScorer
from pipeline.sentiment.vader import VaderScorer
from pipeline.taxonomy import load, parse
from pipeline.text.language import detect
from schemas.insight import Aspect
from schemas.post import Author

SCORER = CustomerScorer()
LISTENER = Listener(SCORER)
COMPLAINT = "@air third time on hold for 2 hours, rude crew and you lost my bag. I want a refund! http://bit.ly/x"
OURS = """
name = "ours"
version = 1
[departments]
desk = "Desk"
[aspects.everything]
department = "desk"
phrases = ["crew"]
"""

TEXTS = {
    "a complaint": COMPLAINT,
    "praise": "Thank you so much, the crew was amazing and we are so happy 😍",
    "nothing": "",
    "only emoji": "😡" * 300,
    "tags": " ".join(f"#tag{number}" for number in range(500)),
    "right to left": "شكرا على الخدمة السيئة",
    "another language": "Der Flug war furchtbar und niemand hat uns geholfen",
    "as long as is joined": "late crew " * (JOINED_WORDS_MAX // 2),
    "longer than is joined": "late crew " * (JOINED_WORDS_MAX // 2) + "thanks",
    "longer than anybody reads": "I am so angry, lost my bag and want a refund. " * 2_500,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_each_says_what_it_says_alone(text: str) -> None:
    """That a text is gone over once for all of them changes nothing."""
    read = SCORER.reader.read(text)
    language = detect(text, read.words)
    judged = SCORER.judge(text, read, language=language.language)
    compound = judged.sentiment.compound
    said = LISTENER.hear(text, kind="reply", industry="airline")

    assert (read.words, read.clauses, read.raw) == (said.reading.words, said.reading.clauses, said.reading.raw)
    assert language == said.language
    assert judged == said.judgement
    assert emotion.of(read, judged.hits, compound, language.language) == said.felt
    assert journey.of(read, "reply", language.language) == said.met
    assert suspicion_of(text, read, None, 0, language.language) == said.suspicion
    assert fingerprint(read.words) == said.fingerprint
    for industry in ("airline", "restaurant", DEFAULT_INDUSTRY):
        known = not judged.sentiment.abstained and text
        expected = aspects.find(read, judged.hits, compound, load(industry)) if known else ()
        assert expected == said.aspects(industry)
        assert aspects.severe(read, load(industry)) == aspects.severe(said.reading, load(industry))


def test_a_complaint_says_everything() -> None:
    """The whole of it, on one text."""
    said = LISTENER.hear(COMPLAINT, author=Author(id="1", followers=0), event_time=0)

    assert "negative" == said.judgement.sentiment.label
    assert "service" == said.met.stage
    assert {"lost_luggage"} <= {one.aspect for one in said.aspects("airline")}
    assert {"link", "empty_account"} <= set(said.suspicion.reasons)
    assert said.fingerprint is not None


def test_where_the_scorer_abstains_nothing_is_said_of_aspects() -> None:
    """A language that it does not read."""
    said = LISTENER.hear(TEXTS["another language"])

    assert said.judgement.sentiment.abstained
    assert () == said.aspects("airline")
    assert Met(None, None, ()) == said.met


def test_what_is_heard_does_not_depend_on_what_was_heard() -> None:
    """A listener remembers no text."""
    fresh = Listener(CustomerScorer())

    assert [fresh.hear(text).judgement for text in reversed(TEXTS.values())] == [
        LISTENER.hear(text).judgement for text in reversed(TEXTS.values())
    ]


def test_a_scorer_without_phrases_is_heard_too() -> None:
    """Only the lexicons that there are are looked for."""
    assert "anger" == Listener(VaderScorer()).hear("I am so angry about this flight").felt.emotion


def test_taxonomies_in_force_go_before_the_shipped_ones() -> None:
    """By industry."""
    listener = Listener(SCORER, {"airline": parse(OURS)})

    assert ["everything"] == [one.aspect for one in listener.hear("the crew was rude").aspects("airline")]
    assert ["everything"] != [one.aspect for one in listener.hear("the crew was rude").aspects("hotel")]


class TestMain:
    FOUND = (
        Aspect(aspect="crew", department="cabin", polarity=-0.5),
        Aspect(aspect="bags", department="ground", polarity=0.1),
    )

    def test_what_was_found_comes_first(self) -> None:
        """As it was found."""
        assert self.FOUND[::-1] == with_main("bags", self.FOUND, -0.9, load("airline"))

    def test_one_that_was_not_found_is_spoken_of_as_the_whole_text(self) -> None:
        """By those who are responsible for the first, where the taxonomy does not know it."""
        first, *rest = with_main("unheard_of", self.FOUND, -0.9, load("airline"))

        assert Aspect(aspect="unheard_of", department="cabin", polarity=-0.9) == first
        assert self.FOUND == tuple(rest)

    def test_a_model_is_asked_only_where_something_was_found(self) -> None:
        """A text that speaks of nothing has no main aspect."""

        class Never(MainAspect):
            def __init__(self) -> None:
                self.taxonomy = "airline"
                self.model = "never/00000000"

            def of(self, text: str) -> object:  # type: ignore[override]
                raise AssertionError(text)

        assert () == Listener(SCORER, main=Never()).hear("it is a table").aspects("airline")


def test_signs_are_those_of_the_label() -> None:
    """Nothing where a scorer decides by words."""
    assert LISTENER.signs(LISTENER.hear(COMPLAINT))
    assert [] == Listener(VaderScorer()).signs(Listener(VaderScorer()).hear(COMPLAINT))


class _Main:
    """A model of main aspects that always says the same."""

    model = "reasons/1f0c3a9e"

    def __init__(self, taxonomy: str) -> None:
        self.taxonomy = taxonomy

    def of(self, text: str) -> Main:
        return Main("billing", 0.9)


@pytest.mark.parametrize(("taxonomy", "main"), [("restaurant", "billing"), ("", "billing"), ("airline", "staff")])
def test_a_model_of_main_aspects_speaks_where_its_taxonomy_does(taxonomy: str, main: str) -> None:
    """One that was learned from airlines says nothing of a restaurant."""
    listener = Listener(CustomerScorer(), main=_Main(taxonomy))  # type: ignore[arg-type]
    said = listener.hear("the waiter was rude")
    assert main == said.aspects("restaurant")[0].aspect
    named = f"{load('restaurant').edition}+reasons/1f0c3a9e"
    assert (named if main == "billing" else load("restaurant").edition) == said.tell("restaurant").taxonomy


class TestWhatFoundIt:
    def test_it_is_named_with_what_it_found(self) -> None:
        """The shipped taxonomy by its edition; one of the user's after the industry for which it is in force."""
        ours = parse(OURS)
        listener = Listener(SCORER, {"airline": ours})
        said = listener.hear("the crew was rude and lost my bag")
        assert f"airline={ours.edition}" == said.tell("airline").taxonomy
        assert load("hotel").edition == said.tell("hotel").taxonomy
        assert [said.tell("airline").taxonomy] == listener.names

    def test_a_severe_cause_is_enough(self) -> None:
        """It depends on the taxonomy as aspects do."""
        mine = parse(
            'name = "hotel"\n[departments]\ndesk = "Desk"\n[aspects.a]\ndepartment = "desk"\nphrases = ["zzz"]\n'
            '[severe.injury]\ndepartment = "desk"\nphrases = ["broke my arm"]\n'
        )
        told = Listener(SCORER, {"hotel": mine}).hear("I broke my arm on the stairs").tell("hotel")
        assert ((), ["injury"], mine.edition) == (told.aspects, [one.cause for one in told.severe], told.taxonomy)

    def test_where_nothing_was_found_nothing_found_it(self) -> None:
        """Nor where the scorer abstained."""
        assert None is LISTENER.hear("it is a table").tell("airline").taxonomy
        assert None is LISTENER.hear(TEXTS["another language"]).tell("airline").taxonomy
