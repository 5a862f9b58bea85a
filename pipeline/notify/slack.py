"""A message for a chat: Slack's incoming webhooks, and what understands them (Mattermost, Rocket.Chat, Discord's
`/slack`). In: a Message. Out: an HTTP request; what its answer means.

The one rule: nothing in an alert is mark-up. `&`, `<` and `>` are escaped as Slack asks, so no `<!channel>`, `<@U…>` or
link comes from a text, and a space that nobody sees stands after each `@`, because others read `@channel` in plain
text. `text` says all of it too, for those that show no blocks.
"""

import re
from typing import Any, Final

import orjson

from pipeline.notify.answer import Answer, Outcome, of_http
from pipeline.notify.message import Message, Part, Post, facts, headline, link, plain, shown_parts, subject

SECTION_CHARACTERS_MAX: Final = 3000
TEXT_CHARACTERS_MAX: Final = 12_000

_MARKS: Final = {"info": "🔵", "warning": "🟡", "error": "🔴", "critical": "🚨"}
_MARKUP: Final = re.compile(r"([*_~`])")


def escape(text: str) -> str:
    """A stranger's text in Slack's mrkdwn: it looks as it is and does nothing."""
    escaped = plain(text, 1000).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub("\u200b\\1\u200b", escaped.replace("@", "@\u200b"))


def request(message: Message, url: str, web_url: str) -> Post:
    """What is posted to the address that Slack gave for a channel."""
    parts, left_out = shown_parts(message)
    blocks: list[dict[str, Any]] = []
    lines: list[str] = []
    if len(parts) > 1 or message.test:
        lines.append(escape(subject(message)))
        blocks.append(_section(f"*{lines[0]}*"))
    for part in parts:
        said = _said(part, web_url, message.time_zone)
        lines += said
        blocks.append(_section("\n".join(said)))
    if left_out:
        lines.append(f"… and {left_out} alerts more")
        blocks.append(_section(lines[-1]))
    text = "\n".join(lines)
    if len(text) > TEXT_CHARACTERS_MAX:
        text = _cut(text, TEXT_CHARACTERS_MAX)
    body = {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}
    return Post(url=url, headers={"Content-Type": "application/json"}, body=orjson.dumps(body))


def answer(status: int, retry_after: str | None, body: bytes, now_s: float) -> Answer:
    """A page where a word is expected comes from something between us and them."""
    said = of_http(status, retry_after, now_s)
    if said.outcome is Outcome.DELIVERED and body.lstrip()[:1] == b"<":
        return Answer(Outcome.AGAIN, f"it answered {status} with a web page, which no chat does; is the address right?")
    return said


def _said(part: Part, web_url: str, time_zone: str) -> list[str]:
    first = f"{_MARKS[part.alert.severity_label]} {escape(headline(part))}"
    told = [f"{name}: {escape(value)}" for name, value in facts(part, time_zone)]
    address = link(web_url, part.alert)
    return [first, *told, *([f"<{_address(address)}|Open in the console>"] if address else [])]


def _address(url: str) -> str:
    return url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SECTION_CHARACTERS_MAX)}}


def _cut(text: str, length_max: int) -> str:
    """Whole lines only, so that no escape or link is cut in two."""
    lines: list[str] = []
    left = length_max - 1
    for line in text.split("\n"):
        left -= len(line) + 1
        if left < 0:
            return "\n".join([*lines, "…"])
        lines.append(line)
    return text
