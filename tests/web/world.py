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
from schemas.case import CaseEntry
from schemas.event import UnitRollup
from schemas.insight import Insight, Routing
from schemas.record import Source
from schemas.text import StoredText
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis, parse_time
from schemas.unit import Department, Unit
from schemas.unrouted import Candidate, Unrouted

NOW = parse_time("2026-03-13T18:42:00Z")
"""A Friday evening in London, in winter time."""
ZONE = "Europe/London"
BRAND = "marlow"

_LABELS: dict[int, SeverityLabel] = {9: "critical", 7: "error", 5: "warning", 3: "info"}
_DEPARTMENTS = ("kitchen", "operations", "service", "safety", "billing")
_PLACES = {
    "elm-street": ("Elm Street", "north"), "harbour-quay": ("Harbour Quay", "north"),
    "station-square": ("Station Square", "north"), "mill-lane": ("Mill Lane", "south"),
    "castle-gate": ("Castle Gate", "south"), "orchard-park": ("Orchard Park", "south"),
}  # fmt: skip


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
        for unit_id, (name, parent) in _PLACES.items()
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
    region = _PLACES[unit_id][1] if unit_id in _PLACES else None
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


_TEXTS = {
    "x:a1b20": (9, "Two of us had food poisoning after the chicken at @marlowfinch Elm Street last night. Been in bed "
                   "since. Has anybody else been ill?"),
    "x:a1b21": (6, "@marlowfinch my son has been sick all night after your Elm Street restaurant. Call me [phone]."),
    "x:c3d40": (66, "Forty minutes for a table we had booked. @harbourquay what is going on tonight?"),
    "x:c3d41": (63, "Is the kitchen at @harbourquay closed? We ordered an hour ago."),
    "x:c3d42": (60, "Third time this month that we walk out of Harbour Quay because nobody takes our order."),
    "x:c3d43": (58, "@harbourquay still waiting for the bill. 25 minutes. Great evening."),
    "x:c3d44": (55, "Queue out of the door and two people at work. Poor girls, they do what they can. @harbourquay"),
    "x:c3d45": (52, "Gave up after 50 minutes. Never again @harbourquay"),
    "x:e5f60": (110, "Look what came on my plate at Station Square. Raw in the middle, and the waiter said that "
                     "this is how it is meant to be. @marlowfinch"),
    "x:0a1b0": (95, "The way the staff at Mill Lane spoke to an elderly lady at the next table. I have no words."),
    "x:2c3d0": (38, "The order was wrong twice and nobody said sorry. I would like somebody to call me."),
    "x:4e5f0": (230, "Charged twice at Orchard Park and nobody picks up the phone."),
    "x:4e5f1": (215, "@marlowfinch your card machine at Orchard Park took my money twice, order [order number]"),
    "x:4e5f2": (192, "Why is the bill different from the menu? Orchard Park"),
    "x:8c9d0": (1500, "The washrooms at Mill Lane. Please do something. The third visit and always the same."),
    "we_did:8c9d": (1380, "We had the washrooms repaired on Thursday and clean them every hour now."),
    "note:n1": (70, "I have seen the picture. The kitchen checks the grill now."),
    "note:n2": (60, "Answered her on X and offered a meal on the house."),
    "note:n3": (1380, "Plumber came at 15:00."),
}  # fmt: skip

_POSTS = (
    ("u1", "ambiguous", 12, "Waited 30 minutes at the Marlow & Finch by the station, food was cold when it came.",
     (("station-square", "alias", 0.62), ("harbour-quay", "alias", 0.31))),
    ("u2", "no_clue", 47, "@marlowfinch nobody answers my mails about a wrong bill. Third one today. Hello?", ()),
    ("u3", "unknown_hint", 130, "Lovely evening at the new place on Quay Street, thanks to the whole team!",
     (("harbour-quay", "position", 0.44),)),
)  # fmt: skip


def texts() -> dict[str, StoredText]:
    """All that was said, by reference."""
    found = {
        key: StoredText(
            id=key, text=text, language="en", url=f"https://x.com/i/status/{18_000_000 + place}",
            masked=("phone",) if "[phone]" in text else ("order number",) if "[order" in text else (),
            event_time=Millis(NOW - age * MINUTE_MS),
        )
        for place, (key, (age, text)) in enumerate(_TEXTS.items())
    }  # fmt: skip
    for key, _, age, text, _ in _POSTS:
        found[key] = StoredText(
            id=key,
            text=text,
            language="en",
            url=f"https://x.com/i/status/{key}",
            event_time=Millis(NOW - age * MINUTE_MS),
        )
    return found


def unrouted() -> list[Unrouted]:
    """What found no unit."""
    return [
        Unrouted(
            id=key,
            reason=reason,
            candidates=tuple(Candidate(unit_id=one, rule=rule, confidence=sure) for one, rule, sure in candidates),
            insight=Insight(
                id=key, kind="post", unit_id="", channel="x", event_time=Millis(NOW - age * MINUTE_MS), text_ref=key,
                routing=Routing(rule="none", confidence=0.0),
                source=Source(topic="cem.posts", partition=0, offset=int(key[1:])),
            ),
        )
        for key, reason, age, _, candidates in reversed(_POSTS)
    ]  # fmt: skip


def entries() -> list[CaseEntry]:
    """What happened to the alerts."""
    return [
        *_history("elm-street", "a1b2", (6, "opened", {"severity": 9})),
        *_history(
            "harbour-quay", "c3d4", (52, "opened", {"severity": 6}), (44, "grown", {"severity": 7}),
            (29, "deadline_warning", {"duty": "acknowledge", "level": 0}),
            (22, "escalated", {"duty": "acknowledge", "level": 1, "told": ("north",)}),
        ),
        *_history(
            "station-square", "e5f6", (74, "opened", {"severity": 6}),
            (70, "acknowledged", {"actor": "Dana Whitlock", "action": "acknowledge", "action_id": "n1",
                                  "note_ref": "note:n1"}),
            (66, "commented", {"actor": "Dana Whitlock", "action": "comment", "action_id": "n2",
                               "note_ref": "note:n2"}),
            (64, None, {"actor": "Tom Okafor", "action": "acknowledge", "action_id": "n9", "accepted": False,
                        "reason": "not_from_this_state"}),
            (40, "grown", {"severity": 7}), (12, "grown", {"severity": 7}),
        ),
        *_history(
            "mill-lane", "0a1b", (95, "opened", {"severity": 5}),
            (88, "acknowledged", {"actor": "Priya Nair", "action": "acknowledge"}),
            (87, "assigned", {"actor": "Priya Nair", "action": "assign", "assignee": "Priya Nair"}),
            (30, "answered", {}),
        ),
        *_history("castle-gate", "2c3d", (38, "opened", {"severity": 5})),
        *_history(
            "orchard-park", "4e5f", (190, "opened", {"severity": 5}),
            (170, "acknowledged", {"actor": "Lena Marsh", "action": "acknowledge"}), (60, "quiet", {}),
        ),
        *_history(
            "mill-lane", "8c9d", (1500, "opened", {"severity": 7}),
            (1490, "acknowledged", {"actor": "Priya Nair", "action": "acknowledge"}),
            (1489, "assigned", {"actor": "Priya Nair", "action": "assign", "assignee": "Priya Nair"}),
            (1400, "answered", {}), (1390, "quiet", {}),
            (1380, "resolved", {"actor": "Priya Nair", "action": "resolve", "resolution_code": "repaired",
                                "note_ref": "note:n3", "we_did_ref": "we_did:8c9d"}),
        ),
    ]  # fmt: skip


def _history(unit_id: str, digits: str, *steps: tuple[int, Any, dict[str, Any]]) -> list[CaseEntry]:
    found, number = [], 0
    for sequence, (age, change, given) in enumerate(steps, 1):
        accepted = given.get("accepted", True)
        number += accepted
        found.append(
            CaseEntry(
                alert_id=f"{unit_id}-{digits * 4}", unit_id=unit_id, number=number if accepted else 0,
                sequence=sequence, change=change, event_time=Millis(NOW - age * MINUTE_MS), **given,
            )
        )  # fmt: skip
    return found


def rollups() -> list[UnitRollup]:
    """A week, hour by hour: guests come at noon and in the evening; Harbour Quay has a bad day."""
    found = []
    start = NOW // HOUR_MS * HOUR_MS - 7 * DAY_MS
    for place, unit_id in enumerate(_PLACES):
        for hour in range(1, 7 * 24 + 1):
            of_day = (start // HOUR_MS + hour) % 24
            busy = {12: 3, 13: 4, 18: 5, 19: 6, 20: 5, 21: 3}.get(of_day, 1 if 9 < of_day < 23 else 0)
            day = hour // 24
            mentions = busy * (7 + (hour * (place + 3)) % 5 + 3 * (day in (0, 6))) // (5 + place % 3)
            bad = 0.16 + 0.09 * ((day * (place + 2) + place) % 5)
            if unit_id == "harbour-quay" and hour > 7 * 24 - 8:
                mentions, bad = mentions + 9, 0.85
            negative = round(mentions * bad)
            found.append(
                UnitRollup(
                    unit_id=BRAND, child_id=unit_id, hour=Millis(start + hour * HOUR_MS), mentions=mentions,
                    negative=negative, positive=round((mentions - negative) * 0.7),
                    source=Source(topic="cem.rollup", partition=0, offset=len(found)),
                )
            )  # fmt: skip
    return found


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
