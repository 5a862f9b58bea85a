"""The console as people have it: the real application in a real, headless Chromium, on a phone and on a desk.

One browser for all; each test has a console of its own, without Kafka, and a window of its own. A page that writes an
error on the browser's console, or that its own content policy stops, fails every test that opens it.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import axe_core_python
import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from agents.web.model import Model
from schemas.action import Action
from schemas.alert import Annotations, Evidence
from schemas.assignment import Assignment
from schemas.codec import Codec
from schemas.text import StoredText
from tests.web.running import Running
from tests.web.world import BRAND, NOW, alerts, entries, fill, make_alert, next_of, unrouted

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text("utf-8")
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}

ILLNESS = "elm-street-a1b2a1b2a1b2a1b2"
SURGE = "harbour-quay-c3d4c3d4c3d4c3d4"
SPREAD = "station-square-e5f6e5f6e5f6e5f6"
RESOLVED = "mill-lane-8c9d8c9d8c9d8c9d"
PAGES = (
    "/", "/?show=finished", "/?show=snoozed&unit=south", f"/alerts/{ILLNESS}", f"/alerts/{SURGE}", f"/alerts/{SPREAD}",
    f"/alerts/{RESOLVED}", "/unrouted", f"/units/{BRAND}", "/units/mill-lane", "/alerts/none-such", "/login",
)  # fmt: skip

Open = Callable[..., Page]
_actions = Codec[Action](Action)
_assignments = Codec[Assignment](Assignment)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests."""
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
    """Opens a page in a window of its own, signed in; what goes wrong in it is an error at the end."""
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
            page.goto(console.url + path)
            return page

        yield open_page
    assert wrong == []


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


# All pages


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


# Acting


def test_keyboard_alone_is_enough(console: Running, opened: Open) -> None:
    """From the top of the page by Tab to the first alert's button, Enter, and it is told that it took effect; the focus
    stays on the card."""
    page = opened("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.focus") == "acknowledge":
            break
    alert_id = page.evaluate("document.activeElement.closest('article').dataset.id")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    expect(page.locator("#tell")).to_contain_text("Acknowledge: took effect at 18:42.")
    expect(page.locator(f"#alert-{alert_id} .state")).to_contain_text("Acknowledged")
    assert outline == "solid"
    assert [(alert_id, "acknowledge", "Maria Gonzalez")] == [
        (one.alert_id, one.action, one.actor) for one in sent(console)
    ]
    assert page.evaluate("document.activeElement.closest('article')?.dataset.id") == alert_id


def test_a_double_tap_is_one_action(console: Running, opened: Open) -> None:
    """Two taps at once send once; a form that is sent again, as after going back, carries the same id."""
    page = opened("/")
    page.get_by_role("button", name=re.compile("^Acknowledge ?: Somebody fell ill: 2 customers")).dblclick()
    expect(page.locator(f"#alert-{ILLNESS} .state")).to_contain_text("Acknowledged")
    assert len(sent(console)) == 1


def test_a_refused_action_is_shown(console: Running, opened: Open) -> None:
    """Somebody was faster, and the page does not know yet: the answer says so in words, on the list and the page."""
    listed, single = opened("/"), opened(f"/alerts/{ILLNESS}")
    [illness] = [one for one in alerts() if one.alert_id == ILLNESS]
    console.do(lambda: console.model.apply_alert(next_of(illness, state="resolved", change="resolved")))
    single.get_by_role("button", name="Acknowledge: I look after it").click()
    expect(single.locator("#outcome.refused")).to_contain_text("Refused: the case has moved on since")
    expect(single.locator("#part-timeline .refused")).to_have_count(1)
    listed.locator(f"#alert-{ILLNESS} button").click()
    expect(listed.locator(f"#alert-{ILLNESS} .said")).to_have_text(
        "Refused: the case has moved on since; look at it again. Nothing was changed."
    )


def test_resolving_says_what_was_done(console: Running, opened: Open) -> None:
    """A form with a choice and texts: unfolded, filled in, sent; the page shows the new state and the entry."""
    page = opened(f"/alerts/{SPREAD}", DESK)
    page.get_by_text("Resolve", exact=True).first.click()
    page.get_by_label("What was done").select_option("refunded")
    page.get_by_label("What we did, in words").fill("We threw the batch away and offered a new dish.")
    page.locator("#form-resolve").get_by_label("Note").fill("Grill checked.")
    page.locator("#form-resolve button").click()
    expect(page.locator("#outcome.done")).to_have_text("Resolve: took effect at 18:42.")
    expect(page.locator("#part-head .state")).to_contain_text("Resolved")
    expect(page.locator("#part-timeline li").first).to_contain_text("Grill checked.")
    expect(page.locator("#form-reopen")).to_be_attached()
    expect(page.locator("#form-resolve")).not_to_be_attached()
    [action] = sent(console)
    assert ("resolve", "refunded", "Grill checked.") == (action.action, action.resolution_code, action.note)
    assert action.we_did == "We threw the batch away and offered a new dish."


def test_what_cannot_be_sent_stays_typed(console: Running, opened: Open) -> None:
    """Kafka is away when somebody sends a comment: it says so, and the text is still there."""
    page = opened(f"/alerts/{SPREAD}", allowed="503")
    console.refuses = True
    page.get_by_text("Comment", exact=True).first.click()
    page.get_by_label("Comment").fill("Called her.")
    page.locator("#form-comment button").click()
    expect(page.locator("#form-comment .said")).to_contain_text("Not sent: Kafka does not answer")
    assert page.get_by_label("Comment").input_value() == "Called her."
    console.refuses = False
    page.locator("#form-comment button").click()
    expect(page.locator("#outcome.done")).to_contain_text("took effect")
    assert ["Called her."] == [one.note for one in sent(console)]


def test_an_unrouted_post_is_assigned_with_one_tap(console: Running, opened: Open) -> None:
    """A candidate is a button; the post leaves the list when it has its unit, and the last one leaves it empty."""
    page = opened("/unrouted")
    page.get_by_role("button", name="Station Square").click()
    expect(page.locator(".said").first).to_contain_text("Sent")
    [emission] = console.sent
    assignment = _assignments.decode(emission.value or b"")
    assert ("u1", "station-square", "cem.posts") == (assignment.unrouted.id, assignment.unit_id, emission.topic)
    for one in unrouted():
        console.unrouted(one.id)
    expect(page.get_by_role("heading", name="Every post has found its unit")).to_be_visible()
    expect(page.locator(".queue article")).to_have_count(0)


def test_an_auditor_looks_only(opened: Open) -> None:
    """No button acts."""
    page = opened(f"/alerts/{ILLNESS}", role="auditor", unit_id=None)
    expect(page.get_by_text("You may look at this alert, not change it.")).to_be_visible()
    assert page.locator("main form").count() == 0
    page.goto(page.url.partition("/alerts")[0] + "/")
    assert page.locator("main article").count() == 7
    assert page.locator("#list form").count() == 0


def test_a_manager_sees_his_own(opened: Open) -> None:
    """A unit's manager sees the alerts of his unit, what is confidential excepted, and no queue of unrouted posts."""
    page = opened("/", role="unit", unit_id="harbour-quay")
    assert [
        "9 customers complained about Harbour Quay within 60 minutes, mostly about waiting time; 1.2 would be usual"
    ] == (page.locator("#list h2").all_inner_texts())
    assert ["Alerts", "Overview"] == [
        one.split("\n")[0] for one in page.locator(".tabs a > span:first-of-type").all_inner_texts()
    ]


# Live


def test_a_new_alert_comes_by_itself(console: Running, opened: Open) -> None:
    """Without a reload: the card is in its place, counted, told to a screen reader; what has the focus keeps it."""
    page = opened("/")
    page.evaluate("window.same = true")
    page.locator(f"#alert-{ILLNESS} button").focus()
    console.alert(make_alert("mill-lane", "beef", severity=9, age=10, summary="Somebody was hurt at Mill Lane"))
    card = page.locator("#alert-mill-lane-beefbeefbeefbeef")
    expect(card).to_be_visible()
    expect(page.locator("#tell")).to_have_text("New alert: Critical. Somebody was hurt at Mill Lane")
    expect(page.locator(".tabs .count").first).to_contain_text("8")
    titles = page.locator("#list h2").all_inner_texts()
    assert titles.index("Somebody was hurt at Mill Lane") == 2, "behind what is late, before what is due later"
    assert page.evaluate("window.same") is True
    assert page.evaluate("document.activeElement.closest('article').dataset.id") == ILLNESS
    card.get_by_role("button").click()
    expect(card.locator(".state")).to_contain_text("Acknowledged")


def test_nothing_is_missed_between_page_and_stream(console: Running, opened: Open) -> None:
    """An alert comes after the page was made and before its stream of events is open: it is shown all the same."""
    page = opened("/login")
    late = make_alert("mill-lane", "beef", age=10, summary="In between")

    def between(route: Any) -> None:
        console.do(lambda: console.model.apply_alert(late))
        route.continue_()

    page.route("**/live?*", between)
    page.goto(console.url + "/")
    expect(page.get_by_role("heading", name="In between")).to_be_visible()


def test_a_tab_that_nobody_looks_at_gives_its_connection_back(console: Running, opened: Open) -> None:
    """After a minute in the background there is no stream; when it is looked at again, it is current."""
    page = opened("/login")
    page.clock.install()
    page.goto(console.url + "/")
    hide = "is => { Object.defineProperty(document, 'hidden', {value: is, configurable: true}); " \
        "document.dispatchEvent(new Event('visibilitychange')) }"  # fmt: skip
    page.wait_for_function("document.body.dataset.live")
    wait_for(lambda: console.consoles == 1)
    page.evaluate(hide, True)
    page.clock.fast_forward(61_000)
    console.alert(make_alert("mill-lane", "beef", age=10, summary="In the background"))
    wait_for(lambda: console.consoles == 0)
    page.evaluate(hide, False)
    page.clock.run_for(2_000)
    expect(page.get_by_role("heading", name="In the background")).to_be_visible()
    wait_for(lambda: console.consoles == 1)


def test_a_card_that_changes_keeps_the_focus(console: Running, opened: Open) -> None:
    """The card under the fingers is replaced, the focus is where it was."""
    page = opened("/")
    page.locator(f"#alert-{ILLNESS} button").focus()
    [illness] = [one for one in alerts() if one.alert_id == ILLNESS]
    console.alert(next_of(illness, change="grown", annotations=Annotations(summary="3 customers fell ill")))
    expect(page.locator(f"#alert-{ILLNESS} h2")).to_have_text("3 customers fell ill")
    assert page.evaluate("document.activeElement.dataset.focus") == "acknowledge"
    assert page.evaluate("document.activeElement.closest('article').dataset.id") == ILLNESS


def test_what_is_half_typed_stays(console: Running, opened: Open) -> None:
    """Somebody types a comment while the case goes on: the timeline grows, the words stay, so does the cursor."""
    page = opened(f"/alerts/{SPREAD}")
    page.get_by_text("Comment", exact=True).first.click()
    page.get_by_label("Comment").press_sequentially("I have spoken")
    before = page.locator("#part-timeline li").count()
    [spread] = [one for one in alerts() if one.alert_id == SPREAD]
    last = entries()[0]
    taken = msgspec.structs.replace(spread.work, assignee="Tom Okafor")
    console.alert(next_of(spread, change="assigned", state="assigned", work=taken))
    console.entry(
        msgspec.structs.replace(last, alert_id=SPREAD, unit_id="station-square", number=6, sequence=6, change="grown")
    )
    expect(page.locator("#part-timeline li")).to_have_count(before + 1)
    expect(page.locator("#part-head .state")).to_contain_text("with Tom Okafor")
    page.keyboard.type(" with her")
    assert page.get_by_label("Comment").input_value() == "I have spoken with her"
    page.locator("#form-comment button").click()
    expect(page.locator("#outcome.done")).to_be_visible()
    expect(page.get_by_role("button", name="Assign to me")).not_to_be_attached()


def test_a_filter_holds_for_what_comes(console: Running, opened: Open) -> None:
    """With a filter for a region, only its alerts come in; what leaves the filter leaves the list."""
    page = opened("/?unit=south", DESK)
    assert page.locator("#list article").count() == 3
    console.alert(make_alert("elm-street", "0001", age=1))
    console.alert(make_alert("castle-gate", "0002", age=1, summary="At Castle Gate"))
    expect(page.get_by_role("heading", name="At Castle Gate")).to_be_visible()
    assert page.locator("#list article").count() == 4
    console.alert(next_of(make_alert("castle-gate", "0002", age=1), state="dismissed", change="dismissed"))
    expect(page.get_by_role("heading", name="At Castle Gate")).not_to_be_attached()
    page.get_by_label("Department").select_option("service")
    page.wait_for_url("**department=service**")
    assert page.locator("#list article").count() == 2


def test_says_when_kafka_is_away(console: Running, opened: Open) -> None:
    """A banner, and away with it when Kafka is back; a page that is opened meanwhile says so too."""
    page = opened("/")
    expect(page.locator("#banner")).to_be_hidden()
    console.connected(False)
    expect(page.get_by_text("No connection to Kafka.")).to_be_visible()
    later = opened("/")
    expect(later.get_by_text("No connection to Kafka.")).to_be_visible()
    console.connected(True)
    expect(page.locator("#banner")).to_be_hidden()
    expect(later.locator("#banner")).to_be_hidden()


def test_says_when_the_console_is_away(console: Running, opened: Open) -> None:
    """The process ends: a banner. It is back: the banner goes, and what happened meanwhile is shown."""
    page = opened("/", allowed="ERR_|Failed to load|net::")
    page.evaluate("window.same = true")
    console.stop()
    expect(page.get_by_text("The console cannot be reached.")).to_be_visible()
    console.model.apply_alert(make_alert("castle-gate", "0003", age=1, summary="Meanwhile at Castle Gate"))
    console.start()
    expect(page.get_by_role("heading", name="Meanwhile at Castle Gate")).to_be_visible(timeout=15_000)
    expect(page.locator("#banner")).to_be_hidden()
    assert page.evaluate("window.same") is True


# Without the script


def test_works_without_javascript(console: Running, opened: Open) -> None:
    """Every action is a form: sent, shown as sent, then as done, by a page that loads itself again."""
    page = opened("/", java_script_enabled=False)
    page.locator(f"#alert-{ILLNESS} button").click()
    page.wait_for_url("**sent=**")
    page.goto(f"{console.url}/alerts/{ILLNESS}?sent={sent(console)[0].id}")
    expect(page.locator("#outcome")).to_have_text(re.compile("Sent|took effect"))
    expect(page.locator("#outcome.done")).to_have_text("Acknowledge: took effect at 18:42.")
    page.locator("#form-comment summary").click()
    page.get_by_label("Comment").fill("By form.")
    page.locator("#form-comment button").click()
    page.wait_for_url("**sent=**")
    expect(page.locator("#outcome.done")).to_have_text("Comment: took effect at 18:42.")
    assert ["acknowledge", "comment"] == [one.action for one in sent(console)]
    page.goto(f"{console.url}/unrouted")
    page.get_by_role("button", name="Station Square").click()
    expect(page.locator("#outcome")).to_contain_text("Sent.")


# Attacks

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


def test_waits_until_all_is_read(console: Running, opened: Open) -> None:
    """A console that has just started says so, and shows the list by itself once it has read everything."""
    page = opened("/", allowed="503")
    console.model.loading = True
    page.goto(console.url + "/?show=finished")
    expect(page.get_by_role("heading", name="One moment")).to_be_visible()
    console.model.loading = False
    expect(page.locator("#list article")).to_have_count(2, timeout=15_000)


def test_who_is_signed_out_is_told(console: Running, opened: Open) -> None:
    """The token is revoked: the stream ends, and a banner leads to the login."""
    page = opened("/", allowed="401|Failed to load|MIME")
    for token in list(console.model._tokens.values()):
        revoked = msgspec.structs.replace(token, revoked_at=NOW)
        console.do(lambda revoked=revoked: console.model.apply_token(revoked.id, revoked))
    console.do(lambda: console._hub.tokens_changed())
    expect(page.get_by_text("You are signed out.")).to_be_visible(timeout=15_000)
