"""Another model and another taxonomy, as a user makes them: one learned by `cem train`, the other a file that extends a
shipped one.

In: a folder. Out: settings that put both in force, and what insights call them. The one rule: both are made by what
users have, so that the names in the dashboards are the names that users know.
"""

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import NamedTuple

from agents.taxonomies import read_taxonomy

INDUSTRY = "restaurant"
TEXT = "the soup was cold and the waiter was rude"
"""Speaks of something in the shipped taxonomy and in ours."""
_SAID = {
    "negative": ("rude and slow", "cold and dirty", "far too expensive"),
    "neutral": ("open until nine", "next to the station", "on the second floor"),
    "positive": ("wonderful and kind", "delicious and quick", "worth every cent"),
}
_TAXONOMY = f"""
name = "our_kitchens"
extends = "{INDUSTRY}"
[aspects.soup]
department = "kitchen"
phrases = ["soup*"]
"""


class Changed(NamedTuple):
    """`settings` for a worker; `model`, `taxonomy`: what its insights call them."""

    settings: dict[str, str]
    model: str
    taxonomy: str


def changed(folder: Path) -> Changed:
    """Both, made in the folder."""
    model, taxonomy = folder / "scene.model", folder / "ours.toml"
    taxonomy.write_text(_TAXONOMY)
    return Changed(
        settings={"model": str(model), "taxonomies": f"{INDUSTRY}={taxonomy}"},
        model=_trained(folder / "texts.csv", model),
        taxonomy=f"{INDUSTRY}={read_taxonomy(taxonomy).edition}",
    )


def _trained(texts: Path, model: Path) -> str:
    rows = [
        f"the {what} at {when} was {how},{label}"
        for label, judgements in _SAID.items()
        for how, what, when in product(judgements, ("food", "waiter", "table", "bar"), ("lunch", "dinner", "noon"))
    ]
    texts.write_text("\n".join(["text,label", *rows]))
    command = (sys.executable, "-m", "agents.cli", "train", str(texts), "--text", "text", "--label", "label")
    done = subprocess.run([*command, "--out", str(model), "--json"], check=True, capture_output=True, timeout=60)
    return str(json.loads(done.stdout)["model"])
