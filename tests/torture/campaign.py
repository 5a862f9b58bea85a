"""The long campaign: phases with different partitions, workers and brokers, one summary.

In: totals (kills, rebalances, broker restarts, malformed records), a seed. Out: a summary as JSON; for a phase that
breaks a law, its logs and records, and the command that repeats it. The rule: every phase has a service of its own and
is judged alone.
"""

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from agents.kafka.node import free_port
from tests.checker import Verdict
from tests.delivery_laws import Kind
from tests.torture.arena import Arena, Plan
from tests.torture.brokers import One, Three
from tests.torture.flood import PLAN, flood
from tests.torture.worker import POINTS

BUILD = Path("build")


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign does, over all phases."""

    kills: int = 200
    rebalances: int = 50
    broker_restarts: int = 20
    malformed: int = 10_000
    flood_seconds: int = 120


_WORST = {f"worst:{point}": 1 for point in POINTS}

_PHASES = (
    (Plan(name="three-partitions", deeds=_WORST, compact=True), 0.35, 0.3, 0.0),
    (Plan(name="one-partition", inputs=1, events=1, workers=2, deeds={"stop": 2, "wipe": 2}), 0.15, 0.1, 0.0),
    (Plan(name="twelve-partitions", inputs=12, events=12, workers=4, deeds={"stop": 2, "worst": 2}), 0.15, 0.3, 0.0),
    (Plan(name="wall-clock", clock="wall", deeds={"stop": 3, "worst": 2}, compact=True), 0.15, 0.1, 0.0),
    (Plan(name="static-members", static=True, deeds={"stop": 2, "worst": 2}), 0.1, 0.1, 0.0),
    (Plan(name="broker", deeds={"gone": 1, "stop": 1}), 0.05, 0.05, 0.65),
    (Plan(name="three-brokers", brokers=3, deeds={"stop": 1, "worst": 1}, rate=150.0), 0.05, 0.05, 0.35),
)
"""Each with its shares of the kills, rebalances and broker restarts, beside the deeds of its own."""

PHASES = (*(plan.name for plan, *_ in _PHASES), PLAN.name)
SUMMED = (
    "sent", "accepted", "malformed", "dead_letters", "alerts", "lost", "wrong", "duplicate_ids_same_content",
    "duplicate_ids_same_content_uncommitted", "duplicate_ids_other_content", "kills", "stops",
    "stops_at_the_worst_moment", "rebalances", "broker_restarts", "late_to_leave",
)  # fmt: skip


def plans(totals: Totals, names: Sequence[str] = PHASES) -> list[Plan]:
    """The phases, each with its share; what is left over by rounding goes to the first that may have it."""
    shares = [list(share) for _, *share in _PHASES]
    wanted = (totals.kills, totals.rebalances, totals.broker_restarts)
    counts = [[int(wanted[kind] * share[kind]) for kind in range(3)] for share in shares]
    for kind in range(3):
        first = next(place for place, share in enumerate(shares) if share[kind])
        counts[first][kind] += wanted[kind] - sum(count[kind] for count in counts)
    malformed = -(-totals.malformed // len(_PHASES))
    found = []
    for (plan, *_), (kills, rebalances, restarts) in zip(_PHASES, counts, strict=True):
        if plan.name in names:
            own = Counter(plan.deeds)
            kills -= own["wipe"]
            restarts -= own["gone"]
            extra = {"kill": kills, "leave": rebalances // 4, "join": -(-rebalances // 2) - rebalances // 4}
            deeds = {**plan.deeds, **extra, "broker": restarts}
            deeds = {deed: count for deed, count in deeds.items() if count > 0}
            found.append(msgspec.structs.replace(plan, deeds=deeds, malformed=malformed, bad=0.1))
    return found


def one_phase(plan: Plan, seed: int, folder: Path) -> dict[str, Any]:
    """A phase on brokers of its own, and its numbers. Where a law is broken, `folder` keeps what is needed to find out
    why."""
    with ExitStack() as stack:
        brokers: Any = stack.enter_context(Three() if plan.brokers == 3 else One())
        arena = stack.enter_context(Arena(brokers.bootstrap, plan, seed, brokers=brokers, folder=_emptied(folder)))
        arena.start()
        arena.torture()
        return _judged(arena, folder)


def flood_phase(seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """Ten times what the worker can do, for so long."""
    port = free_port()
    with One() as broker, Arena(broker.bootstrap, PLAN, seed, folder=_emptied(folder), http_port=port) as arena:
        found = flood(arena, port, seconds)
        numbers = _judged(arena, folder)
    return {
        **numbers,
        "ok": numbers["ok"] and found.bounded and found.lived and found.lag_max > 1000,
        **found._asdict(),
    }


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _judged(arena: Arena, folder: Path) -> dict[str, Any]:
    verdict = arena.verdict(arena.finish())
    if verdict.ok:
        arena.fleet.close()
        shutil.rmtree(folder)
    else:
        (folder / "report.txt").write_text(verdict.report())
        (folder / "records.msgpack").write_bytes(msgspec.msgpack.encode([tuple(one) for one in arena.all]))
    return {"phase": arena.plan.name, "ok": verdict.ok, **numbers_of(verdict, arena),
            "seconds": round(time.monotonic() - arena.began)}  # fmt: skip


def numbers_of(verdict: Verdict, arena: Arena) -> dict[str, int]:
    """The numbers that are asked for. `wrong` is everything that is neither lost nor repeated."""
    done = arena.wreckers.done
    lost = verdict.count(Kind.LOST, Kind.BEHIND)
    other_content = verdict.count(Kind.TWO_CONTENTS)
    return {
        "sent": verdict.counts["sent"],
        "accepted": verdict.counts["accepted"],
        "malformed": arena.load.malformed,
        "dead_letters": verdict.counts["dead_letters"],
        "alerts": verdict.counts["alerts"],
        "lost": lost,
        "wrong": len(verdict.findings) - lost - other_content,
        "duplicate_ids_same_content": verdict.counts["repeats"],
        "duplicate_ids_same_content_uncommitted": verdict.counts["repeats_uncommitted"],
        "duplicate_ids_other_content": other_content,
        "kills": done["kills"],
        "stops": done["stops"],
        "stops_at_the_worst_moment": sum(count for deed, count in done.items() if deed.startswith("worst ")),
        "rebalances": done["joins"] + done["leaves"],
        "broker_restarts": done["broker_restarts"],
        "late_to_leave": arena.fleet.late_to_leave,
    }


def campaign(totals: Totals, names: Sequence[str], seed: int, folder: Path) -> dict[str, Any]:
    """All phases. Gives the summary: sums, and the numbers of each phase."""
    began = time.monotonic()
    phases = []
    for plan in plans(totals, names):
        phases.append(one_phase(plan, seed, folder / f"{plan.name}-{seed}"))
        _tell(phases[-1], totals, seed, folder)
    if PLAN.name in names and totals.flood_seconds:
        phases.append(flood_phase(totals.flood_seconds, seed, folder / f"{PLAN.name}-{seed}"))
        _tell(phases[-1], totals, seed, folder)
    sums = {name: sum(phase[name] for phase in phases) for name in SUMMED}
    return {"ok": all(phase["ok"] for phase in phases), "seed": seed, **sums,
            "seconds": round(time.monotonic() - began), "phases": phases}  # fmt: skip


def _tell(phase: dict[str, Any], totals: Totals, seed: int, folder: Path) -> None:
    if not phase["ok"]:
        numbers = msgspec.structs.asdict(totals)
        arguments = " ".join(f"--{name.replace('_', '-')} {number}" for name, number in numbers.items())
        print(f"{phase['phase']} broke a law; its logs and records are in {folder}. To repeat it:")
        print(f"  .venv/bin/python -m tests.torture --seed {seed} {arguments} --phase {phase['phase']}")
