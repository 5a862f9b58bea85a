"""`make evaluate`: how good understanding is, everything in one run, and what was wanted beside it.

    python -m tests.evaluation [NAME…] [--json]

Names: sentiment learned aspects authenticity language masking severe series cascades spreads answers detection cost
speed;
all of them if none is given. What needs data that is not there says so.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from tests.evaluation import (
    answers,
    aspects,
    authenticity,
    cascades,
    detection,
    detection_cost,
    language,
    learned,
    masking,
    nab,
    sentiment,
    severe,
    speed,
    spreads,
)

MEASURES: dict[str, Callable[[], dict[str, Any]]] = {
    "sentiment": sentiment.measure,
    "learned": learned.measure,
    "aspects": aspects.measure,
    "authenticity": authenticity.measure,
    "language": language.measure,
    "masking": masking.measure,
    "severe": severe.measure,
    "series": nab.measure,
    "cascades": cascades.measure,
    "spreads": spreads.measure,
    "answers": answers.measure,
    "detection": detection.measure,
    "cost": detection_cost.figures,
    "speed": speed.measure,
}


def wanted(found: dict[str, dict[str, Any]]) -> list[tuple[str, str, float, str]]:
    """Measure, what was wanted of it, what it is, what rivals reach on the same texts in the same run."""
    rows: list[tuple[str, str, float, str]] = []
    if "airline" in (one := found.get("sentiment", {})):
        ours, vader = one["airline"]["unseen"], one["airline"]["vader"]
        rows += [
            ("airline, macro F1 (untrained)", ">= 0.70", ours["macro_f1"], f"VADER {vader['macro_f1']:.3f}"),
            ("airline, F1 of negative", ">= 0.83", *_class(ours, vader, "negative")),
            ("airline, F1 of positive", "no worse than VADER", *_class(ours, vader, "positive")),
            ("airline, calibration error", "<= 0.05", ours["calibration_error"], f"VADER {vader['calibration_error']}"),
        ]
        ours, vader = one["tweeteval"]["unseen"], one["tweeteval"]["vader"]
        rows += [
            ("tweeteval, average recall", ">= 0.63", ours["average_recall"], f"VADER {vader['average_recall']:.3f}"),
            ("VADER's tweets, correlation", ">= 0.862", one["rated"]["care"], f"VADER {one['rated']['vader']:.3f}"),
        ]
    if "sentiment" in (one := found.get("learned", {})):
        for target, least, of in (("sentiment", ">= 0.73", "macro_f1"), ("aspect", ">= 0.66", "accuracy")):
            for group, by in one[target].items():
                rivals = ", ".join(
                    f"{name} {figures[of]:.3f}" for name, figures in by.items() if name != "model" and of in figures
                )
                rows.append((f"trained, {target}, {group} unseen, {of}", least, by["model"][of], rivals))
    if "airline" in (one := found.get("aspects", {})):
        by = one["airline"]
        rivals = f"most frequent {by['most_frequent']['accuracy']:.3f}, trained {by['trained']['accuracy']:.3f}"
        rows.append(("main aspect by taxonomy, accuracy", ">= 0.60", by["accuracy"], rivals))
    if "auc" in (one := found.get("authenticity", {})):
        rows += [
            (f"suspicion, AUC, {name}", ">= 0.85", auc, f"has a link {one['auc_has_a_link']:.3f}")
            for name, auc in one["auc"].items()
        ]
    for name, by in found.get("severe", {}).items():
        if name in severe.FILES:
            for of, least in (("precision", ">= 0.90"), ("recall", ">= 0.70")):
                rivals = f"words alone {by['words_alone'][of]:.3f}"
                rows.append((f"severe posts, {severe.FILES[name].stem}, {of}", least, by[of], rivals))
    if "best" in (one := found.get("series", {})):
        rivals = ", ".join(f"{name} {by['standard']:.1f}" for name, by in one["rivals"].items())
        rows.append(("series, NAB standard, one threshold", ">= 73, aim 87", one["best"]["standard"]["score"], rivals))
    for age, by in found.get("cascades", {}).get("ages", {}).items():
        least = {"3600": "<= 0.25", "21600": "<= 0.15"}.get(age, "")
        rivals = f"SEISMIC {by['seismic']['median_error']:.3f}, no further {by['no_further']['median_error']:.3f}"
        rows.append((f"cascades, median error after {age} s", least, by["unseen"]["median_error"], rivals))
    for tail, budgets in found.get("spreads", {}).get("small", {}).items():
        rows += [
            (
                f"cascades told, small ones, tail {tail}, budget {budget}",
                f"<= {by['share']:.3g}",
                by["alerts_a_month"],
                "",
            )
            for budget, by in budgets.items()
        ]
    for name in ("real", "polled"):
        for unit, by in found.get("spreads", {}).get(name, {}).items():
            rows.append((f"{by['alerted']} of 50 told, {name}, budget {unit}: repost", "", by["median_repost"], ""))
    rows += answers.rows(found.get("answers", {}))
    if one := found.get("detection", {}):
        rows += detection.rows(one)
    if one := found.get("cost", {}):
        rows += detection_cost.rows(detection_cost.Cost(**one))
    if one := found.get("speed", {}):
        rows.append(("enrich step, times VADER alone", "<= 1.5", one["enrich_ratio"], "VADER 1.0"))
    return rows


def _class(ours: dict[str, Any], vader: dict[str, Any], name: str) -> tuple[float, str]:
    return ours["class_f1"][name], f"VADER {vader['class_f1'][name]:.3f}"


def main() -> None:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*MEASURES, []], help="what to measure (default: everything)")
    parser.add_argument("--json", action="store_true", help="everything that was measured, as one JSON object")
    arguments = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    for name in arguments.names or MEASURES:
        print(f"measuring {name} …", file=sys.stderr)
        found[name] = MEASURES[name]()
    if arguments.json:
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    table = Table("measure", "wanted", "reached", "beside it, in the same run")
    for measure, least, reached, rivals in wanted(found):
        table.add_row(measure, least, f"{reached:.4g}", rivals)
    if table.row_count:
        Console(width=None if sys.stdout.isatty() else 140).print(table)
    for name, one in found.items():
        if "skipped" in one:
            print(f"{name}: {one['skipped']}")
    if not arguments.names:
        print("More of each, with the worst mistakes: python -m tests.evaluation.<name>")


if __name__ == "__main__":
    main()
