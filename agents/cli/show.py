"""`cem alerts show`: the story of one alert. In: its id. Out: what it is about and why, what was said, by when somebody
has to do something, and all that happened, in order.

The one rule: what strangers wrote is shown, never obeyed: every text goes through `shown`, and into `Text`, which knows
no markup.
"""

from pathlib import Path
from typing import Final

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.cli.context import Mistake, config_option, load_with_kafka
from agents.cli.live import shown
from agents.cli.story import Story, as_object, story_of
from agents.kafka.reader import ReadError
from agents.web import words
from agents.web.moments import ago, moment
from pipeline.alerts import deadlines
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import RecordError

NO_NEWS: Final = frozenset(("moved", "already_done"))
"""Answers to actions that were sent again: to the unit that has the case now, or by somebody who saw no answer."""


@click.command()
@click.argument("alert_id")
@config_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object: alert, why, evidence, timeline.")
def show(alert_id: str, config: Path | None, as_json: bool) -> None:
    """Tell the story of one alert: why it was raised, what was said, by when what has to be done, and who did what.

    \b
    Example:
      cem alerts show store-17-5f0c9a3be1d24c77
    """
    settings = load_with_kafka(config)
    try:
        story = story_of(settings, alert_id)
    except RecordError as error:
        raise Mistake(f"a record of a newer version: {error}") from None
    except ReadError as error:
        raise Mistake(str(error)) from None
    if story.alert is None and not story.entries:
        raise Mistake(f"there is no alert {shown(alert_id, 160)!r}; see which there are: cem alerts tail --once")
    if as_json:
        click.echo(orjson.dumps(as_object(story)).decode())
    else:
        tell(story, Console(highlight=False, soft_wrap=True))


def tell(story: Story, console: Console) -> None:
    """For people, in the time of the unit."""
    if story.alert is not None:
        _tell_alert(story, story.alert, console)
    _heading(console, "What happened")
    table = _table()
    for entry in story.entries:
        if entry.reason in NO_NEWS:
            continue
        _row(table, _clock(story, entry.event_time), _event(entry), shown(_words_of(story, entry), 1000))
    console.print(table)


def _tell_alert(story: Story, alert: Alert, console: Console) -> None:
    name = f"{story.unit.name} ({story.unit.id})" if story.unit else alert.labels.unit_id
    head = Text(f"{words.word(alert.labels.alertname, words.KINDS)} · {shown(name)}", style="bold")
    console.print(head)
    state = f"{words.word(alert.state, words.STATES)}, {words.word(alert.status, words.STATUSES)}"
    department = f" · {shown(alert.labels.department)}" if alert.labels.department else ""
    console.print(
        f"{words.severity(alert.severity_label)} ({alert.severity} of 10) · {state}{department}", markup=False
    )
    if alert.addressed_to is not None:
        console.print(Text(f"confidential: told to {alert.addressed_to} only", style="bold"))
    if alert.work.moved_to is not None:
        console.print(Text(f"sent on to {alert.work.moved_to}", style="bold"))
    console.print(Text(shown(alert.annotations.summary, 1000)))

    _heading(console, "Why")
    table = _table()
    for one in words.why(alert):
        _row(table, shown(one.figure), shown(one.meaning))
    if (expected := words.forecast(alert)) is not None:
        _row(table, "Forecast", expected)
    for title, text in (("Do", alert.annotations.recommended_action), ("Ends", alert.annotations.ends_when)):
        if text:
            _row(table, title, shown(text, 1000))
    console.print(table)

    if any((alert.deadlines.acknowledge_by, alert.deadlines.answer_by, alert.deadlines.resolve_by)):
        _heading(console, "By when")
        console.print(_deadlines(story, alert))

    _heading(console, "What was said")
    table = _table()
    for evidence in alert.evidence:
        text = story.texts.get(evidence.text_ref or "")
        _row(table, words.word(evidence.network, words.NETWORKS), shown(text, 1000) if text else "(no text)")
    if alert.evidence_left_out:
        _row(table, "", f"and {words.many(alert.evidence_left_out, 'more post')}")
    console.print(table)


def _deadlines(story: Story, alert: Alert) -> Table:
    table, given = _table(), alert.deadlines
    times = (given.acknowledge_by, given.answer_by, given.resolve_by)
    for duty, at_ms in zip(deadlines.DUTIES, times, strict=True):
        if at_ms is None:
            continue
        if duty in given.missed:
            what = Text("missed", style="red")
        elif deadlines.done(duty, alert.state):
            what = Text("done")
        else:
            what = Text(ago(at_ms, story.now_ms), style="red" if at_ms <= story.now_ms else "")
        _row(table, words.DUTIES[duty], _clock(story, at_ms), what)
    return table


def _event(entry: CaseEntry) -> Text:
    """What happened and who did it."""
    if not entry.accepted:
        what = f"{words.word(entry.action, words.ACTIONS)}: refused, {words.refused(entry.reason)}"
        return Text(what + _by(entry), style="red")
    what = words.word(entry.change, words.CHANGES)
    if entry.duty is not None:
        what += f": {words.DUTIES[entry.duty].lower()}"
    for target in (entry.assignee, entry.to_unit, entry.to_department, *entry.told):
        if target:
            what += f" → {shown(target, 80)}"
    late = entry.change in ("deadline_warning", "escalated")
    return Text(what + _by(entry), style="yellow" if late else "")


def _by(entry: CaseEntry) -> str:
    return f", by {shown(entry.actor, 80)}" if entry.actor else ""


def _words_of(story: Story, entry: CaseEntry) -> str:
    """Codes and texts that go with an entry. What was erased is not there."""
    said = []
    if entry.until is not None:
        said.append(f"until {_clock(story, entry.until)}")
    said += [words.word(entry.resolution_code, words.RESOLUTIONS), words.word(entry.dismissal_code, words.DISMISSALS)]
    for reference in (entry.note_ref, entry.we_did_ref):
        if reference is not None:
            said.append(f"“{story.texts.get(reference, '(no text)')}”")
    return ", ".join(one for one in said if one)


def _clock(story: Story, time_ms: int) -> str:
    zone = story.unit.time_zone if story.unit else "UTC"
    return moment(time_ms, zone, story.now_ms).clock


def _heading(console: Console, title: str) -> None:
    console.print(Text(f"\n{title}", style="bold"))


def _table() -> Table:
    return Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False, highlight=False)


def _row(table: Table, *cells: str | Text) -> None:
    """As it is: square brackets in a text are no markup."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))
