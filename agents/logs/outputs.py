"""What a worker has made, as lines of the log: once it is durable, not before.

In: emissions that were committed, by topic. Out: a line for each that somebody may look for: alerts, answers to actors,
dead letters (level info); insights and what found no unit (level debug, a line for each post). Ids and reasons only.
They follow one post: `topic`, `partition` and `offset` say where it came in, `unit` whose log it went into, `alert_id`
what came of it.

Who sends records chooses some of their ids. One that does not look like an id is not shown.
"""

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from pipeline.emission import Emission
from schemas.topics import Topics

LINES_MAX = 100
"""For one checkpoint. What is more is counted."""

_ID = re.compile(r"[A-Za-z0-9:._-]{1,128}")
_HIDDEN = "(not shown)"

Fields = dict[str, Any]
_log = logging.getLogger("cem.outputs")


class Outputs:
    """Of one stage."""

    def __init__(self, topics: Topics) -> None:
        self._tellers: dict[str, tuple[int, str, Callable[[Any], Fields]]] = {
            topics("alerts"): (logging.INFO, "alert", _alert),
            topics("cases"): (logging.INFO, "case", _case),
            topics("deadletter"): (logging.INFO, "dead letter", _letter),
            topics("unrouted"): (logging.DEBUG, "unrouted", _unrouted),
            topics("events"): (logging.DEBUG, "insight", _insight),
        }

    def tell(self, emissions: Iterable[Emission]) -> None:
        """Logs what was committed."""
        told = left_out = 0
        for emission in emissions:
            teller = self._tellers.get(emission.topic)
            if teller is None or emission.value is None or not _log.isEnabledFor(teller[0]):
                continue
            level, event, fields = teller
            if told >= LINES_MAX:
                left_out += 1
                continue
            try:
                found = fields(orjson.loads(emission.value))
            except (ValueError, AttributeError):  # of another form than ours: no reason to end the process
                continue
            if found:
                told += 1
                _log.log(level, event, extra=found)
        if left_out:
            _log.info("more of the same checkpoint", extra={"left_out": left_out})


def shown(value: Any) -> Any:
    """An id as it may be shown; None stays."""
    if value is None or isinstance(value, int):
        return value
    return value if isinstance(value, str) and _ID.fullmatch(value) else _HIDDEN


def _origin(source: Any) -> Fields:
    source = source or {}
    return {"topic": source.get("topic"), "partition": source.get("partition"), "offset": source.get("offset")}


def _alert(record: Any) -> Fields:
    labels = record.get("labels") or {}
    return {
        "alert_id": record.get("alert_id"),
        "sequence": record.get("sequence"),
        "change": record.get("change"),
        "status": record.get("status"),
        "state": record.get("state"),
        "severity": record.get("severity"),
        "unit": labels.get("unit_id"),
        "alertname": labels.get("alertname"),
    }


def _case(record: Any) -> Fields:
    return {
        "alert_id": shown(record.get("alert_id")),
        "action_id": shown(record.get("action_id")),
        "action": record.get("action"),
        "accepted": record.get("accepted"),
        "reason": record.get("reason"),
        "unit": shown(record.get("unit_id")),
    }


def _letter(record: Any) -> Fields:
    return {"reason": record.get("reason"), "tries": record.get("tries"), **_origin(record.get("source"))}


def _unrouted(record: Any) -> Fields:
    insight = record.get("insight") or {}
    return {"reason": record.get("reason"), **_origin(insight.get("source"))}


def _insight(record: Any) -> Fields:
    """Ticks, settings and actions are in the log, too: they are none."""
    if record.get("type") != "insight":
        return {}
    routing = record.get("routing") or {}
    return {
        "kind": record.get("kind"),
        "unit": record.get("unit_id"),
        "rule": routing.get("rule"),
        **_origin(record.get("source")),
    }
