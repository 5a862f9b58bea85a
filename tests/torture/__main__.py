"""`python -m tests.torture`: the long campaign. Writes its summary; exit code 1 if a law was broken."""

import argparse
import json
import sys
from pathlib import Path

import msgspec

from tests.torture.campaign import BUILD, PHASES, Totals, campaign


def main() -> int:
    """Runs a campaign as told."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    for name, number in msgspec.structs.asdict(Totals()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=number, help=f"default {number}")
    parser.add_argument("--seed", type=int, default=1, help="decides who is hurt and when; default 1")
    parser.add_argument("--phase", action="append", choices=PHASES, help="only this one; may be given again")
    parser.add_argument("--out", type=Path, default=BUILD / "torture.json", help="default build/torture.json")
    given = parser.parse_args()
    totals = Totals(**{name: getattr(given, name) for name in Totals.__struct_fields__})
    summary = campaign(totals, given.phase or PHASES, given.seed, BUILD / "torture")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps({name: value for name, value in summary.items() if name != "phases"}, indent=2))
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
