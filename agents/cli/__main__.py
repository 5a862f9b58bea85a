"""`python -m agents.cli` is `cem`."""

from agents.cli import main

main()
