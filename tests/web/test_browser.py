"""Every page in a real, headless Chromium, on a phone and on a desk: for screen readers, for fingers, for the eye."""

from pathlib import Path

import axe_core_python
import pytest
from playwright.sync_api import expect

from tests.web.evening import BRAND
from tests.web.looking import DESK, ILLNESS, NARROW, PHONE, RESOLVED, SPREAD, SURGE, Open, unfold
from tests.web.running import Running
from tests.web.world import make_alert

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text("utf-8")
PAGES = (
    "/", "/?show=finished", "/?show=snoozed&unit=south", f"/alerts/{ILLNESS}", f"/alerts/{SURGE}", f"/alerts/{SPREAD}",
    f"/alerts/{RESOLVED}", "/unrouted", f"/units/{BRAND}", "/units/mill-lane", "/alerts/none-such", "/login",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_nothing_serious_stands_in_the_way_of_a_screen_reader(path: str, opened: Open) -> None:
    """axe finds nothing serious or critical, light or dark, on a phone or on a desk, with all forms unfolded."""
    page = opened(path)
    unfold(page)
    page.evaluate(AXE)
    for size, scheme, rules in ((PHONE, "light", None), (DESK, "dark", ["color-contrast"])):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
        found = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"], **only})
        serious = [
            (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0]["any"][:1])
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], (size, scheme)


@pytest.mark.parametrize("path", PAGES)
def test_fits_every_width(path: str, opened: Open) -> None:
    """No page is wider than the window; whatever is tapped is 44 pixels high."""
    page = opened(path)
    for size in (NARROW, PHONE, {"width": 800, "height": 900}, DESK):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], size
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    unfold(page)
    small = page.evaluate(
        """[...document.querySelectorAll(`button, summary, select, input:not([type=hidden]), textarea, .tabs a,
           .segments a, a.button`)].filter(one => one.offsetParent && one.getBoundingClientRect().height < 44)
           .map(one => one.outerHTML.slice(0, 120))"""
    )
    assert small == []


def test_times_are_those_of_the_unit(opened: Open) -> None:
    """A time is shown by the unit's own clock, its zone's name is in the title."""
    page = opened(f"/alerts/{SPREAD}")
    assert page.locator("#part-timeline time").first.inner_text() == "18:30"
    assert page.locator("#part-timeline time").first.get_attribute("title") == (
        "Fri 13 Mar 2026, 18:30:00 GMT (Europe/London)"
    )


def test_stands_still_for_who_wants_that(console: Running, opened: Open) -> None:
    """With reduced motion nothing moves."""
    page = opened("/", reduced_motion="reduce")
    console.alert(make_alert("mill-lane", "beef", age=1))
    card = page.locator("#alert-mill-lane-beefbeefbeefbeef")
    expect(card).to_be_visible()
    assert card.evaluate("one => getComputedStyle(one).animationName") == "none"
