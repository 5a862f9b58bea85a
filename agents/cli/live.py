"""The live picture of `cem demo`. In: what was sent, insights, alerts, lag, as they come. Out: one screen that is
redrawn in place; where the output is no terminal, one plain line for each alert and note.

The one rule: what strangers wrote is shown, never obeyed. Every text goes through `shown` (no control or invisible
characters) and into `Text`, which knows no markup.

All methods are to be called from one thread. Whoever has nothing to feed for a while calls `refresh`.
"""

import time
import unicodedata
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from heapq import nlargest

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from schemas.alert import Alert, SeverityLabel
from schemas.insight import Insight
from schemas.time import HOUR_MS, format_time

MOOD_HOURS = 6
UNITS_MAX = 14
ALERTS_MAX = 50
LINES_MAX = 44
WIDE_COLUMNS = 110
MOOD_COLUMNS = 54
BAR_COLUMNS = 18
REDRAW_SECONDS = 0.1
RATE_SECONDS = 3.0

_COUNTED = frozenset(("post", "reply", "review", "feedback"))
_LABELS = ("negative", "neutral", "positive")
_COLOURS = {"negative": "red", "neutral": "bright_black", "positive": "green"}
_BAR = {"negative": "▇", "neutral": "─", "positive": "━"}
_SEVERITY: dict[SeverityLabel, str] = {"info": "cyan", "warning": "yellow", "error": "dark_orange", "critical": "red"}
_CLOSED = frozenset(("resolved", "verified", "dismissed"))


def shown(text: str, length_max: int = 300) -> str:
    """A stranger's text as it may be printed: on one line, no control, invisible or direction-changing characters."""
    kept = (" " if char.isspace() else "" if unicodedata.category(char)[0] == "C" else char for char in text)
    line = " ".join("".join(kept).split())
    return line if len(line) <= length_max else line[: length_max - 1] + "…"


class LiveView:
    """A context manager. `total`: how many records will be sent. `clock`: seconds that only grow."""

    def __init__(
        self, console: Console, title: str, total: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._title = title
        self._total = total
        self._clock = clock
        self._sent = 0
        self._marks: deque[tuple[float, int]] = deque()
        self._stream_ms = 0
        self._lag: int | None = None
        self._note = ""
        self._moods: dict[str, dict[int, list[int]]] = {}
        self._alerts: dict[str, Alert] = {}
        self._opened = 0
        self._drawn_at = float("-inf")
        drawn = console.is_terminal and not console.is_dumb_terminal and not console.options.ascii_only
        self._live = (
            Live(get_renderable=self.__rich__, console=console, auto_refresh=False, vertical_overflow="crop")
            if drawn
            else None
        )

    def __enter__(self) -> "LiveView":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the last picture on the screen."""
        if self._live is not None:
            self._live.refresh()
            self._live.stop()

    def sent(self, count: int, stream_time_ms: int) -> None:
        """`count` more records are on their way; the newest is of this stream time."""
        self._sent += count
        self._stream_ms = max(self._stream_ms, stream_time_ms)
        now = self._clock()
        if len(self._marks) > 1 and now - self._marks[-2][0] < REDRAW_SECONDS:
            self._marks.pop()
        self._marks.append((now, self._sent))
        while len(self._marks) > 2 and now - self._marks[1][0] > RATE_SECONDS:
            self._marks.popleft()
        self._redraw()

    def insight(self, insight: Insight) -> None:
        """Counts originals with a mood that is known. The last `MOOD_HOURS` of stream time are kept."""
        mood = insight.sentiment
        if mood is None or mood.abstained or insight.kind not in _COUNTED:
            return
        hours = self._moods.setdefault(insight.unit_id, {})
        hours.setdefault(insight.event_time // HOUR_MS, [0, 0, 0])[_LABELS.index(mood.label)] += 1
        while len(hours) > 2 * MOOD_HOURS:
            del hours[min(hours)]
        self._redraw()

    def alert(self, alert: Alert) -> None:
        """The newest record of an alert takes the place of those before it. Repeats change nothing."""
        known = self._alerts.get(alert.alert_id)
        if known is not None and known.sequence >= alert.sequence:
            return
        self._opened += known is None
        self._alerts.pop(alert.alert_id, None)
        self._alerts[alert.alert_id] = alert
        if len(self._alerts) > ALERTS_MAX:
            del self._alerts[next(iter(self._alerts))]
        if self._live is None:
            self._print(
                f"{format_time(alert.detected_at)} severity {alert.severity} ({alert.severity_label}) "
                f"{alert.labels.unit_id} {alert.change}: {alert.annotations.summary}"
            )
        self._redraw()

    def lag(self, records: int) -> None:
        """How many records the worker has still to read."""
        self._lag = records
        self._redraw()

    def note(self, text: str) -> None:
        """One line about what is going on. Drawn at once."""
        if self._live is None and text != self._note:
            self._print(text)
        self._note = text
        self.refresh()

    def refresh(self) -> None:
        """Draws now."""
        self._drawn_at = self._clock()
        if self._live is not None:
            self._live.refresh()

    def _redraw(self) -> None:
        if self._clock() - self._drawn_at >= REDRAW_SECONDS:
            self.refresh()

    def _print(self, text: str) -> None:
        encoding = self._console.encoding
        line = shown(text, 1000).encode(encoding, "replace").decode(encoding)
        self._console.print(Text(line), soft_wrap=True, highlight=False)

    def __rich__(self) -> RenderableType:
        """The whole picture, always as high as the screen allows, so that nothing jumps."""
        width, head = self._console.width, self._head(self._console.width)
        body = max(min(self._console.height - 1, LINES_MAX) - len(head), 6)
        if width < WIDE_COLUMNS:
            units = min(UNITS_MAX, (body - 3) // 2)
            return Group(*head, self._mood_table(units), Text(), self._alert_list(body - units - 3, width))
        right = width - MOOD_COLUMNS - 3
        beside = Table.grid(padding=(0, 3, 0, 0))
        beside.add_column(width=MOOD_COLUMNS)
        beside.add_column(width=right)
        beside.add_row(self._mood_table(min(UNITS_MAX, body - 1)), self._alert_list(body - 1, right))
        return Group(*head, beside)

    def _head(self, width: int) -> list[RenderableType]:
        """What it is and how late it is there; how much has been sent; how fast it goes."""
        top = _line(width)
        clock = _moment(self._stream_ms, "%a %d %b %H:%M UTC") if self._stream_ms else ""
        top.add_row(Text(shown(self._title), style="bold"), Text(clock, style="bold cyan"))
        done = _line(width, left_width=max(width - 30, 10))
        share = f"{100 * self._sent // self._total} %" if self._total else ""
        done.add_row(
            ProgressBar(total=max(self._total, 1), completed=self._sent, complete_style="cyan", finished_style="green"),
            Text(f"{self._sent:,} of {self._total:,}  {share:>5}"),
        )
        firing = sum(_is_firing(alert) for alert in self._alerts.values())
        numbers = Text.assemble(
            (f"{self._rate():,.0f}", "bold"), (" posts/s   lag ", "dim"),
            ("–" if self._lag is None else f"{self._lag:,}", "bold"), "   ",
            (f"{self._opened:,}", "bold"), (" alert, " if self._opened == 1 else " alerts, ", "dim"),
            (f"{firing}", "bold red" if firing else "bold"), (" firing", "dim"),
        )  # fmt: skip
        note = Text(shown(self._note), style="italic", no_wrap=True, overflow="ellipsis")
        if width < WIDE_COLUMNS:
            return [top, done, numbers, note]
        state = _line(width)
        state.add_row(numbers, note)
        return [top, done, state, Text()]

    def _rate(self) -> float:
        """Records a second over the last seconds in which any were sent."""
        if len(self._marks) < 2:
            return 0.0
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / max(ended - began, 0.001)

    def _mood_table(self, rows: int) -> Table:
        """Units by complaints, then by mentions, in the last hours; a mark where an alert is firing."""
        table = Table(box=None, padding=(0, 1, 0, 0), header_style="", expand=True, pad_edge=False)
        table.add_column("", width=1)
        table.add_column(Text(f"unit, last {MOOD_HOURS} h", style="dim"), ratio=1, no_wrap=True, overflow="ellipsis")
        legend = Text(" ").join(Text(f"{_BAR[label]} {label[:3]}", style=_COLOURS[label]) for label in _LABELS)
        table.add_column(legend, width=BAR_COLUMNS, no_wrap=True)
        table.add_column(Text("neg", style="dim"), justify="right", style="red", width=4)
        table.add_column(Text("all", style="dim"), justify="right", width=4)
        marks = {alert.labels.unit_id: alert.severity_label for alert in self._alerts.values() if _is_firing(alert)}
        since = self._stream_ms // HOUR_MS - MOOD_HOURS
        recent: list[tuple[list[int], str]] = []
        for unit_id, hours in self._moods.items():
            if kept := [counts for hour, counts in hours.items() if hour > since]:
                recent.append(([sum(moods) for moods in zip(*kept, strict=True)], unit_id))
        worst = nlargest(rows, recent, key=lambda row: (row[0][0], sum(row[0]), row[1]))
        for counts, unit_id in worst:
            label = marks.get(unit_id)
            mark = Text("●" if label else " ", style=_SEVERITY[label] if label else "")
            negative = Text(f"{counts[0]:,}" if counts[0] else "")
            table.add_row(
                mark, Text(shown(unit_id), style="bold" if label else ""), _bar(counts), negative, f"{sum(counts):,}"
            )
        for _ in range(rows - len(worst)):
            table.add_row()
        return table

    def _alert_list(self, lines: int, width: int) -> Group:
        """A heading, and as many of the newest alerts as find room below it."""
        out = [Text("newest alerts" if self._alerts else "no alert yet", style="dim")]
        for alert in reversed(self._alerts.values()):
            if lines + 1 - len(out) < 2:
                break
            out += self._alert_lines(alert, width, summary_lines=min(lines - len(out), 2))
        return Group(*out, *[Text()] * (lines + 1 - len(out)))

    def _alert_lines(self, alert: Alert, width: int, summary_lines: int) -> list[Text]:
        """Severity, unit, what has changed and when; the summary below. Dim once it is quiet or the case is closed."""
        firing = _is_firing(alert)
        colour = _SEVERITY[alert.severity_label] if firing else "bright_black"
        change = f"{alert.change.replace('_', ' ')}  {_moment(alert.detected_at, '%a %H:%M')}"
        what = " · ".join(shown(part, 60) for part in (alert.labels.unit_id, alert.labels.aspect) if part)
        first = Text.assemble(
            (f" {alert.severity:>2} ", f"bold reverse {colour}"), (f" {what}", "bold" if firing else "dim")
        )
        first.truncate(max(width - len(change) - 2, 12), overflow="ellipsis")
        first.append(" " * max(width - first.cell_len - len(change), 1))
        first.append(change, style=colour)
        summary = Text(shown(alert.annotations.summary), style="" if firing else "dim")
        wrapped = list(summary.wrap(self._console, max(width - 5, 12)))
        if len(wrapped) > summary_lines:
            wrapped[summary_lines - 1].truncate(max(width - 6, 11))
            wrapped[summary_lines - 1].append("…")
        return [first, *(Text("     ") + line for line in wrapped[:summary_lines])]


def _line(width: int, left_width: int | None = None) -> Table:
    """One line: something on the left, something on the right that keeps its place."""
    line = Table.grid(padding=(0, 0, 0, 2), expand=True)
    line.width = width
    line.add_column(no_wrap=True, overflow="ellipsis", width=left_width)
    line.add_column(no_wrap=True, overflow="ellipsis", justify="right", ratio=1)
    return line


def _bar(counts: list[int]) -> Text:
    """Counts by mood as shares of one bar. What there is at least once has at least one cell."""
    cells = [max(round(BAR_COLUMNS * count / sum(counts)), 1 if count else 0) for count in counts]
    cells[cells.index(max(cells))] += BAR_COLUMNS - sum(cells)
    return Text.assemble(*((_BAR[label] * width, _COLOURS[label]) for label, width in zip(_LABELS, cells, strict=True)))


def _moment(time_ms: int, form: str) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime(form)


def _is_firing(alert: Alert) -> bool:
    return alert.status == "firing" and alert.state not in _CLOSED
