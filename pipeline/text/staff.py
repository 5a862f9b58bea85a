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

_WORD: Final = re.compile(r"[^\W\d_]+")
_GAP: Final = re.compile(r"\s{1,3}|[.'’-]\s?")
"""What may stand between the words of one name."""
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"})
_TITLES: Final = frozenset(
    "mr mrs ms miss dr prof sir madam herr frau hr fr monsieur madame mme mlle señor señora sr sra don doña signor signora "
    "sig mevrouw meneer senhor senhora dona pan pani".translate(str.maketrans("ñ", "n")).split()
)
_SENTENCE: Final = re.compile(r"(?:^|[.!?…:;\n]|@\w{1,64}[:,]?)[\s\"'“”‘’(¡¿*_-]*\Z")
"""What stands before the first word of a sentence; a mention at its beginning is no part of it."""
_VERBS: Final = frozenset("was is has had who said told served helped works gave made took".split())
_BEFORE_MONTHS: Final = frozenset(
    "in since until till from last next this of by during early late mid before after every im seit bis ab en de du "
    "desde hasta depuis".split()
)
_MONTHS: Final = frozenset("april may june august avril mai juni juli abril".split())

COMMON: Final = frozenset(
    # given names
    "will may mark rose grace hope faith joy bill art rob jack pat sue drew chase hunter summer dawn april june august "
    "autumn avril mai juni juli abril skip guy dean earl duke king prince carol ivy lily violet daisy iris jasmine holly "
    "olive amber ruby pearl jade crystal jewel opal melody harmony charity patience prudence mercy destiny trinity "
    "angel christian major miles chance rich frank ernest nick dick dot bob buck bud cliff clay dale glen grant hank "
    "harry heath jay josh lance max mason norm peg penny pierce ray reed rex robin rocky rod rusty sandy scotty sky sonny "
    "stew storm sunny tad ted tony trip ty victor wade ward whit art wren victory sol luz mar paz cruz dolores consuelo "
    "rosa blanca pilar mercedes dolly candy ginger paris london sydney georgia virginia carolina savannah china india "
    "asia israel jordan chad kenya florence lourdes claire aimee pierre lucky star bo al ed don jean gene "
    "ernst wolf gut rainer engel lieb tim flora stella viola nova bella linda "
    # family names
    "baker cook smith miller butler carpenter farmer fisher gardener mason potter shepherd taylor turner walker weaver "
    "archer barber bishop carter chandler clark cooper fletcher forester foster fuller hooper judge knight marshall "
    "page parker piper porter priest sawyer sexton singer skinner slater spencer stewart thatcher tanner tyler wheeler "
    "bell best bird bishop black blue brown bush church cross day dean diamond east field fields fish flower flowers ford "
    "forest fox french freeman gray green grey hall hand hart hawk head heart hill hills holiday house hunt hunter king "
    "lake lamb lane law little long lord love low main may moon moore moss new noble north park parks peace pope power "
    "price queen read reed rice rich rivers rock rose salt sharp short silver snow south speed spring steel stone strong "
    "summers sun swift town street tree wall walls ward waters weeks wells west white wild winter wise wolf wood woods "
    "young banks berry bean bond booth brand bridges brook brooks burns camp case cash castle chambers coffee coin cole "
    "downs drew farm finger frost gold golden hardy hook hope hood joy keen kitchen land lean major marsh mill mills minor "
    "nail nice park paper pence perry plant pool poole pound rain ramp ray reason rose rush sale sales sands savage self "
    "service shop smart sweet temple tiller tower vale van vale voice wagner weber koch bauer becker schneider fischer "
    "richter kaiser krüger vogel berg stein stern winkel winter sommer klein gross lang kurz jung alt neu roth schwarz "
    "weiss braun könig graf herzog baum busch feld wald bach brunnen kraft stark lustig petit grand blanc leblanc roi "
    "marchand boucher boulanger moulin pont dupont rosa leon lobo reyes rey flores campos iglesias torres castillo rojo "
    "blanco moreno delgado rico bravo guerra luna sol market khan singh lee long song wang ma an he so do to in "
    "academy".translate(str.maketrans("üö", "uo")).split()
)
"""Names that are words (folded): alone and in lower case, or where every word begins with a capital, they say nothing."""


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
        words = list(_WORD.finditer(text))
        folded = [fold(word[0]) for word in words]
        if not words or (self._given.keys().isdisjoint(folded) and self._family.keys().isdisjoint(folded)):
            return
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
        if text[max(0, start - 1) : start] in ("@", "#", "/", "["):
            return 0
        for length in self._lengths.get(folded[place], ()):
            units = self._whole.get(" ".join(folded[place : place + length]))
            if units and _together(text, words, place, length) and any(map(concerned, units)):
                return length
        if self._is_initial(text, words, folded, place, concerned):
            return 2
        units = self._given.get(folded[place])
        if units and _is_given(text, words, folded, place) and any(map(concerned, units)):
            return 1
        units = self._family.get(folded[place])
        return int(bool(units and _is_family(words, folded, place) and any(map(concerned, units))))

    def _is_initial(
        self, text: str, words: list[re.Match[str]], folded: list[str], place: int, concerned: Callable[[str], bool]
    ) -> bool:
        """ "M. Gonzalez"."""
        if len(folded[place]) != 1 or place + 1 >= len(words) or not words[place + 1][0][:1].isupper():
            return False
        units = self._family.get(folded[place + 1])
        return bool(units and _together(text, words, place, 2) and any(map(concerned, units)))


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
        return False
    before = folded[place - 1] if place else ""
    if before in _TITLES:
        return True
    if name in _MONTHS and before in _BEFORE_MONTHS:
        return False
    start = words[place].start()
    if _SENTENCE.search(text, max(0, start - 80), start):
        return place + 1 < len(words) and folded[place + 1] in _VERBS
    return not words[place - 1][0][:1].isupper() or before in COMMON


def _is_family(words: list[re.Match[str]], folded: list[str], place: int) -> bool:
    """Whether a family name that stands alone is one here."""
    if not words[place][0][:1].isupper():
        return False
    return folded[place] not in COMMON or (place > 0 and folded[place - 1] in _TITLES)
