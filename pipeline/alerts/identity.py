"""The identity of an alert: from the log alone, so that any replay gives the same.

The id names the unit and hashes what opened it: the cause, the insight that made the difference and how many alerts
the unit had before. It does not contain the offset in the log, as the first design said: repeats and ticks shift
offsets, and a replay of the input files could then never give the same id.
"""

from hashlib import blake2b


def alert_id(unit_id: str, cause: str, insight_id: str, ordinal: int) -> str:
    """`store-17-5f0c9a3be1d24c77`: at most 145 characters, fit for a key, a URL and PagerDuty's `dedup_key`."""
    digest = blake2b("\x1f".join((unit_id, cause, insight_id, str(ordinal))).encode(), digest_size=8)
    return f"{unit_id}-{digest.hexdigest()}"


def dedup_key(brand: str | None, unit_id: str, cause: str) -> str:
    """The same for all alerts of one unit and cause: `acme/store-17/surge`."""
    return "/".join(part for part in (brand, unit_id, cause) if part)
