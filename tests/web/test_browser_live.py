"""What changes by itself in a real browser: cards, pages, banners; and what stays where it is."""

from typing import Any

import msgspec
from playwright.sync_api import expect

from schemas.alert import Annotations
from tests.web.evening import NOW
from tests.web.history import entries
from tests.web.looking import DESK, ILLNESS, SPREAD, Open, wait_for
from tests.web.running import Running
from tests.web.world import alerts, make_alert, next_of


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
