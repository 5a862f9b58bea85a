"""A small fixed world for the console: a group of restaurants on a Friday evening, with an alert in every state.

In: nothing. Out: a Model that holds it, as if a feed had read it. The one rule: no clock and no chance: the same pages
each time, so that pictures of them can be compared.
"""

from typing import Any

import msgspec

from agents.web.model import Model
from pipeline.alerts.deadlines import DEFAULTS
from schemas.alert import (
    Alert,
    AlertRouting,
    AlertSentiment,
    Amplification,
    Annotations,
    Answers,
    Authenticity,
    Deadlines,
    Detection,
    Evidence,
    Labels,
    SeverityLabel,
    Work,
)
from schemas.time import HOUR_MS, MINUTE_MS, Millis
from schemas.unit import Department, Unit
from tests.web.evening import BRAND, NOW, PLACES, ZONE
from tests.web.guests import texts, unrouted
from tests.web.history import entries, rollups

_LABELS: dict[int, SeverityLabel] = {9: "critical", 7: "error", 5: "warning", 3: "info"}
_DEPARTMENTS = ("kitchen", "operations", "service", "safety", "billing")


def units() -> list[Unit]:
    """A brand, two regions, six restaurants."""
    departments = tuple(Department(name=name) for name in _DEPARTMENTS)
    above = [
        Unit(id=BRAND, name="Marlow & Finch", kind="brand", industry="restaurant", time_zone=ZONE),
        Unit(id="north", name="North", kind="region", industry="restaurant", parent=BRAND, time_zone=ZONE),
        Unit(id="south", name="South", kind="region", industry="restaurant", parent=BRAND, time_zone=ZONE),
    ]
    return above + [
        Unit(
            id=unit_id, name=name, kind="restaurant", industry="restaurant", parent=parent, time_zone=ZONE,
            departments=departments,
        )
        for unit_id, (name, parent) in PLACES.items()
    ]  # fmt: skip


def make_alert(unit_id: str, digits: str, **given: Any) -> Alert:
    """An alert of a unit. `given`: `severity` (9, 7, 5 or 3), `age` in minutes, and any field of an Alert; `labels`,
    `detection` and `deadlines` as dictionaries of what differs."""
    severity, age = given.pop("severity", 7), given.pop("age", 20)
    label = _LABELS[severity]
    since = Millis(NOW - age * MINUTE_MS)
    terms = DEFAULTS[label]
    by = {f"{duty}_by": Millis(since + minutes * MINUTE_MS) for duty, minutes in terms._asdict().items()}
    texts = given.pop("texts", 3)
    alert_id = f"{unit_id}-{digits * 4}"
    region = PLACES[unit_id][1] if unit_id in PLACES else None
    labels = {
        "alertname": "NegativeSurge",
        "department": "operations",
        "aspect": "wait_time",
        **given.pop("labels", {}),
    }
    detection = {
        "method": "gamma_poisson_tail", "window_s": 3600, "observed": 11, "distinct_authors": 9, "expected": 1.2,
        "p_value": 2e-6, "rarity": 0.002, "rarity_max": 0.08, "dispersion": 1.6, "baseline": "unit",
        "aspects": ("wait_time", "staff"), **given.pop("detection", {}),
    }  # fmt: skip
    fields: dict[str, Any] = {
        "change": "opened",
        "status": "firing",
        "state": "open",
        "sequence": 1,
        "detected_at": since,
        "annotations": Annotations(
            summary=given.pop("summary", "9 customers complained within 60 minutes; 1.2 would be usual"),
            recommended_action=given.pop(
                "recommended", "Open another till or station now, tell waiting guests how long it takes."
            ),
            ends_when=given.pop("ends_when", "for 30 minutes no window of up to four hours is far above what is usual"),
        ),
        "sentiment": AlertSentiment(mean=-0.62, confidence=0.84, model="vader+care/1", languages=("en",)),
        "routing": AlertRouting(rule="handle", confidence=0.95),
        "evidence": tuple(
            Evidence(post_id=f"x:{digits}{place}", network="x", author=None, text_ref=f"x:{digits}{place}")
            for place in range(texts)
        ),
        "answers": Answers(threads=texts),
        **given,
    }
    return Alert(
        alert_id=alert_id,
        dedup_key=f"{BRAND}/{unit_id}/{digits}",
        severity=severity,
        severity_label=label,
        starts_at=since,
        labels=Labels(brand=BRAND, region=region, unit_id=unit_id, unit_kind="restaurant", **labels),
        detection=Detection(**detection),
        deadlines=Deadlines(**{"since": since, **by, **fields.pop("deadlines", {})}),
        **fields,
    )


def alerts() -> list[Alert]:
    """One in every state, of every kind and severity."""
    return [_illness(), _surge(), _spread(), _influential(), _recovery(), _quiet(), _snoozed(), _resolved(),
            _dismissed(), _confidential()]  # fmt: skip


def _illness() -> Alert:
    return make_alert(
        "elm-street", "a1b2", severity=9, age=6, texts=2,
        summary="Somebody fell ill: 2 customers wrote so about Elm Street within 24 hours",
        recommended="Call the guest today, stop serving the dish and keep a sample. Tell head office.",
        ends_when="nobody says so again for 24 hours",
        labels={"alertname": "SeverePost", "department": "safety", "aspect": "illness"},
        detection={"method": "severe_phrase", "window_s": 86_400, "observed": 2, "distinct_authors": 2,
                   "expected": None, "p_value": None, "rarity": None, "rarity_max": None, "dispersion": None,
                   "baseline": "none", "words": ("food poisoning", "been sick … all night"), "aspects": ("illness",)},
        routing=AlertRouting(rule="alias", confidence=0.9),
    )  # fmt: skip


def _surge() -> Alert:
    return make_alert(
        "harbour-quay",
        "c3d4",
        age=52,
        sequence=4,
        change="escalated",
        texts=6,
        evidence_left_out=5,
        summary="9 customers complained about Harbour Quay within 60 minutes, mostly about waiting time; 1.2 would be "
        "usual",
        deadlines={"missed": ("acknowledge",), "duty": "acknowledge", "level": 1, "told": ("north",)},
        also_to=("north",),
    )


def _spread() -> Alert:
    return make_alert(
        "station-square", "e5f6", age=74, sequence=5, change="grown", state="acknowledged", texts=1,
        actor="Dana Whitlock",
        summary="A complaint about Station Square (food and drinks) spreads: 41 reposts so far, 60 to 190 are to be "
        "expected",
        recommended="Tell the kitchen which dish and when, taste it, and offer the guest another or the money back.",
        ends_when="fewer than 5% more reposts are to be expected within the hour, or none came for 6 hours",
        labels={"alertname": "ComplaintSpreads", "department": "kitchen", "aspect": "food_quality"},
        detection={"method": "cascade_forecast", "observed": 42, "distinct_authors": 40, "expected": None,
                   "p_value": None, "rarity": 0.004, "dispersion": None, "aspects": ("food_quality",)},
        amplification=Amplification(reposts=41, reach=18_200, branching=1.1, branching_low=0.8, branching_high=1.4,
                                    supercritical=True, forecast=104, low=60, high=190),
        answers=Answers(threads=1),
    )  # fmt: skip


def _influential() -> Alert:
    return make_alert(
        "mill-lane", "0a1b", severity=5, age=95, sequence=4, change="answered", state="answered", texts=1,
        summary="Somebody with 48,300 followers complained about Mill Lane, mostly about staff",
        recommended="Speak with the team about what happened, and answer the guest personally.",
        ends_when="nobody whom as many follow complains for 24 hours",
        labels={"alertname": "InfluentialAuthor", "department": "service", "aspect": "staff"},
        detection={"method": "rare_audience", "window_s": 86_400, "observed": 1, "distinct_authors": 1,
                   "expected": None, "p_value": None, "rarity": 0.006, "aspects": ("staff",)},
        amplification=Amplification(reach=48_300),
        answers=Answers(threads=1, answered=1, first_at=Millis(NOW - 30 * MINUTE_MS)),
        work=Work(assignee="Priya Nair"),
    )  # fmt: skip


def _recovery() -> Alert:
    return make_alert(
        "castle-gate", "2c3d", severity=5, age=38, texts=1,
        summary="A customer of Castle Gate gave a low score and asks to be contacted",
        recommended="Call the customer today: listen, apologise, say what you will do.",
        ends_when="the customer gives no low score for 24 hours",
        labels={"alertname": "CustomerRecovery", "department": "service", "aspect": "customer_service"},
        detection={"method": "low_score", "window_s": 86_400, "observed": 1, "distinct_authors": 1, "expected": None,
                   "p_value": None, "rarity": None, "baseline": "none", "aspects": ("customer_service",)},
        work=Work(customer_ref="C-20418"),
        evidence=(Evidence(post_id="feedback:2c3d0", network="receipt", author=None, text_ref="x:2c3d0"),),
    )  # fmt: skip


def _quiet() -> Alert:
    return make_alert(
        "orchard-park", "4e5f", severity=5, age=190, sequence=3, change="quiet", status="quiet", state="acknowledged",
        summary="5 customers complained about Orchard Park within 4 hours, mostly about billing and prices; 0.6 would "
        "be usual",
        recommended="Check the card machine and the prices in the till, and refund what was charged twice.",
        labels={"department": "billing", "aspect": "billing"},
        detection={"window_s": 14_400, "observed": 6, "distinct_authors": 5, "expected": 0.6, "rarity": 0.03,
                   "aspects": ("billing",)},
    )  # fmt: skip


def _snoozed() -> Alert:
    return make_alert(
        "elm-street", "6a7b", severity=3, age=400, sequence=3, change="snoozed", state="acknowledged",
        actor="Tom Okafor",
        summary="3 customers complained about Elm Street within 24 hours, mostly about room, noise and comfort; 0.2 "
        "would be usual", labels={"department": "operations", "aspect": "ambience"},
        detection={"distinct_authors": 3, "expected": 0.2, "rarity": 0.07, "window_s": 86_400},
        work=Work(snoozed_until=Millis(NOW + 14 * HOUR_MS)),
    )  # fmt: skip


def _resolved() -> Alert:
    return make_alert(
        "mill-lane", "8c9d", age=1500, sequence=6, change="resolved", state="resolved", status="quiet",
        actor="Priya Nair",
        summary="7 customers complained about Mill Lane within 60 minutes, mostly about cleanliness; "
        "0.4 would be usual", labels={"department": "operations", "aspect": "cleanliness"},
        detection={"distinct_authors": 7, "expected": 0.4, "rarity": 0.001, "aspects": ("cleanliness",)}, texts=1,
        answers=Answers(threads=1, answered=1, first_at=Millis(NOW - 1400 * MINUTE_MS)),
        work=Work(assignee="Priya Nair", resolution_code="repaired", we_did_ref="we_did:8c9d"),
    )  # fmt: skip


def _dismissed() -> Alert:
    return make_alert(
        "castle-gate", "aebf", severity=5, age=2800, sequence=2, change="dismissed", state="dismissed", status="quiet",
        actor="Lena Marsh", summary="4 customers complained about Castle Gate within 15 minutes; 0.1 would be usual",
        detection={"distinct_authors": 4, "window_s": 900, "expected": 0.1},
        authenticity=Authenticity(suspicion=0.75, reasons=("near_duplicate", "new_account")),
        work=Work(dismissal_code="abuse"),
    )  # fmt: skip


def _confidential() -> Alert:
    return make_alert(
        "harbour-quay", "c0de", severity=9, age=25, texts=1, addressed_to=BRAND,
        summary="Discrimination or harassment: 1 customer wrote so about Harbour Quay within 24 hours",
        recommended="Head office speaks with the guest and with the team, apart from the restaurant's management.",
        labels={"alertname": "SeverePost", "department": "head_office", "aspect": "discrimination"},
        detection={"method": "severe_phrase", "window_s": 86_400, "observed": 1, "distinct_authors": 1,
                   "expected": None, "p_value": None, "rarity": None, "baseline": "none", "aspects": (),
                   "words": ("refused to serve … because",)},
    )  # fmt: skip


def fill(model: Model) -> None:
    """Everything, into a model that a feed would fill."""
    for unit in units():
        model.apply_unit(unit.id, unit)
    for rollup in rollups():
        model.apply_rollup(rollup)
    for alert in alerts():
        model.apply_alert(alert)
    for key, text in texts().items():
        model.apply_text(key, text)
    for entry in entries():
        model.apply_entry(entry)
    for one in unrouted():
        model.apply_unrouted(one.id, one)
    model.wall_ms = NOW
    model.set_connected(True, NOW)


def next_of(alert: Alert, **changes: Any) -> Alert:
    """The next record of an alert."""
    return msgspec.structs.replace(alert, sequence=alert.sequence + 1, **changes)
