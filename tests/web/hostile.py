"""What strangers write to harm who reads it: a world in which it is in every field that takes text."""

from html.parser import HTMLParser
from typing import Any

import msgspec
import orjson

from agents.web.model import Model
from schemas.alert import Alert
from schemas.case import CaseEntry
from schemas.codec import Codec, RecordError, encode
from tests.web import guests, history, world
from tests.web.evening import NOW

_alert_codec = Codec[Alert](Alert)
_entry_codec = Codec[CaseEntry](CaseEntry)


PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</title></bdi></blockquote><iframe src=//evil.example>",
    "{{7919*7907}}${7919*7907}<%= 7919*7907 %>{% raw %}",
    "\u202egnp.exe\u2066\u200f\ufeff",
    "a\r\nSet-Cookie: x=1\r\n\r\n<html>",
    "=HYPERLINK(\"https://evil.example\")",
)  # fmt: skip
KEPT = frozenset(("alert_id", "unit_id", "text_ref", "addressed_to", "note_ref", "we_did_ref", "post_id", "id"))
"""Names by which the records of a story find each other."""


def hostile(record: Any, codec: Codec[Any], payload: str) -> Any:
    """The record with the payload in every text field that takes any text."""
    said = orjson.loads(encode(record))

    def fill(node: Any) -> None:
        places = node.items() if isinstance(node, dict) else enumerate(node)
        for place, value in list(places):
            if isinstance(value, dict | list):
                fill(value)
            elif isinstance(value, str) and place not in KEPT:
                node[place] = payload
                try:
                    codec.decode(orjson.dumps(said))
                except RecordError:
                    node[place] = value

    fill(said)
    return codec.decode(orjson.dumps(said))


def hostile_model(payload: str) -> Model:
    """The world in which everybody writes the payload everywhere."""
    model = Model()
    for unit in world.units():
        departments = tuple(msgspec.structs.replace(one, owner=payload) for one in unit.departments)
        model.apply_unit(unit.id, msgspec.structs.replace(unit, name=payload[:128], departments=departments))
    for alert in world.alerts():
        model.apply_alert(hostile(alert, _alert_codec, payload))
    for entry in history.entries():
        model.apply_entry(hostile(entry, _entry_codec, payload))
    for key, text in guests.texts().items():
        model.apply_text(key, msgspec.structs.replace(text, text=payload, url=payload, author=payload))
    for one in guests.unrouted():
        model.apply_unrouted(one.id, msgspec.structs.replace(one, reason=payload))
    for rollup in history.rollups():
        model.apply_rollup(rollup)
    model.wall_ms = NOW
    model.set_connected(True, NOW)
    return model


class Structure(HTMLParser):
    """The tags of a page with the names of their attributes, and the addresses in them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.scripts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))


PAGES = ["/", "/?show=finished", "/?show=snoozed", "/unrouted", "/units/harbour-quay", "/units/marlow",
         *(f"/alerts/{alert.alert_id}" for alert in world.alerts())]  # fmt: skip
