"""Acting in a real browser: by keyboard, by tap, with and without the script; done, refused, not sent."""

import re

from playwright.sync_api import expect

from schemas.assignment import Assignment
from schemas.codec import Codec
from tests.web.guests import unrouted
from tests.web.looking import DESK, ILLNESS, SPREAD, Open, sent
from tests.web.running import Running
from tests.web.world import alerts, next_of

_assignments = Codec[Assignment](Assignment)


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
