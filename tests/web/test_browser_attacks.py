"""What strangers wrote, in a real browser: it is shown, and that is all."""

import re

import msgspec
import pytest
from playwright.sync_api import expect

from schemas.alert import Evidence
from schemas.text import StoredText
from tests.web.evening import BRAND, NOW
from tests.web.looking import NARROW, PHONE, SPREAD, Open
from tests.web.running import Running
from tests.web.world import alerts, make_alert, next_of

HOSTILE = (
    "<script>window.pwned = 1</script><img src=x onerror=\"window.pwned = 2\"><svg onload='window.pwned = 3'>",
    "</blockquote></main><style>body{display:none}</style><iframe srcdoc='<script>top.pwned=4</script>'></iframe>",
    "{{ 7 * 7 }} {% for x in ().__class__.__mro__ %}{{ x }}{% endfor %} ${7*7} #{7*7} <%= 7*7 %>",
    "evil \u202egnp.exe\u202c \u2066isolated\u2069 zero\u200bwidth \u2028 line\u0000 bell\u0007 tag\U000e0041",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031ealgo " * 3,
    "W" * 3000,
    "العربية: طعام سيئ جدا http://example.com/‏abc 123",
    "\n" * 500 + "much space",
)


def test_hostile_texts_are_only_shown(console: Running, opened: Open) -> None:
    """Scripts, markup, templates, direction overrides and endless words in posts, notes, names and addresses neither
    run nor break the page, on no page, at no width."""
    place = "castle-gate"
    unit = msgspec.structs.replace(
        console.model.directory.units[place], name='<b onclick="pwned=5">Castle</b>' + "N" * 90
    )
    alert = make_alert(
        place, "dead", severity=9, age=1, texts=len(HOSTILE), summary=HOSTILE[0] + HOSTILE[3] + "W" * 400,
        recommended=HOSTILE[1], ends_when=HOSTILE[2], labels={"department": "<i>dep</i>" + "D" * 80},
        detection={"method": "severe_phrase", "words": (HOSTILE[0], HOSTILE[3]), "aspects": ("<u>", "A" * 200)},
    )  # fmt: skip
    work = msgspec.structs.replace(
        alert.work, assignee='"><script>pwned=6</script>' + "M" * 200, customer_ref=HOSTILE[3]
    )
    alert = msgspec.structs.replace(alert, work=work)
    urls = ("javascript:window.pwned=7", "data:text/html,<script>pwned=8</script>", "https://user:pw@evil.example/",
            "https://good.example/a\"onmouseover=\"pwned=9", "//evil.example",
            "HTTPS://good.example/%00", "x" * 100)  # fmt: skip
    console.do(lambda: console.model.apply_unit(place, unit))
    for number, text in enumerate(HOSTILE):
        url = urls[number % len(urls)]
        console.text(StoredText(id=f"x:dead{number}", text=text, language='en"><x', url=url, event_time=NOW))
    page = opened("/", NARROW)
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    console.alert(alert)
    card = page.locator(f"#alert-{alert.alert_id}")
    expect(card).to_be_visible()
    for path in ("", "/", f"/alerts/{alert.alert_id}", f"/units/{place}", f"/units/{BRAND}", "/?show=finished"):
        if path:
            page.goto(console.url + path)
        assert page.evaluate("window.pwned") is None, path
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path
        assert 1 == page.evaluate("document.scripts.length"), path
        assert 0 == page.locator("iframe, style, svg[onload], img, main b[onclick]").count()
        assert 0 == page.evaluate(
            "document.querySelectorAll('[onerror], [onload], [onclick], [onmouseover], [style]').length"
        )
        shown = page.locator("body").inner_text()
        assert not re.search("[\u0000\u0007\u200b\u202a-\u202e\u2066-\u2069\U000e0041]", shown), path
    page.goto(f"{console.url}/alerts/{alert.alert_id}")
    assert "{{ 7 * 7 }}" in page.locator("#part-posts").inner_text()
    assert "49" not in page.locator("#part-posts").inner_text()
    links = page.locator("#part-posts a").evaluate_all("all => all.map(one => [one.protocol, one.rel, one.target])")
    assert links == [["https:", "noopener noreferrer nofollow", "_blank"]] * 2, "the two that are addresses"
    tall = page.locator("#part-posts blockquote").evaluate_all("all => Math.max(...all.map(one => one.offsetHeight))")
    assert tall < 1000, "five hundred line ends take no more room than a text"


def test_a_long_text_is_cut(console: Running, opened: Open) -> None:
    """Of 50,000 characters 500 are shown, the others on demand; none is lost."""
    text = ("Too long. " * 5000)[:50_000]
    [spread] = [one for one in alerts() if one.alert_id == SPREAD]
    console.alert(next_of(spread, evidence=(Evidence(post_id="x:long", network="x", author=None, text_ref="x:long"),)))
    console.text(StoredText(id="x:long", text=text, event_time=NOW))
    page = opened(f"/alerts/{SPREAD}")
    quote = page.locator("#part-posts blockquote")
    assert len(quote.inner_text()) < 600
    quote.get_by_text("Show all 50,000 characters").click()
    assert (
        quote.evaluate("one => [...one.querySelectorAll('bdi')].map(part => part.textContent).join('').length")
        == 49_999
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
