"""A message for PagerDuty: Events API v2. In: a Message about one alert, a routing key. Out: HTTP requests; what an
answer means.

The one rule: PagerDuty's incident is the case. It is triggered when an alert opens, grows, comes back or is late,
acknowledged when somebody took it, resolved when the case is over or went to another unit, where a new one begins.
`dedup_key` is the alert's id (with the unit, where it came from another): the same event twice is one. A trigger after
a resolve opens a new incident there, as `reopened` should.
"""

from typing import Any, Final, Literal

import orjson

from pipeline.notify.answer import Answer, Outcome, of_http
from pipeline.notify.message import Message, Part, Post, facts, link, plain
from schemas.alert import Alert, AlertChange
from schemas.time import format_time

URL: Final = "https://events.pagerduty.com/v2/enqueue"
DEDUP_KEY_CHARACTERS_MAX: Final = 255
SUMMARY_CHARACTERS_MAX: Final = 1024

Event = Literal["trigger", "acknowledge", "resolve"]

_EVENTS: Final[dict[AlertChange, Event]] = {
    "acknowledged": "acknowledge", "assigned": "acknowledge", "answered": "acknowledge", "resolved": "resolve",
    "verified": "resolve", "dismissed": "resolve", "quiet": "resolve",
}  # fmt: skip
"""Every other change triggers."""


def requests(message: Message, url: str, routing_key: str, web_url: str) -> tuple[Post, ...]:
    """What has to be sent, in order: changes that mean the same are sent once, in the form of the last record."""
    posts = []
    for part in message.parts:
        events = [_event(told.change, part.alert) for told in part.changes]
        for number, event in enumerate(events):
            if number == 0 or event != events[number - 1]:
                body = orjson.dumps(_body(message, part, event, routing_key, web_url))
                posts.append(Post(url=url, headers={"Content-Type": "application/json"}, body=body))
    return tuple(posts)


def answer(status: int, retry_after: str | None, body: bytes, now_s: float) -> Answer:
    """PagerDuty says `"status": "success"`; something in between that says 200 to all has delivered nothing."""
    said = of_http(status, retry_after, now_s)
    if said.outcome is not Outcome.DELIVERED:
        return said
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, dict) and found.get("status") == "success":
        return said
    return Answer(Outcome.AGAIN, f"it answered {status}, but not as PagerDuty does; is the address right?")


def dedup_key(alert: Alert) -> str:
    """The name of the incident. The unit that a case was sent away from may be told later than the one that got it."""
    came = f"{alert.alert_id}@{alert.labels.unit_id}" if alert.work.moved_from else alert.alert_id
    return came[:DEDUP_KEY_CHARACTERS_MAX]


def _event(change: AlertChange, alert: Alert) -> Event:
    if change == "rerouted" and alert.work.moved_to is not None:
        return "resolve"
    return _EVENTS.get(change, "trigger")


def _body(message: Message, part: Part, event: Event, routing_key: str, web_url: str) -> dict[str, Any]:
    alert, labels = part.alert, part.alert.labels
    body: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": event,
        "dedup_key": dedup_key(alert),
    }
    if event != "trigger":
        return body
    summary = plain(alert.annotations.summary, SUMMARY_CHARACTERS_MAX - 6) or alert.alert_id
    address = link(web_url, alert)
    return body | {
        "payload": {
            "summary": f"Test: {summary}" if message.test else summary,
            "source": labels.unit_id,
            "severity": alert.severity_label,
            "timestamp": format_time(alert.detected_at),
            "component": labels.department,
            "group": labels.region or labels.brand,
            "class": labels.alertname,
            "custom_details": {"message_id": message.id, **dict(facts(part, message.time_zone))},
        },
        "client": "Social CEM",
        **({"client_url": address, "links": [{"href": address, "text": "Open in the console"}]} if address else {}),
    }
