"""A record on which the process dies is found, and put aside after a bounded number of deaths.

Before the first batch after taking a partition over, and before each part of a batch while under suspicion, a Trial is
written: where work begins and how careful it is. A process that finds its own partition's trial at the very position
where it must begin knows that the one before died there, and is more careful: whole batches, then 100 records at a
time, then 10, then one. A record that kills when it is alone, twice, is dead-lettered. Each death narrows the stretch
under suspicion down to what was worked on, so that deaths that are no record's fault cost little.
"""

import msgspec

LEVELS = (0, 0, 100, 10, 1, 1)
"""Records at a time after so many deaths at one position; 0: whole batches."""
CONVICTED = len(LEVELS)
SUSPECT_RECORDS = 5000
"""How far after the place of death it stays careful where whole batches were worked on: more than one of them."""


class Trial(msgspec.Struct, frozen=True, array_like=True):
    """Work began at `offset` (-1: none is under way) after `deaths`; the suspicion ends at `until`."""

    offset: int = -1
    deaths: int = 0
    until: int = -1

    def after_restart(self, position: int) -> "Trial":
        """What the next owner begins with: one more death if work had begun just where it must begin again. Of parts
        the next is begun when the last is durable, so the culprit is within one part."""
        if self.offset == position:
            return Trial(position, self.deaths + 1, position + (self.records_max or SUSPECT_RECORDS))
        if self.offset < 0 and position < self.until:
            return Trial(position, self.deaths, self.until)
        return Trial(position)

    def begun(self, position: int) -> "Trial":
        """Work begins at `position`."""
        return Trial(position, self.deaths, self.until)

    def after_success(self, position: int, *, more: bool) -> "Trial":
        """Work up to `position` is durable. Under suspicion the next step begins at once, unless nothing `more` is
        to be done. A record that was put aside ends the suspicion."""
        if not self.deaths or self.convicted or position >= self.until:
            return Trial()
        return Trial(position if more else -1, self.deaths, self.until)

    @property
    def records_max(self) -> int:
        """How many records to work on before the next checkpoint; 0: no limit."""
        return LEVELS[min(self.deaths, CONVICTED - 1)]

    @property
    def convicted(self) -> bool:
        """The record at `offset` is put aside."""
        return self.deaths >= CONVICTED
