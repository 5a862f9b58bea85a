"""Where that goes which was understood of a record: its text to the texts, the insight to the log of each unit that it
concerns, or to the unrouted.

In: an insight and the units that were found. Out: emissions, in order. The rule: before the first record for a unit
under a version of the directory go the settings that it was decided under.
"""

from collections import Counter
from enum import StrEnum

import msgspec

from pipeline.directory import Directory
from pipeline.emission import Emission, Incoming
from pipeline.hiding import hide
from pipeline.journey import Touchpoint
from pipeline.lane import Lane
from pipeline.refusal import source_of
from pipeline.routing import NoUnit, Routed
from pipeline.settings_record import settings_of
from pipeline.text.redaction import Masked
from pipeline.understanding import Understood
from schemas.codec import encode
from schemas.text import StoredText
from schemas.topics import Topics
from schemas.unrouted import Unrouted


class Outcome(StrEnum):
    """What became of an input record. Dead letters carry their own reason."""

    ROUTED = "routed"
    UNROUTED = "unrouted"
    OWN_ANSWER = "own_answer"
    DUPLICATE = "duplicate"
    DELETED = "deleted"
    SETTINGS = "settings"
    ACTION = "action"
    ASSIGNED = "assigned"
    ERASURE = "erasure"
    DEAD_LETTER = "dead_letter"


class Dispatch:
    """`outcomes` counts what became of records, `unrouted_reasons` why they found no unit, `abstentions` by language
    what could not be scored."""

    def __init__(self, topics: Topics) -> None:
        self._events = topics("events")
        self._texts = topics("texts")
        self._unrouted = topics("unrouted")
        self.outcomes: Counter[str] = Counter()
        self.unrouted_reasons: Counter[str] = Counter()
        self.abstentions: Counter[str] = Counter()

    def send(
        self,
        lane: Lane,
        record: Incoming,
        understood: Understood,
        found: list[Routed] | NoUnit,
        directory: Directory,
        out: list[Emission],
    ) -> tuple[str, ...]:
        """Gives the units whose logs it went to."""
        insight, text = understood.insight, understood.text
        concerned = () if isinstance(found, NoUnit) else tuple([routed.unit_id for routed in found])
        if text is not None and insight.kind != "delete":
            out.append(Emission(self._texts, text.id.encode(), encode(_hidden(text, concerned, directory))))
        if insight.touchpoint is not None and not isinstance(insight.touchpoint, Touchpoint):
            touchpoint = hide(Masked(insight.touchpoint, ()), concerned, directory).text
            insight = msgspec.structs.replace(insight, touchpoint=touchpoint)
        if text is not None and insight.sentiment is not None and insight.sentiment.abstained:
            self.abstentions[insight.language or "none"] += 1
        if isinstance(found, NoUnit):
            self.outcomes[Outcome.UNROUTED] += 1
            self.unrouted_reasons[str(found.reason)] += 1
            unrouted = Unrouted(id=insight.id, reason=str(found.reason), candidates=found.candidates, insight=insight)
            out.append(Emission(self._unrouted, insight.id.encode(), encode(unrouted)))
            return ()
        for index, routed in enumerate(found, start=1):
            unit_id = routed.unit_id
            told = understood.told(directory.industry_of(unit_id))
            self.announce(lane, record, unit_id, directory, out)
            placed = msgspec.structs.replace(
                insight,
                unit_id=unit_id,
                aspects=told.aspects,
                severe=told.severe,
                taxonomy=told.taxonomy,
                routing=routed.routing,
                source=source_of(record, index),
            )
            out.append(Emission(self._events, unit_id.encode(), encode(placed)))
        self.outcomes[Outcome.ROUTED] += 1
        return concerned

    def announce(self, lane: Lane, record: Incoming, unit_id: str, directory: Directory, out: list[Emission]) -> None:
        """Before the first record for a unit from here under a version: the settings that it was decided under."""
        if lane.announced.get(unit_id) != directory.version and unit_id in directory.units:
            lane.announced[unit_id] = directory.version
            settings = settings_of(directory, unit_id, source_of(record))
            out.append(Emission(self._events, unit_id.encode(), encode(settings)))


def _hidden(text: StoredText, unit_ids: tuple[str, ...], directory: Directory) -> StoredText:
    """A text as it is kept, once it is known whom it is about."""
    masked = Masked(text.text, text.masked)
    hidden = hide(masked, unit_ids, directory)
    return text if hidden is masked else msgspec.structs.replace(text, text=hidden.text, masked=hidden.kinds)
