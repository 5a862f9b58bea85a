"""A rival: negative posts per unit, counted with Bytewax.

In: posts as JSON on `<name>.posts`; the unit is the first handle that a text names. Out: a count per unit in the
recovery store, and a record on `<name>.alerts` at every tenth. The one rule: Bytewax' own way to be durable: snapshots
of the counts and of the source's position once in an interval, into recovery partitions.

    python -m bytewax.recovery FOLDER 1
    BYTEWAX_KAFKA=127.0.0.1:9092 python -m bytewax.run tests.benchmarks.bytewax_flow:flow -r FOLDER -s 1 -b 0
"""

import os
import re

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSinkMessage, KafkaSourceMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

BROKERS = [os.environ.get("BYTEWAX_KAFKA", "127.0.0.1:9092")]
NAME = os.environ.get("BYTEWAX_NAME", "bytewax")
ALERT_EVERY = 10
NEGATIVE_MAX = -0.05

analyzer = SentimentIntensityAnalyzer()
mention = re.compile(r"(?<!\w)@(\w+)")


def complaint(message: KafkaSourceMessage[bytes | None, bytes | None]) -> tuple[str, str] | None:
    """Unit and id of a post that complains about a unit; None for all others."""
    assert message.value is not None
    post = orjson.loads(message.value)
    if analyzer.polarity_scores(post["text"])["compound"] > NEGATIVE_MAX:
        return None
    found = mention.search(post["text"])
    return None if found is None else (found[1], post["id"])


def count(total: int | None, post_id: str) -> tuple[int, tuple[int, str]]:
    """One more for the unit."""
    total = (total or 0) + 1
    return total, (total, post_id)


def alert(counted: tuple[str, tuple[int, str]]) -> KafkaSinkMessage[bytes, bytes] | None:
    """A record for each tenth."""
    unit, (total, post_id) = counted
    if total % ALERT_EVERY != 0:
        return None
    return KafkaSinkMessage(unit.encode(), orjson.dumps({"unit": unit, "count": total, "post_id": post_id}))


flow = Dataflow("negatives")
posts = kop.input("posts", flow, brokers=BROKERS, topics=[f"{NAME}.posts"])
complaints = op.filter_map("complaint", posts.oks, complaint)
counts = op.stateful_map("count", complaints, count)
alerts = op.filter_map("alert", counts, alert)
kop.output("alerts", alerts, brokers=BROKERS, topic=f"{NAME}.alerts")
