"""The forms of messages: what receivers check, and that nothing of an alert does anything in them."""

import base64
import time
from collections.abc import Sequence
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import default

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from pipeline.notify import email, pagerduty, slack, webhook
from pipeline.notify.answer import Outcome, of_http
from pipeline.notify.message import CHANGE_WORDS, Part, Post, facts, message_id
from pipeline.notify.rules import CHANGES_OF_INCIDENTS
from schemas.alert import Alert, AlertChange, Deadlines, Work
from schemas.codec import Codec
from schemas.notified import Told
from schemas.time import TIME_MS_MAX, Millis
from tests.golden_refresh import ALERT
from tests.notify_examples import NOON, alert, message

SECRET = "whsec_" + base64.b64encode(b"n" * 24).decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"o" * 24).decode()
WEB = "https://cem.example.com"
ATTACK = "<!channel> <@U123> <https://evil.example|here> @channel & <script>x</script>\r\nBcc: evil@example.com\u202e"


def signed(secrets: Sequence[str], now_s: int | None = None) -> Post:
    """A webhook as it goes out."""
    keys = [webhook.key_of(secret) for secret in secrets]
    return webhook.request(message(), "https://example.com", keys, WEB, now_s or int(time.time()))


@pytest.mark.parametrize("known", [SECRET, OLD_SECRET])
def test_a_webhook_is_accepted_by_the_standards_own_package(known: str) -> None:
    """While a secret is replaced, receivers that know the new one and those that know the old one accept it."""
    post = signed([SECRET, OLD_SECRET])
    assert orjson.loads(post.body) == Webhook(known).verify(post.body, post.headers)


def test_a_webhook_of_somebody_else_is_refused() -> None:
    """Another secret, another body, another id or another time do not pass."""
    post = signed([SECRET])
    for headers, body, secret in (
        (post.headers, post.body, OLD_SECRET),
        (post.headers, post.body + b" ", SECRET),
        (post.headers | {"webhook-id": "msg_1"}, post.body, SECRET),
        (post.headers | {"webhook-timestamp": str(int(time.time()) + 1)}, post.body, SECRET),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


def test_a_repeat_of_a_webhook_has_the_same_id_and_body() -> None:
    """Only the time of the try and what follows from it differ."""
    first, second = signed([SECRET], 1_000), signed([SECRET], 2_000)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_a_webhook_holds_the_alert_without_evidence() -> None:
    """Its `alert` is read as the record of the topic; `changes` say what is new; nothing says who wrote what."""
    body = orjson.loads(webhook.body_of(message(alert(sequence=3, change="grown", evidence=())), WEB))
    assert ("cem.alert.grown", "2026-01-31T12:00:00.000Z") == (body["type"], body["timestamp"])
    [told] = body["data"]["alerts"]
    assert [{"change": "grown", "sequence": 3, "at": "2026-01-31T12:00:00.000Z"}] == told["changes"]
    read = Codec[Alert](Alert).decode(orjson.dumps(told["alert"]))
    assert f"{WEB}/alerts/{read.alert_id}" == told["url"]
    assert "cem.alerts" == orjson.loads(webhook.body_of(message(alert(1), alert(2)), WEB))["type"]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "whsec_!!!!", "whsec_" + "A" * 400])
def test_a_secret_that_is_none_is_refused_without_showing_it(secret: str) -> None:
    """What is no base64, too short or too long is not used, and the error does not repeat it."""
    with pytest.raises(ValueError) as error:
        webhook.key_of(secret)
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(error.value)


def test_nothing_of_an_alert_is_markup_in_a_chat() -> None:
    """No mention, no link, no entity comes from a text; the only link is ours."""
    body = orjson.loads(slack.request(message(alert(summary=ATTACK)), "https://x", WEB).body)
    for text in (body["text"], *(block["text"]["text"] for block in body["blocks"])):
        left = text.replace(f"<{WEB}/alerts/{alert().alert_id}|Open in the console>", "")
        assert "<" not in left and ">" not in left and "@channel" not in left and "\u202e" not in left
        assert "&lt;!channel&gt;" in left


@given(st.text(max_size=400))
def test_no_text_gets_out_of_its_escape(text: str) -> None:
    """Whatever it is, it has no angle bracket, no `@` that is followed by a letter, no bare `&`, and is one line."""
    escaped = slack.escape(text)
    for entity in ("&amp;", "&lt;", "&gt;"):
        escaped = escaped.replace(entity, "")
    assert not set("<>&\n\r") & set(escaped)
    assert all(part[:1] == "\u200b" for part in escaped.split("@")[1:])


def test_a_long_chat_message_is_cut_at_lines() -> None:
    """Slack takes 3,000 characters a section and 50 blocks; no escape or link is cut in two."""
    many = message(*(alert(number, summary="&" * 290) for number in range(60)))
    body = orjson.loads(slack.request(many, "https://x", WEB).body)
    assert len(body["blocks"]) <= 50
    assert all(len(block["text"]["text"]) <= 3000 for block in body["blocks"])
    assert "and 40 alerts more" in body["blocks"][-1]["text"]["text"]
    assert all(line.endswith((">", "…", ";")) or ": " in line or "*" in line for line in body["text"].split("\n"))


def incident(*changes: AlertChange, **fields: object) -> list[dict[str, object]]:
    """What PagerDuty is sent about an alert with these changes."""
    told = tuple(Told(change=change, sequence=at, at=NOON) for at, change in enumerate(changes, 1))
    part = Part(alert=alert(change=changes[-1], **fields), changes=told)
    posts = pagerduty.requests(message(parts=(part,)), pagerduty.URL, "key", WEB)
    return [orjson.loads(post.body) for post in posts]


@pytest.mark.parametrize(
    ("changes", "events"),
    [
        (("opened",), ["trigger"]),
        (("opened", "grown", "escalated"), ["trigger"]),
        (("opened", "acknowledged", "assigned"), ["trigger", "acknowledge"]),
        (("opened", "resolved", "reopened"), ["trigger", "resolve", "trigger"]),
        (("answered", "dismissed"), ["acknowledge", "resolve"]),
        (("quiet",), ["resolve"]),
    ],
)
def test_an_incident_follows_the_case(changes: tuple[AlertChange, ...], events: list[str]) -> None:
    """Changes become trigger, acknowledge and resolve in their order, each named by the alert's id."""
    bodies = incident(*changes)
    assert events == [body["event_action"] for body in bodies]
    assert {alert().alert_id} == {body["dedup_key"] for body in bodies}


def test_a_case_that_went_elsewhere_is_another_incident_there() -> None:
    """The unit that sent it away is through with it; where it came to, a new incident begins under a key of its own."""
    away = incident("rerouted", work=Work(moved_to="store-18"))
    [came] = incident("rerouted", unit="store-18", work=Work(moved_from="store-17"))
    assert ["resolve"] == [body["event_action"] for body in away]
    assert ("trigger", True) == (came["event_action"], away[0]["dedup_key"] != came["dedup_key"])


def test_a_trigger_has_what_pagerduty_wants() -> None:
    """Severity in its words, a key of at most 255 characters, a summary of at most 1,024, our figures."""
    [body] = incident("opened", alert_id="u" * 300, summary="x" * 5000, severity=9)
    payload = body["payload"]
    assert isinstance(payload, dict)
    assert 255 == len(str(body["dedup_key"]))
    assert ("critical", True) == (payload["severity"], len(payload["summary"]) <= 1024)
    assert "5 within 1 hour, 0.2 are usual" == payload["custom_details"]["People"]


def test_every_change_has_an_event_and_a_word() -> None:
    """A change that PagerDuty is told of by default means something there; people read words."""
    assert all(incident(change) for change in CHANGES_OF_INCIDENTS)
    assert {*AlertChange.__args__} == CHANGE_WORDS.keys()


def mail(*alerts: Alert) -> Mail:
    """A mail as a reader sees it."""
    raw = email.compose(message(*alerts), "cem@acme.example", "care@acme.example", WEB)
    return message_from_bytes(raw, policy=default)


def test_a_mail_has_two_forms_and_belongs_to_its_alert() -> None:
    """Text and HTML; its id is the message's; all mails about one alert answer the same; no robot answers it."""
    found = mail(alert(change="grown"))
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in found.iter_parts()]  # type: ignore[attr-defined]
    assert ("<msg_00ff@acme.example>", "auto-generated") == (found["Message-ID"], found["Auto-Submitted"])
    assert f"<{alert().alert_id}@acme.example>" == found["In-Reply-To"] == mail(alert(change="quiet"))["In-Reply-To"]
    assert None is mail(alert(1), alert(2))["In-Reply-To"]


def test_nothing_of_an_alert_becomes_a_header_or_a_tag() -> None:
    """Lines are joined, tags escaped, directions not turned."""
    found = mail(alert(summary=ATTACK, alert_id="a\r\nBcc: x@y"))
    assert {"From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
            "X-Auto-Response-Suppress", "MIME-Version", "Content-Type"} == set(found.keys())  # fmt: skip
    html = found.get_body(("html",)).get_content()  # type: ignore[attr-defined]
    assert "<script>" not in html and "&lt;script&gt;" in html and "\u202e" not in html


@given(st.text(max_size=300))
def test_any_summary_makes_a_mail(text: str) -> None:
    """It can be read again, has one subject and one recipient, and the same message gives the same bytes."""
    found = mail(alert(summary=text))
    assert 1 == len(found.get_all("Subject", [])) == len(found.get_all("To", []))
    assert bytes(found) == bytes(mail(alert(summary=text)))


@given(st.text(max_size=60), st.integers(0, TIME_MS_MAX), st.sampled_from(["UTC", "Asia/Tokyo", "America/Lima"]))
def test_any_alert_has_all_forms(text: str, at_ms: int, time_zone: str) -> None:
    """Whatever stands in its words, whenever it was: each form is made, and what should be JSON is."""
    at = Millis(at_ms)
    deadlines = Deadlines(acknowledge_by=at, answer_by=at, missed=("acknowledge",), told=(text,))
    one = alert(summary=text, department=text, work=Work(assignee=text), deadlines=deadlines, detected_at=at)
    part = Part(alert=one, changes=(Told(change="opened", sequence=1, at=at), Told(change="grown", sequence=2, at=at)))
    made = message(parts=(part,), time_zone=time_zone)
    bodies = [webhook.body_of(made, WEB), slack.request(made, "", WEB).body]
    bodies += [post.body for post in pagerduty.requests(made, "", "", WEB)]
    assert all(isinstance(orjson.loads(body), dict) for body in bodies)
    assert b"Message-ID" in email.compose(made, "a@b.example", "c@d.example", WEB)


def test_people_read_times_of_their_own_clock() -> None:
    """A deadline at noon in UTC is one at one o'clock in Berlin in winter."""
    late = alert(deadlines=Deadlines(acknowledge_by=NOON))
    assert ("Acknowledge by", "2026-01-31 13:00 CET") in facts(message(late).parts[0], "Europe/Berlin")
    assert ("Acknowledge by", "2026-01-31 12:00 UTC") in facts(message(late).parts[0], "UTC")


@pytest.mark.parametrize("form", ["webhook", "slack", "pagerduty", "email"])
def test_no_form_shows_who_wrote_or_what_was_said(form: str) -> None:
    """Neither posts nor authors nor words that decided are in what people read; webhooks carry no evidence."""
    told = message(alert(evidence=()))
    made = {
        "webhook": webhook.body_of(told, WEB),
        "slack": slack.request(told, "", WEB).body,
        "pagerduty": pagerduty.requests(told, "", "", WEB)[0].body,
        "email": email.compose(told, "a@b.c", "d@e.f", WEB),
    }[form]
    assert b"hmac:" not in made and b'"post_id"' not in made
    assert form == "webhook" or ALERT.detection.words[0].encode() not in made


@pytest.mark.parametrize(
    ("status", "header", "outcome", "seconds"),
    [
        (200, None, Outcome.DELIVERED, 0), (204, "9", Outcome.DELIVERED, 0), (302, None, Outcome.NEVER, 0),
        (400, None, Outcome.NEVER, 0), (410, None, Outcome.NEVER, 0), (408, None, Outcome.AGAIN, 0),
        (425, None, Outcome.AGAIN, 0), (429, "30", Outcome.AGAIN, 30), (503, "1e9", Outcome.AGAIN, 0),
        (503, "99999999999", Outcome.AGAIN, 21_600), (503, "Thu, 01 Jan 1970 00:02:00 GMT", Outcome.AGAIN, 20),
        (500, "nonsense", Outcome.AGAIN, 0), (429, "-5", Outcome.AGAIN, 0), (429, "²", Outcome.AGAIN, 0),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, header: str | None, outcome: Outcome, seconds: float) -> None:
    """2xx is delivered; 4xx but 408, 425 and 429, and redirects, are never tried again; `Retry-After` is honoured."""
    said = of_http(status, header, 100.0)
    assert (outcome, seconds) == (said.outcome, said.after_s)


def test_who_says_200_to_everything_is_not_believed() -> None:
    """A web page is no chat; what does not say success is not PagerDuty."""
    page = b"\n<!doctype html><title>Sign in</title>"
    assert Outcome.AGAIN is slack.answer(200, None, page, 0).outcome is pagerduty.answer(200, None, page, 0).outcome
    assert Outcome.AGAIN is pagerduty.answer(202, None, b'{"status":', 0).outcome
    assert Outcome.DELIVERED is slack.answer(200, None, b"ok", 0).outcome
    assert Outcome.DELIVERED is pagerduty.answer(202, None, b'{"status":"success"}', 0).outcome


def test_the_id_of_a_message_names_what_it_tells() -> None:
    """The same changes for the same recipient give the same id in any order; any other a different one."""
    told = [("a/u", 1, 2), ("b/u", 1, 1)]
    assert message_id("r", told) == message_id("r", told[::-1])
    others = {message_id("q", told), message_id("r", told[:1]), message_id("r", [("a/u", 1, 3), told[1]])}
    assert 4 == len({message_id("r", told), *others})
