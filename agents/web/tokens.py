"""Tokens of `cem tokens`: how they are made, written down and recognised.

In: random bytes, or what somebody shows. Out: the token, its record; or the record that it belongs to. The one rule:
the token itself is nowhere kept; what is kept is its SHA-256, compared in constant time.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from agents.web.access import Viewer
from schemas.token import Token

ID_BYTES: Final = 6
SECRET_BYTES: Final = 32
_FORM: Final = re.compile(r"cem_([0-9a-f]{12})_[A-Za-z0-9_-]{43}\Z")


def new_token() -> tuple[str, str]:
    """A token and its id: `cem_5f0c9a3be1d2_…`."""
    identity = secrets.token_hex(ID_BYTES)
    return f"cem_{identity}_{secrets.token_urlsafe(SECRET_BYTES)}", identity


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


def recognised(shown: str, find: Callable[[str], Token | None], now_ms: int) -> Token | None:
    """The record of a token that counts now; None for anything else."""
    matched = _FORM.match(shown)
    token = find(matched[1]) if matched else None
    known = token.hash if token is not None else hash_of("")
    same = hmac.compare_digest(hash_of(shown), known)
    return token if token is not None and same and counts(token, now_ms) else None


def counts(token: Token, now_ms: int) -> bool:
    """Whether a token is neither revoked nor expired."""
    return token.revoked_at is None and now_ms < token.expires_at


def viewer_of_token(token: Token) -> Viewer:
    """Who shows this token."""
    return Viewer(token.name or token.id, token.role, token.unit_id, token.department)
