"""The live view shows what it is fed, at any size, and obeys nothing that strangers wrote."""

import io
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from agents.cli.live import LiveView, shown
from schemas.alert import Alert, AlertRouting, AlertSentiment, Annotations, Detection, Labels
from schemas.insight import Insight, Routing, Sentiment
from schemas.record import Source
from schemas.time import HOUR_MS, parse_time

NOON = parse_time("2026-01-06T12:00:00Z")
HOSTILE = (
    "[red]x[/red]\x1b[2J\x1b]0;owned\x07 \u202eesrever\u202c\nsecond [link=http://evil.example]line[/link] \x9b31m"
)
SIZES = [(80, 24), (100, 50), (120, 30), (200, 60)]


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _alert(alert_id: str = "a1", sequence: int = 1, **change: Any) -> Alert:
    alert = Alert(
        change="opened",
        status="firing",
        state="open",
        alert_id=alert_id,
        sequence=sequence,
        dedup_key="brand/store-17/wait_time/surge",
        severity=7,
        severity_label="error",
        starts_at=NOON,
        detected_at=NOON,
        labels=Labels(alertname="NegativeSurge", unit_id="store-17", aspect="wait_time"),
        annotations=Annotations(summary="6 people complain about waiting, 0.2 were expected"),
        detection=Detection(
            method="gamma_poisson_tail", window_s=3600, observed=6, distinct_authors=6, expected=0.2, p_value=2e-6,
            baseline="unit", cold_start=False,
        ),
        sentiment=AlertSentiment(mean=-0.7, confidence=0.8, model="vader"),
        routing=AlertRouting(rule="handle", confidence=0.9),
    )  # fmt: skip
    return msgspec.structs.replace(alert, **change)


def _insight(unit_id: str, label: Any, *, at: int = NOON, kind: Any = "post", abstained: bool = False) -> Insight:
    mood = Sentiment(compound=0.0, label=label, confidence=0.8, abstained=abstained, model="vader")
    return Insight(
        id="x:1", kind=kind, unit_id=unit_id, channel="x", event_time=type(NOON)(at), sentiment=mood,
        routing=Routing(rule="handle", confidence=0.9), source=Source(topic="cem.posts", partition=0, offset=1),
    )  # fmt: skip


def _screen(width: int = 80, height: int = 24) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None)


def _picture(view: LiveView, console: Console) -> list[str]:
    """What is on the screen, line by line."""
    lines = console.render_lines(view.__rich__(), console.options.update(height=None), pad=False)
    return ["".join(segment.text for segment in line) for line in lines]


def _output(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("full", [False, True], ids=["empty", "full"])
def test_the_picture_fits_the_screen(size: tuple[int, int], full: bool) -> None:
    """Never wider or higher than the screen, and as high when empty as when full."""
    width, height = size
    console = _screen(width, height)
    view = LiveView(console, "demo " * 50, 7_240)
    if full:
        view.sent(1_000_000, NOON)
        view.lag(10**9)
        view.note("a note that is far too long for any screen " * 10)
        for number in range(60):
            view.insight(_insight(f"unit-with-a-long-name-{number}-" + "x" * 60, "negative"))
            annotations = Annotations(summary="wörter und 漢字 😡 " * 30)
            labels = Labels(alertname="NegativeSurge", unit_id=f"unit-{number}-" + "y" * 60, aspect="z" * 80)
            view.alert(_alert(f"a{number}", labels=labels, annotations=annotations, change="deadline_warning"))
    picture = _picture(view, console)
    assert len(picture) == min(height - 1, 44)
    assert max(cell_len(line) for line in picture) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_it_shows_how_far_and_how_fast(width: int) -> None:
    clock = _Clock()
    console = _screen(width)
    view = LiveView(console, "Social CEM demo", 4_000, clock=clock)
    view.note("starting Kafka")
    for step in range(11):
        clock.now += 0.5
        view.sent(200, NOON + step)
    view.lag(1_234)
    picture = "\n".join(_picture(view, console))
    for expected in ("Social CEM demo", "Tue 06 Jan 12:00 UTC", "2,200 of 4,000", "55 %", "400 posts/s", "lag 1,234"):
        assert expected in picture
    assert "starting Kafka" in picture and "no alert yet" in picture


def test_units_are_ordered_by_recent_complaints() -> None:
    """Hours that have passed, reposts, answers and texts in an unknown language do not count."""
    console = _screen()
    view = LiveView(console, "demo", 10)
    view.sent(1, NOON)
    for unit_id, moods in {"calm": "pnnp", "angry": "---p", "loud": "-nnnnnnp"}.items():
        for mood in moods:
            view.insight(_insight(unit_id, {"p": "positive", "n": "neutral", "-": "negative"}[mood]))
    view.insight(_insight("yesterday", "negative", at=NOON - 20 * HOUR_MS))
    view.insight(_insight("abroad", "negative", abstained=True))
    for kind in ("repost", "answer", "edit", "delete"):
        view.insight(_insight("calm", "negative", kind=kind))
    rows = [line.split() for line in _picture(view, console)[5:]]
    assert [(row[0], row[-2], row[-1]) for row in rows[:2]] == [("angry", "3", "4"), ("loud", "1", "8")]
    assert (rows[2][0], rows[2][-1]) == ("calm", "4") and not rows[3]
    assert "▇" in rows[0][1] and "▇" not in rows[2][1]


def test_alerts_are_newest_first_and_each_is_there_once() -> None:
    """A later record of an alert replaces the earlier one; a repeat or an older one changes nothing."""
    console = _screen(120)
    view = LiveView(console, "demo", 10)
    first, second = _alert("a1"), _alert("a2", labels=Labels(alertname="n", unit_id="bank-3"))
    grown = _alert("a1", 2, change="grown", annotations=Annotations(summary="now 9 people"))
    for record in (first, second, grown, first, grown, second):
        view.alert(record)
    picture = "\n".join(_picture(view, console))
    assert picture.index("now 9 people") < picture.index("bank-3")
    assert (picture.count("store-17"), picture.count("grown")) == (1, 1)
    assert "2 alerts, 2 firing" in picture
    view.alert(_alert("a1", 3, change="quiet", status="quiet"))
    assert "2 alerts, 1 firing" in "\n".join(_picture(view, console))


def test_severity_has_a_colour_and_marks_its_unit() -> None:
    console = Console(
        file=io.StringIO(), force_terminal=True, width=120, height=30, record=True, color_system="truecolor"
    )
    view = LiveView(console, "demo", 10)
    view.insight(_insight("store-17", "negative"))
    view.alert(_alert(severity=9, severity_label="critical"))
    console.print(view)
    assert "● store-17" in console.export_text(clear=False)
    assert "\x1b[1;7;31m  9 \x1b[0m" in console.export_text(styles=True)


@pytest.mark.parametrize("width", [80, 120])
def test_hostile_text_is_shown_and_not_obeyed(width: int) -> None:
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, height=24, record=True, color_system="truecolor"
    )
    labels = Labels(alertname="n", unit_id="[bold]unit[/bold]\x1b[31m", aspect="a\x07b")
    with LiveView(console, "[blink]t[/blink]\x1b[5m", 10) as view:
        view.note(HOSTILE)
        view.alert(_alert(annotations=Annotations(summary=HOSTILE), labels=labels))
        view.insight(_insight("[i]u[/i]\x1b[3m", "negative"))
        view.refresh()
    raw = _output(console)
    assert not {"\x07", "\x9b", "\u202e"} & set(raw)
    assert not any(code in raw for code in ("\x1b[2J", "\x1b]0;", "\x1b[5m", "\x1b]8;"))
    console.print(view)
    text = console.export_text()
    for expected in (
        "[red]x[/red][2J",
        "esrever second [link=http://evil",
        "[bold]unit[/bold][31m",
        "[blink]t[/blink]",
    ):
        assert expected in text


def test_a_file_gets_plain_lines() -> None:
    """One line for an alert and a note, whatever they hold; no control codes, no pictures, no repeats."""
    console = Console(file=io.StringIO(), width=40)
    with LiveView(console, "demo", 10) as view:
        view.note("starting Kafka")
        view.note("starting Kafka")
        view.sent(10, NOON)
        view.lag(3)
        view.insight(_insight("store-17", "negative"))
        for record in (_alert(), _alert(), _alert("a2", annotations=Annotations(summary=HOSTILE))):
            view.alert(record)
        view.refresh()
    lines = _output(console).splitlines()
    expected = "2026-01-06T12:00:00.000Z severity 7 (error) store-17 opened: "
    assert lines[0] == "starting Kafka"
    assert lines[1] == expected + "6 people complain about waiting, 0.2 were expected"
    assert lines[2].startswith(expected + "[red]x[/red][2J")
    assert len(lines) == 3
    assert all(char.isprintable() for char in "".join(lines))


def test_a_terminal_without_unicode_gets_plain_lines() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=file, force_terminal=True, width=80, height=24, color_system=None)
    with LiveView(console, "demo", 10) as view:
        view.alert(_alert(annotations=Annotations(summary="größer 😡")))
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    assert file.buffer.getvalue().endswith(b"opened: gr??er ?\n")


def test_it_does_not_draw_for_every_record() -> None:
    """However fast it is fed, it draws ten times a second; a note is drawn at once."""
    clock, console = _Clock(), _screen()
    with LiveView(console, "demo", 10_000, clock=clock) as view:
        view.sent(1, NOON)
        size = len(_output(console))
        for _ in range(1_000):
            view.sent(1, NOON)
        assert len(_output(console)) == size
        clock.now += 0.11
        view.sent(1, NOON)
        drawn = len(_output(console))
        assert drawn > size
        view.note("ready")
        assert len(_output(console)) > drawn


def test_the_last_picture_stays() -> None:
    """Also when the work within ends with an error."""
    console = _screen()
    with pytest.raises(KeyboardInterrupt), LiveView(console, "demo", 10) as view:
        view.sent(7, NOON)
        raise KeyboardInterrupt
    assert "7 of 10" in _output(console).rpartition("demo")[2]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a\tb\r\nc", "a b c"),
        ("\x00\x1b[1mb\x7f", "[1mb"),
        ("a\u200b\u2066b\u2029c", "ab c"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_shown(text: str, expected: str) -> None:
    assert shown(text) == expected
