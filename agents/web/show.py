"""What strangers wrote, fit to be shown. In: any text, any address. Out: text without what acts on a screen, a link
that is one.

The one rule: the templates put nothing on a page that has not gone through `clean` (jinja2's `finalize`) and then
through HTML escaping. Direction overrides, control and format characters are taken out; line ends and tabs stay. Stacks
of combining marks are cut to what languages use, so that one text does not run over its neighbours.

Source: Unicode Technical Report 36 (security considerations), section 2 on invisible and bidirectional characters.
"""

import re
import unicodedata
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

MARKS_MAX: Final = 3
"""Combining marks on one letter that are shown; Vietnamese needs two, Hebrew three."""
URL_LENGTH_MAX: Final = 2000
HOST_LENGTH_MAX: Final = 60

_ACTING: Final = frozenset(("Cc", "Cf", "Cs", "Co"))
"""Control, format, half and private characters. What is not assigned yet may be next year's emoji."""
_KEPT: Final = frozenset("\n\t\u200c\u200d")
"""Of control and format characters. The joiners hold Persian words and families of emoji together."""
_COMBINING: Final = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MARKS: Final = re.compile(f"({_COMBINING}{{{MARKS_MAX}}}){_COMBINING}+")
_BLANK_LINES: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


class Link(NamedTuple):
    """An address that may be followed, and the name of the machine that it leads to, as it is shown."""

    href: str
    host: str


class Cut(NamedTuple):
    """A text in two parts: what is shown at once, and the rest (empty: nothing was cut)."""

    head: str
    rest: str


def clean(value: Any) -> Any:
    """A text without characters that act; anything else, and what is HTML already, as it is."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    if value.isascii() and value.isprintable():
        return value
    value = value.replace("\r\n", "\n")
    kept = "".join(char for char in value if char in _KEPT or unicodedata.category(char) not in _ACTING)
    return _MARKS.sub(r"\1", kept)


def cut(text: str, length_max: int) -> Cut:
    """At most so many characters first, at a word's end where one is near. Many blank lines become one."""
    text = _BLANK_LINES.sub("\n\n", str(clean(text)).strip())
    if len(text) <= length_max + length_max // 5:  # "show all" must show more than a word
        return Cut(text, "")
    end = text.rfind(" ", length_max * 4 // 5, length_max)
    end = length_max if end < 0 else end
    while end > 1 and (unicodedata.combining(text[end]) or "\u200d" in (text[end], text[end - 1])):
        end -= 1
    return Cut(text[:end], text[end:])


def link(url: str | None) -> Link | None:
    """An address that a browser may be sent to, None for all others: only http and https, with a host, without a
    name and password before it, without characters that are shown otherwise than they act."""
    if not url or len(url) > URL_LENGTH_MAX or clean(url) != url or any(char.isspace() for char in url):
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        shown = host.encode("idna").decode("ascii") if host else ""
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in ("http", "https") or not shown or "@" in parts.netloc or "\\" in url:
        return None
    return Link(url, shown if len(shown) <= HOST_LENGTH_MAX else "…" + shown[-HOST_LENGTH_MAX:])
