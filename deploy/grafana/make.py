"""Dashboards made from code: `python -m deploy.grafana.make` writes `dashboards/*.json`, `--check` says if they are
current.

The one rule: nobody edits the JSON. Grafana reads it from there (`provisioning/dashboards/cem.yml`).
"""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana import experience, health, response, unit

FOLDER = Path(__file__).parent / "dashboards"
TITLES = {
    "cem-experience": "Customer experience",
    "cem-response": "Alerts and response",
    "cem-unit": "One unit",
    "cem-health": "Service health",
}


def made() -> dict[Path, str]:
    """File -> JSON."""
    pages = (experience.page(TITLES), response.page(TITLES), unit.page(TITLES), health.page(TITLES))
    return {
        FOLDER / f"{page.uid.removeprefix('cem-')}.json": json.dumps(page.build(), cls=JSONEncoder, indent=1) + "\n"
        for page in pages
    }


def main() -> None:
    """Writes, or says what is stale."""
    files = made()
    if "--check" not in sys.argv:
        FOLDER.mkdir(exist_ok=True)
        for path, text in files.items():
            path.write_text(text)
        return
    stale = [path.name for path, text in files.items() if not path.exists() or path.read_text() != text]
    stale += [path.name for path in FOLDER.glob("*.json") if path not in files]
    if stale:
        sys.exit(f"{', '.join(stale)}: stale; run `make schemas`")


if __name__ == "__main__":
    main()
