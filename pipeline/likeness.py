"""What only shows across authors: the same text by several of them, and one who writes and writes.

In: the insights of one unit, in the order of its log. Out, when asked: the Suspicion of an insight as known by now, its
own signs (`pipeline.authenticity`) and these together. The rules: what is remembered is bounded (the last 200 insights
within 24 hours, 30 bytes each, no text and no name); taking in costs the same for every insight, and comparing is left
for when somebody asks; a repeat changes nothing, an edit replaces, a delete was never there.

Reposts are copies by their nature and the company's own answers are not looked at: neither is taken in.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

import msgspec

from pipeline.authenticity import Reason, Sign, together
from pipeline.fingerprint import NEAR_MAX
from schemas.insight import Insight, Suspicion
from schemas.time import DAY_MS, HOUR_MS

WINDOW_S: Final = DAY_MS // 1000
BURST_S: Final = HOUR_MS // 1000
KEPT_MAX: Final = 200
COPIES: Final = ((3, 0.75), (2, 0.6), (1, 0.4))
"""From so many other authors of the same text on, the weight."""
BURSTS: Final = ((12, 0.6), (6, 0.4))
"""From so many insights of one author within an hour on, the weight."""
REASONS_MAX: Final = 5

_OPINIONS: Final = frozenset(("post", "reply", "review", "feedback", "edit"))
_REASONS: Final = tuple(Reason)
"""Their places are bits in saved states: new reasons go to the end."""


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One insight: when (seconds), by whom (0: nobody knows), the text's fingerprint (0: none), and how suspect it is
    by itself, in percent, with its reasons as bits."""

    at_s: int
    author: int = 0
    fingerprint: int = 0
    percent: int = 0
    reasons: int = 0


class LikenessState(msgspec.Struct, omit_defaults=True):
    """The last insights by a hash of their ids, in the order in which they came."""

    recent: dict[int, Said] = {}


def observe(state: LikenessState, insight: Insight) -> None:
    """Take an insight in, also an edit or a delete."""
    key = _hash(insight.id)
    recent = state.recent
    known = recent.get(key)
    if insight.kind == "delete":
        recent.pop(key, None)
        return
    if insight.kind not in _OPINIONS or (known is not None and insight.kind != "edit"):
        return
    author = insight.author or insight.customer_ref
    suspicion = insight.suspicion
    at_s = int(insight.event_time) // 1000 if known is None else known.at_s
    recent[key] = Said(
        at_s=at_s,
        author=_hash(author) if author else 0,
        fingerprint=int(insight.fingerprint, 16) if insight.fingerprint else 0,
        percent=round(suspicion.score * 100),
        reasons=_bits(suspicion.reasons) if suspicion.reasons else 0,
    )
    oldest = next(iter(recent))
    while len(recent) > KEPT_MAX or recent[oldest].at_s < at_s - WINDOW_S:
        del recent[oldest]
        oldest = next(iter(recent))


def holds(state: LikenessState, insight_ids: Iterable[str]) -> bool:
    """Whether any of these is remembered."""
    return bool(state.recent) and any(_hash(insight_id) in state.recent for insight_id in insight_ids)


def forget(state: LikenessState, insight_ids: Iterable[str]) -> None:
    """These were never there: an erasure."""
    for insight_id in insight_ids:
        state.recent.pop(_hash(insight_id), None)


def suspicion(state: LikenessState, insight_id: str) -> Suspicion | None:
    """An insight as it looks by now, None if it is not remembered any more. Changes nothing."""
    said = state.recent.get(_hash(insight_id))
    if said is None:
        return None
    signs: list[Sign] = []
    copies = len(_copiers(state, said))
    posts = sum(
        said.author != 0 and other.author == said.author and abs(other.at_s - said.at_s) < BURST_S
        for other in state.recent.values()
    )
    signs += [(Reason.NEAR_DUPLICATE, weight) for least, weight in COPIES if copies >= least][:1]
    signs += [(Reason.BURST, weight) for least, weight in BURSTS if posts >= least][:1]
    across = together(signs)
    own = [reason for place, reason in enumerate(_REASONS) if said.reasons >> place & 1]
    score = 1.0 - (1.0 - said.percent / 100) * (1.0 - across.score)
    return Suspicion(score=round(score, 2), reasons=tuple(dict.fromkeys((*across.reasons, *own))))


def of_evidence(state: LikenessState, insight_ids: Sequence[str]) -> Suspicion:
    """Of several insights together: the mean, and the reasons that most of them have."""
    known = [found for insight_id in insight_ids if (found := suspicion(state, insight_id)) is not None]
    if not known:
        return Suspicion()
    counts: dict[str, int] = {}
    for found in known:
        for reason in found.reasons:
            counts[reason] = counts.get(reason, 0) + 1
    reasons = sorted(counts, key=lambda reason: (-counts[reason], reason))[:REASONS_MAX]
    return Suspicion(score=round(sum(found.score for found in known) / len(known), 2), reasons=tuple(reasons))


def _copiers(state: LikenessState, said: Said) -> set[int]:
    """Other authors who wrote nearly the same within the window."""
    if not said.fingerprint or not said.author:
        return set()
    return {
        other.author
        for other in state.recent.values()
        if other.author not in (0, said.author)
        and other.fingerprint
        and (other.fingerprint ^ said.fingerprint).bit_count() <= NEAR_MAX
        and abs(other.at_s - said.at_s) <= WINDOW_S
    }


def _bits(reasons: Iterable[str]) -> int:
    """Reasons as bits; one that is not known is left out."""
    return sum(1 << _REASONS.index(Reason(reason)) for reason in set(reasons) if reason in _REASONS)


def _hash(name: str) -> int:
    """32 bits, the same in every process: enough to tell 200 apart, and too little to be anybody's name."""
    return crc32(name.encode("utf-8", "surrogatepass"))
