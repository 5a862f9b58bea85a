"""An author's name says nothing without the key, and is always the same with it."""

import hashlib
import hmac
from itertools import pairwise

import pytest

from pipeline.text.pseudonym import Pseudonyms

KEY = b"0123456789abcdef"


def test_same_author_same_name() -> None:
    """A restart with the same key knows everybody again."""
    assert Pseudonyms(KEY).author("x", "42") == Pseudonyms(KEY).author("x", "42")


def test_form() -> None:
    """`hmac:` and 32 hex digits, whatever the id looks like."""
    for author_id in ("42", "", "a" * 10_000, "ünïcödé \U0001f600", "\ud800"):
        kind, _, digits = Pseudonyms(KEY).author("x", author_id).partition(":")

        assert (kind, len(digits)) == ("hmac", 32)
        assert set(digits) <= set("0123456789abcdef")


def test_anybody_with_the_key_can_compute_it() -> None:
    """It is the plain HMAC-SHA256 of the network's length, network and id, cut to half."""
    expected = hmac.new(KEY, b"8:mastodon:ana@example", hashlib.sha256).hexdigest()[:32]

    assert f"hmac:{expected}" == Pseudonyms(KEY).author("mastodon", "ana@example")


def test_other_key_other_name() -> None:
    """Two companies cannot find out that they have the same customer."""
    assert Pseudonyms(KEY).author("x", "42") != Pseudonyms(KEY[::-1]).author("x", "42")


def test_networks_and_ids_do_not_run_together() -> None:
    """Where the network ends and the id begins cannot be shifted, whatever characters an id has."""
    pairs = [
        ("x", "y:1"),
        ("x:y", "1"),
        ("x", "y1"),
        ("xy", "1"),
        ("", "xy1"),
        ("x\0", "y"),
        ("x", "\0y"),
        ("1:x", "a"),
    ]
    names = sorted(Pseudonyms(KEY).author(*pair) for pair in pairs)

    assert all(one != other for one, other in pairwise(names))


def test_a_full_cache_forgets_nobody() -> None:
    """What fell out of the cache is computed again, to the same name."""
    pseudonyms = Pseudonyms(KEY)
    first = pseudonyms.author("x", "0")
    for number in range(20_000):
        pseudonyms.author("x", str(number))

    assert first == pseudonyms.author("x", "0")


def test_a_short_key_is_refused() -> None:
    """A key that can be guessed protects nobody; the message says what to do and not what the key was."""
    with pytest.raises(ValueError, match=r"6 bytes.*at least 16.*openssl rand -hex 32") as error:
        Pseudonyms(b"secret")

    assert "secret" not in str(error.value)
