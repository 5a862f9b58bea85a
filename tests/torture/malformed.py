"""Input as strangers send it: every kind of record that must become a dead letter, or must not, but stop nobody.

In: a random generator and a good post. Out: a topic's short name, a key and a value. What each becomes is decided by
the straight run, not here.
"""

from collections.abc import Callable
from random import Random

import msgspec

from schemas.codec import RECORD_BYTES_MAX, encode
from schemas.post import Post
from schemas.time import DAY_MS, Millis

Bad = tuple[str, bytes | None, bytes | None]
TOO_LARGE_SHARE = 1 / 500
"""Of the malformed: each is two MiB."""


def _moved(post: Post, days: int) -> bytes:
    return encode(msgspec.structs.replace(post, event_time=Millis(post.event_time + days * DAY_MS)))


def _with(post: Post, old: bytes, new: bytes) -> bytes:
    return encode(post).replace(old, new, 1)


def _action(random: Random, unit_id: str) -> bytes:
    return msgspec.json.encode(
        {"id": f"bad-{random.random()}", "alert_id": "none", "unit_id": unit_id, "action": "acknowledge",
         "actor": "nobody", "event_time": "2026-03-02T12:00:00Z"}
    )  # fmt: skip


KINDS: dict[str, Callable[[Random, Post], Bad]] = {
    "not JSON": lambda random, post: ("posts", b"k", encode(post)[: random.randrange(1, 60)]),
    "not UTF-8": lambda random, post: ("posts", b"k", _with(post, b'"id":"', b'"id":"\xff\xfe')),
    "empty": lambda random, post: ("feedback", b"k", b""),
    "tombstone": lambda random, post: (random.choice(("posts", "feedback", "actions", "erasures")), b"k", None),
    "array": lambda random, post: ("feedback", b"k", b"[]"),
    "missing field": lambda random, post: ("posts", b"k", b'{"id":"a","network":"x"}'),
    "wrong type": lambda random, post: ("posts", b"k", _with(post, b'"id":"', b'"id":7,"_":"')),
    "unknown version": lambda random, post: ("posts", b"k", _with(post, b'"1.0"', b'"9.0"')),
    "newer version, unknown field": lambda random, post: (
        "posts", post.thread.encode(), _with(post, b'"1.0"', b'"1.9","invented_later":{"a":[1]}')
    ),
    "older record, few fields": lambda random, post: (
        "posts", b"k", encode(Post(id=post.id, network=post.network, event_time=post.event_time))
    ),
    "unknown word": lambda random, post: ("posts", b"k", _with(post, b'"network":"', b'"network":"friendster')),
    "control character": lambda random, post: ("posts", b"k", _with(post, b'"id":"', b'"id":"\\u0000')),
    "future": lambda random, post: ("posts", b"k", _moved(post, 400)),
    "past": lambda random, post: ("posts", b"k", _moved(post, -400)),
    "no time": lambda random, post: ("posts", b"k", _with(post, b'"event_time":"', b'"event_time":"yesterday')),
    "nested deeply": lambda random, post: ("posts", b"k", b'{"id":' + b"[" * 100_000),
    "binary key": lambda random, post: ("posts", bytes(range(128, 200)), b"\x00\x01\x02"),
    "no key": lambda random, post: ("posts", None, b"{"),
    "very long text": lambda random, post: ("posts", b"k", encode(msgspec.structs.replace(post, text="x" * 60_000))),
    "action at no unit": lambda random, post: ("actions", b"k", _action(random, "no-such-unit")),
    "erasure of an author": lambda random, post: (
        "erasures", b"k", b'{"id":"e","author_id":"a","actor":"m","event_time":"2026-03-02T12:00:00Z"}'
    ),
}  # fmt: skip


def malformed(random: Random, post: Post) -> Bad:
    """One malformed record, of any kind. A new id for those that are well-formed after all."""
    if random.random() < TOO_LARGE_SHARE:
        return "posts", b"k", b'{"id":"' + b"x" * RECORD_BYTES_MAX
    stranger = msgspec.structs.replace(
        post, id=f"odd-{random.getrandbits(60):x}", kind="post", in_reply_to=None, root_id=None
    )
    return KINDS[random.choice([*KINDS])](random, stranger)
