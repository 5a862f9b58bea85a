"""Personal data -> placeholders. In: a normalised text. Out: the text with `[email]`, `[phone]`, `[card]`, `[iban]`,
`[order]` and `[number]` in it, web addresses without their query, and the kinds that were found.

The one rule: rather mask a number too many than show one that leads to a person; but what tells managers what happened
(prices, times, dates, flights, years, counts, tags, mentions) stays. Patterns run in linear time on any text: each
repeats over characters that what follows it cannot match, or is bounded, or is possessive.

What is not found: record locators without a word before them, written-out numbers, addresses like "name at host".
"""

import re
from typing import Final, NamedTuple


class Masked(NamedTuple):
    """A text without personal data, and what was found in it: each kind once, in alphabetical order. `url` stands for
    a query, a fragment or a password that was cut from a web address."""

    text: str
    kinds: tuple[str, ...]


_SHAPE: Final = bytes.maketrans(
    b"123456789BCDEFGHIJKLMNOPQRSTUVWXYZbcdefghijklmnopqrstuvwxyz", b"0" * 9 + b"A" * 25 + b"a" * 25
)
"""Digits as 0, letters as A and a: what a text may hold can then be asked for without regular expressions."""
_FOREIGN_DIGIT: Final = re.compile(r"(?![0-9])\d")

_URL: Final = re.compile(r"://([^\s/?#]*+)([^\s?#]*+)([?#]\S*+)?")
_BARE_QUERY: Final = re.compile(r"\?(?<=[\w/]\?)[\w.~-]{1,50}=\S*+")
_EMAIL_HINT: Final = re.compile(r"@(?<=[\w+-]@)[\w-]++\.")
_EMAIL: Final = re.compile(r"(?<![\w.+-])(?:[\w.+-]*[\w+-]@(?:[\w-]++\.(?=\w))+[^\W\d_][\w-]++)++")

_IBAN: Final = re.compile(r"(?<![^\W_])(?=([A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]){11,30}+))")
_IBAN_LENGTHS: Final = {
    entry[:2]: int(entry[2:])
    for entry in """AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28
    EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30
    KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29
    PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
    """.split()
}

_RUN: Final = re.compile(r"\d(?:[ .-]?\d){12,}+")
_GROUP: Final = re.compile(r"\d+")
_CARD_GROUPS: Final = re.compile(r"\d{4}([ .-])\d{4}\1\d{4}\1\d{4}|\d{4}([ .-])\d{6}\2\d{5}")
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_GAP: Final = r"(?:[ .]|\)-| ?[()/‐-―-] ?)?"
_DATE: Final = r"(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d\d)|\d{4}[./-]\d\d[./-]\d\d)(?![./-]?\d)"
_PHONE: Final = re.compile(
    rf"(?<![\w$€£¥+])(?<!\d[./-])(?<!\[phone\])(?<!\[number\])(?!{_DATE})(?:"
    rf"\+ ?\(?\d{{1,3}}(?:{_GAP}\d){{6,12}}"  # +44 20 7946 0958
    r"|\(\d{2,5}\) ?\d(?:[ .-]?\d){5,8}"  # (020) 7946 0958
    rf"|0\d(?:{_GAP}\d){{7,13}}"  # 0044 20 7946 0958, 020 7946 0958
    r"|(?:1[ .-]?)?(?:\([2-9]\d\d\)|[2-9]\d\d)[ ./-]{0,2}[2-9]\d\d[ .-]?\d{4}"  # 1-212-555-0123
    r"|[2-9]\d\d([ -])\d{3}\1\d{3}|[6-9]\d{4}[ -]\d{5}|1[3-9]\d([ -])\d{4}\2\d{4}|[1-9]\d 9\d{4}-\d{4}"
    r")(?!\d)"
)
_CALL: Final = re.compile(
    r"\b((?:call|phone|tel|telephone|cell|mobile|mob|whatsapp|sms|text|dial|ring|fax|ph)\b(?<!\[phone)[^\d\[]{0,20})"
    rf"(?<![\w$€£¥])(?!{_DATE})\d(?:{_GAP}\d){{6,13}}(?!\d)",
    re.IGNORECASE,
)

_NUMBER: Final = re.compile(r"([@#]\d*[^\W\d]\w*+)|\d{9,}+|(?<![\w@#/.=\]-])[A-Za-z]{2,5}\d{5,}\w*+")
"""Long digit runs and codes such as a bag's `ABC12345X`; mentions and tags (the group) stay as they are."""

_WORD: Final = re.compile(
    r"\b(?:order|booking|reservation|conf|confirm|confirmation|cnf|locator|pnr|e-?ticket|ticket|case|ref|reference|claim"
    r"|file|report|request|complaint|incident|invoice|tracking|shipment|parcel|account|acct|customer|member|membership"
    r"|passport|policy|tag|res|itinerary|trip|rr|sr)s?\b",
    re.IGNORECASE,
)
_MARK: Final = re.compile(
    r"(?:\s(?!flight|gate|seat|room|train|bus|phone)\w{1,12}(?=\s(?:number|code|id|ref)\b))?+"
    r"(?:['’]?s\b|\s{0,2}(?:(?:numbers?|num|nbr|no|nr|code|id|ref|reference|locator|is|are|was)\b\.?|[:#=(№-])){0,5}+"
    r"\s{0,2}",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(r"[:#(№=]|\b(?:n|code|id|ref|locator)", re.IGNORECASE)
_VALUE: Final = re.compile(r"(?:\d{3,5} \d{6,10}|\w{1,32}+(?:-\w{1,32}+){0,5}+)(?![\w\[@])")
_AND: Final = re.compile(r"\s{0,2}(?:,|&amp;|&|/|and\b)\s{0,2}#?")
_AMOUNT: Final = re.compile(r"\s?(?:miles|points|people|customers|dollars|euros|pounds|bucks|km|followers|%)", re.I)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_AMOUNTLIKE: Final = re.compile(r"\d+-?[a-z]+")
_WORDLIKE: Final = re.compile(r"[A-Za-z]+-?(?:19|20)\d\d|[A-Z]{4,}\d{1,4}|[A-Z][A-Z\d]-?\d{1,4}")
"""What may stand behind a word as something else: a tag with a year or number, a flight."""
_SHOUTED: Final = frozenset({"PLEASE", "THANKS", "NUMBER", "FLIGHT", "TICKET", "REFUND", "NEEDED", "CANNOT", "ALWAYS"})


def mask(text: str) -> Masked:
    """Masks what may lead to a person. Idempotent: what comes out is not masked further. Never raises."""
    shape = text.encode("utf-8", "replace").translate(_SHAPE)
    digits = shape.count(b"0")
    foreign = len(shape) != len(text) and _FOREIGN_DIGIT.search(text) is not None
    if foreign:
        digits += 16  # Arabic, Devanagari, full-width: the patterns know them, the shape does not
    before = text
    kinds: list[str] = []
    if b"://" in shape or b"?" in shape:
        text = _BARE_QUERY.sub("", _URL.sub(_without_query, text))
        if text != before:
            kinds.append("url")
    if b"@" in shape and _EMAIL_HINT.search(text):
        text = _replace(_EMAIL, "[email]", text, kinds)
    if digits >= 9:
        text = _mask_ibans(text, kinds)
        text = _RUN.sub(lambda run: _mask_cards(run[0], "card", kinds), text)
    if digits and (foreign or _has_code(shape)) or b"AAAAAA" in shape:
        text = _mask_orders(text, kinds)
    if digits >= 7:
        text = _replace(_PHONE, "[phone]", text, kinds)
        text = _replace(_CALL, r"\1[phone]", text, kinds)
        text = _RUN.sub(lambda run: _mask_cards(run[0], "number", kinds), text)
    if digits >= 5:
        before = text
        text = _NUMBER.sub(lambda found: found[1] or "[number]", text)
        if text != before:
            kinds.append("number")
    return Masked(text, tuple(sorted(set(kinds))) if kinds else ())


def _has_code(shape: bytes) -> bool:
    """Whether anything stands there that could be an order's number; "3 hours" and "8:30" could not."""
    return b"0000" in shape or b"A0" in shape or b"0A" in shape or b"a0" in shape or b"#000" in shape or b"# 000" in shape


def _replace(pattern: re.Pattern[str], placeholder: str, text: str, kinds: list[str]) -> str:
    text, count = pattern.subn(placeholder, text)
    if count:
        kinds.append(placeholder[placeholder.index("[") + 1 : -1])
    return text


def _without_query(url: re.Match[str]) -> str:
    """Keeps host and path; a lone question mark behind an address is the sentence's own."""
    host, path, extra = url.groups()
    if "@" not in host and not (extra and extra.strip("?#!.,;:)\"'")):
        return url[0]
    return f"://{host.rpartition('@')[2]}{path}"


def _mask_ibans(text: str, kinds: list[str]) -> str:
    """Takes as many characters as the country's numbers have, and only if their checksum (ISO 7064) is right."""
    parts: list[str] = []
    done = 0
    for found in _IBAN.finditer(text):
        start, taken = found.start(), 0
        length = _IBAN_LENGTHS.get(found[1][:2].upper(), 0)
        if start < done or not length:
            continue
        for end, char in enumerate(found[1], start + 1):
            taken += char.isalnum()
            if taken == length:
                code = "".join(filter(str.isalnum, text[start:end]))
                if not text[end : end + 1].isalnum() and int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1:
                    parts += (text[done:start], "[iban]")
                    done = end
                break
    if not parts:
        return text
    kinds.append("iban")
    return "".join((*parts, text[done:]))


def _mask_cards(run: str, kind: str, kinds: list[str]) -> str:
    """Masks what is a card's number by length and check digit (Luhn), whole groups of digits at a time, the longest
    first. As `card` it must begin like one; as `number` it need not, and to be grouped like a card is enough."""
    groups = [group.span() for group in _GROUP.finditer(run)]
    sums: tuple[list[int], list[int]] = ([0], [0])  # running sums with every even, every odd digit doubled
    counts = [0]
    for start, end in groups:
        for index, char in enumerate(run[start:end], counts[-1]):
            digit = int(char)
            sums[index & 1].append(sums[index & 1][-1] + _DOUBLED[digit])
            sums[~index & 1].append(sums[~index & 1][-1] + digit)
        counts.append(counts[-1] + end - start)
    parts: list[str] = []
    done = first = 0
    while first < len(groups):
        fitting = 0
        for last in range(first + 1, min(first + 19, len(groups)) + 1):
            size = counts[last] - counts[first]
            if size > 19:
                break
            doubled = sums[counts[last] & 1]
            if size >= 13 and (
                ((doubled[counts[last]] - doubled[counts[first]]) % 10 == 0 and (kind == "number" or run[groups[first][0]] in "23456"))
                or (kind == "number" and _is_card_shaped(run[groups[first][0] : groups[last - 1][1]]))
            ):
                fitting = last
        if fitting:
            parts += (run[done : groups[first][0]], f"[{kind}]")
            done = groups[fitting - 1][1]
        first = fitting or first + 1
    if not parts:
        return run
    kinds.append(kind)
    return "".join((*parts, run[done:]))


def _is_card_shaped(found: str) -> bool:
    """Grouped like a card: a number with a slip of the finger. Four years in a row are not one."""
    return bool(_CARD_GROUPS.fullmatch(found)) and not all(_YEAR.fullmatch(group) for group in _GROUP.findall(found))


def _mask_orders(text: str, kinds: list[str]) -> str:
    """Masks what follows a word such as "booking", and what is listed behind that."""
    parts: list[str] = []
    done = 0
    for word in _WORD.finditer(text):
        mark = _MARK.match(text, word.end())
        if word.start() < done or mark is None:
            continue
        value = _VALUE.match(text, mark.end())
        while value and _is_code(text, value, mark[0]):
            parts += (text[done : value.start()], "[order]")
            done = value.end()
            following = _AND.match(text, done)
            value = _VALUE.match(text, following.end()) if following else None
    if not parts:
        return text
    kinds.append("order")
    return "".join((*parts, text[done:]))


def _is_code(text: str, value: re.Match[str], mark: str) -> bool:
    """Whether a value is a number that leads to an order. The clearer the mark before it ("number", `#`, `:`), the
    less it has to look like one."""
    code = value[0]
    named = bool(_NAMED.search(mark))
    digits = sum(map(str.isdecimal, code))
    groups = re.split("[ -]", code)
    if digits + len(groups) - 1 == len(code):
        longest = max(map(len, groups))
        enough = longest >= (3 if "#" in mark else 4 if named else 5) and (longest >= 5 or len(groups) == 1 or digits >= 9)
        return enough and not ("#" not in mark and _YEAR.fullmatch(code)) and not _AMOUNT.match(text, value.end())
    tag = mark.endswith(" #") or value.start() < 2 and mark == "#"
    if not digits:
        return named and not tag and len(code) == 6 and code.isalpha() and code.isupper() and code not in _SHOUTED
    if len(code) < 5 or _AMOUNTLIKE.fullmatch(code):
        return False
    if tag or not named:
        return not _WORDLIKE.fullmatch(code) and (code.isupper() or (digits >= 4 and not tag))
    return True
