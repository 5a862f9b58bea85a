"""Pictures of every page for the README, at a phone's and a desk's width: `python -m tests.web.pictures`.

In: the small fixed world. Out: `deploy/pictures/*.png`. The one rule: no Kafka, no clock: the same pages each time.
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from agents.web.model import Model
from tests.web.evening import BRAND, NOW
from tests.web.running import Running
from tests.web.world import fill

OUT = Path(__file__).parents[2] / "deploy" / "pictures"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
HEIGHT_MAX = 1200

PAGES = (
    ("list", "/", PHONE, "light"),
    ("list", "/", DESK, "light"),
    ("list-dark", "/", PHONE, "dark"),
    ("alert", "/alerts/station-square-e5f6e5f6e5f6e5f6", PHONE, "light"),
    ("alert", "/alerts/station-square-e5f6e5f6e5f6e5f6", DESK, "light"),
    ("surge-dark", "/alerts/harbour-quay-c3d4c3d4c3d4c3d4", DESK, "dark"),
    ("unrouted", "/unrouted", PHONE, "light"),
    ("unrouted", "/unrouted", DESK, "light"),
    ("overview", f"/units/{BRAND}", PHONE, "light"),
    ("overview", f"/units/{BRAND}", DESK, "light"),
)
MORE = (
    ("finished", "/?show=finished", PHONE, "light"),
    ("finished", "/?show=finished", DESK, "dark"),
    ("illness", "/alerts/elm-street-a1b2a1b2a1b2a1b2", PHONE, "dark"),
    ("surge", "/alerts/harbour-quay-c3d4c3d4c3d4c3d4", PHONE, "light"),
    ("resolved", "/alerts/mill-lane-8c9d8c9d8c9d8c9d", DESK, "light"),
    ("unit", "/units/mill-lane", PHONE, "light"),
    ("unit", "/units/harbour-quay", DESK, "dark"),
    ("none", "/?show=snoozed&unit=south", PHONE, "light"),
    ("missing", "/alerts/none-such", PHONE, "light"),
    ("login", "/login", PHONE, "light"),
    ("login", "/login", DESK, "dark"),
)


def sign_in(page: Page, console: Running, token: str) -> None:
    """By the form, as a person does."""
    page.goto(f"{console.url}/login")
    page.fill("#token", token)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{console.url}/")


def take(
    browser: Browser, console: Running, token: str, wanted: tuple[Any, ...], out: Path, tall: int = HEIGHT_MAX
) -> None:
    """The pictures of some pages, at most so tall."""
    for name, path, size, scheme in wanted:
        with browser.new_context(
            viewport=size, color_scheme=scheme, device_scale_factor=1.5 if size is PHONE else 1, reduced_motion="reduce"
        ) as context:
            page = context.new_page()
            if path != "/login":
                sign_in(page, console, token)
            page.goto(console.url + path)
            width = "phone" if size is PHONE else "desk"
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": size["width"], "height": min(max(height, size["height"]), tall)})
            page.screenshot(path=out / f"{name}-{width}.png")
            print(out / f"{name}-{width}.png")


def main() -> None:
    """Makes the pictures that are in the README; with --all every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--all", action="store_true", help="more pages, to look at")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    model = Model()
    fill(model)
    with Running(model) as console, sync_playwright() as playwright:
        token = console.token("head_office", BRAND, name="Dana Whitlock")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        if asked.all:
            take(browser, console, token, (*PAGES, *MORE), asked.out, 4000)
        else:
            take(browser, console, token, PAGES, asked.out)
        browser.close()
    assert model.now_ms == NOW


if __name__ == "__main__":
    main()
