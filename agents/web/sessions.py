"""Sessions of people who typed in a token, and what proves that a form came from our own page.

In: the secret `web_secret`; a token's id. Out: the value of a cookie, and what it says if it is ours; CSRF tokens. The
one rule: nothing is kept here. A cookie says only which token it stands for, until when, and a random number, all
signed (HMAC-SHA256); the token is looked up again at each request, so that a revoked one ends its sessions at once.
Source of the CSRF method: OWASP's signed double submit, bound to the session.
"""

import hmac
import re
import secrets
from typing import Final, NamedTuple

SESSION_SECONDS: Final = 12 * 3600
_FORM: Final = re.compile(r"([0-9a-f]{12})\.([0-9]{1,12})\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})\Z", re.ASCII)


class Session(NamedTuple):
    """`expires_s`: seconds since 1970. `nonce`: new at each login, so that no session is ever another one's."""

    token_id: str
    expires_s: int
    nonce: str

    @property
    def binding(self) -> str:
        """What a CSRF token of this session is bound to."""
        return f"session|{self.token_id}|{self.nonce}"


class Signer:
    """Two keys come from one secret, so that a signature for one purpose is none for the other."""

    def __init__(self, secret: str) -> None:
        self._session_key = _mac(secret.encode(), "cem session")
        self._csrf_key = _mac(secret.encode(), "cem csrf")

    def issue(self, token_id: str, now_s: float, expires_s: float) -> tuple[str, Session]:
        """A new session: the cookie's value, and what it says. It ends with its token, or after half a day."""
        session = Session(token_id, int(min(now_s + SESSION_SECONDS, expires_s)), secrets.token_urlsafe(16))
        said = f"{session.token_id}.{session.expires_s}.{session.nonce}"
        return f"{said}.{_mac(self._session_key, said).hex()}", session

    def read(self, value: str, now_s: float) -> Session | None:
        """What a cookie says; None if it is not ours or has ended."""
        matched = _FORM.match(value)
        if matched is None:
            return None
        said, _, signature = value.rpartition(".")
        if not hmac.compare_digest(_mac(self._session_key, said).hex(), signature):
            return None
        session = Session(matched[1], int(matched[2]), matched[3])
        return session if now_s < session.expires_s else None

    def csrf(self, binding: str) -> str:
        """The CSRF token of a session, or of a person whom the proxy names."""
        return _mac(self._csrf_key, binding).hex()

    def is_csrf(self, shown: str, binding: str) -> bool:
        """Whether a CSRF token belongs to it. In constant time."""
        return hmac.compare_digest(self.csrf(binding).encode(), shown.encode("utf-8", "replace"))


def _mac(key: bytes, said: str) -> bytes:
    return hmac.digest(key, said.encode(), "sha256")
