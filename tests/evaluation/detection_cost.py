"""What detection costs: processor time per record over ten thousand units, and bytes per unit.

    python -m tests.evaluation.detection_cost [--units 10000] [--records 100000] [--json]

Units have 0.05 to 30 mentions an hour (log-uniform), a third of them complaints, and one in twenty of all records is a
repost. Fifty of them live for 60 days; the others are copies of these under names of their own, so that each state is
one that has lived. Then all units together get records, in turn as often as their rates say, through `Log.apply` with
ticks every ten minutes: what is measured is all that the unit agent does with a record but decoding it. Beside it, the
same records to an engine that has no detectors.
"""

import argparse
import time
from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Any, NamedTuple

import msgspec
import orjson

from pipeline.engine import Engine
from pipeline.evaluation.scenario import STARTS
from pipeline.evaluation.world.arrivals import arrivals
from pipeline.evaluation.world.rhythm import USUAL
from pipeline.log import Log
from pipeline.state import encode_state
from schemas.insight import Insight, Reach, Root, Sentiment
from schemas.time import DAY_MS, MINUTE_MS, Millis
from tests.evaluation.detection_life import complaint, tick

LIVES = 50
LIFE_DAYS = 60
RATES = (0.05, 30.0)
NEGATIVE = 1 / 3
REPOSTS = 1 / 20
TICK_MS = 10 * MINUTE_MS
POSITIVE = Sentiment(compound=0.6, label="positive", confidence=0.9, model="evaluation")


class Cost(NamedTuple):
    """`record_us`, `empty_us`: processor time per record with and without detectors.
    `state_bytes`: median, mean and largest."""

    units: int
    records: int
    record_us: float
    empty_us: float
    state_bytes: tuple[int, int, int]


def measure(units: int = 10_000, records: int = 100_000, seed: int = 1) -> Cost:
    """Lets units live, copies them, and plays records to all of them."""
    random = Random(seed)
    rates = [RATES[0] * (RATES[1] / RATES[0]) ** (place / (LIVES - 1)) for place in range(LIVES)]
    lived = [_lived(Random(f"{seed} {place}"), rate) for place, rate in enumerate(rates)]
    log, empty = Log(Engine()), Log(_without_detectors())
    sizes = []
    for number in range(units):
        state = encode_state(msgspec.structs.replace(lived[number % LIVES], unit_id=f"unit-{number}"))
        sizes.append(len(state))
        log.load(state)
    chosen = random.choices(range(units), [rates[number % LIVES] for number in range(units)], k=records)
    begin = STARTS + LIFE_DAYS * DAY_MS
    gap_ms = max(1, round(3_600_000 / sum(rates[number % LIVES] for number in range(units))))
    played = [_record(random, f"unit-{unit}", place, begin + place * gap_ms) for place, unit in enumerate(chosen)]
    return Cost(
        units=units,
        records=records,
        record_us=_played(log, played),
        empty_us=_played(empty, played),
        state_bytes=(round(median(sizes)), round(sum(sizes) / len(sizes)), max(sizes)),
    )


def figures() -> dict[str, Any]:
    """All figures, at full size."""
    return measure()._asdict()


def rows(cost: Cost) -> list[tuple[str, str, float, str]]:
    """For `make evaluate`: measure, wanted, reached, beside it."""
    middle, mean, largest = cost.state_bytes
    return [
        (f"detectors, µs a record, {cost.units:,} units", "", cost.record_us, f"{cost.empty_us:.1f} without"),
        ("state of a unit, bytes, median", "< 2048", float(middle), f"mean {mean}, largest {largest}"),
    ]


def _lived(random: Random, rate: float) -> Any:
    log = Log(Engine())
    ticked = int(STARTS)
    hours = LIFE_DAYS * 24
    life = arrivals(random, rate=rate * NEGATIVE, dispersion=1.5, starts=STARTS, hours=hours, rhythm=USUAL)
    for place, (moment, _) in enumerate(life):
        if ticked + TICK_MS <= moment:
            ticked = moment // TICK_MS * TICK_MS
            log.apply(tick(ticked))
        log.apply(complaint("unit", f"x:{place}", moment, f"hmac:{random.getrandbits(128):032x}"))
    log.apply(tick(STARTS + LIFE_DAYS * DAY_MS))
    return log.units["unit"]


def _without_detectors() -> Engine:
    engine = Engine()
    engine.detectors = ()
    return engine


def _record(random: Random, unit_id: str, place: int, moment: int) -> Insight:
    insight = complaint(unit_id, f"x:r{place}", moment, f"hmac:{random.getrandbits(128):032x}")
    kind = random.random()
    if kind < REPOSTS:
        root = Root(event_time=Millis(moment - 60_000), label="negative", followers=200)
        return msgspec.structs.replace(
            insight, kind="repost", thread=f"x:root-{unit_id}", root=root, reach=Reach(followers=200)
        )
    return insight if kind < REPOSTS + NEGATIVE else msgspec.structs.replace(insight, sentiment=POSITIVE)


def _played(log: Log, records: Sequence[Insight]) -> float:
    ticked = int(records[0].event_time)
    spent = 0.0
    for record in records:
        if ticked + TICK_MS <= record.event_time:
            ticked += TICK_MS
            log.apply(tick(ticked))
        started = time.process_time()
        log.apply(record)
        spent += time.process_time() - started
    return spent / len(records) * 1e6


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--units", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    cost = measure(given.units, given.records)
    if given.json:
        print(orjson.dumps(cost._asdict()).decode())
    else:
        for name, wanted, reached, beside in rows(cost):
            print(f"{name:60} {wanted:10} {reached:10.1f}  {beside}")


if __name__ == "__main__":
    main()
