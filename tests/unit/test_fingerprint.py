"""Near copies have near fingerprints, strangers have not, and a fingerprint is the same everywhere."""

import subprocess
import sys
from hashlib import blake2b
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.fingerprint import NEAR_MAX, WORDS_MIN, distance, fingerprint, near
from pipeline.text.normalise import normalise
from pipeline.text.reading import Reader

READER = Reader()
TEXT = "The worst hotel in town, dirty rooms, rude staff and they refused to give our money back. Avoid this place!"


def of(text: str) -> str | None:
    """A text as the enrich agent sees it."""
    return fingerprint(READER.read(normalise(text)).words)


@pytest.mark.parametrize(
    "copy",
    [
        TEXT.upper(),
        f"@hotel @other {TEXT} http://t.co/abc",
        TEXT.replace("hotel", "place"),
        TEXT.replace("Avoid this place!", ""),
        f"Please read! {TEXT}",
        TEXT.replace(",", " !!!").replace(".", "..."),
        TEXT.replace("worst", "wooooorst"),
        TEXT.replace(" and", " &"),
    ],
    ids=["capitals", "handles and links", "a word", "the end", "the beginning", "punctuation", "drawn out", "and"],
)
def test_a_near_copy_is_near(copy: str) -> None:
    """Handles, links, case, punctuation and small edits do not hide a copy."""
    first, second = of(TEXT), of(copy)

    assert first is not None
    assert second is not None
    assert near(first, second)


def test_numbers_do_not_tell_copies_apart() -> None:
    """The same words with another order number are the same text."""
    first = of("my order 48113 never came and nobody answers me")

    assert first == of("my order 99 never came and nobody answers me")


@pytest.mark.parametrize(
    "other",
    [
        "The best hotel in town, clean rooms, friendly staff, and we got an upgrade for nothing. Come back soon!",
        "Waited forty minutes for a cold pizza and the waiter forgot our drinks, never again",
        "Flight delayed three hours, no word from the crew, my bag is lost",
    ],
)
def test_another_text_is_far(other: str) -> None:
    """Also one that speaks of the same thing: what two people say about a hotel is not one text."""
    first, second = of(TEXT), of(other)

    assert first is not None
    assert second is not None
    assert not near(first, second)


@pytest.mark.parametrize("text", ["", "thanks!", "@a @b @c @d @e @f @g", "thank you so much guys", "😡😡😡😡😡😡😡😡"])
def test_what_anybody_writes_has_none(text: str) -> None:
    """Two people who write "thank you so much" have not copied each other."""
    assert None is of(text)


def test_scripts_without_spaces() -> None:
    """A Chinese or Japanese sentence is one word to us, and has near copies all the same."""
    first = of("这家酒店很脏服务员态度也很差千万不要来")
    second = of("这家酒店很脏，服务员态度也很差，千万不要来！")
    other = of("航班取消了没有人告诉我们该怎么办行李也丢了")

    assert first is not None
    assert second is not None
    assert other is not None
    assert near(first, second)
    assert not near(first, other)


def test_it_is_the_same_in_every_process() -> None:
    """Python salts its own hash anew in each process; fingerprints of two workers must agree."""
    code = f"from pipeline.fingerprint import fingerprint; print(fingerprint({TEXT.split()!r}))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert fingerprint(TEXT.split()) == made.stdout.strip()


def test_it_is_written_as_it_ever_was() -> None:
    """Fingerprints are in logs and states: another way to make them is another version of the records."""
    assert "1cd6696c7789c2ac" == fingerprint(["the", "soup", "was", "cold", "and", "nobody", "cared"])


words = st.lists(
    st.sampled_from(["soup", "cold", "waiter", "rude", "table", "hour", "bill", "late", "fish"]), max_size=40
)


def counted(some: list[str]) -> str:
    """SimHash bit by bit: of the words, and of each pair (the first moved on by one bit, against the second)."""
    plain = [bin(int(blake2b(word.encode(), digest_size=8).hexdigest(), 16))[2:].zfill(64) for word in some]
    pairs = [[str(int(a != b)) for a, b in zip("0" + one, two, strict=False)] for one, two in pairwise(plain)]
    features = [*plain, *pairs]
    bits = "".join("1" if sum(f[place] == "1" for f in features) * 2 > len(features) else "0" for place in range(64))
    return f"{int(bits, 2):016x}"


@given(words.filter(lambda some: len(some) >= WORDS_MIN))
def test_one_long_integer_counts_as_well_as_64_short_ones(some: list[str]) -> None:
    """The way it is computed is quick; what it computes is SimHash."""
    assert counted(some) == fingerprint(some)


@settings(deadline=None)
@given(words | st.lists(st.text(min_size=1, max_size=12), max_size=150))
def test_any_words_have_an_answer(some: list[str]) -> None:
    """16 hex digits or none, twice the same, none where there is too little; no distance to itself."""
    found = fingerprint(some)

    assert found == fingerprint(some)
    if found is None:
        return
    assert len(some) >= WORDS_MIN or any(len(word) > 2 for word in some)
    assert 16 == len(found)
    assert 0 == distance(found, found)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_distance_counts_bits(first: int, second: int) -> None:
    """In both directions the same, and near up to the bound."""
    one, other = f"{first:016x}", f"{second:016x}"

    assert bin(first ^ second).count("1") == distance(one, other) == distance(other, one)
    assert near(one, other) == (distance(one, other) <= NEAR_MAX)


@pytest.mark.parametrize("count", [119, 120, 121, 200_000])
def test_the_longest_text_that_is_read(count: int) -> None:
    """What stands behind 120 words changes nothing, however much it is; no count of a bit runs over into the next."""
    same = ["same"] * count

    assert fingerprint(["same"] * 120) == fingerprint(same) or count < 120
    assert fingerprint([str(n) + "x" for n in range(count)]) is not None
