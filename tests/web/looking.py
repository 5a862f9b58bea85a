"""What tests in a browser share: windows, alerts of the small world, what was sent."""

import time
from collections.abc import Callable

from playwright.sync_api import Page

from schemas.action import Action
from schemas.codec import Codec
from tests.web.running import Running

PHONE = {"width": 390, "height": 844}
NARROW = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}

ILLNESS = "elm-street-a1b2a1b2a1b2a1b2"
SURGE = "harbour-quay-c3d4c3d4c3d4c3d4"
SPREAD = "station-square-e5f6e5f6e5f6e5f6"
RESOLVED = "mill-lane-8c9d8c9d8c9d8c9d"

Open = Callable[..., Page]
_actions = Codec[Action](Action)


def sent(console: Running) -> list[Action]:
    """The actions that were sent."""
    return [_actions.decode(one.value or b"") for one in console.sent if one.topic.endswith(".actions")]


def wait_for(true: Callable[[], bool]) -> None:
    """Until something is so; five seconds at most."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def unfold(page: Page) -> None:
    """All that is folded away."""
    page.evaluate(
        "for (const one of document.querySelectorAll('details')) { one.removeAttribute('name'); one.open = true }"
    )
