"""What a page is made of: words for every value, times, texts of strangers made harmless, charts with words."""

import re
from collections.abc import Iterable
from typing import get_args
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.web import charts, moments, show, words
from agents.web.hours import Hour
from pipeline.alerts.lifecycle import Refusal
from pipeline.authenticity import Reason
from pipeline.detectors.cascade import CascadeDetector
from pipeline.detectors.influential import InfluentialDetector
from pipeline.detectors.recovery import RecoveryDetector
from pipeline.detectors.severe import SevereDetector
from pipeline.detectors.surge import SurgeDetector
from pipeline.routing import Rule, UnroutedReason
from schemas.action import ActionName, DismissalCode
from schemas.alert import AlertChange, AlertState, AlertStatus, Detection, Duty, SeverityLabel
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, parse_time
from schemas.token import Role
from schemas.vocabulary import Channel
from tests.web.evening import NOW, ZONE
from tests.web.world import make_alert

# Words


@pytest.mark.parametrize(
    ("values", "known"),
    [
        (get_args(AlertState), words.STATES),
        (get_args(AlertStatus), words.STATUSES),
        (get_args(AlertChange), words.CHANGES),
        (get_args(ActionName), words.ACTIONS),
        (get_args(Duty), words.DUTIES),
        (get_args(Duty), words.DUTIES_DONE),
        (get_args(SeverityLabel), words.SEVERITIES),
        (get_args(DismissalCode), words.DISMISSALS),
        (get_args(Channel), words.NETWORKS),
        (get_args(Role), words.ROLES),
        (Refusal, words.REFUSALS),
        (UnroutedReason, words.UNROUTED),
        (Rule, words.RULES),
        (Reason, words.SUSPICIONS),
        (
            (one.alertname for one in (
                SurgeDetector, CascadeDetector, InfluentialDetector, SevereDetector, RecoveryDetector,
            )),
            words.KINDS,
        ),
    ],
)  # fmt: skip
def test_everything_has_words(values: Iterable[str], known: dict[str, str]) -> None:
    """Whatever a record may say there are words for it."""
    assert [] == [value for value in values if str(value) not in known]


def test_what_a_newer_worker_says_is_shown_as_it_is() -> None:
    """A value that is not known is readable, never an error."""
    assert "Very new thing" == words.word("very_new_thing", words.STATES)
    assert "a new reason" == words.refused("a_new_reason")


@pytest.mark.parametrize(
    ("rarity", "said"),
    [
        (30.0, "30 times a month"), (1.0, "once a month"), (0.1, "once in 10 months"), (0.002, "once in 41 years"),
        (1e-4, "once in 820 years"), (1e-9, "less than once in ten thousand years"), (0.0, "practically never"),
        (float("inf"), "practically never"),
    ],
)  # fmt: skip
def test_how_often_chance_brings_it(rarity: float, said: str) -> None:
    """A rarity is a time that a person can picture."""
    assert said == words.how_often(rarity)


@pytest.mark.parametrize(
    ("span_ms", "said"),
    [
        (0, "1 sec"), (59_999, "59 sec"), (60_000, "1 min"), (HOUR_MS, "1 h"), (HOUR_MS + 5 * MINUTE_MS, "1 h 5 min"),
        (9 * HOUR_MS + MINUTE_MS, "9 h"), (DAY_MS, "1 day"), (3 * DAY_MS, "3 days"), (-5 * MINUTE_MS, "5 min"),
    ],
)  # fmt: skip
def test_how_long_it_lasts(span_ms: int, said: str) -> None:
    """Two figures at most, from a second up."""
    assert said == words.lasting(span_ms)


def test_why_in_plain_words() -> None:
    """The figures of a detection, each with what it means."""
    said = [f"{one.figure} {one.meaning}" for one in words.why(make_alert("elm-street", "0001"))]
    assert [
        "9 people complained within an hour, each counted once",
        "1.2 would be usual, by what is usual here at this hour of the week",
        "Once in 41 years is how often chance brings as much here",
    ] == said


@pytest.mark.parametrize("method", ["severe_phrase", "cascade_forecast", "rare_audience", "low_score", "of_tomorrow"])
def test_why_for_every_method(method: str) -> None:
    """Also of a method that is not known here."""
    seen = Detection(method=method, window_s=900, observed=1, distinct_authors=1, baseline="none")
    assert words.why(msgspec.structs.replace(make_alert("elm-street", "0001"), detection=seen))


# Times


@pytest.mark.parametrize(
    ("time", "zone", "clock"),
    [
        ("2026-03-13T18:00:00Z", ZONE, "18:00"),
        ("2026-03-12T23:59:00Z", ZONE, "Thu 23:59"),
        ("2026-03-29T00:30:00Z", ZONE, "29 Mar 00:30"),
        ("2026-03-29T01:30:00Z", ZONE, "29 Mar 02:30"),
        ("2025-12-31T18:00:00Z", "Asia/Kolkata", "31 Dec 2025 23:30"),
        ("2026-03-13T18:00:00Z", "Mars/Olympus", "18:00"),
    ],
)
def test_times_are_as_short_as_today_allows(time: str, zone: str, clock: str) -> None:
    """By the unit's clock, across the change to summer time; of a zone that nobody knows in UTC."""
    assert clock == moments.moment(parse_time(time), zone, NOW).clock


@given(st.integers(-(10**15), 10**16), st.sampled_from(["UTC", ZONE, "Pacific/Auckland", "America/Los_Angeles"]))
def test_no_time_is_an_error(time_ms: int, zone: str) -> None:
    """Whatever a record says."""
    assert moments.moment(time_ms, zone, NOW).title.endswith(f"({zone})")


# What strangers wrote


@given(st.text(max_size=200))
def test_nothing_that_acts_is_left(text: str) -> None:
    """No control, direction or other format character but line ends, tabs and the joiners of letters; cleaned twice is
    cleaned once."""
    cleaned = show.clean(text)
    assert not re.search(
        "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff]", cleaned
    )
    assert cleaned == show.clean(cleaned)


@pytest.mark.parametrize("text", ["👩‍🍳 Küche", "می‌خواهم", "שָׁלוֹם", "Việt Nam", "a\nb\tc", "日本語", "🏳️‍🌈"])
def test_what_languages_need_is_left(text: str) -> None:
    """Families of emoji, joined letters, vowel signs."""
    assert text == show.clean(text)


@given(st.text(alphabet=st.sampled_from("ab \n\u0301👩\u200d🍳W"), max_size=400), st.integers(10, 60))
def test_a_cut_loses_nothing(text: str, length_max: int) -> None:
    """Both parts together are the text; the first is no longer than asked for, but for a fifth."""
    head, rest = show.cut(text, length_max)
    assert len(head) <= length_max * 1.2
    assert re.sub(r"\s+", "", head + rest) == re.sub(r"\s+", "", str(show.clean(text)))


@pytest.mark.parametrize(
    "url",
    [
        None, "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x",
        "vbscript:x",
        "//evil.example", "/path", "http:", "http://", "https://user:pw@evil.example/", "https://a\u202eb.example/",
        "https://a.example/\nx", "http://[::1", "https://\\evil.example", "file:///etc/passwd", "https://a b.example/",
        "https://x.example/" + "x" * 3000, "https://.example..", "http://a.example:99999999/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_no_link(url: str | None) -> None:
    """Only http and https with a host and nothing hidden in it are followed."""
    assert show.link(url) is None


def test_a_link_shows_where_it_leads() -> None:
    """The machine's name as it is looked up: letters that look like others show as what they are."""
    assert ("https://x.com/i/1", "x.com") == show.link("https://x.com/i/1")
    assert "xn--pple-43d.com" == getattr(show.link("https://\u0430pple.com/"), "host", None)


# Charts


_HOURS = st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1), st.floats(0, 1)), max_size=168).map(
    lambda told: [
        Hour(
            NOW - (len(told) - place) * HOUR_MS, mentions, int(mentions * bad), int((mentions - mentions * bad) * good)
        )
        for place, (mentions, bad, good) in enumerate(told)
    ]
)


@given(_HOURS)
def test_charts_are_pictures_with_words(hours: list[Hour]) -> None:
    """Whatever was said or not: valid, inside their frame, with a title and a description, without style."""
    for chart in (charts.mood(hours, ZONE, "<Elm & Co>"), charts.complaints(hours, ZONE, "<Elm & Co>")):
        root = ElementTree.fromstring(str(chart))
        assert "img" == root.get("role")
        assert ["<Elm & Co>" in (root[0].text or ""), bool(root[1].text)] == [True, True]
        assert {one.get("id") for one in root[:2]} == set((root.get("aria-labelledby") or "").split())
        assert not [one for one in root.iter() if one.get("style") or one.get("fill")]
        ys = [float(y) for one in root.iter() for y in re.findall(r",(-?[\d.]+)", one.get("points") or "")]
        assert all(0 <= y <= charts.HEIGHT for y in ys)


def test_a_bad_day_shows() -> None:
    """The sentence says what the line shows."""
    good = [Hour(NOW - hour * HOUR_MS, 4, 1, 3) for hour in range(48, 24, -1)]
    bad = [Hour(NOW - hour * HOUR_MS, 4, 3, 1) for hour in range(24, 0, -1)]
    assert "Mostly complaints in the last 24 hours, worse than in the days before." == charts.mood_words(good + bad)
    assert "Nobody said anything this week." == charts.mood_words([])
    assert ["Wed", "Thu", "Fri"] == [day.name for day in charts.by_day(good + bad, ZONE) if day.complaints]
