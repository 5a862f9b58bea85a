"""A backtest for people: tables on the terminal, and the plot of recall over false alerts."""

from collections.abc import Mapping

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipeline.evaluation.backtest import Backtest, Day, shares_budget
from pipeline.evaluation.plot import Plot, Series
from pipeline.evaluation.scoring import Figures, Spread

TOGETHER = {"budget": "within the budget", "all": "everything"}
COLUMNS = ("budget", "detector", "alerts", "a month", "a week")
TRUTH = ("false", "a month", "precision", "found", "recall", "posts", "minutes")
WIDTH_MAX = 240
"""Where nobody looks at a terminal no figure need be cut off; a table takes what it needs of it."""


def show(found: Backtest, budget_in_force: float) -> None:
    """Tables. The busiest days are those of the budget that is nearest to the one in force."""
    console = Console(width=None if Console().is_terminal else WIDTH_MAX)
    known = found.incidents is not None
    hidden = f", {found.incidents} incidents and {found.distractions} distractions hidden in it" if known else ""
    click.echo(
        f"{found.units} units, {found.starts[:10]} to {found.ends[:10]} ({found.days:g} days), {found.insights} "
        f"mentions, {found.complaints} complaints{hidden}"
    )
    table = Table(box=SIMPLE_HEAD)
    for number, name in enumerate((*COLUMNS, *(TRUTH if known else ()))):
        table.add_column(name, justify="left" if number == 1 else "right", no_wrap=True)
    for budget, by in found.budgets.items():
        detectors = [name for name in by if name not in TOGETHER]
        told = {"budget": sum(map(shares_budget, detectors)) > 1, "all": len(detectors) > 1}
        for name, figures in by.items():
            if told.get(name, True):
                apart = "" if shares_budget(name) else ", outside the budget"
                _add(table, budget, TOGETHER.get(name, name + apart), figures, known, style="bold")
        for rule in found.rules:
            if rule.budget is not None and f"{rule.budget:g}" == budget:
                _add(table, "", f"  {rule.rule} at {rule.threshold:g}", rule.figures, known, style="dim")
        table.add_section()
    for rule in found.rules:
        if rule.budget is None:
            usual = "" if rule.threshold is None else f" at {rule.threshold:g}"
            _add(table, "", rule.rule + usual, rule.figures, known, style=None)
    console.print(table)
    console.print("A month (30 days), a week: alerts per unit.", soft_wrap=True)
    if known:
        console.print(
            "Recall: of the detector's own kind of incidents; of a rule of thumb: of surges. Posts, minutes: from the "
            "start of an incident until it is found, the median and what nine of ten do not exceed.\n"
            "Indented: rules of thumb, tuned to no more false alerts than the surge detector has at this budget.",
            soft_wrap=True,
        )
    nearest = min(found.busiest, key=lambda budget: abs(float(budget) - budget_in_force))
    days = Table("day", "alerts", "units", "by detector", title=f"days with most alerts, budget {nearest}")
    for day in found.busiest[nearest]:
        days.add_row(day.day, str(day.alerts), str(day.units), _counts(day))
    console.print(days if days.row_count else f"no alerts at a budget of {nearest}")


def plot_of(found: Backtest, kinds: Mapping[str, str]) -> Plot:
    """Surges found over false alerts: ours by budget, each rule of thumb at the thresholds that were tried."""
    surge = next((name for name, kind in kinds.items() if kind == "surge"), "budget")
    budgets = list(found.budgets)
    ours = Series(
        name=f"Social CEM, budgets {budgets[0]} to {budgets[-1]}",
        points=tuple(point for by in found.budgets.values() for point in _point(by[surge])),
        line=True,
    )
    rules: dict[str, list[tuple[float, float]]] = {}
    for rule in found.rules:
        rules.setdefault(rule.rule, []).extend(_point(rule.figures))
    return Plot(
        title="Surges found over false alerts",
        subtitle=f"{found.units} units, {found.days:g} days, {found.incidents} incidents",
        x="false alerts per unit and 30 days",
        y="surges found",
        series=(ours, *(Series(name=name, points=tuple(points)) for name, points in rules.items())),
    )


def _point(figures: Figures) -> list[tuple[float, float]]:
    if figures.false_alerts_a_month is None or figures.recall is None:
        return []
    return [(figures.false_alerts_a_month, figures.recall)]


def _add(table: Table, budget: str, name: str, figures: Figures, known: bool, *, style: str | None) -> None:
    cells = [budget, name, str(figures.alerts), f"{figures.alerts_a_month:.4f}", f"{figures.alerts_a_week:.4f}"]
    if known:
        cells += [
            str(figures.false_alerts),
            f"{figures.false_alerts_a_month or 0.0:.4f}",
            _percent(figures.precision),
            f"{sum(figures.found.values())}/{sum(figures.planted.values())}",
            _percent(figures.recall),
            _spread(figures.delay_posts),
            _spread(figures.delay_minutes),
        ]
    table.add_row(*cells, style=style)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _spread(spread: Spread | None) -> str:
    return "" if spread is None else f"{spread.median:.0f} / {spread.p90:.0f}"


def _counts(day: Day) -> str:
    return ", ".join(f"{name} {count}" for name, count in day.detectors.items())
