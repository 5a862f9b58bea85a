"""Which language a text is in. In: a normalised text, its words (`Reading.words`), what the network says.
Out: Detected.

The one rule: what is plainly English is said to be English at once, by its everyday words; only what is not so plain is
shown to the library, which takes thirty times as long. What the network states tips the scales where a text is short,
and decides nothing else: networks guess too. A text of which nobody could tell (a handle, an emoji, "ok") has none.

Library: lingua, with its models of trigrams only, which are small and as good on texts of this kind.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from sys import intern
from typing import Final, NamedTuple

from lingua import IsoCode639_1, Language, LanguageDetector, LanguageDetectorBuilder

from pipeline.lexicon import content
from pipeline.text.reading import HANDLE, everyday

READ_MAX: Final = 400
"""Characters of a text that are looked at."""
ASKED_MAX: Final = 140
"""Characters that the library is shown: enough to tell, and what it takes grows with them (1.5 µs for each)."""
WORDS_READ_MAX: Final = 60
LETTERS_MIN: Final = 3
SURE_MIN: Final = 0.5
"""Below this confidence there is no answer."""
KNOWN_MIN: Final = 4
STATED_MIN: Final = 0.1
"""What the network states is believed where the library gives it at least this much, or is not sure of anything."""
LANGUAGES: Final = (
    "ar", "cs", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko", "nl", "pl", "pt",
    "ro", "ru", "sv", "th", "tr", "uk", "vi", "zh",
)  # fmt: skip
"""What the library chooses from (ISO 639-1). More would cost memory, and take short English texts for theirs."""

_OLD_CODES: Final = {"in": "id", "iw": "he", "ji": "yi", "nb": "no", "nn": "no"}
_CODE: Final = re.compile(r"[A-Za-z]{2,3}(?![A-Za-z])")
_SAYS_NOTHING: Final = frozenset(("und", "zxx", "mul", "mis", "art", "qam", "qct", "qht", "qme", "qst"))
"""Not a language: of ISO 639-2, and what X answers for texts of links, tags or media alone."""
_NO_WORD: Final = re.compile(r"[@#]\w+|https?\S*|www\.\S*|<\w+>|[\d_]+")


class Detected(NamedTuple):
    """A language (ISO 639-1 where there is such a code), None if nobody could tell; how sure, 0 to 1."""

    language: str | None
    confidence: float


UNKNOWN: Final = Detected(None, 0.0)
_ENGLISH: Final = Detected("en", 1.0)


def detect(
    text: str, words: Sequence[str], stated: str | None = None, vocabulary: frozenset[str] = frozenset()
) -> Detected:
    """Plain English: every second word is an English one, and one of them is everyday English and nothing else; or one
    in four are everyday English only, and there are three; or three in four are English, and there are four. `stated`:
    a language tag (BCP 47) as the network gives it, or None. `vocabulary`: more English words, some of which may be
    words elsewhere. Raises nothing."""
    english, shared = _english()
    read = words if len(words) <= WORDS_READ_MAX else words[:WORDS_READ_MAX]
    deciding = sum(map(english.__contains__, read))
    spoken = len(read) - read.count(HANDLE)
    if deciding and deciding * 2 >= spoken:
        return _ENGLISH
    known = deciding + sum(map(shared.__contains__, read))
    if known * 2 < spoken and vocabulary:
        known = sum(map(_known(vocabulary).__contains__, read))
    if deciding and (known * 2 >= spoken or (deciding > 2 and deciding * 4 >= spoken)):
        return _ENGLISH
    if known >= KNOWN_MIN and known * 4 >= spoken * 3:
        return _ENGLISH
    claimed = _base(stated)
    seen = " ".join(_NO_WORD.sub(" ", text[:READ_MAX]).split())[:ASKED_MAX]
    letters = sum(map(str.isalpha, seen))
    if letters == 0:
        return UNKNOWN
    if claimed is not None and claimed not in LANGUAGES:
        return Detected(claimed, SURE_MIN)  # the library cannot contradict: it has never heard of it
    if letters < LETTERS_MIN and seen.isascii():
        return UNKNOWN if claimed is None else Detected(claimed, SURE_MIN)
    return _asked(seen, claimed, known / spoken if spoken else 0.0)


def _asked(text: str, claimed: str | None, english: float) -> Detected:
    """What the library says, weighed with what the network says. `english`: the share of words that could be English;
    the more there are, the surer the library has to be of another language."""
    # The last bits of its confidences differ from one process to the next: nothing is decided on them.
    library, codes = _library()
    values = {codes[one.language]: round(one.value, 3) for one in library.compute_language_confidence_values(text)}
    first = max(values, key=lambda language: (values[language], language))
    sure = values[first] - (0.0 if first == "en" else english)
    if claimed is not None and claimed != first and (values[claimed] >= STATED_MIN or sure < SURE_MIN):
        return Detected(claimed, max(values[claimed], SURE_MIN))
    return Detected(first, values[first]) if sure >= SURE_MIN or claimed == first else UNKNOWN


def _base(stated: str | None) -> str | None:
    """ "pt-BR" -> "pt"; None for what is no language."""
    code = _CODE.match(stated) if stated else None
    if code is None:
        return None
    language = code[0].lower()
    return None if language in _SAYS_NOTHING else _OLD_CODES.get(language, language)


@cache
def _english() -> tuple[frozenset[str], frozenset[str]]:
    """Everyday words that are English only, and those that are words elsewhere too."""
    file = content("language", "en")
    shared = frozenset(map(intern, file["shared"].split()))
    return (everyday("en")[0] | set(map(intern, file["more"].split()))) - shared, shared


@lru_cache(8)
def _known(vocabulary: frozenset[str]) -> frozenset[str]:
    """All English words: of a lexicon's only those that are long enough to be words nowhere else."""
    english, shared = _english()
    return english | shared | {word for word in vocabulary if len(word) > 3}


@cache
def _library() -> tuple[LanguageDetector, Mapping[Language, str]]:
    """Loaded when it is first asked; the same in every process. With the code of each of its languages."""
    codes = [getattr(IsoCode639_1, language.upper()) for language in LANGUAGES]
    builder = LanguageDetectorBuilder.from_iso_codes_639_1(*codes)
    library = builder.with_low_accuracy_mode().with_preloaded_language_models().build()
    return library, {Language.from_iso_code_639_1(code): code.name.lower() for code in codes}
