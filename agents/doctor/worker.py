"""Is each worker that we were told of ready?"""

from collections.abc import Iterator
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from agents.doctor.finding import Finding, warning, well, wrong
from agents.doctor.patient import Patient

ANSWER_SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 200


def check(patient: Patient) -> Iterator[Finding]:
    """Asks `/ready` of every address in `workers`."""
    for address in patient.workers:
        yield _ask(address.rstrip("/"))


def _ask(address: str) -> Finding:
    try:
        with urlopen(Request(f"{address}/ready"), timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310 - http checked
            answer.read(ANSWER_BYTES_MAX)
    except HTTPError as error:
        why = error.read(ANSWER_BYTES_MAX).decode("utf-8", "replace").strip()
        if error.code == 503:
            return warning("worker", f"{address} is not ready: {why}", "some seconds after a start this is normal")
        return wrong("worker", f"{address} answers {error.code}", "is this the address of a worker (CEM_HTTP_PORT)?")
    except (URLError, HTTPException, OSError, ValueError) as error:  # somebody else may be there, who speaks no HTTP
        reason = getattr(error, "reason", error)
        return wrong("worker", f"{address} does not answer: {reason}", "does it run, and may it be reached from here?")
    return well("worker", f"{address} is ready")
