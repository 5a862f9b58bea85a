"""Personal data -> placeholders. In: a normalised text. Out: the text with `[email]`, `[phone]`, `[card]`, `[iban]`,
`[order]` and `[number]` in it, web addresses without their query, and the kinds that were found.

The one rule: rather mask a number too many than show one that leads to a person; but what tells managers what happened
(prices, times, dates, flights, years, counts, tags, mentions) stays. Patterns run in linear time on any text: each
repeats over characters that what follows it cannot match, or is bounded, or is possessive.

What is not found: order numbers without a word before them, and written-out numbers.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec


class Masked(msgspec.Struct, frozen=True):
    """A text without personal data, and what was found in it: each kind once, in alphabetical order. `url` stands for
    a query, a fragment or a password that was cut from a web address."""

    text: str
    kinds: tuple[str, ...]


_SHAPE: Final = bytes.maketrans(
    b"123456789BCDEFGHIJKLMNOPQRSTUVWXYZbcdefghijklmnopqrstuvwxyz", b"0" * 9 + b"A" * 25 + b"a" * 25
)
"""Digits as 0, letters as A and a: what a text may hold can then be asked for without regular expressions."""
_FOREIGN_DIGIT: Final = re.compile(r"[^\D0-9]")
_NAME: Final = re.compile(rb"@[0Aa_]+")
"""In a shape, a mention: no order's number begins within one."""

_URL: Final = re.compile(r"://((?:(?!://)[^\s/?#\[])*+)((?:(?!://)[^\s?#\[])*+)([?#]\S*+)?")
_BARE_QUERY: Final = re.compile(r"\?(?<=[\w/]\?)[\w.~-]{1,50}=\S*+")
_EMAIL_HINT: Final = re.compile(r"@(?<=[\w+-]@)[\w-]++\.")
_EMAIL: Final = re.compile(r"(?<![\w.+'-])(?:[\w.+'-]*[\w+-]@(?:[\w-]++\.(?=\w))+[^\W\d_][\w-]++)++")

_SPELLED: Final = re.compile(
    r"(?<![\w.+-])[\w+-]{1,64}+(?:\.[\w+-]{1,64}+){0,4}+"
    r"(?: ?[\[({] ?at ?[\])}] ?| at (?!(?:the|an?|this|my|your|our) )(?=[\w-]{1,64}+ dot ))"
    r"[\w-]{1,64}+(?:(?: ?[\[({] ?dot ?[\])}] ?| dot |\.)[\w-]{1,64}+){1,4}+",
    re.IGNORECASE,
)
"""An address that is written out to hide it from machines: "sam at example dot com", "nina[at]example.org"."""

_IBAN: Final = re.compile(r"(?<![^\W_])(?<!\])(?=([A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]){11,30}+))")
_IBAN_LENGTHS: Final = {
    country: int(entry[:2])
    for entry in (
        "15:NO", "16:BE", "18:DK FI FK FO GL NL SD", "19:MK SI", "20:AT BA EE KZ LT LU MN XK", "21:CH HR LI LV",
        "22:BG BH CR DE GB GE IE ME RS VA", "23:AE GI IL IQ OM SO TL", "24:AD CZ ES MD PK RO SA SE SK TN VG",
        "25:LY PT ST", "26:IS TR", "27:BI DJ FR GR IT MC MR SM", "28:AL AZ BY CY DO GT HN HU LB NI PL SV",
        "29:BR EG PS QA UA", "30:JO KW MU", "31:MT SC", "32:LC", "33:RU",
    )
    for country in entry[3:].split()
}  # fmt: skip

CARD_DIGITS_MIN: Final = 13
_RUN: Final = re.compile(r"\d(?:[ .-]?\d){12,}+")
_GROUP: Final = re.compile(r"\d+")
_CARD_GROUPS: Final = re.compile(
    r"(?!(?:(?:19|20)\d\d[ .-]){3}(?:19|20)\d\d)(?:\d{4}([ .-])\d{4}\1\d{4}\1\d{4}|\d{4}([ .-])\d{6}\2\d{5})"
)
"""Grouped like a card, four fours or American Express's three. Four years in a row are not one."""
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_GAP: Final = r"(?:[ .]|\)-| ?[()/‐-―-] ?)?"
_DATE: Final = r"(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d\d)|\d{4}[./-]\d\d[./-]\d\d)(?![./-]?\d)"
_PHONE: Final = re.compile(
    rf"(?=[\d+(])(?<![\w$€£¥+<])(?<!&lt;)(?<![\d\]][./-])(?<!\])(?!{_DATE})(?:"
    rf"\+ ?\(?\d{{1,3}}(?:{_GAP}\d){{6,12}}"  # +44 20 7946 0958
    r"|\(\d{2,5}\) ?\d(?:[ .-]?\d){5,8}"  # (020) 7946 0958
    rf"|0\d(?:{_GAP}\d){{7,13}}"  # 0044 20 7946 0958, 020 7946 0958
    r"|(?:1[ .-]?)?(?:\([2-9]\d\d\)|[2-9]\d\d)[ ./-]{0,2}[2-9]\d\d[ .-]?\d{4}"  # 1-212-555-0123
    r"|[2-9]\d\d([ -])\d{3}\1\d{3}|[6-9]\d{4}[ -]\d{5}|1[3-9]\d([ -])\d{4}\2\d{4}|[1-9]\d 9\d{4}-\d{4}"
    r")(?!\d)"
)
_CALL: Final = re.compile(
    r"(?<![\w\]\[])(?=[cdfmprstw])(?:call|phone|tel|telephone|cell|mobile|mob|tlf|telefoon|whatsapp|sms|text|dial|ring|fax|ph)\b"
    rf"[^\d\[]{{0,20}}(?<![\w$€£¥])(?!{_DATE})(\d(?:{_GAP}\d){{6,13}})(?!\d)"
)
"""A number of any form behind a word in lower case that announces it."""

_LONG: Final = re.compile(r"\d{9,}+")
_NUMBER: Final = re.compile(
    r"([@#]\d*[^\W\d]\w*+|(?:<|&lt;)3++(?!\d))|\d{9,}+|(?<![\w@#/.=\]-])[A-Za-z]{2,5}\d{5,}\w*+"
)
"""Long digit runs and codes such as a bag's `ABC12345X`; mentions, tags and hearts (the group) stay as they are."""
_LOCATOR: Final = re.compile(
    r"(?<![\w@#/.=\]-])(?!N\d)(?=[A-Z]{1,4}\d{1,4}[A-Z]|\d{1,4}[A-Z]{1,4}\d)[A-Z\d]{6}(?![\w\[@-])"
)
"""A record locator that stands alone: letters and digits mixed, so not a flight, nor an aircraft (`N…`)."""

_ANNOUNCING: Final = (
    "order", "booking", "reservation", "conf", "confirm", "confirmation", "cnf", "locator", "pnr", "e-ticket",
    "eticket", "ticket", "case", "ref", "reference", "claim", "file", "report", "request", "complaint", "incident",
    "invoice", "tracking", "shipment", "parcel", "account", "acct", "customer", "member", "membership", "passport",
    "policy", "tag", "res", "itinerary", "trip", "rr", "sr", "bestellung", "auftrag", "buchung", "rechnung",
    "bestellnummer", "auftragsnummer", "buchungsnummer", "kundennummer", "rechnungsnummer", "sendungsnummer",
    "commande", "réservation", "référence", "dossier", "facture", "pedido", "reserva", "factura", "referencia",
    "ordine", "prenotazione", "pratica", "bestelling", "boeking", "ordernummer",
    "reservering", "return", "rma", "repair", "receipt", "delivery", "baggage", "luggage", "id", "serial", "vin",
    "imei", "badge", "voucher", "licence", "license", "plate", "client", "insurance", "konto", "blz",
)  # fmt: skip
"""Words in lower case that announce a number; all of them may end with an s."""
_WORD: Final = re.compile(
    rf"(?<![\w\]])(?=[{''.join(sorted({word[0] for word in _ANNOUNCING}))}])(?:{'|'.join(_ANNOUNCING)})s?\b"
)
"""The look ahead at the first letter makes it four times as fast."""
_PLAIN: Final = bytes(
    ord(chr(code).lower()) if code == 95 or (code < 128 and chr(code).isalnum()) else 32 for code in range(256)
)
"""ASCII letters as small ones; all but letters, digits and underscores as spaces."""


def _pieces(text: str) -> list[bytes]:
    """The stretches of ASCII letters, digits and underscores in a text, in small letters."""
    return text.encode("utf-8", "replace").translate(_PLAIN).split()


_LAST_PIECES: Final = frozenset(_pieces(word)[-1] + end for word in _ANNOUNCING for end in (b"", b"s"))
"""No word is in a text that has none of these: asked in a quarter of the time that looking for the words takes."""

_MARK: Final = re.compile(
    r"(?:\s(?!flight|gate|seat|room|train|bus|phone)\w{1,12}(?=\s(?:number|code|id|ref)\b))?+"
    r"\.?(?:['’]?s\b|\s{0,2}(?:n[º°]|(?:numbers?|num|nummer|numéro|número|numero|nbr|no|nr|code|id|ref|reference|locator"
    r"|is|are|was|ist|lautet|est|es|è|el|le)\b\.?|[:#=(°№-])){0,5}+\s{0,2}",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(r"[:#(№=]|\b(?:n|code|id|ref|locator|pnr)", re.IGNORECASE)
_VALUE: Final = re.compile(r"(?:\d{3,5} \d{6,10}|\d{4} \d{4} \d{2,4}|\w{1,32}+(?:-\w{1,32}+){0,5}+)(?!-?[\w\[@])")
_AND: Final = re.compile(r"\s{0,2}(?:,|&amp;|&|/|and\b)\s{0,2}#?")
_AMOUNT: Final = re.compile(r"\s?(?:miles|points|people|customers|dollars|euros|pounds|bucks|km|followers|%)", re.I)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_COUNTED: Final = re.compile(r"\d+-?[a-z]+")
_WORDLIKE: Final = re.compile(r"[A-Za-z]+-?(?:19|20)\d\d|[A-Z]{4,}\d{1,4}|[A-Z][A-Z\d]-?\d{1,4}")
"""What may stand behind a word as something else: a tag with a year or number, a flight."""
_SHOUTED: Final = frozenset({"PLEASE", "THANKS", "NUMBER", "FLIGHT", "TICKET", "REFUND", "NEEDED", "CANNOT", "ALWAYS"})


def mask(text: str) -> Masked:
    """Masks what may lead to a person. Idempotent: what comes out is not masked further. Never raises."""
    shape = text.encode("utf-8", "replace").translate(_SHAPE)
    digits = shape.count(b"0")
    bare = _NAME.sub(b"@", shape) if digits and b"@" in shape else shape
    code = b"0" in bare and _may_hold_code(shape) and (len(shape) != len(text) or _holds_parts(bare))
    foreign = len(shape) != len(text) and _FOREIGN_DIGIT.search(text) is not None
    if foreign:
        digits += 16  # Arabic, Devanagari, full-width: the patterns know them, the shape does not
    before = text
    kinds: list[str] = []
    if "://" in text:
        text = _URL.sub(_without_query, text)
    if "?" in text and "=" in text:
        text = _BARE_QUERY.sub("", text)
    if text != before:
        kinds.append("url")
    if digits >= 9 and "://" in text:
        long = (found.span() for url in _URL.finditer(text) for found in _LONG.finditer(text, *url.span()))
        text = replace_spans(text, long, "number", kinds)  # a post's or an account's id, before it passes for a card
    if text.find("@", 1) > 0 and _EMAIL_HINT.search(text):
        text = replace_spans(text, (found.span() for found in _EMAIL.finditer(text)), "email", kinds)
    if " dot " in text or "at]" in text or "at)" in text:
        text = replace_spans(text, (found.span() for found in _SPELLED.finditer(text)), "email", kinds)
    if digits >= 9:
        text = replace_spans(text, _ibans(text), "iban", kinds)
    if digits >= CARD_DIGITS_MIN:
        text = replace_spans(text, _cards(text, "card"), "card", kinds)
    if code or foreign or b"AAAAAA" in shape:  # "3 hours" and "8:30" could not be an order's number
        text = replace_spans(text, _orders(text), "order", kinds)
    if code and b"A0" in bare and b"0A" in bare:
        text = replace_spans(text, (found.span() for found in _LOCATOR.finditer(text)), "order", kinds)
    if digits >= 7:
        text = replace_spans(text, (found.span() for found in _PHONE.finditer(text)), "phone", kinds)
        text = replace_spans(text, (found.span(1) for found in _CALL.finditer(_lower(text))), "phone", kinds)
    if digits >= CARD_DIGITS_MIN:
        text = replace_spans(text, _cards(text, "number"), "number", kinds)
    if foreign or b"00000" in shape:
        text = replace_spans(text, (found.span() for found in _NUMBER.finditer(text) if not found[1]), "number", kinds)
    return Masked(text, tuple(sorted(set(kinds))) if kinds else ())


def _may_hold_code(shape: bytes) -> bool:
    """Whether there is more than hours, prices and counts."""
    return (
        b"a0" in shape or b"0000" in shape or b"A0" in shape or b"0A" in shape or b"#000" in shape or b"# 000" in shape
    )


def _holds_parts(bare: bytes) -> bool:
    """Whether there is what is in the shape of each number of an order that is written in ASCII."""
    return (
        b"000" in bare or b"a0" in bare or b"0a" in bare or b"A0" in bare or b"0A" in bare
        or b"-0" in bare or b"0-" in bare or b"_0" in bare or b"0_" in bare
    )  # fmt: skip


def replace_spans(text: str, spans: Iterable[tuple[int, int]], kind: str, kinds: list[str]) -> str:
    """Puts the placeholder of `kind` in place of the spans, which come in order and do not overlap."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        parts += (text[done:start], f"[{kind}]")
        done = end
    if not parts:
        return text
    kinds.append(kind)
    return "".join((*parts, text[done:]))


def _lower(text: str) -> str:
    """Lower case with every character at its place (one of a Turkish letter's forms would become two)."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.replace("İ", "I").lower()


def _without_query(url: re.Match[str]) -> str:
    """Keeps host and path; a lone question mark behind an address is the sentence's own."""
    host, path, extra = url.groups()
    if "@" not in host and not (extra and extra.strip("?#!.,;:)\"'")):
        return url[0]
    return f"://{host.rpartition('@')[2]}{path}"


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """As many characters as the country's numbers have, and only if their checksum (ISO 7064) is right."""
    done = 0
    for found in _IBAN.finditer(text):
        length = _IBAN_LENGTHS.get(found[1][:2].upper(), 0)
        ends = [end for end, char in enumerate(found[1], found.start() + 1) if char.isalnum()]
        if found.start() < done or not 0 < length <= len(ends):
            continue
        end = ends[length - 1]
        code = "".join(text[place - 1] for place in ends[4:length] + ends[:4])
        if int("".join(str(int(char, 36)) for char in code)) % 97 == 1 and not text[end : end + 1].isalnum():
            yield found.start(), (done := end)


def _cards(text: str, kind: str) -> Iterator[tuple[int, int]]:
    """Card numbers by length and check digit (Luhn), whole groups of digits at a time, the longest first. A `card` must
    also begin like one; for a `number` to be grouped like a card is enough: it may be one with a slip of the finger."""
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        sums: tuple[list[int], list[int]] = ([0], [0])  # running sums with every even, every odd digit doubled
        counts = [0]
        for start, end in groups:
            for index, char in enumerate(text[start:end], counts[-1]):
                digit = int(char)
                sums[index & 1].append(sums[index & 1][-1] + _DOUBLED[digit])
                sums[~index & 1].append(sums[~index & 1][-1] + digit)
            counts.append(counts[-1] + end - start)
        first = 0
        while first < len(groups):
            fitting = 0
            start = groups[first][0]
            for last in range(first + 1, min(first + 19, len(groups)) + 1):
                if not CARD_DIGITS_MIN <= counts[last] - counts[first] <= 19:
                    continue
                doubled = sums[counts[last] & 1]
                checked = (doubled[counts[last]] - doubled[counts[first]]) % 10 == 0
                if (checked and (kind == "number" or text[start] in "23456")) or (
                    kind == "number" and _CARD_GROUPS.fullmatch(text, start, groups[last - 1][1])
                ):
                    fitting = last
            if fitting:
                yield start, groups[fitting - 1][1]
            first = fitting or first + 1


def _orders(text: str) -> Iterator[tuple[int, int]]:
    """What follows a word such as "booking", and what is listed behind that."""
    if _LAST_PIECES.isdisjoint(_pieces(text if text.isascii() else _lower(text))):
        return
    done = 0
    for word in _WORD.finditer(_lower(text)):
        mark = _MARK.match(text, word.end())
        if word.start() < done or mark is None:
            continue
        value = _VALUE.match(text, mark.end())
        while value and _is_code(text, value, text[word.start() : mark.end()]):
            done = value.end()
            yield value.span()
            following = _AND.match(text, done)
            value = _VALUE.match(text, following.end()) if following else None


def _is_code(text: str, value: re.Match[str], mark: str) -> bool:
    """Whether a value is a number that leads to an order. The clearer the mark before it ("number", `#`, `:`), the
    less it has to look like one."""
    code = value[0]
    named = _NAMED.search(mark) is not None
    digits = sum(map(str.isdecimal, code))
    groups = re.split("[ -]", code)
    if digits + len(groups) - 1 == len(code):
        longest = max(map(len, groups))
        if len(groups) > 1 and digits >= 9:
            return not all(map(_YEAR.fullmatch, groups))
        if longest < (3 if "#" in mark else 4 if named else 5) or (longest < 5 and len(groups) > 1):
            return False
        return not (_YEAR.fullmatch(code) and "#" not in mark) and not _AMOUNT.match(text, value.end())
    tag = mark.endswith(" #")
    if not digits:
        return named and not tag and len(code) == 6 and code.isalpha() and code.isupper() and code not in _SHOUTED
    if len(code) < 5 or _COUNTED.fullmatch(code):
        return False
    if tag or not named:
        return not _WORDLIKE.fullmatch(code) and (code.isupper() or (digits >= 4 and not tag))
    return True
