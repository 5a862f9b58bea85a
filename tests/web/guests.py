"""What guests said in the small world, and what of it found no unit. No clock and no chance: the same each time."""

from schemas.insight import Insight, Routing
from schemas.record import Source
from schemas.text import StoredText
from schemas.time import MINUTE_MS, Millis
from schemas.unrouted import Candidate, Unrouted
from tests.web.evening import NOW

_TEXTS = {
    "x:a1b20": (9, "Two of us had food poisoning after the chicken at @marlowfinch Elm Street last night. Been in bed "
                   "since. Has anybody else been ill?"),
    "x:a1b21": (6, "@marlowfinch my son has been sick all night after your Elm Street restaurant. Call me [phone]."),
    "x:c3d40": (66, "Forty minutes for a table we had booked. @harbourquay what is going on tonight?"),
    "x:c3d41": (63, "Is the kitchen at @harbourquay closed? We ordered an hour ago."),
    "x:c3d42": (60, "Third time this month that we walk out of Harbour Quay because nobody takes our order."),
    "x:c3d43": (58, "@harbourquay still waiting for the bill. 25 minutes. Great evening."),
    "x:c3d44": (55, "Queue out of the door and two people at work. Poor girls, they do what they can. @harbourquay"),
    "x:c3d45": (52, "Gave up after 50 minutes. Never again @harbourquay"),
    "x:e5f60": (110, "Look what came on my plate at Station Square. Raw in the middle, and the waiter said that "
                     "this is how it is meant to be. @marlowfinch"),
    "x:0a1b0": (95, "The way the staff at Mill Lane spoke to an elderly lady at the next table. I have no words."),
    "x:2c3d0": (38, "The order was wrong twice and nobody said sorry. I would like somebody to call me."),
    "x:4e5f0": (230, "Charged twice at Orchard Park and nobody picks up the phone."),
    "x:4e5f1": (215, "@marlowfinch your card machine at Orchard Park took my money twice, order [order number]"),
    "x:4e5f2": (192, "Why is the bill different from the menu? Orchard Park"),
    "x:8c9d0": (1500, "The washrooms at Mill Lane. Please do something. The third visit and always the same."),
    "we_did:8c9d": (1380, "We had the washrooms repaired on Thursday and clean them every hour now."),
    "note:n1": (70, "I have seen the picture. The kitchen checks the grill now."),
    "note:n2": (60, "Answered her on X and offered a meal on the house."),
    "note:n3": (1380, "Plumber came at 15:00."),
}  # fmt: skip

_POSTS = (
    ("u1", "ambiguous", 12, "Waited 30 minutes at the Marlow & Finch by the station, food was cold when it came.",
     (("station-square", "alias", 0.62), ("harbour-quay", "alias", 0.31))),
    ("u2", "no_clue", 47, "@marlowfinch nobody answers my mails about a wrong bill. Third one today. Hello?", ()),
    ("u3", "unknown_hint", 130, "Lovely evening at the new place on Quay Street, thanks to the whole team!",
     (("harbour-quay", "position", 0.44),)),
)  # fmt: skip


def texts() -> dict[str, StoredText]:
    """All that was said, by reference."""
    found = {
        key: StoredText(
            id=key, text=text, language="en", url=f"https://x.com/i/status/{18_000_000 + place}",
            masked=("phone",) if "[phone]" in text else ("order number",) if "[order" in text else (),
            event_time=Millis(NOW - age * MINUTE_MS),
        )
        for place, (key, (age, text)) in enumerate(_TEXTS.items())
    }  # fmt: skip
    for key, _, age, text, _ in _POSTS:
        found[key] = StoredText(
            id=key,
            text=text,
            language="en",
            url=f"https://x.com/i/status/{key}",
            event_time=Millis(NOW - age * MINUTE_MS),
        )
    return found


def unrouted() -> list[Unrouted]:
    """What found no unit."""
    return [
        Unrouted(
            id=key,
            reason=reason,
            candidates=tuple(Candidate(unit_id=one, rule=rule, confidence=sure) for one, rule, sure in candidates),
            insight=Insight(
                id=key, kind="post", unit_id="", channel="x", event_time=Millis(NOW - age * MINUTE_MS), text_ref=key,
                routing=Routing(rule="none", confidence=0.0),
                source=Source(topic="cem.posts", partition=0, offset=int(key[1:])),
            ),
        )
        for key, reason, age, _, candidates in reversed(_POSTS)
    ]  # fmt: skip
