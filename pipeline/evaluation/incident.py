"""What is hidden in a scenario, and what only looks like it: the truth that detection is measured against."""

from typing import Literal, get_args

import msgspec

from schemas.time import Millis

IncidentKind = Literal["surge", "cascade", "severe", "influential", "distraction"]
INCIDENT_KINDS: tuple[IncidentKind, ...] = get_args(IncidentKind)
POST_IDS_MAX = 100


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that should be found, or, if it is a `distraction`, should not.

    - `surge`: many people complain about one cause at one unit. `size`: distinct authors.
    - `cascade`: one complaint is passed on. `size`: its reposts in the end.
    - `severe`: one post with a severe cause of the taxonomy. `size`: 1.
    - `influential`: one complaint by somebody whom many follow. `size`: the followers.
    - `distraction`: a campaign of praise (cause `praise`) or advertising (`spam`). `size`: distinct authors.

    `cause`: an aspect or severe cause of the industry's taxonomy. `starts`, `ends`: times of its first and last record.
    `posts` counts originals (no replies, reposts, answers), `authors` those who wrote or passed on, `post_ids` are the
    first 100 originals."""

    kind: IncidentKind = "surge"
    unit_id: str
    cause: str
    starts: Millis
    ends: Millis
    posts: int
    authors: int
    size: int
    post_ids: tuple[str, ...] = ()
