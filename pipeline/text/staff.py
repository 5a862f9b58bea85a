"""Names of people who work in a unit, in a text. In: the names that units list, as they list them. Out: where in a text
one of them stands.

The one rule: what is surely no name stays. A listed name of several words is found in any case. Of "Maria Gonzalez",
"Maria" and "Gonzalez" are found alone, too; but a word that also means something else ("Will", "May", "Baker") only
where it is written like a name: with a capital inside of a sentence, before a verb that no such word stands before
("Will was"), or behind a title ("Mr Baker"). Accents do not count, nor how umlauts and apostrophes are written.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pipeline.text.fold import fold

Span = tuple[int, int]

_WORD: Final = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
_ANY_WORD: Final = re.compile(r"\w+")
_GAP: Final = re.compile(r"\s{1,3}|[.'’-]\s?")
"""What may stand between the words of one name."""
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"})
_TITLES: Final = frozenset(
    (
        "mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam", "herr", "frau", "hr", "fr", "monsieur", "madame",
        "mme", "mlle", "senor", "senora", "sr", "sra", "don", "dona", "signor", "signora", "sig", "mevrouw",
        "meneer", "senhor", "senhora", "pan", "pani",
    )
)  # fmt: skip
_SENTENCE: Final = re.compile(r"(?:^|[^\w\s,'’&/-]|[@#]\w{1,64}[:,]?)[\s\"'“”‘’(¡¿*_]*\Z")
"""What stands before the first word of a sentence; a mention or a tag before it is no part of it."""
_DAY: Final = re.compile(r"\d")
"""A month has one beside it."""
_TAGGED: Final = re.compile(r"(?:[@#\[]|[./]\S{0,60}/)\Z")
"""A mention, a tag, a placeholder, a part of a web address: no name stands behind these."""
_VERBS: Final = frozenset(
    (
        "from",
        "at",
        "behind",
        "was",
        "is",
        "has",
        "had",
        "who",
        "said",
        "told",
        "served",
        "helped",
        "works",
        "gave",
        "made",
        "took",
    )
)
_ARTICLES: Final = frozenset(
    (
        "the", "a", "an", "this", "that", "these", "those", "my", "your", "our", "his", "her", "their", "every", "any",
        "no",
    )
)  # fmt: skip
"""No name stands behind these."""
_MONTHS: Final = frozenset(("april", "may", "june", "august", "avril", "mai", "juni", "juli", "abril"))
_BEFORE_MONTHS: Final = frozenset(
    (
        "in", "on", "since", "until", "till", "from", "last", "next", "of", "by", "during", "early", "late", "mid",
        "before", "after", "im", "seit", "bis", "ab", "en", "de", "du", "desde", "hasta", "depuis",
    )
)  # fmt: skip

_COMMON_GIVEN: Final = """
abril aimee al amber angel april art asia august autumn avril bella bill blanca bo bob buck bud candy carol carolina
chad chance charity chase china christian claire clay cliff consuelo cruz crystal daisy dale dawn dean destiny dick
dolly dolores don dot drew duke earl ed engel ernest ernst faith flora florence frank gene georgia ginger glen grace
grant gut guy hank harmony harry heath holly hope hunter india iris israel ivy jack jade jasmine jay jean jewel
jordan josh joy juli june juni kenya king lance lieb lily linda london lourdes lucky luz mai major mar mark mason
max may melody mercedes mercy miles nick norm nova olive opal paris pat patience paz pearl peg penny pierce pierre
pilar prince prudence rainer ray reed rex rich rob robin rocky rod rosa rose ruby rusty sandy savannah scotty skip
sky sol sonny star stella stew storm sue summer sunny sydney tad ted tim tony trinity trip ty victor victory viola
violet virginia wade ward whit will wolf wren
"""
_COMMON_FAMILY: Final = """
academy alt an archer bach baker banks barber bauer baum bean becker bell berg berry best bird bishop black blanc
blanco blue bond booth boucher boulanger brand braun bravo bridges brook brooks brown brunnen burns busch bush
butler camp campos carpenter carter case cash castillo castle chambers chandler church clark coffee coin cole cook
cooper cross day delgado diamond do downs dupont east farm farmer feld field fields finger fischer fish fisher
fletcher flores flower flowers ford forest forester foster fox freeman french frost fuller gardener gold golden graf
grand gray green grey gross guerra hall hand hardy hart hawk he head heart herzog hill hills holiday hood hook
hooper house hunt iglesias in judge jung kaiser keen khan kitchen klein knight koch konig kraft kruger kurz lake
lamb land lane lang law lean leblanc lee leon little lobo long lord love low luna lustig ma main marchand market
marsh marshall mill miller mills minor moon moore moreno moss moulin nail neu new nice noble north page paper park
parker parks peace pence perry petit piper plant pont pool poole pope porter potter pound power price priest queen
rain ramp read reason rey reyes rice richter rico rivers rock roi rojo roth rush sale sales salt sands savage sawyer
schneider schwarz self service sexton sharp shepherd shop short silver singer singh skinner slater smart smith snow
so sommer song south speed spencer spring stark steel stein stern stewart stone street strong summers sun sweet
swift tanner taylor temple thatcher tiller to torres tower town tree turner tyler vale van vogel voice wagner wald
walker wall walls wang waters weaver weber weeks weiss wells west wheeler white wild winkel winter wise wood woods
young
"""
COMMON: Final = frozenset((_COMMON_GIVEN + _COMMON_FAMILY).split())
"""Names that are words (folded): alone in lower case, or where all words begin with a capital, they say nothing."""


class Staff:
    """`listed`: units and the names that they list."""

    def __init__(self, listed: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        self._whole: dict[str, set[str]] = {}
        self._given: dict[str, set[str]] = {}
        self._family: dict[str, set[str]] = {}
        for unit_id, names in listed:
            for name in names:
                for spelled in _spellings(name):
                    self._take(unit_id, spelled)
        self._lengths: dict[str, tuple[int, ...]] = {}
        for name in self._whole:
            first, count = name.partition(" ")[0], name.count(" ") + 1
            self._lengths[first] = tuple(sorted({*self._lengths.get(first, ()), count}, reverse=True))

    def _take(self, unit_id: str, words: list[str]) -> None:
        if len(words) > 1:
            self._whole.setdefault(" ".join(words), set()).add(unit_id)
            if len(words[-1]) > 2:
                self._family.setdefault(words[-1], set()).add(unit_id)
        if words and len(words[0]) > 1:
            self._given.setdefault(words[0], set()).add(unit_id)

    def __bool__(self) -> bool:
        return bool(self._given or self._whole)

    def find(self, text: str, concerned: Callable[[str], bool]) -> Iterator[Span]:
        """Where a name stands that is listed by a unit that is concerned; in order, none within another."""
        said = _ANY_WORD.findall(fold(text))
        if self._given.keys().isdisjoint(said) and self._family.keys().isdisjoint(said):
            return
        words = list(_WORD.finditer(text))
        folded = [fold(word[0]) for word in words]
        place = 0
        while place < len(words):
            count = self._count(text, words, folded, place, concerned)
            if count:
                yield words[place].start(), words[place + count - 1].end()
            place += count or 1

    def _count(
        self, text: str, words: list[re.Match[str]], folded: list[str], place: int, concerned: Callable[[str], bool]
    ) -> int:
        """How many words from this place on are a name."""
        start = words[place].start()
        if _TAGGED.search(text, max(0, start - 80), start):
            return 0
        for length in self._lengths.get(folded[place], ()):
            units = self._whole.get(" ".join(folded[place : place + length])) if place + length <= len(words) else None
            if units and _together(text, words, place, length) and any(map(concerned, units)):
                return length
        if self._is_initial(text, words, folded, place, concerned):
            return 2
        units = self._given.get(folded[place])
        if units and _is_given(text, words, folded, place) and any(map(concerned, units)):
            return 2 if _has_initial(text, words, place) else 1
        units = self._family.get(folded[place])
        return int(bool(units and _is_family(words, folded, place) and any(map(concerned, units))))

    def _is_initial(
        self, text: str, words: list[re.Match[str]], folded: list[str], place: int, concerned: Callable[[str], bool]
    ) -> bool:
        """ "M. Gonzalez"."""
        if (
            len(folded[place]) != 1
            or not words[place][0].isupper()
            or place + 1 >= len(words)
            or not words[place + 1][0][:1].isupper()
        ):
            return False
        units = self._family.get(folded[place + 1])
        return bool(units and _together(text, words, place, 2) and any(map(concerned, units)))


def _has_initial(text: str, words: list[re.Match[str]], place: int) -> bool:
    """ "Maria G."."""
    if place + 1 >= len(words) or not _together(text, words, place, 2):
        return False
    word = words[place + 1]
    return len(word[0]) == 1 and word[0].isupper() and text[word.end() : word.end() + 1] == "."


def _spellings(name: str) -> Iterator[list[str]]:
    """ "O'Brien" is also written "OBrien", and "Jörg" "Joerg"."""
    for spelled in dict.fromkeys((name, name.casefold().translate(_UMLAUTS), re.sub("['’]", "", name))):
        yield [fold(word) for word in _WORD.findall(spelled)]


def _together(text: str, words: list[re.Match[str]], place: int, count: int) -> bool:
    pairs = zip(words[place : place + count - 1], words[place + 1 : place + count], strict=True)
    return all(_GAP.fullmatch(text, one.end(), other.start()) for one, other in pairs)


def _is_given(text: str, words: list[re.Match[str]], folded: list[str], place: int) -> bool:
    """Whether a given name that stands alone is one here."""
    word, name = words[place][0], folded[place]
    if name not in COMMON:
        return True
    if not word.istitle():
        return False  # "WILL YOU ANSWER" says nothing about Will
    before = folded[place - 1] if place else ""
    if before in _TITLES:
        return True
    start, end = words[place].span()
    if name in _MONTHS and (before in _BEFORE_MONTHS or _DAY.search(text[max(0, start - 4) : end + 4])):
        return False
    if before in _ARTICLES:
        return False
    if _SENTENCE.search(text, max(0, start - 80), start):
        return place + 1 < len(words) and folded[place + 1] in _VERBS
    return not words[place - 1][0][:1].isupper() or before in COMMON


def _is_family(words: list[re.Match[str]], folded: list[str], place: int) -> bool:
    """Whether a family name that stands alone is one here."""
    if not words[place][0][:1].isupper():
        return False
    return folded[place] not in COMMON or (place > 0 and folded[place - 1] in _TITLES)
