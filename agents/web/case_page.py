"""The page of one alert: why, what people wrote, deadlines, what to do, what happened. In: an alert, the model, the
viewer. Out: a CasePage for the template.

The one rule: figures come with what they mean; what is not known is left out rather than shown as nought.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

from markupsafe import Markup

from agents.web import charts, words
from agents.web.access import Viewer
from agents.web.cards import Card, card_of, shown_place, zone_of
from agents.web.forms import Form, forms_of
from agents.web.model import Model
from agents.web.moments import Moment, ago, moment
from agents.web.show import Cut, Link, cut, link
from agents.web.timeline import Line, timeline
from pipeline.alerts.deadlines import done
from pipeline.alerts.lifecycle import finished
from schemas.alert import Alert, Duty, Evidence
from schemas.text import StoredText

POST_SHOWN: Final = 500
SUSPECT_MIN: Final = 0.4
"""From which mean suspicion on it is worth a line."""
DOUBTFUL_MIN: Final = 0.7


class Post(NamedTuple):
    """One post of the evidence. `missing`: why there is no text. `length`: of the whole text."""

    network: str
    at: Moment | None
    ago: str
    link: Link | None
    text: Cut | None
    length: str
    language: str | None
    missing: str
    masked: str


class DutyLine(NamedTuple):
    """One deadline. `ticking`: its words change with time."""

    title: str
    at: Moment | None
    text: str
    kind: Literal["done", "late", "next", "later"]
    ticking: bool


class Spread(NamedTuple):
    """How far it goes, as a picture and in words."""

    chart: Markup
    text: str


class Outcome(NamedTuple):
    """What became of an action that this page has sent."""

    kind: Literal["sent", "done", "refused"]
    text: str


class CasePage(NamedTuple):
    """What `alert.html` shows."""

    card: Card
    kind: str
    signal: str
    notes: tuple[str, ...]
    recommended: str
    outcome: Outcome | None
    pending: bool
    forms: tuple[Form, ...]
    no_forms: str
    duties: tuple[DutyLine, ...]
    told: str
    why: tuple[words.Reason, ...]
    spread: Spread | None
    facts: tuple[words.Reason, ...]
    posts: tuple[Post, ...]
    answers: str
    left_out: str
    timeline: Sequence[Line]


def case_page(
    alert: Alert, model: Model, viewer: Viewer, new_id: Callable[[], str], outcome: Outcome | None = None
) -> CasePage:
    """`outcome`: of the action that led here, if one did."""
    zone, now_ms = zone_of(model, alert.labels.unit_id), model.now_ms
    deadlines = alert.deadlines
    told = [shown_place(model, viewer, one) for one in deadlines.told]
    left_out = alert.evidence_left_out
    return CasePage(
        card=card_of(alert, model, viewer, ""),
        kind=words.word(alert.labels.alertname, words.KINDS),
        signal=words.STATUSES[alert.status],
        notes=tuple(_notes(alert, model, viewer)),
        recommended="" if finished(alert.state) else alert.annotations.recommended_action or "",
        outcome=outcome,
        pending=outcome is not None and outcome.kind == "sent",
        forms=forms_of(alert, model, viewer, new_id),
        no_forms="You may look at this alert, not change it."
        if viewer.role == "auditor"
        else "There is nothing to do here any more.",
        duties=tuple(_duties(alert, zone, now_ms)),
        told=f"Told of what is late: {', '.join(told)}." if told else "",
        why=words.why(alert),
        spread=_spread(alert),
        facts=tuple(_facts(alert)),
        posts=tuple(_post(one, alert, model, viewer, zone) for one in reversed(alert.evidence)),
        answers=_answers(alert, zone, now_ms),
        left_out=f"{words.many(left_out, 'more post')} not shown." if left_out else "",
        timeline=timeline(model.entries(viewer, alert.alert_id), alert, model, viewer, zone),
    )


def _notes(alert: Alert, model: Model, viewer: Viewer) -> list[str]:
    work, told = alert.work, []
    if work.customer_ref:
        told.append(f"The customer asks to be contacted: {work.customer_ref}")
    if work.moved_to:
        told.append(f"This case is with {shown_place(model, viewer, work.moved_to)} now.")
    if work.moved_from:
        told.append(f"It came from {shown_place(model, viewer, work.moved_from)}.")
    if work.resolution_code and alert.state in ("resolved", "verified"):
        told.append(f"Resolved: {words.word(work.resolution_code, words.RESOLUTIONS)}.")
    if work.dismissal_code and alert.state == "dismissed":
        told.append(f"Dismissed: {words.word(work.dismissal_code, words.DISMISSALS)}.")
    return told


def _duties(alert: Alert, zone: str, now_ms: int) -> list[DutyLine]:
    deadlines = alert.deadlines
    times: tuple[tuple[Duty, int | None], ...] = (
        ("acknowledge", deadlines.acknowledge_by),
        ("answer", deadlines.answer_by),
        ("resolve", deadlines.resolve_by),
    )
    lines = []
    for duty, at_ms in times:
        missed = duty in deadlines.missed
        if done(duty, alert.state):
            text = "done, but late" if missed else "done in time" if alert.state != "dismissed" else "not needed"
            lines.append(DutyLine(words.DUTIES[duty], None, text, "done", ticking=False))
        elif at_ms is not None:
            late = missed or at_ms <= now_ms
            text = f"late by {words.lasting(now_ms - at_ms)}" if late else ago(at_ms, now_ms)
            at = moment(at_ms, zone, now_ms)
            lines.append(DutyLine(words.DUTIES[duty], at, text, "late" if late else "next", ticking=True))
    return lines


def _spread(alert: Alert) -> Spread | None:
    spread = alert.amplification
    said = words.forecast(alert)
    if said is None or spread.low is None or spread.high is None:
        return None
    text = f"{words.many(spread.reposts, 'repost')} so far; {said} in the end, right in four of five cases."
    if spread.supercritical:
        text += " Each repost brings more than one other: it grows by itself."
    likely = spread.forecast if spread.forecast is not None else spread.low
    return Spread(charts.forecast(spread.reposts, spread.low, likely, spread.high, text), text)


def _facts(alert: Alert) -> list[words.Reason]:
    told = []
    if alert.detection.aspects:
        aspects = ", ".join(words.word(one, {}).lower() for one in alert.detection.aspects)
        told.append(words.Reason("Spoken of", aspects))
    doubt = alert.authenticity
    if doubt.suspicion >= SUSPECT_MIN or doubt.reasons:
        reasons = ", ".join(words.word(one, words.SUSPICIONS).lower() for one in doubt.reasons)
        told.append(words.Reason("Genuine?", f"{_doubtful(doubt.suspicion)}{': ' + reasons if reasons else ''}"))
    rule = words.word(alert.routing.rule, words.RULES).lower()
    told.append(words.Reason("Why this unit", f"{rule} ({alert.routing.confidence:.0%} sure)"))
    if alert.detection.cold_start:
        told.append(words.Reason("Beware", "the place is new, so what is usual here is not well known yet"))
    if alert.annotations.ends_when:
        told.append(words.Reason("It ends when", alert.annotations.ends_when))
    return told


def _doubtful(suspicion: float) -> str:
    return "doubtful" if suspicion >= DOUBTFUL_MIN else "partly doubtful" if suspicion >= SUSPECT_MIN else "mostly"


def _post(evidence: Evidence, alert: Alert, model: Model, viewer: Viewer, zone: str) -> Post:
    stored = model.text(viewer, alert, evidence.text_ref)
    missing = "Only a score, without text." if evidence.text_ref is None else "The text was erased or is not here yet."
    return Post(
        network=words.word(evidence.network, words.NETWORKS),
        at=None if stored is None else moment(stored.event_time, zone, model.now_ms),
        ago="" if stored is None else ago(stored.event_time, model.now_ms),
        link=None if stored is None else link(stored.url),
        text=None if stored is None else cut(stored.text, POST_SHOWN),
        length=f"{0 if stored is None else len(stored.text):,}",
        language=_language(stored),
        missing=missing,
        masked="" if stored is None else ", ".join(one.replace("_", " ") for one in stored.masked),
    )


def _language(stored: StoredText | None) -> str | None:
    """For `lang`, so that a screen reader speaks it right; only what is a language's code."""
    language = None if stored is None else stored.language
    return language if language and language.isascii() and language.replace("-", "").isalnum() else None


def _answers(alert: Alert, zone: str, now_ms: int) -> str:
    answers = alert.answers
    if not answers.threads:
        return ""
    told = f"{answers.answered} of {words.many(answers.threads, 'conversation')} answered"
    if answers.first_at is None:
        return f"{told}."
    return f"{told}, the first at {moment(answers.first_at, zone, now_ms).clock}."
