"""A message as e-mail. In: a Message, from whom, to whom. Out: the bytes of a mail (RFC 5322), text and HTML.

The one rule: no header comes from an alert as it is: lines are joined and control characters left out, so that nothing
can add a header or an address. `Message-ID` is the message's id, the same at each try. All mails about one alert name
the same `In-Reply-To`, so that they are one conversation. `Auto-Submitted` (RFC 3834) keeps holiday notes away.
"""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from typing import Final

from pipeline.notify.message import Message, Part, facts, headline, link, plain, shown_parts, subject

SUBJECT_CHARACTERS_MAX: Final = 160

_COLOURS: Final = {"info": "#1d4ed8", "warning": "#a16207", "error": "#b91c1c", "critical": "#7f1d1d"}


def compose(message: Message, sender: str, to: str, web_url: str) -> bytes:
    """The mail as it is handed over. `sender` and `to` are plain addresses."""
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Social CEM <{sender}>"
    mail["To"] = to
    mail["Subject"] = plain(subject(message), SUBJECT_CHARACTERS_MAX)
    mail["Date"] = datetime.fromtimestamp(message.made_at / 1000, UTC)
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    if len(message.parts) == 1:
        thread = f"<{_local_part(message.parts[0].alert.alert_id)}@{domain}>"
        mail["In-Reply-To"] = thread
        mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(_text(message, web_url), cte="quoted-printable")
    mail.add_alternative(_html(message, web_url), subtype="html", cte="quoted-printable")
    # The boundary of the parts is random otherwise, and a repeat would not be the same mail.
    mail.set_boundary(f"=_{message.id}")
    return mail.as_bytes()


def _local_part(alert_id: str) -> str:
    """An alert's id has letters, digits and `-`; what has more is not trusted."""
    return "".join(char if char.isascii() and (char.isalnum() or char in "-.") else "-" for char in alert_id)[:200]


def _text(message: Message, web_url: str) -> str:
    parts, left_out = shown_parts(message)
    paragraphs = [plain(subject(message), 500)] if len(parts) > 1 or message.test else []
    for part in parts:
        lines = [headline(part), *(f"{name}: {value}" for name, value in facts(part, message.time_zone))]
        paragraphs.append("\n".join([*lines, *_link(part, web_url)]))
    if left_out:
        paragraphs.append(f"… and {left_out} alerts more")
    return "\n\n".join(paragraphs) + "\n"


def _html(message: Message, web_url: str) -> str:
    parts, left_out = shown_parts(message)
    title = escape(plain(subject(message), 500))
    sections = "".join(_section(part, web_url, message.time_zone) for part in parts)
    more = f"<p>… and {left_out} alerts more</p>" if left_out else ""
    first = f"<p>{title}</p>" if len(parts) > 1 or message.test else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f'<body style="font-family:sans-serif;color:#111">{first}{sections}{more}</body></html>\n'
    )


def _section(part: Part, web_url: str, time_zone: str) -> str:
    rows = "".join(
        f'<tr><th style="text-align:left;padding:2px 12px 2px 0;vertical-align:top">{escape(name)}</th>'
        f"<td>{escape(value)}</td></tr>"
        for name, value in facts(part, time_zone)
    )
    colour = _COLOURS[part.alert.severity_label]
    links = "".join(f'<p><a href="{escape(one)}">Open in the console</a></p>' for one in _link(part, web_url))
    return f'<h2 style="font-size:16px;color:{colour}">{escape(headline(part))}</h2><table>{rows}</table>{links}'


def _link(part: Part, web_url: str) -> list[str]:
    address = link(web_url, part.alert)
    return [address] if address else []
