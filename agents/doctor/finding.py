"""What the doctor says: about what, how bad, what it is, what to do."""

from typing import Literal

import msgspec

Level = Literal["well", "warning", "wrong"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`what` is a sentence about the state of things; `do` one about what to do, empty where nothing is to be done."""

    check: str
    level: Level
    what: str
    do: str = ""


def well(check: str, what: str) -> Finding:
    """Nothing is to be done."""
    return Finding(check=check, level="well", what=what)


def warning(check: str, what: str, do: str) -> Finding:
    """It works, but somebody should look at it."""
    return Finding(check=check, level="warning", what=what, do=do)


def wrong(check: str, what: str, do: str) -> Finding:
    """It does not work, or loses something."""
    return Finding(check=check, level="wrong", what=what, do=do)


EXIT_CODES: dict[Level, int] = {"well": 0, "warning": 1, "wrong": 2}


def exit_code(findings: list[Finding]) -> int:
    """That of the worst of them."""
    return max((EXIT_CODES[finding.level] for finding in findings), default=0)
