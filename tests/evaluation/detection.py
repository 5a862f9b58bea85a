"""How few false alerts there are, and how soon incidents are noticed: ours beside rules of thumb that are tuned to as
many false alerts on the same histories.

    python -m tests.evaluation.detection [--quick] [--json] [--units N] [--days N] [--budgets 0.1,0.0075]
                                         [--dispersions 1,1.5,2] [--plantings N] [--grouped] [--processes N]

1,000 units over 90 days, a quarter each with a mean of 0.05, 0.2, 1 and 3 complaining people an hour, half of each with
the rhythm of day and week and half without; all of it for hourly counts whose variance is 1.0, 1.5 and 2 times their
mean. Nothing happens to them, so each alert is a false one; the first days of each are counted too.

Into copies of each unit, at some moment between day 30 and the end, incidents of 3 to 20 distinct people within an hour
are planted. `recall`: the share of which an alert opened or grew before an hour after the last post. A rule of thumb
gets the lowest threshold with which it has no more false alerts than ours, over all units of a dispersion (`here`: over
those of this mean, as if it were tuned for them alone; `across`: over all dispersions together, because who sets a rule
does not know how his counts scatter); `won` and `lost`: the incidents that only one of the two found.
"""

import argparse
import sys
from collections.abc import Sequence
from multiprocessing import Pool
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.evaluation.detection_figures import RATES, figures, tuned_across, worse
from tests.evaluation.detection_life import Part
from tests.evaluation.detection_play import Seen, play

DISPERSIONS = (1.0, 1.5, 2.0)
BUDGETS = (0.1, 0.0075)
UNITS, DAYS, PLANTINGS = 1000, 90, 1
PART_UNITS = 25
QUICK = {"units": 60, "days": 30, "dispersions": (1.5,), "budgets": (0.1,), "plantings": 2, "processes": 1}
"""What CI can afford."""


def measure(
    *,
    units: int = UNITS,
    days: int = DAYS,
    dispersions: Sequence[float] = DISPERSIONS,
    budgets: Sequence[float] = BUDGETS,
    plantings: int = PLANTINGS,
    processes: int = 2,
    grouped: bool = False,
    seed: int = 1,
) -> dict[str, Any]:
    """All figures, by dispersion."""
    parts = _parts(units, days, dispersions, tuple(budgets), plantings, grouped, seed)
    played = _played(parts, processes)
    found: dict[str, Any] = {"units": units, "days": days, "budgets": list(budgets), "dispersions": {}}
    across = {budget: tuned_across(played, budget) for budget in budgets}
    for dispersion in sorted(dispersions):
        seen = [one for one in played if one.part.dispersion == dispersion]
        found["dispersions"][f"{dispersion:g}"] = {
            f"{budget:g}": figures(seen, budget, across[budget]) for budget in budgets
        }
    return found


def _parts(
    units: int,
    days: int,
    dispersions: Sequence[float],
    budgets: tuple[float, ...],
    plantings: int,
    grouped: bool,
    seed: int,
) -> list[Part]:
    """The longest first."""
    parts = []
    for dispersion in dispersions:
        for rate in RATES:
            of_rate = units // len(RATES)
            step = min(PART_UNITS, -(-of_rate // 2))
            for number, first in enumerate(range(0, of_rate, step)):
                count = min(step, of_rate - first)
                rhythm = bool(number % 2)
                parts.append(Part(dispersion, rate, first, count, days, rhythm, grouped, budgets, plantings, seed))
    return sorted(parts, key=lambda part: -part.rate)


def _played(parts: list[Part], processes: int) -> list[Seen]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    played = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("living and planting", total=sum(_work(part) for part in parts))
        if processes == 1:
            for part in parts:
                played.append(play(part))
                progress.advance(bar, _work(part))
            return played
        with Pool(processes) as pool:
            for one in pool.imap_unordered(play, parts):
                played.append(one)
                progress.advance(bar, _work(one.part))
    return played


def _work(part: Part) -> float:
    return (part.rate + 0.2) * part.units


def rows(found: dict[str, Any]) -> list[tuple[str, str, float, str]]:
    """For `make evaluate`: measure, wanted, reached, beside it."""
    shown: list[tuple[str, str, float, str]] = []
    behind = worse(found)
    for dispersion, by_budget in found["dispersions"].items():
        for budget, one in by_budget.items():
            of = f"variance {dispersion} x mean, budget {budget}"
            cells = one["cells"]
            shown.append((f"false alerts per unit and 30 days, {of}", f"<= {budget}", one["a_month"], ""))
            least = min((cell for cell in cells if cell["size"] == 10 and cell["rate"] <= 0.2), key=_recall)
            best = ", ".join(f"{name} {rule['recall']:.3f}" for name, rule in least["rules"].items())
            aim = ">= 0.95" if budget == "0.1" else ""
            shown.append((f"recall, 10 people, mean <= 0.2, {of}", aim, least["recall"], best))
            ahead = {one[2:4] for one in behind if one[:2] == (dispersion, budget)}
            sure = {one[2:4] for one in behind if one[:2] == (dispersion, budget) and one[-1]}
            beside = f"{len(sure)} beyond chance; {_equal(cells)} as good; "
            beside += f"{_ahead(cells, 'here')} if tuned for a mean alone, "
            beside += f"{_ahead(cells, 'across')} if for all dispersions together"
            shown.append((f"cells of {len(cells)} with a better rule, {of}", "0", float(len(ahead)), beside))
    return shown


def _equal(cells: Sequence[dict[str, Any]]) -> int:
    """In how many the best rule finds as much as we do, and it is neither nothing nor all."""
    best = [(cell["recall"], max(rule["recall"] for rule in cell["rules"].values())) for cell in cells]
    return sum(ours == theirs and 0.0 < ours < 1.0 for ours, theirs in best)


def _ahead(cells: Sequence[dict[str, Any]], tuned_for: str) -> int:
    """In how many a rule finds more that is tuned to our false alerts in this other way."""
    return sum(max(rule[tuned_for] for rule in cell["rules"].values()) > cell["recall"] for cell in cells)


def _recall(cell: dict[str, Any]) -> float:
    return float(cell["recall"])


def show(found: dict[str, Any], console: Console) -> None:
    """Tables: false alerts by mean and window, recall and delay by mean and size."""
    for dispersion, by_budget in found["dispersions"].items():
        for budget, one in by_budget.items():
            console.print(
                f"\n[bold]variance {dispersion} x mean, budget {budget}[/]: {one['false_alerts']} false alerts, "
                f"{one['a_month']:.4f} per unit and 30 days; in the first week of a unit {one['first_week_a_month']}; "
                f"by mean {one['by_rate']}; {one['by_rhythm']}; {one['by_detector']}; {one['came_back']} came back"
            )
            console.print(_false_alerts(one))
            console.print(_cells(one))
    for dispersion, budget, rate, size, name, ours, theirs, sure in worse(found):
        chance = "beyond chance" if sure else "within chance"
        console.print(
            f"variance {dispersion}, budget {budget}, mean {rate:g}, {size} people: {name} {theirs:.3f}, "
            f"ours {ours:.3f}, {chance}"
        )


def _false_alerts(one: dict[str, Any]) -> Table:
    table = Table("window, s", "all", *(f"mean {rate:g}/h" for rate in RATES), title="false alerts")
    for window_s, counts in one["by_window_s"].items():
        table.add_row(window_s, *(str(count) for count in counts.values()))
    for name, rule in one["rules"].items():
        by_rate = rule["by_rate"].values()
        table.add_row(f"{name} at {rule['threshold']:g}", str(sum(by_rate)), *map(str, by_rate))
        table.add_row(f"{name} at {rule['across']:g}, as for all dispersions", str(rule["across_false"]))
    return table


def _cells(one: dict[str, Any]) -> Table:
    columns = ("mean/h", "people", "recall", "posts", "minutes", *(f"{name}; here; across" for name in one["rules"]))
    table = Table(*columns, title="incidents within an hour")
    for cell in one["cells"]:
        rules = cell["rules"].values()
        behind = max(rule["recall"] for rule in rules) > cell["recall"]
        table.add_row(
            f"{cell['rate']:g}",
            str(cell["size"]),
            f"[{'red' if behind else 'green'}]{cell['recall']:.3f}[/]",
            _pair(cell["posts"]),
            _pair(cell["minutes"]),
            *(f"{rule['recall']:.2f}; {rule['here']:.2f}; {rule['across']:.2f}" for rule in rules),
        )
    return table


def _pair(spread: list[float] | None) -> str:
    return "" if spread is None else f"{spread[0]:g} / {spread[1]:g}"


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="60 units over 30 days, one dispersion, one budget")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--grouped", action="store_true", help="the directory says what is usual at such units")
    for name in ("units", "days", "plantings", "processes", "seed"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("budgets", "dispersions"):
        parser.add_argument(f"--{name}", type=lambda text: tuple(float(one) for one in text.split(",")))
    given = vars(parser.parse_args())
    quick, as_json = given.pop("quick"), given.pop("json")
    options: dict[str, Any] = {
        **(QUICK if quick else {}),
        **{key: one for key, one in given.items() if one is not None},
    }
    found = measure(**options)
    if as_json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    show(found, Console(width=None if sys.stdout.isatty() else 140))


if __name__ == "__main__":
    main()
