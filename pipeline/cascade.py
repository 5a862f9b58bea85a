"""One post that spreads: what is kept of its reposts, however many there are.

In: reposts as they are seen (their age in seconds after the post, the followers of who reposted), or totals of a
counter that is polled. Out: how many there are, how many are recent, how many people were reached, how long the
reposts have been at work. The one rule: reposts go into bins of time that grow with the age of the post, so that a
million of them is no more than a hundred, and the order in which they come changes nothing.

Source: reach, infectiousness and the memory kernel are those of SEISMIC (Zhao et al., A Self-Exciting Point Process
Model for Predicting Tweet Popularity, KDD 2015, sections 3 and 4): people react to a post at a constant rate for 300 s,
then slower by a power law with the exponent 0.2315, figures that the paper measured on Twitter.
"""

import math
from itertools import pairwise
from typing import Final

import msgspec

SPAN_SECONDS: Final = 7 * 24 * 3600.0
"""How long a post is followed. What comes later is counted with the last moment."""
FIRST_SECONDS: Final = 8.0
BINS_AN_OCTAVE: Final = 8
"""All up to 8 s is one bin, then eight bins for each doubling of the age: each is 9 % of the age wide."""
FOLLOWERS_UNKNOWN: Final = 500
"""Followers of a resharer of whom none are told: between the median (186) and the mean (829) of 200,805 resharers."""
KERNEL_SECONDS: Final = 300.0
KERNEL_EXPONENT: Final = 0.2315
KERNEL_RATE: Final = 1.0 / (KERNEL_SECONDS * (1.0 + 1.0 / KERNEL_EXPONENT))

_BINS: Final = 1 + math.ceil(BINS_AN_OCTAVE * math.log2(SPAN_SECONDS / FIRST_SECONDS))
_PER_LOG: Final = BINS_AN_OCTAVE / math.log(2.0)
_STARTS: Final = (0.0, *(FIRST_SECONDS * math.pow(2.0, place / BINS_AN_OCTAVE) for place in range(_BINS)))


class Cascade(msgspec.Struct, omit_defaults=True, gc=False):
    """`followers`: of the author of the post, None where it is not known. `counts` and `reached`: reposts by bin, and
    the followers of who made them. `unseen`: how many of the reposts only a counter told of. `polled_seconds`: age at
    the last poll that was taken in. `latest_seconds`: the greatest age of which anything is known. At most 131 bins."""

    followers: int | None = None
    counts: list[int] = []
    reached: list[int] = []
    reposts: int = 0
    reach: int = 0
    unseen: int = 0
    polled_seconds: float = 0.0
    latest_seconds: float = 0.0

    def observe(self, t_seconds: float, followers: int | None = None) -> None:
        """Takes in one repost of this age. Before the post (clocks differ) is at once; fewer than no followers are
        unknown ones. One that the counter has told of takes the place of a counted one. Raises ValueError where the age
        is not finite. Repeats must not get here: a repost has no name."""
        at = _age(t_seconds)
        reached = FOLLOWERS_UNKNOWN if followers is None or followers < 0 else followers
        if self.unseen and at <= self.polled_seconds:
            self.unseen -= 1
            self.reach += reached - FOLLOWERS_UNKNOWN
            place = self._bin(at)
            self.reached[place] = max(0, self.reached[place] + reached - FOLLOWERS_UNKNOWN)
        else:
            self._add(self._bin(at), 1, reached)
        self.latest_seconds = max(self.latest_seconds, at)

    def observe_count(self, t_seconds: float, total: int) -> None:
        """Takes in a counter's total at this age. What is more than was known happened evenly since the poll before. A
        counter that falls or stands still (posts are deleted, caches are stale) tells nothing new. Raises ValueError
        where the age is not finite."""
        at = _age(t_seconds)
        since = min(self.polled_seconds, at)
        more = total - self.reposts
        if more > 0:
            self._spread(since, at, more)
            self.unseen += more
        self.polled_seconds = max(self.polled_seconds, at)
        self.latest_seconds = max(self.latest_seconds, at)

    def recent(self, from_seconds: float, at_seconds: float) -> float:
        """How many reposts happened between the two ages; nothing is known to be later than the second. Within a bin
        they are taken as even."""
        found = 0.0
        for place in range(len(self.counts) - 1, -1, -1):
            start, end = _STARTS[place], min(_STARTS[place + 1], max(at_seconds, _STARTS[place]))
            if end <= from_seconds and start < from_seconds:
                break
            if self.counts[place]:
                share = 1.0 if start >= from_seconds else (end - from_seconds) / (end - start)
                found += self.counts[place] * share
        return found

    def work(self, at_seconds: float) -> float:
        """How often the reposts have been read by now, in reposts: each counts for the share of its readers that have
        reacted after its age."""
        ages = zip(_MIDDLES, self.counts, strict=False)
        return sum(count * reacted(at_seconds - middle) for middle, count in ages if count)

    def exposure(self, at_seconds: float) -> float:
        """How many followers have reacted by now, or would have if they cared: of the author and of the resharers."""
        ages = zip(_MIDDLES, self.reached, strict=False)
        others = sum(reached * reacted(at_seconds - middle) for middle, reached in ages if reached)
        return (self.followers or 0) * reacted(at_seconds) + others

    def _add(self, place: int, count: int, reached: int) -> None:
        self.counts[place] += count
        self.reached[place] += reached
        self.reposts += count
        self.reach += reached

    def _spread(self, since: float, at: float, more: int) -> None:
        """Evenly from `since` to `at`, in whole reposts."""
        last = self._bin(at)
        given = 0
        for place in range(self._bin(since), last + 1):
            share = 1.0 if place == last else (_STARTS[place + 1] - since) / (at - since)
            upto = int(more * share + 0.5)
            self._add(place, upto - given, (upto - given) * FOLLOWERS_UNKNOWN)
            given = upto

    def _bin(self, at: float) -> int:
        """The bin of an age; makes those that are missing."""
        place = 0 if at < FIRST_SECONDS else min(_BINS - 1, 1 + int(math.log(at / FIRST_SECONDS) * _PER_LOG))
        missing = place + 1 - len(self.counts)
        if missing > 0:
            self.counts.extend([0] * missing)
            self.reached.extend([0] * missing)
        return place


_MIDDLES: Final = tuple((start + end) / 2 for start, end in pairwise(_STARTS))


def reacted(seconds: float) -> float:
    """Which share of those who will react to a post has done so after this time: the kernel of SEISMIC, summed."""
    if seconds <= KERNEL_SECONDS:
        return KERNEL_RATE * max(seconds, 0.0)
    tail = math.pow(seconds / KERNEL_SECONDS, -KERNEL_EXPONENT)
    return 1.0 - KERNEL_RATE * KERNEL_SECONDS / KERNEL_EXPONENT * tail


def _age(t_seconds: float) -> float:
    if not math.isfinite(t_seconds):
        raise ValueError(f"an age must be a finite number of seconds, not {t_seconds}")
    return min(max(t_seconds, 0.0), SPAN_SECONDS)
