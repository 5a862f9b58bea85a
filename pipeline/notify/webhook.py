"""A message for a machine, signed. In: a Message and one or two secrets. Out: an HTTP request.

The form is Standard Webhooks 1.0 (standardwebhooks.com): `webhook-id` stays over all tries, `webhook-timestamp` is that
of this try, `webhook-signature` is HMAC-SHA256 over `id.timestamp.body` by each secret: while a secret is replaced,
receivers may know either. The one rule: the alert is the record of `cem.alerts`, without its evidence.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from pipeline.notify.message import Message, Part, Post, link
from schemas.codec import encode_hook
from schemas.time import format_time

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what a secret begins with
SECRET_BYTES_MIN: Final = 16
SECRET_BYTES_MAX: Final = 128

_encoder = msgspec.json.Encoder(enc_hook=encode_hook)


def key_of(secret: str) -> bytes:
    """`whsec_` and base64 -> the key. Raises ValueError without saying what the secret is."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is no base64") from None
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise ValueError(f"has {len(key)} bytes; {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} are wanted")
    return key


def request(message: Message, url: str, keys: Sequence[bytes], web_url: str, now_s: int) -> Post:
    """`now_s`: the time of this try, seconds since the epoch."""
    body = body_of(message, web_url)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(now_s),
    }
    if keys:
        headers["webhook-signature"] = " ".join(_signature(key, message.id, now_s, body) for key in keys)
    return Post(url=url, headers=headers, body=body)


def body_of(message: Message, web_url: str) -> bytes:
    """The same message gives the same bytes."""
    alone = message.parts[0].alert.change if len(message.parts) == 1 else None
    kind = "cem.test" if message.test else f"cem.alert.{alone}" if alone else "cem.alerts"
    data = {"recipient": message.recipient, "alerts": [_part(part, web_url) for part in message.parts]}
    return _encoder.encode({"type": kind, "timestamp": format_time(message.made_at), "data": data})


def _part(part: Part, web_url: str) -> dict[str, Any]:
    return {
        "url": link(web_url, part.alert),
        "changes": part.changes,
        "changes_left_out": part.changes_left_out,
        "alert": part.alert,
    }


def _signature(key: bytes, message_id: str, now_s: int, body: bytes) -> str:
    digest = hmac.digest(key, f"{message_id}.{now_s}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
