"""Crash only: what cannot be handled ends the process at once. The supervisor starts it again, and the delivery
layer goes on from the last checkpoint.

No `finally`, no flush, no commit runs after that: a half-done step must not look done.
"""

import logging
import os
import sys
import traceback
from typing import NoReturn

from agents.logs import is_configured

_log = logging.getLogger("cem.crash")

EXIT_CRASH = 70
"""Exit code of a worker that ended itself (EX_SOFTWARE of sysexits.h)."""


def die(why: str, error: BaseException | None = None) -> NoReturn:
    """Ends the process, with the reason on standard error (the real one: Faust replaces `sys.stderr`)."""
    if is_configured():
        _log.critical("ending the process", extra={"why": why}, exc_info=error)
    else:
        if error is not None:
            traceback.print_exception(error, file=sys.__stderr__)
        print(f"cem: ending the process: {why}", file=sys.__stderr__, flush=True)
    os._exit(EXIT_CRASH)
