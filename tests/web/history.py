"""What happened in the small world before: to each alert, and hour by hour in a week. No clock and no chance."""

from typing import Any

from schemas.case import CaseEntry
from schemas.event import UnitRollup
from schemas.record import Source
from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, Millis
from tests.web.evening import BRAND, NOW, PLACES


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
    for place, unit_id in enumerate(PLACES):
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
