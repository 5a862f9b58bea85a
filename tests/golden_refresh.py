"""One full and one minimal example of every record, and the files that hold their bytes.

In: nothing. Out: `tests/golden/<record>.full.json` and `.minimal.json`. A change of these files is a change of what
travels: read the difference before you commit it.

    python -m tests.golden_refresh
"""

from pathlib import Path
from typing import Any

import msgspec

from schemas.action import Action
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
    Work,
)
from schemas.assignment import Assignment, Label
from schemas.case import CaseEntry
from schemas.codec import encode
from schemas.deadletter import DeadLetter
from schemas.erasure import Erasure
from schemas.event import Ancestor, UnitAction, UnitErasure, UnitRollup, UnitSettings, UnitTransfer
from schemas.feedback import Feedback
from schemas.insight import Aspect, Insight, Reach, Root, Routing, Scores, Sentiment, SevereCause, Suspicion
from schemas.notified import Notified, Sending, Told, Waiting
from schemas.post import Author, Metrics, Place, Post
from schemas.record import Source
from schemas.text import StoredText
from schemas.tick import Tick, Version
from schemas.time import DAY_MS, HOUR_MS, Millis, parse_time
from schemas.token import Token
from schemas.unit import Closure, Department, Hours, Position, Unit
from schemas.unrouted import Candidate, Unrouted

HOME = Path(__file__).parent / "golden"

NOON = parse_time("2026-01-31T12:00:00Z")
MORNING = Millis(NOON - 3 * HOUR_MS + 42)
EVENING = Millis(NOON + 6 * HOUR_MS)
OLD = Millis(NOON - 900 * DAY_MS)

SOURCE = Source(topic="cem.posts", partition=3, offset=1_000_001)
SECOND = Source(topic="cem.posts", partition=3, offset=1_000_001, index=1)
TEXT = 'Waited 40 min 😡 »cold« soup\n\tnever again \\ "sorry" \u2028'

INSIGHT = Insight(
    schema_version="1.1", id="x:99", kind="reply", unit_id="store-17", channel="x", author="hmac:5f3a", event_time=NOON,
    sentiment=Sentiment(compound=-0.72, label="negative", confidence=0.81, abstained=True, model="vader+care/1"),
    aspects=(
        Aspect(aspect="wait_time", department="operations", polarity=-0.8),
        Aspect(aspect="food_temperature", department="kitchen", polarity=-0.4),
    ),
    severe=(SevereCause(cause="illness", words="food poisoning", department="kitchen", severity=8),),
    taxonomy="retail=my_shops/8e1b02+reasons/1f0c3a9e", language="en", emotion="anger",
    journey_stage="service", touchpoint="counter",
    scores=Scores(nps=2, csat=1, ces=6, rating=1.5), reach=Reach(followers=18_000, reposts=41),
    thread="98",
    root=Root(
        event_time=MORNING, post="x:97", label="negative", followers=90,
        main=Aspect(aspect="wait_time", department="operations", polarity=-0.6), severe=("illness",),
    ),
    text_ref="x:99", fingerprint="a1b2c3d4", suspicion=Suspicion(score=0.12, reasons=("new_account",)),
    routing=Routing(rule="handle", confidence=0.93), customer_ref="C-1", contact_consent=True,
    first_answer_ms=5_400_000, source=SECOND,
)  # fmt: skip
BARE_INSIGHT = Insight(
    id="x:99", kind="post", unit_id="store-17", channel="x", event_time=NOON,
    routing=Routing(rule="hint", confidence=1.0), source=SOURCE,
)  # fmt: skip

UNIT = Unit(
    schema_version="1.1", id="store-17", name="Store 17, Main Street", kind="store", industry="retail",
    parent="region-west", aliases=("Main St Store",), handles=("@store17",), hashtags=("#store17",),
    place_ids=("google:ChIJ17",), position=Position(latitude=47.61, longitude=-122.33, radius_m=200.5),
    time_zone="America/Los_Angeles", opening_hours=(Hours(day="mon", opens="09:00", closes="24:00"),),
    holidays=("2026-12-25",), closures=(Closure(first="2026-07-01", last="2026-07-14", reason="refit"),),
    languages=("en", "es"),
    departments=(
        Department(name="operations", owner="ana", acknowledge_within=30, answer_within=120, resolve_within=480),
    ),
    escalation=("ana", "head-office"), complaints_a_week=2.5, confidential=("discrimination",), staff=("Ana Ruiz",),
)  # fmt: skip
BARE_UNIT = Unit(id="s", name="S", kind="other", time_zone="UTC")

_DETECTION = Detection(
    method="gamma_poisson_tail", window_s=3600, observed=6, distinct_authors=5, expected=0.2, p_value=2e-06,
    rarity=0.00144, rarity_max=0.064, dispersion=1.41, baseline="group", cold_start=True, words=("food poisoning",),
    aspects=("wait_time", "food_temperature"),
)  # fmt: skip
_BARE_DETECTION = Detection(
    method="severe_phrase", window_s=86_400, observed=1, distinct_authors=1, baseline="none",
)  # fmt: skip
ALERT = Alert(
    schema_version="1.1", change="escalated", status="firing", state="assigned", alert_id="store-17-1000001",
    sequence=4, dedup_key="acme/store-17/wait_time/surge", addressed_to="acme",
    parent_alert_id="region-west-77", severity=7, severity_label="error", starts_at=MORNING, detected_at=NOON,
    ends_at=EVENING, actor="ana", action_id="act-1",
    labels=Labels(
        alertname="NegativeSurge", brand="acme", region="west", unit_id="store-17", unit_kind="store",
        department="operations", aspect="wait_time", journey_stage="service",
    ),
    annotations=Annotations(
        summary="6 complaints in an hour", recommended_action="open a second till", ends_when="nobody complains",
    ),
    detection=_DETECTION,
    amplification=Amplification(
        reposts=41, reach=18_000, branching=1.3, branching_low=1.05, branching_high=1.6, supercritical=True,
        forecast=900, low=400, high=2_000,
    ),
    sentiment=AlertSentiment(mean=-0.7, confidence=0.81, model="vader+care/1", languages=("en",)),
    authenticity=Authenticity(suspicion=0.12, reasons=("new_account",)),
    routing=AlertRouting(rule="handle", confidence=0.93),
    also_to=("region-west",),
    deadlines=Deadlines(
        since=MORNING, acknowledge_by=NOON, answer_by=NOON, resolve_by=EVENING, missed=("acknowledge", "answer"),
        duty="answer", level=1, told=("region-west",),
    ),
    answers=Answers(threads=3, answered=1, first_at=NOON),
    work=Work(
        assignee="bo", snoozed_until=EVENING, resolution_code="refunded", dismissal_code="false",
        we_did_ref="we_did:act-1", published=True, customer_ref="C-1", moved_from="store-16", moved_to="store-18",
    ),
    evidence=(Evidence(post_id="99", network="x", author="hmac:5f3a", text_ref="x:99"),), evidence_left_out=2,
)  # fmt: skip
BARE_ALERT = Alert(
    change="opened", status="firing", state="open", alert_id="store-17-1000001", sequence=1,
    dedup_key="store-17/surge", severity=3, severity_label="warning", starts_at=NOON, detected_at=NOON,
    labels=Labels(alertname="NegativeSurge", unit_id="store-17"), annotations=Annotations(summary="3 complaints"),
    detection=_BARE_DETECTION, sentiment=AlertSentiment(mean=-0.5, confidence=0.6, model="vader+care/1"),
    routing=AlertRouting(rule="hint", confidence=1.0),
)  # fmt: skip

UNROUTED = Unrouted(
    schema_version="1.1", id="x:99", reason="ambiguous", insight=INSIGHT,
    candidates=(Candidate(unit_id="store-17", rule="alias", confidence=0.5),),
)  # fmt: skip
BARE_UNROUTED = Unrouted(id="x:99", reason="no_match", insight=BARE_INSIGHT)

_TOLD = Told(change="grown", sequence=4, at=NOON, actor="ana")

_ACTION: dict[str, Any] = {"id": "act-1", "alert_id": "a-1", "unit_id": "store-17", "actor": "ana", "event_time": NOON}
_BARE: dict[str, Any] = {**_ACTION, "action": "acknowledge"}

EXAMPLES: dict[str, tuple[msgspec.Struct, msgspec.Struct]] = {
    "post": (
        Post(
            schema_version="1.1", id="99", network="x", kind="reply", text=TEXT, language="en", event_time=NOON,
            author=Author(id="u1", handle="@jo", followers=18_000, verified=False, created=OLD),
            url="https://x.example/99", in_reply_to="98", root_id="97", rating=1.5,
            place=Place(name="Main St", latitude=47.61, longitude=-122.33, id="ChIJ17"), unit_hint="store-17",
            metrics=Metrics(likes=3, reposts=41, replies=0, views=2**53),
        ),
        Post(id="99", network="x", event_time=NOON),
    ),
    "feedback": (
        Feedback(
            schema_version="1.1", id="f1", channel="receipt", unit_id="store-17", touchpoint="till",
            journey_stage="purchase", nps=0, csat=1, ces=7, rating=0.5, text=TEXT, language="en-GB", order_id="o1",
            employee_ref="e1", customer_ref="C-1", contact_consent=True, event_time=MORNING,
        ),
        Feedback(id="f1", channel="web", unit_id="store-17", event_time=NOON),
    ),
    "action": (
        Action(
            schema_version="1.1", **_ACTION, action="reroute", note=TEXT, resolution_code="refunded",
            dismissal_code="wrong_unit", we_did="We opened a second till.", assignee="bo", to_unit="store-18",
            to_department="kitchen", until=EVENING,
        ),
        Action(**_BARE),
    ),
    "unit": (UNIT, BARE_UNIT),
    "erasure": (
        Erasure(
            schema_version="1.1", id="er-1", network="x", post_ids=("98", "99"), author_id="u1", customer_ref="C-1",
            actor="dpo", event_time=NOON,
        ),
        Erasure(id="er-1", actor="dpo", event_time=NOON),
    ),
    "dead_letter": (
        DeadLetter(
            schema_version="1.1", source=SECOND, key=b"\x00\xff", control="tick", reason="not_json",
            detail="JSON is malformed", bytes=b'{"id":\xff\x00', bytes_total=8, tries=3, ingest_time=NOON,
        ),
        DeadLetter(source=SOURCE, reason="tombstone", detail="no value", bytes=None, bytes_total=0, ingest_time=NOON),
    ),
    "unrouted": (UNROUTED, BARE_UNROUTED),
    "assignment": (
        Assignment(schema_version="1.1", unit_id="store-17", actor="ana", event_time=NOON, unrouted=UNROUTED),
        Assignment(unit_id="s", actor="ana", event_time=NOON, unrouted=BARE_UNROUTED),
    ),
    "label": (
        Label(
            schema_version="1.1", id="x:99", about="unit", unit_id="store-17", reason="ambiguous",
            candidates=UNROUTED.candidates, text_ref="x:99", actor="ana", event_time=NOON, source=SECOND,
        ),
        Label(id="x:99", unit_id="s", reason="no_clue", actor="ana", event_time=NOON, source=SOURCE),
    ),
    "stored_text": (
        StoredText(
            schema_version="1.1", id="x:99", text=TEXT, language="en", author="hmac:5f3a", url="https://x.example/99",
            masked=("email", "phone"), event_time=NOON,
        ),
        StoredText(id="note:act-1", text="", event_time=NOON),
    ),
    "insight": (INSIGHT, BARE_INSIGHT),
    "unit_settings": (
        UnitSettings(
            schema_version="1.1", unit_id="store-17", unit=UNIT, taxonomy="retail/3", model="acme/7", version=12,
            ancestors=(Ancestor(id="region-west", kind="region", name="West"),), source=SECOND,
        ),
        UnitSettings(unit_id="store-17", unit=None, version=0, source=SOURCE),
    ),
    "unit_action": (
        UnitAction(
            schema_version="1.1", **_ACTION, action="publish", note_ref="note:act-1", we_did_ref="we_did:act-1",
            resolution_code="refunded", dismissal_code="false", assignee="bo", to_unit="store-18",
            to_department="kitchen", until=EVENING, refused="unknown_unit", source=SECOND,
        ),
        UnitAction(**_BARE, source=SOURCE),
    ),
    "unit_erasure": (
        UnitErasure(schema_version="1.1", id="er-1", insight_ids=("x:98", "x:99"), event_time=NOON, source=SECOND),
        UnitErasure(id="er-1", insight_ids=(), event_time=NOON, source=SOURCE),
    ),
    "unit_rollup": (
        UnitRollup(
            schema_version="1.1", unit_id="region-west", child_id="store-17", hour=NOON, mentions=9, negative=6,
            positive=1, source=SECOND,
        ),
        UnitRollup(unit_id="r", child_id="s", hour=NOON, mentions=0, negative=0, positive=0, source=SOURCE),
    ),
    "unit_transfer": (
        UnitTransfer(
            schema_version="1.1", unit_id="store-18", alert=ALERT, number=7, hash="00ff", threads=("97",),
            event_time=NOON, source=SECOND,
        ),
        UnitTransfer(unit_id="s", alert=BARE_ALERT, number=1, hash="00ff", event_time=NOON, source=SOURCE),
    ),
    "token": (
        Token(
            schema_version="1.1", id="t-1", name="till tablet", role="department", unit_id="store-17",
            department="kitchen", hash="00ff", made_by="ana", made_at=MORNING, expires_at=EVENING, revoked_at=NOON,
        ),
        Token(id="t-1", name="", role="auditor", hash="00ff", made_by="ana", made_at=NOON, expires_at=EVENING),
    ),
    "notified": (
        Notified(
            schema_version="1.1", recipient="head-office/care@acme.example", alert_id="store-17-1000001",
            unit_id="store-17", sequence=4, delivered=2,
            waiting=Waiting(
                changes=(_TOLD,), changes_left_out=2, alert=ALERT, source=SECOND, due_at=EVENING, held=True,
            ),
            sending=Sending(
                id="msg_00ff", place=1, changes=(_TOLD,), changes_left_out=2, alert=ALERT, source=SECOND,
                due_at=MORNING, made_at=MORNING, since=NOON, next_at=EVENING, tries=3,
            ),
            at=NOON,
        ),
        Notified(recipient="r", alert_id="a-1", unit_id="s", sequence=1, at=NOON),
    ),
    "tick": (
        Tick(
            schema_version="1.1",
            event_time=NOON,
            source="cem.posts/3",
            offset=1_000_001,
            inputs={"cem.posts": 3, "cem.feedback": 3},
        ),
        Tick(event_time=NOON),
    ),
    "version": (
        Version(schema_version="1.1", directory=12, taxonomy="retail/3", model="acme/7"),
        Version(directory=0),
    ),
    "alert": (ALERT, BARE_ALERT),
    "case_entry": (
        CaseEntry(
            schema_version="1.1", alert_id="a-1", unit_id="store-17", addressed_to="acme", number=7, sequence=4,
            change="resolved", action_id="act-1", action="resolve", actor="ana", accepted=False, reason="already_done",
            status="quiet", state="resolved", severity=7, department="kitchen", note_ref="note:act-1",
            we_did_ref="we_did:act-1", resolution_code="refunded", dismissal_code="false", assignee="bo",
            to_unit="store-18", to_department="kitchen", until=EVENING, duty="answer", level=1, told=("region-west",),
            event_time=NOON, previous="00ff", hash="ff00",
        ),
        CaseEntry(alert_id="a-1", unit_id="store-17", number=0, sequence=0, event_time=NOON),
    ),
}  # fmt: skip
"""Record -> its full example, where no field has its default, and its minimal one, which has nothing but these."""


def golden(name: str, form: str) -> Path:
    """Where the bytes of an example are. `form` is `full` or `minimal`."""
    return HOME / f"{name}.{form}.json"


def main() -> None:
    """Writes the files of all examples."""
    HOME.mkdir(exist_ok=True)
    for name, (full, minimal) in EXAMPLES.items():
        golden(name, "full").write_bytes(encode(full))
        golden(name, "minimal").write_bytes(encode(minimal))


if __name__ == "__main__":
    main()
