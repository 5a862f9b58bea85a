"""What a text speaks of: which aspects, whose department, how spoken of, which one first."""

from pipeline.aspects import ASPECTS_MAX, find, matches, severe
from pipeline.sentiment.hit import Hit
from pipeline.taxonomy import load, parse
from pipeline.text.reading import Reader
from tests.evaluation import aspects as evaluation

RESTAURANT, AIRLINE, OTHER = load("restaurant"), load("airline"), load("other")
READER = Reader()
VALENCES = {"great": 3.0, "good": 1.9, "lovely": 2.8, "rude": -2.0, "awful": -2.0, "angry": -2.3, "cold": -1.0}


def spoken(text: str, overall: float = -0.5, taxonomy=RESTAURANT) -> dict[str, float]:
    """Aspects in their order with their polarity; hits by a lexicon of a few words."""
    reading = READER.read(text)
    hits = [
        Hit(place, place + 1, VALENCES[word], "lexicon") for place, word in enumerate(reading.words) if word in VALENCES
    ]
    return {aspect.aspect: aspect.polarity for aspect in find(reading, hits, overall, taxonomy)}


class TestPolarity:
    def test_each_aspect_has_that_of_its_own_clause(self) -> None:
        """ "Food great, waiter rude": one is praised and one is not."""
        found = spoken("Food great, waiter rude", overall=0.0)
        assert ["staff", "food_quality"] == list(found)
        assert found["staff"] < -0.3 < 0.3 < found["food_quality"]

    def test_within_one_clause_a_word_belongs_to_the_nearest(self) -> None:
        """Without a comma too."""
        found = spoken("great food and rude waiter", overall=0.0)
        assert found["staff"] < 0 < found["food_quality"]

    def test_a_clause_beside_that_speaks_of_nothing_counts(self) -> None:
        """What was felt is often said on its own."""
        assert spoken("My soup. So angry", overall=0.9)["food_quality"] < 0
        assert 0.9 == spoken("My soup. Again the same as ever. So angry", overall=0.9)["food_quality"]

    def test_else_that_of_the_whole_text(self) -> None:
        """An aspect without a word about it takes the text's own compound."""
        assert {"food_quality": -0.4} == spoken("the soup", overall=-0.4)

    def test_a_complaint_by_being_named(self) -> None:
        """A lost bag is no good news, even where nobody says so."""
        assert spoken("where is my bag", overall=0.0, taxonomy=AIRLINE)["lost_luggage"] < 0


class TestTheMainAspect:
    def test_the_longest_phrase_has_the_word(self) -> None:
        """A bag that is delayed is about luggage, not about a flight."""
        assert ["lost_luggage"] == list(spoken("my bag is delayed", taxonomy=AIRLINE))
        assert ["late_flight"] == list(spoken("my flight is delayed", taxonomy=AIRLINE))

    def test_cause_before_symptom(self) -> None:
        """The bag is what has to be found; that nobody answers is what it led to."""
        found = spoken("you lost my bag and nobody is any help", taxonomy=AIRLINE)
        assert ["lost_luggage", "customer_service"] == list(found)

    def test_how_one_is_treated_can_be_the_complaint(self) -> None:
        """Nothing more specific is said."""
        assert "customer_service" == next(iter(spoken("on hold for 2 hours and then hung up on", taxonomy=AIRLINE)))

    def test_sure_before_vague_then_in_the_order_of_the_text(self) -> None:
        """A strong phrase outweighs a plain one, a plain one a weak one; of equal ones the first is the main one."""
        taxonomy = parse(
            'name = "x"\n[departments]\nd = "D"\n[aspects.a]\ndepartment = "d"\nstrong = ["one"]\nphrases = ["two"]\n'
            '[aspects.b]\ndepartment = "d"\nphrases = ["three"]\nweak = ["four"]\n'
        )
        assert ["a", "b"] == list(spoken("three one", taxonomy=taxonomy))
        assert ["b", "a"] == list(spoken("three two", taxonomy=taxonomy))
        assert ["a", "b"] == list(spoken("two three", taxonomy=taxonomy))
        assert ["a", "b"] == list(spoken("four two", taxonomy=taxonomy))

    def test_praise_stands_back_in_a_complaint_only(self) -> None:
        """A text that praises keeps its order; in any other the rude waiter comes before the food that was great."""
        taxonomy = parse(
            'name = "x"\n[departments]\nd = "D"\n[aspects.food]\ndepartment = "d"\nstrong = ["food"]\n'
            '[aspects.staff]\ndepartment = "d"\nweak = ["waiter"]\n'
        )
        text = "great food, rude waiter"
        assert ["staff", "food"] == list(spoken(text, overall=-0.3, taxonomy=taxonomy))
        assert ["staff", "food"] == list(spoken(text, overall=0.0, taxonomy=taxonomy))
        assert ["food", "staff"] == list(spoken(text, overall=0.6, taxonomy=taxonomy))

    def test_a_complaint_about_nothing_gets_the_default(self) -> None:
        """Somebody has to answer it; what is no complaint gets nothing."""
        assert {"customer_service": -0.6} == spoken("grr", overall=-0.6)
        assert {} == spoken("hello there", overall=0.0)
        assert {} == spoken("yay", overall=0.7)

    def test_the_department_is_that_of_the_aspect(self) -> None:
        """As the taxonomy says."""
        [aspect] = find(READER.read("soup was cold"), [], -0.5, RESTAURANT)
        assert ("food_quality", "kitchen") == (aspect.aspect, aspect.department)


class TestWhatDecided:
    def test_which_phrase_stands_where(self) -> None:
        """Enough to show the words: start, end, aspect, and the phrase as it is written in the file."""
        reading = READER.read("Soup was cold, waiter rude")
        found = [(one.topic, reading.words[one.start : one.end]) for one in matches(reading, RESTAURANT)]
        assert [("food_quality", ["soup", "was", "cold"]), ("staff", ["waiter", "rude"])] == found

    def test_ignored_words_mean_nothing(self) -> None:
        """ "Can't wait" is joy, not waiting."""
        assert "wait_time" not in spoken("can't wait to try it", taxonomy=OTHER)

    def test_severe_causes(self) -> None:
        """What cannot wait is found with its words; what only looks like it is not."""
        for cause, text in {
            "injury": "my son burned his hand on your stove and you just watched",
            "illness": "food poisoning after the chicken here",
            "discrimination": "refused to serve us because we are black",
            "threat": "the guard grabbed me by the arm",
            "legal": "you will hear from my lawyer",
            "data_leak": "you sent me another customer's statement",
            "minors": "they sold beer to a 15 year old",
        }.items():
            assert cause in {one.topic for one in severe(READER.read(text), OTHER)}, text
        for text in (
            "I'm dying for this burger",
            "sick of waiting in this line",
            "this price is killing me",
            "this cake is to die for",
            "broke my suitcase",
            "the hotel next to the hospital was great",
            "I would kill for that recipe",
            "my wife hit the jackpot with this dress",
            "burnt toast and cold eggs",
        ):
            assert [] == severe(READER.read(text), OTHER), text

    def test_a_bounded_number(self) -> None:
        """A text that speaks of everything gets the main ones."""
        text = "food staff queue dirty bill app parking music stock waiter price login cockroach soup " * 200
        assert len(spoken(text)) <= ASPECTS_MAX


class TestOwnSentences:
    def test_other_industries(self) -> None:
        """Sentences about restaurants, shops, banks, dealerships and hotels: the main aspect, the others, the signs."""
        figures = evaluation.measure_sentences(evaluation.Asked())
        assert figures["texts"] >= 240
        assert figures["accuracy"] >= 0.88, figures["mistakes"]
        assert min(figures["by_industry"].values()) >= 0.82, figures["by_industry"]
        assert figures["others_found"] >= 0.7
        assert figures["signs_right"] >= 0.65
