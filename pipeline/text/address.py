"""Street addresses in a text, where they are sure. In: a text. Out: where in it one stands: number, name and kind of
street, with a flat behind it; not the town.

The one rule: a street without a number leads to nobody, and a number beside a street's name is often something else
(a count of shops, a bus, a year, minutes). So each form asks for a capital where the language writes one, or for words
that announce an address. Found are the forms of English, German, Dutch, French, Spanish, Italian, Portuguese and
Polish. Looked at are the surroundings of numbers only, so that cost follows the length of a text.
"""

import re
from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]

_BEFORE_MAX: Final = 60
"""How far before its number a street's name may begin."""

_NUMBER: Final = re.compile(r"[0-9](?<![\w$€£¥#.,:/'’-][0-9])[0-9]{0,4}(?![0-9])")
"""It begins with what is rare in a text, which makes it several times as fast."""

_BUT: Final = (
    r"(?! ?(?i:hours?|hrs?|minutes?|mins?|min|days?|weeks?|months?|years?|times|x|people|persons?|miles|km|m|cm|%|€|\$|"
    r"euros?|uhr|minuten|stunden?|std|tagen?|wochen?|monaten?|jahren?|leute|personen|mal|grad|heures?|jours?|semaines?|"
    r"mois|ans|fois|personnes|horas?|minutos|días|semanas|meses|años|veces|personas|ore|minuti|giorni|volte|persone|"
    r"uur|dagen|weken|keer|am|pm|a\.m|p\.m|st|nd|rd|th|stars?|sterne?|stelle|estrellas|étoiles)\b|[.,:]\d|[%€°/]|-\d{3})"
)
"""What may not stand behind a number that belongs to the street before it."""

_NAME: Final = r"(?:[A-Z][\w'’.-]{0,30}|\d{1,3}(?:st|nd|rd|th))"
_SURE: Final = r"(?:Street|Avenue|Ave|Road|Rd|Lane|Drive|Boulevard|Blvd|Crescent|Parkway|Pkwy|Mews|Loop)"
_SHORT: Final = r"(?:St|Dr|Ln)"
_UNSURE: Final = r"(?:Way|Place|Pl|Court|Ct|Square|Sq|Close|Gardens|Circle|Cir|Terrace|Grove|Row|Hill|Walk|Trail|Park)"
_FLAT: Final = r"(?:,? (?:[Aa]pt|[Aa]partment|[Ss]uite|[Ff]lat|[Uu]nit|#) ?\.?#? ?\w{1,5}\b)?"
_ENGLISH: Final = re.compile(
    rf"\d{{1,5}}[A-Za-z]?(?:[-/]\d{{1,5}})? (?:[NSEW]\.? |North |South |East |West )?{_NAME}(?: {_NAME}){{0,2}} (?:"
    rf"{_SURE}\b\.?(?! (?:Food|Tacos?|Corn|Fair|Art|Style|View|Team|Market|Party|Kitchen|[Ss]hops?|[Ss]tores?|branches|"
    r"locations|restaurants|stations|Trip|Show|shows|test)\b)"
    rf"|{_SHORT}\b\.?(?! [A-Z](?!pt|uite|nit))"
    rf"|{_UNSURE}\b(?=, (?:[A-Z][a-z]|\d{{5}})|,? (?:[Aa]pt|[Ff]lat|[Uu]nit)\b)"
    rf"){_FLAT}"
)
_NO_STREET: Final = re.compile(
    r"\b(?:Hard|Flash|Test|USB|Pen|Disk|Thumb|Google|Food|Express|Checkout|Fast|Bus|Bike|Left|Right|Exit|Off|Days?|Hours?|"
    r"Minutes?|Years?|Stars?|Broadway|Hour)\b"
)
_ANNOUNCED: Final = re.compile(
    r"\b(?:(?:lives?|living|house|home|flat|here|mother) at|address(?: is|:)?|home is|deliver(?:ed)? to|"
    r"ship(?:ped)? to|sen[dt] (?:it )?to|went to|come to) ?(?:the )?\Z",
    re.IGNORECASE,
)
_FLAT_BEFORE: Final = re.compile(r"\b(?:[Ff]lat|[Aa]pt|[Aa]partment|[Uu]nit|[Ss]uite) \w{1,5}, ?\Z")
_ANY: Final = re.compile(
    rf"\d{{1,5}}[A-Za-z]?(?: [A-Za-z][\w'’-]{{1,30}}){{1,3}}? (?:{_SURE}|{_SHORT}|{_UNSURE})\b\.?{_FLAT}", re.IGNORECASE
)
"""Behind words that announce an address no capitals are asked for."""

_FRENCH: Final = re.compile(
    r"\d{1,4}(?: ?(?:bis|ter))?,? "
    r"(?:[Rr]ue|[Aa]venue|[Aa]v\.|[Bb]oulevard|[Bb]d|[Pp]lace|[Ii]mpasse|[Aa]llée|[Cc]hemin|[Qq]uai) "
    r"(?:de la |de l['’]|des |du |de |d['’]|la |le |l['’])?[A-ZÉÈÀ][\w'’-]{1,30}(?: [A-ZÉÈÀ][\w'’-]{1,30}){0,3}",
)

_PART: Final = r"[A-ZÄÖÜÉÈÁÍÓÚÑŁŚŻ][\w'’.-]{1,30}"
_STREETS_BEFORE: Final = (
    rf"(?:{_PART}[ -]){{1,3}}(?:[Ss]traße|[Ss]trasse|[Ss]tr\.|Allee|Platz|Weg|Gasse|Ring|Damm|Ufer|Chaussee|Markt)",
    r"[A-ZÄÖÜ][\w-]{2,30}(?:straße|strasse|str\.|weg|platz|allee|gasse|damm|ufer|chaussee|straat|laan|gracht|plein"
    r"|kade|dijk|singel|steeg|gatan|vägen|gade|vej|veien|katu)",
    rf"(?:Am|An der|Auf der|Im|In der|Zum|Zur|Unter den) (?:Alten |Neuen |Hohen )?{_PART}",
    r"(?:[Cc]alle|C/|[Aa]venida|[Aa]v(?:da)?\.|[Pp]aseo|[Pp]laza|[Cc]amino|[Rr]onda) "
    rf"(?:de la |de los |de las |del |de )?{_PART}(?: (?:de |del )?{_PART}){{0,2}}",
    r"(?:[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Vv]icolo|[Ll]argo) (?:della |delle |dei |del |di )?"
    rf"{_PART}(?: {_PART}){{0,2}}",
    rf"(?:[Rr]ua|[Tt]ravessa|[Pp]raça) (?:da |do |das |dos |de )?{_PART}(?: (?:da |do |de )?{_PART}){{0,2}}",
    rf"(?:ul\.|[Uu]lica|al\.|os\.) ?{_PART}(?: {_PART})?",
    r"(?:P\.? ?O\.? [Bb]ox|[Pp]ostfach|[Aa]partado)",
)
_LAST: Final = (
    "straße", "strasse", "str.", "box", "n.", "nº", "n°", "nr", "nr.", "carrera", "calle", "cra", "cl", "postfach",
)  # fmt: skip
"""The words in lower case that may stand right before the number of a house."""
_BEFORE: Final = re.compile(rf"(?<!\w)(?:{'|'.join(_STREETS_BEFORE)}),? (?:n[º°.] ?|nr\.? ?)?\Z")
_BEHIND: Final = re.compile(rf"\d{{1,4}} ?[a-hA-H]?(?![\w]){_BUT}")
_COLOMBIAN_BEFORE: Final = re.compile(r"\b(?:[Cc]arrera|[Cc]alle|[Cc]ra\.?|[Cc]l\.?|[Dd]iagonal|[Tt]ransversal) \Z")
_COLOMBIAN: Final = re.compile(r"\d{1,3}[A-Z]? ?(?:#|[Nn]o\.?) ?\d{1,3}[A-Z]? ?- ?\d{1,3}\b")
_NO_PLACE: Final = re.compile(
    r"^(?:Park|Sitz|Steh|Stell|Arbeits|Spiel|Start|Camping|Schlaf|Fenster|Gang|Um|Heim|Rück|Hin|Schul|Arbeits|Arbeitsw|Aus|"
    r"Kinder|Studien|Tabellen|Liege)(?:platz|weg)"
)

_COUNTED: Final = re.compile(
    r"\b(?:flight|gate|table|bus|tram|line|room|platform|terminal|store|shop|exit|route|track|row|seat|chapter|top|of|the|"
    r"all|our|your|these|those|other|next|last|first|my)\s\Z",
    re.IGNORECASE,
)
"""What stands before a count or a line, and not before the number of a house."""
_SINCE: Final = re.compile(r"\b(?:in|since|by|until|till|from|summer|winter|spring|autumn|fall)\s\Z", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20)\d\d\b")


def addresses(text: str) -> Iterator[Span]:
    """Where addresses stand, in order, none within another. Never raises."""
    done = 0
    for number in _NUMBER.finditer(text):
        start = number.start()
        if start < done:
            continue
        found = _behind(text, start) or _before(text, start)
        if found is not None and found[0] >= done:
            done = found[1]
            yield found


def _behind(text: str, start: int) -> Span | None:
    """The street stands behind its number: "12 Acacia Avenue", "14 rue de la Paix"."""
    window = max(0, start - 30)
    found = _ENGLISH.match(text, start) or _FRENCH.match(text, start)
    if found is None and (found := _ANY.match(text, start)) and not _ANNOUNCED.search(text, window, start):
        return None
    if found is None or _NO_STREET.search(found[0]) or _COUNTED.search(text, window, start):
        return None
    if _YEAR.match(text, start) and _SINCE.search(text, window, start):
        return None
    flat = _FLAT_BEFORE.search(text, window, start)
    return (flat or found).start(), found.end()


def _before(text: str, start: int) -> Span | None:
    """The street stands before its number: "Lindenstraße 14", "Calle Mayor 25"."""
    window = max(0, start - _BEFORE_MAX)
    last = text[window:start].rstrip(" ,").rpartition(" ")[2]
    if text[start - 1 : start] != " " or not (last[:1].isupper() or last.endswith(_LAST)):
        return None
    if street := _COLOMBIAN_BEFORE.search(text, window, start):
        house = _COLOMBIAN.match(text, start)
        if house is not None:
            return street.start(), house.end()
    house = _BEHIND.match(text, start)
    if house is None:
        return None
    street = _BEFORE.search(text, window, start)
    if street is None or _NO_PLACE.match(street[0]):
        return None
    return street.start(), house.end()
