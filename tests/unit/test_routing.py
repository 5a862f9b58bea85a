"""A post finds its units by ranked rules, or a person is asked; never is a unit guessed."""

import time
from typing import Any

import pytest

from pipeline.directory import ALIAS_UNITS_MAX, Directory
from pipeline.routing import CONCERNED_MAX, NoUnit, Routed, Rule, UnroutedReason, route
from tests.routes import DIRECTORY, at, find, unit


@pytest.mark.parametrize(
    ("clues", "unit_id", "rule", "confidence"),
    [
        ({"hint": "bremen"}, "bremen", Rule.HINT, 0.99),
        ({"place_id": "p-kiel"}, "kiel", Rule.PLACE, 0.97),
        ({"hint": "bremen store"}, "bremen", Rule.HINT_NAME, 0.95),
        ({"text": "cold soup @acme_bremen"}, "bremen", Rule.HANDLE, 0.93),
        ({"thread_units": ("bremen",)}, "bremen", Rule.THREAD, 0.85),
        ({"text": "cold soup in Bremen"}, "bremen", Rule.ALIAS, 0.8),
        ({"text": "cold soup #AcmeBremen"}, "bremen", Rule.HASHTAG, 0.7),
    ],
)
def test_each_rule(clues: dict[str, Any], unit_id: str, rule: str, confidence: float) -> None:
    """Each clue alone is enough, and the routing says which it was and how sure it is."""
    shown: dict[str, Any] = {"network": "x", "text": "", "directory": DIRECTORY}
    found = route(**shown | clues)

    assert isinstance(found, list)
    assert [(routed.unit_id, routed.routing.rule, routed.routing.confidence) for routed in found] == [
        (unit_id, rule, confidence)
    ]
    assert isinstance(found[0], Routed)


def test_the_stronger_rule_decides() -> None:
    """Each clue taken away lets the next in rank decide."""
    clues: dict[str, Any] = {
        "hint": "bremen",
        "place_id": "p-kiel",
        "text": "@rival is no better than Kiel #acmebremen",
        "thread_units": ("bremen",),
    }

    assert find(**clues) == [("bremen", "hint")]
    del clues["hint"]
    assert find(**clues) == [("kiel", "place")]
    del clues["place_id"]
    assert find(**clues) == [("rival", "handle")]
    clues["text"] = clues["text"].replace("@rival", "this")
    assert find(**clues) == [("bremen", "thread")]
    del clues["thread_units"]
    assert find(**clues) == [("kiel", "alias")]
    clues["text"] = clues["text"].replace("Kiel", "all")
    assert find(**clues) == [("bremen", "hashtag")]


class TestHint:
    """What the connector says comes first, if it means anything."""

    @pytest.mark.parametrize("hint", ["Bremen", "BREMEN STORE", " bremen "])
    def test_by_name(self, hint: str) -> None:
        """A hint in the words of another system is understood by alias or name, in any case."""
        assert [unit_id for unit_id, _ in find(hint=hint)] == ["bremen"]

    def test_unknown(self) -> None:
        """A hint that means nothing is named as the reason, if nothing else helps."""
        assert find("cold soup", hint="store 99") == ("unknown_hint", [])
        assert find("cold soup in Bremen", hint="store 99") == [("bremen", "alias")]

    def test_ambiguous(self) -> None:
        """A name of two units asks a person; or a weaker clue chooses between the two, but no third unit."""
        assert find(hint="main street") == ("ambiguous", ["kiel", "rival-kiel"])
        assert find("@acme_kiel", hint="main street") == [("kiel", "handle")]
        assert find("@acme_bremen", hint="main street") == ("ambiguous", ["kiel", "rival-kiel"])

    @pytest.mark.parametrize("hint", ["", "  ", None])
    def test_empty(self, hint: str | None) -> None:
        """An empty hint is none."""
        assert find(hint=hint) == ("no_clue", [])


class TestPlace:
    """Where it was written, or what it reviews."""

    def test_a_shared_place_is_settled_by_weaker_clues(self) -> None:
        """Two units in one mall: the text may say which."""
        assert find(place_id="p-mall") == ("ambiguous", ["kiel", "rival-kiel"])
        assert find("@acme_kiel is closed", place_id="p-mall") == [("kiel", "handle")]
        assert find("#sale at last", place_id="p-mall") == [("rival-kiel", "hashtag")]

    def test_an_unknown_place_is_no_clue(self) -> None:
        """A place that is nobody's leaves it to the other rules."""
        assert find("in Bremen", place_id="p-99") == [("bremen", "alias")]


class TestHandles:
    """Who is mentioned is concerned."""

    @pytest.mark.parametrize(
        "text",
        ["@acme_bremen cold", ".@ACME_Bremen cold", "(@acme_bremen)", "cold,@acme_bremen!", "@acme_bremen.Cold soup",
         "\u201c@acme_bremen: hi\u201d", "@acme_bremen's soup", "@acme_bremen-cold"],
    )  # fmt: skip
    def test_mention(self, text: str) -> None:
        """A mention is found in any case and between any signs."""
        assert find(text) == [("bremen", "handle")]

    @pytest.mark.parametrize(
        "text", ["ask me@acme.com", "a_@acme", "https://x.example/@acme", "@acme_bremen2", "@ acme_north"]
    )
    def test_no_mention(self, text: str) -> None:
        """An e-mail address, a part of a web address, or a longer name mentions nobody."""
        assert find(text) == ("no_clue", [])

    def test_a_name_with_a_host(self) -> None:
        """The longest handle that is somebody's counts."""
        assert find("@rival.example hello") == [("rival", "handle")]

    def test_a_handle_of_another_network(self) -> None:
        """A handle that holds for one network means nothing on the others."""
        assert find("@acme_kiel", network="instagram") == ("no_clue", [])

    def test_several(self) -> None:
        """Who mentions two unrelated units speaks to both, in the order of their ids."""
        assert find("@rival is better than @acme_bremen") == [("bremen", "handle"), ("rival", "handle")]

    def test_the_store_and_not_its_brand(self) -> None:
        """Brand, region and store mentioned: it is about the store."""
        assert find("@acme @acme_north @acme_bremen cold soup") == [("bremen", "handle")]

    @pytest.mark.parametrize(
        ("text", "thread", "expected"),
        [
            ("@acme the soup in Bremen is cold", (), [("bremen", "alias")]),
            ("@acme cold soup #acmebremen", (), [("bremen", "hashtag")]),
            ("@acme still no answer", ("bremen",), [("bremen", "thread")]),
            ("@acme @rival the soup in Bremen is cold", (), [("bremen", "alias"), ("rival", "handle")]),
            ("@acme on Main Street", (), [("kiel", "alias")]),
            ("@acme_bremen never mind Kiel", (), [("bremen", "handle")]),
            ("@acme @acme_bremen never mind Kiel", (), [("bremen", "handle")]),
            ("@acme is Acme", (), [("acme", "handle")]),
            ("@acme is Acme #acmebremen", (), [("bremen", "hashtag")]),
            ("@rival the soup in Bremen is cold", (), [("rival", "handle")]),
        ],
    )
    def test_a_weaker_clue_names_the_store(
        self, text: str, thread: tuple[str, ...], expected: list[tuple[str, str]]
    ) -> None:
        """The brand's handle and a clue for one of its stores mean the store; for a store of others it says nothing."""
        assert find(text, thread_units=thread) == expected

    def test_two_stores_named_leave_it_with_the_brand(self) -> None:
        """The brand was spoken to, that is sure; which of its stores is not."""
        assert find("@acme late in Kiel and in Bremen") == [("acme", "handle")]

    def test_a_shared_handle(self) -> None:
        """Two units claim a handle: a person decides, or a weaker clue."""
        directory = Directory([unit("a", handles=("@us",), aliases=("Alpha",)), unit("b", handles=("@us",))])

        assert find("@us", directory=directory) == ("ambiguous", ["a", "b"])
        assert find("@us at Alpha", directory=directory) == [("a", "alias")]

    def test_too_many(self) -> None:
        """Twenty units may be concerned, one more are an advertisement."""
        directory = Directory(unit(f"u{number:02}", handles=(f"@u{number:02}",)) for number in range(CONCERNED_MAX + 1))
        text = " ".join(f"@u{number:02}" for number in range(CONCERNED_MAX + 1))
        reason, candidates = find(text, directory=directory)

        assert (reason, len(candidates)) == ("too_many", CONCERNED_MAX)
        assert len(find(text.removesuffix(f" @u{CONCERNED_MAX}"), directory=directory)) == CONCERNED_MAX


class TestThread:
    """An answer is about what its post is about."""

    def test_all_units_of_the_thread(self) -> None:
        """A thread about two units stays about two."""
        assert find(thread_units=("rival", "bremen")) == [("bremen", "thread"), ("rival", "thread")]

    def test_a_store_is_named_later(self) -> None:
        """A thread about the brand becomes one about the store when somebody names it."""
        assert find("it was in Bremen", thread_units=("acme",)) == [("bremen", "alias")]

    def test_a_unit_that_is_gone(self) -> None:
        """Units that were removed since are not concerned."""
        assert find(thread_units=("gone",)) == ("no_clue", [])


class TestNamesAndHashtags:
    """The weakest clues decide only where they are clear."""

    def test_two_names(self) -> None:
        """Two unrelated units: nobody can say which, and both are candidates, each half as likely."""
        found = route(network="x", text="is Rival better than Bremen?", directory=DIRECTORY)

        assert isinstance(found, NoUnit)
        assert found.reason == UnroutedReason.AMBIGUOUS
        assert [(one.unit_id, one.rule, one.confidence) for one in found.candidates] == [
            ("bremen", "alias", 0.4),
            ("rival", "alias", 0.4),
        ]

    @pytest.mark.parametrize("text", ["@bremen is my friend", "https://x.example/in/bremen", "Main @stranger Street"])
    def test_no_name(self, text: str) -> None:
        """Somebody else's handle, or a word in a web address, is no name of a unit; nor is one taken from two sides."""
        assert find(text) == ("no_clue", [])

    def test_brand_and_store(self) -> None:
        """The store is more than its brand."""
        assert find("Acme in Bremen") == [("bremen", "alias")]

    def test_a_hashtag_settles_two_names(self) -> None:
        """A hashtag chooses between the names, but adds no third unit."""
        assert find("Main Street #AcmeKiel") == [("kiel", "hashtag")]
        assert find("Main Street #acmebremen") == ("ambiguous", ["kiel", "rival-kiel"])

    def test_hashtags(self) -> None:
        """One unit's hashtag decides, one of several units does not; an HTML entity is none."""
        assert find("#acmebremen") == [("bremen", "hashtag")]
        assert find("#acmekiel #acmebremen") == ("ambiguous", ["bremen", "kiel"])
        assert find("#sale") == ("ambiguous", ["bremen", "rival-kiel"])
        crowd = Directory(unit(f"u{number}", hashtags=("sale",)) for number in range(ALIAS_UNITS_MAX + 1))
        assert find("#sale", directory=crowd) == ("no_clue", [])
        assert find("a&#sale https://x.example/#sale") == ("no_clue", [])


def test_cost_does_not_grow_with_the_units() -> None:
    """Ten thousand units, each with ten aliases, a handle, a hashtag and a position, cost a post about what a hundred
    do: three times at most, where a loop over them would take a hundred times as long."""

    def seconds(count: int) -> float:
        directory = Directory(
            unit(
                f"u{number}",
                aliases=tuple(f"word{number} street{name} place{name}" for name in range(10)),
                handles=(f"@u{number}",),
                hashtags=(f"tag{number}",),
                position=at((number / 1000 - 60, number % 360 - 180)),
            )
            for number in range(count)
        )
        posts: list[dict[str, Any]] = [
            {"text": "we waited for an hour at word7 street9 place9, and nobody at all came to say why"},
            {"text": "we waited for an hour, and nobody at all came to say why", "position": (-59.993, -173.0)},
            {"text": "@u7 we waited for an hour, and nobody at all came to say why"},
            {"text": "we waited for an hour, and nobody at all came to say why #tag7"},
            {"text": "we waited for an hour at some place, and nobody at all came to say why"},
        ]
        assert [find(**post, directory=directory) for post in posts[:4]] == [
            [("u7", rule)] for rule in ("alias", "position", "handle", "hashtag")
        ]
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            for _ in range(100):
                for post in posts:
                    route(network="x", directory=directory, **post)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(10_000) < 3 * seconds(100) + 0.01


def test_nothing_at_all() -> None:
    """Without a clue there is no unit, and that is the reason."""
    assert find("cold soup") == ("no_clue", [])
    assert find("@someone_else #soup") == ("no_clue", [])


def test_hostile_text_ends() -> None:
    """Tens of thousands of mentions, dots and tags are looked through in linear time."""
    for text in (
        "@a " * 16_000,
        "@a.b.c" * 8_000,
        "#sale " * 8_000,
        "Main Street " * 4_000,
        "Main Street Acme Bremen " * 2_000,
        "@" * 50_000,
        "@" + "a" * 50_000,
    ):
        find(text)
