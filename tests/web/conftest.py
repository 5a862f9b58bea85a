"""One Chromium for each file of tests of the console; for each test a console of its own, without Kafka, and windows of
its own.

A page that writes an error on the browser's console, or that its own content policy stops, fails every test that opens
it. Where no Chromium is installed these tests are skipped, saying so.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from agents.web.model import Model
from tests.web.evening import BRAND
from tests.web.looking import PHONE, Open, wait_for
from tests.web.running import Running
from tests.web.world import fill

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each file: as long as it is there an event loop runs in this thread, and whatever test wants a loop of
    its own would fail."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def console() -> Iterator[Running]:
    """The small world, running."""
    model = Model()
    fill(model)
    with Running(model) as running:
        yield running


@pytest.fixture
def opened(browser: Browser, console: Running) -> Iterator[Open]:
    """Opens a page in a window of its own, signed in, and waits for its stream of events; what goes wrong in it is an
    error at the end."""
    wrong: list[str] = []
    with ExitStack() as stack:

        def open_page(
            path: str = "/", size: Any = PHONE, role: Any = "head_office", unit_id: str | None = BRAND,
            allowed: str = "nothing", **options: Any,
        ) -> Page:  # fmt: skip
            context = stack.enter_context(browser.new_context(viewport=size, **options))
            context.set_default_timeout(8000)
            token = console.token(role, unit_id, name="Maria Gonzalez")
            answer = context.request.post(
                f"{console.url}/login", form={"token": token, "next": "/"}, headers={"Origin": console.url},
                max_redirects=0,
            )  # fmt: skip
            assert answer.status == 303, answer.text()
            page = context.new_page()
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on(
                "console",
                lambda said: (
                    wrong.append(said.text)
                    if said.type == "error" and not re.search(allowed, said.text) and "404 (Not Found)" not in said.text
                    else None
                ),
            )
            before = console.consoles
            page.goto(console.url + path)
            if path != "/login" and options.get("java_script_enabled", True):
                wait_for(lambda: console.consoles > before)
            return page

        yield open_page
    assert wrong == []
