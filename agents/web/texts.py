"""The texts that a console needs: those that something shown refers to, and the newest besides.

In: texts and tombstones as they come, and who refers to what. Out: a text by its reference. The one rule: memory is
bounded. A text that nothing refers to makes room for newer ones; one that is referred to stays as long as that.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable

from schemas.text import StoredText

NEWEST_MAX = 100_000


class Texts:
    """Whether somebody may see a text is not decided here."""

    def __init__(self, newest_max: int = NEWEST_MAX) -> None:
        self._newest_max = newest_max
        self._references: Counter[str] = Counter()
        self._kept: dict[str, StoredText] = {}
        self._newest: OrderedDict[str, StoredText] = OrderedDict()

    def put(self, reference: str, text: StoredText | None) -> None:
        """A text; None erases it."""
        self._kept.pop(reference, None)
        self._newest.pop(reference, None)
        if text is None:
            return
        if reference in self._references:
            self._kept[reference] = text
        else:
            self._add(reference, text)

    def get(self, reference: str) -> StoredText | None:
        """The text, None where it is not (yet) there, or erased."""
        return self._kept.get(reference) or self._newest.get(reference)

    def wanted(self, reference: str) -> bool:
        """Whether something refers to it. At start, of the many old texts, only these are worth reading."""
        return reference in self._references

    def refer(self, references: Iterable[str]) -> None:
        """Something refers to these, once more."""
        for reference in references:
            self._references[reference] += 1
            if (text := self._newest.pop(reference, None)) is not None:
                self._kept[reference] = text

    def release(self, references: Iterable[str]) -> None:
        """Something refers to these no more."""
        for reference in references:
            self._references[reference] -= 1
            if self._references[reference] <= 0:
                del self._references[reference]
                if (text := self._kept.pop(reference, None)) is not None:
                    self._add(reference, text)

    def __len__(self) -> int:
        return len(self._kept) + len(self._newest)

    def _add(self, reference: str, text: StoredText) -> None:
        self._newest[reference] = text
        if len(self._newest) > self._newest_max:
            self._newest.popitem(last=False)
