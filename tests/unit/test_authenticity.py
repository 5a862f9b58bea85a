"""Who may be no customer is suspected, with reasons; a customer is not."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.authenticity import Reason, suspicion_of, together
from pipeline.text.normalise import normalise
from pipeline.text.reading import Reader
from pipeline.text.redaction import mask
from schemas.insight import Suspicion
from schemas.post import Author
from schemas.time import DAY_MS, HOUR_MS, Millis
from tests.evaluation.authenticity import auc, measure

NOW_MS = 20_000 * DAY_MS
READER = Reader()


def judged(text: str, **author: Any) -> Suspicion:
    """A text as the enrich agent sees it; `created_ms` is the age of the account."""
    masked = mask(normalise(text)).text
    if "created_ms" in author:
        author["created"] = Millis(NOW_MS - author.pop("created_ms"))
    writer = Author(id="1", **author) if author else None
    return suspicion_of(masked, READER.read(masked), writer, NOW_MS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Love this place! Please subscribe to my channel, I post daily vlogs", Reason.PROMOTION),
        ("check out my new mixtape, link in my bio", Reason.PROMOTION),
        ("Make money online from home, $500 a day, www.easy-cash.biz/?ref=77", Reason.OFFER),
        ("FREE gift card codes here http://adf.ly/x1", Reason.OFFER),
        ("I recovered my stolen funds through Mr Hayes, message him on Telegram", Reason.OFFER),
        ("please vote for me and help me reach 1000 followers", Reason.BEGGING),
        ("Great stuff, add me on WhatsApp, contact me for prices", Reason.CONTACT),
        ("#a #deal #sale #food #fun #cheap #now #go #win #love #tag #more www.shop.biz", Reason.HASHTAGS),
    ],
)
def test_what_is_no_opinion_of_a_customer(text: str, reason: Reason) -> None:
    """Advertising, money from strangers, begging and lists of tags are more likely than not no customer."""
    found = judged(text)

    assert found.score > 0.5
    assert reason in found.reasons


@pytest.mark.parametrize(
    "text",
    [
        "Refund or I'll leave one star",
        "Give me my money back or else you'll get a 1 star review",
        "I want a full refund, otherwise I will write bad reviews everywhere",
        "unless you refund me today I'm posting a one star review",
        "I will remove my review if you refund me",
        "5 stars if you give me a free dessert",
        "Free upgrade or I tell my 20,000 followers",
        "happy to post in exchange for a positive review",
        "if you don't compensate me I will leave a terrible review",
        "pay me or this goes viral with bad reviews",
    ],
)
def test_a_review_for_sale_is_extortion(text: str) -> None:
    """Something free, or the stars: that is not criticism."""
    found = judged(text)

    assert found.score > 0.5
    assert found.reasons[0] == Reason.EXTORTION


@pytest.mark.parametrize(
    "text",
    [
        "@shop please follow me back so that I can send you a DM",
        "@air on hold for two hours, call me at 212 555 0123 please",
        "I want a refund. One star.",
        "Refund still not here after 3 weeks, worst service ever",
        "They refused a refund so I left a one star review.",
        "Where can I leave a review? The waiter was great, five stars!",
        "If you don't refund me I will never shop here again",
        "WHY IS NOBODY ANSWERING THE PHONE",
        "@bank my account was hacked, please help me!",
        "@shop is the discount code still valid? It says expired",
        "thanks so much guys, you made my day http://t.co/abc",
        "check in was slow and the free wifi does not work",
        "@store I subscribed to your newsletter and got no coupon",
        "can somebody please email me, I cannot get to my page",
        "😡😡😡😡😡😡😡😡😡😡",
        "",
    ],
)
def test_customers_are_not_suspected(text: str) -> None:
    """Anger, links of photos, phone numbers and requests are what customers write."""
    assert judged(text).score <= 0.5


def test_an_account_made_yesterday_is_a_sign_and_no_proof() -> None:
    """New and empty accounts raise a suspicion that stays below its half, unless what they write raises it too."""
    new = judged("The soup was cold.", created_ms=HOUR_MS, followers=0)
    old = judged("The soup was cold.", created_ms=400 * DAY_MS, followers=80)
    spam = judged("Check this out", created_ms=HOUR_MS, followers=0)

    assert (Reason.NEW_ACCOUNT, Reason.EMPTY_ACCOUNT) == new.reasons
    assert 0.4 < new.score <= 0.55
    assert old == Suspicion()
    assert spam.score > new.score


def test_an_account_is_as_old_as_the_post() -> None:
    """The age counts at the time of the post, whenever it is read; an account of the future is a new one."""
    assert judged("hm", created_ms=8 * DAY_MS) == Suspicion()
    assert judged("hm", created_ms=3 * DAY_MS).score < judged("hm", created_ms=HOUR_MS).score
    assert judged("hm", created_ms=-DAY_MS) == judged("hm", created_ms=HOUR_MS)


def test_a_verified_account_is_nobodys_throw_away() -> None:
    """What the network has looked at is not new or empty."""
    assert judged("hm", created_ms=HOUR_MS, followers=0, verified=True) == Suspicion()


def test_signs_add_up_and_never_pass_one() -> None:
    """Two signs of a half are three quarters; the strongest reason comes first, each once."""
    found = together([(Reason.LINK, 0.5), (Reason.OFFER, 0.5), (Reason.OFFER, 0.2)])

    assert Suspicion(score=0.8, reasons=("link", "offer")) == found
    assert together([(Reason.LINK, 0.9)] * 50).score == 1.0


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.none() | st.integers(0, 10**9), st.none() | st.integers(0, 2 * NOW_MS))
def test_any_text_gets_an_answer(text: str, followers: int | None, created: int | None) -> None:
    """Whatever is written by whomever: from 0 to 1, reasons exactly if there is a suspicion, and twice the same."""
    author = Author(id="1", followers=followers, created=None if created is None else Millis(created))
    found = suspicion_of(text, READER.read(text), author, NOW_MS)

    assert 0.0 <= found.score <= 1.0
    assert bool(found.reasons) == (found.score > 0.0)
    assert set(found.reasons) <= set(Reason)
    assert found == suspicion_of(text, READER.read(text), author, NOW_MS)


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "😡" * 100_000, "שלום " * 20_000, "e\u0301\u0323\u0334" * 25_000, "#tag " * 500,
     "<b>&amp;</b>" * 9_000, "\x00\x07\ud800\uffff" * 1000, "win a free iphone www.x.com " * 4000, "a." * 50_000,
     "please " * 15_000, "refund or " * 10_000],
    ids=["one word", "emoji", "right to left", "zalgo", "tags", "HTML", "controls", "spam", "dots", "please", "or"],
)  # fmt: skip
def test_hostile_texts_are_fine(text: str) -> None:
    """Neither length nor script nor control characters do any harm."""
    assert 0.0 <= suspicion_of(text, READER.read(text), None, NOW_MS).score <= 1.0


def test_a_language_without_a_file_reads_the_default() -> None:
    """Advertising is in English everywhere."""
    text = "subscribe to my channel"
    reading = READER.read(text)

    for language in ("xx", "../en", "", "a" * 10_000):
        assert suspicion_of(text, reading, None, 0) == suspicion_of(text, reading, None, 0, language)


def test_auc_counts_pairs() -> None:
    """One half for chance, one for perfect order; a tie is half a pair."""
    assert auc(len, [("", False), ("a", False), ("a", True), ("ab", True)]) == 0.875
    assert auc(lambda _: 0.0, [("", False), ("a", True)]) == 0.5


def test_figures_on_real_texts() -> None:
    """Spam comments are told from honest ones, and fewer than one customer in a hundred is suspected."""
    found = measure()
    if "skipped" in found:
        pytest.skip(found["skipped"])

    assert found["auc_together"] >= 0.93
    assert found["suspected_honest"] <= 0.03
    assert max(found["suspected_customers"].values()) < 0.01
