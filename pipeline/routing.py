"""Stand-in."""
import re
from typing import NamedTuple
from schemas.insight import Routing
class Routed(NamedTuple):
    unit_id: str
    routing: Routing
class NoUnit(NamedTuple):
    reason: str
    candidates: tuple = ()
def route(*, network, text, hint, place_id, thread_units, directory):
    if hint in directory.units: return [Routed(hint, Routing(rule="hint", confidence=.99))]
    ids = sorted({i for m in re.findall(r"(?<!\w)@(\w+)", text) for i in directory.h.get(m.lower(), ())})
    if ids: return [Routed(i, Routing(rule="handle", confidence=.93)) for i in ids]
    if thread_units: return [Routed(i, Routing(rule="thread", confidence=.85)) for i in thread_units]
    low = text.lower()
    ids = sorted({i for a, i in directory.a.items() if a in low})
    if len(ids) == 1: return [Routed(ids[0], Routing(rule="alias", confidence=.8))]
    return NoUnit("no_clue")
