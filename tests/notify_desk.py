"""A plan of messages with its memory as Kafka has it, and a clock that stands still unless it is moved."""

from pipeline.notify.plan import Delivery, Plan
from pipeline.notify.quiet import Quiet
from pipeline.notify.rules import Recipient
from schemas.alert import Alert
from schemas.codec import Codec, encode
from schemas.notified import Notified
from schemas.time import MINUTE_MS, Millis
from tests.notify_examples import DIRECTORY, NOON, recipient, source

CODEC = Codec[Notified](Notified)
NIGHT = (Quiet(time_zone="Europe/Berlin", since="22:00", until="07:00"),)


class Desk:
    """A plan, its memory as Kafka has it, and a clock."""

    def __init__(self, *recipients: Recipient, now_ms: int = NOON) -> None:
        self.recipients = recipients or (recipient(),)
        self.now_ms = now_ms
        self.kept: dict[tuple[str, str, str], bytes] = {}
        self.plan = Plan(self.recipients)
        self.under_way: set[str] = set()

    def take(self, *alerts: Alert) -> None:
        """Records of `cem.alerts`."""
        for one in alerts:
            self.plan.take(one, source(), DIRECTORY, self.now_ms)

    def round(self) -> list[Delivery]:
        """What is tried now."""
        self.plan.make(self.now_ms)
        self.keep()
        found = [one for one in self.plan.ready(self.now_ms) if one.message.id not in self.under_way]
        self.under_way |= {one.message.id for one in found}
        return found

    def keep(self) -> None:
        """What changed goes to Kafka."""
        for entry in self.plan.changed():
            self.kept[entry.recipient, entry.alert_id, entry.unit_id] = encode(entry)

    def crash(self, *recipients: Recipient) -> None:
        """The process is killed and another one starts."""
        self.under_way = set()
        self.plan = Plan(recipients or self.recipients, [CODEC.decode(value) for value in self.kept.values()])

    def settle(self, delivery: Delivery, what: str) -> None:
        """What became of a try."""
        made = delivery.message.id
        self.under_way.discard(made)
        if what == "delivered":
            self.plan.delivered(made, self.now_ms)
        elif what == "again":
            self.plan.again(made, Millis(self.now_ms + MINUTE_MS), self.now_ms)
        else:
            self.plan.given_up(made, self.now_ms)
