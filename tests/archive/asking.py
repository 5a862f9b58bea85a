"""What an archive that runs as a process answers on its port. In: its supervisor. Out: texts."""

import re
import time
import urllib.error
import urllib.request

from agents.supervisor import Supervisor

ANSWER_SECONDS_MAX = 30.0


def get(archive: Supervisor, path: str) -> str:
    """The page, whatever its status is; nothing while there is none."""
    found = re.search(r'"http_port":(\d+)', archive.log_tail(1000))
    if not found:
        return ""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError as error:  # it has ended
        return f"{error}; {archive.log_tail()}"


def ready_says(archive: Supervisor, wanted: str) -> bool:
    """Whether /ready answers what is wanted, sooner or later."""
    text, deadline = "", time.monotonic() + ANSWER_SECONDS_MAX
    while time.monotonic() < deadline:
        text = get(archive, "ready")
        if wanted in text:
            return True
        time.sleep(0.05)
    print(text)
    return False


def lag_becomes(archive: Supervisor, wanted: float) -> bool:
    """Whether /metrics tells this lag over all partitions, sooner or later."""
    total, deadline = -1.0, time.monotonic() + ANSWER_SECONDS_MAX
    while time.monotonic() < deadline:
        lags = re.findall(r"^cem_archive_lag_records\{.*\} (\S+)", get(archive, "metrics"), re.MULTILINE)
        total = sum(map(float, lags))
        if lags and total == wanted:
            return True
        time.sleep(0.1)
    print(total)
    return False
