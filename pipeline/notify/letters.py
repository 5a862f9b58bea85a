"""What nobody got, for the dead letters. In: a message that is given up, the last answer. Out: a letter for each alert.

The one rule: the letter says who was not told of what and why, and holds the alert, so that somebody can tell them.
"""

from typing import Final

from pipeline.emission import Emission, Incoming
from pipeline.notify.answer import Answer
from pipeline.notify.plan import Delivery
from pipeline.refusal import letter_of
from schemas.codec import encode
from schemas.time import HOUR_MS

NOT_DELIVERED: Final = "not_delivered"


def letters_of(delivery: Delivery, answer: Answer, tries: int, now_ms: int, topic: str) -> list[Emission]:
    """`topic`: of the dead letters. The source is the alert's last record."""
    hours = (now_ms - delivery.message.made_at) / HOUR_MS
    letters = []
    for part, source in zip(delivery.message.parts, delivery.sources, strict=True):
        alert = part.alert
        detail = (
            f"{delivery.recipient.kind} recipient {delivery.recipient.id!r} did not get message {delivery.message.id} "
            f"about {alert.alert_id} ({', '.join(told.change for told in part.changes)}): {answer.why}; tried {tries} "
            f"times in {hours:.1f} h; mend the recipient, tell them of the alert"
        )
        record = Incoming(
            topic=source.topic,
            partition=source.partition,
            offset=source.offset,
            key=(alert.addressed_to or alert.labels.unit_id).encode(),
            value=encode(alert),
            headers=(),
            append_ms=int(delivery.message.made_at),
        )
        letters.append(letter_of(record, NOT_DELIVERED, detail, tries, topic))
    return letters
