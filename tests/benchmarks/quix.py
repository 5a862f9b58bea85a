"""A rival: negative posts per unit, counted with Quix Streams.

In: posts as JSON on `<group>.posts`; the unit is the first handle that a text names. Out: a count per unit in the
state store, and a record on `<group>.alerts` at every tenth. The one rule: Quix's own way to be durable, at least once:
a changelog topic, and checkpoints. Fast as its documentation tells: few operators, JSON by its own (fast) decoder.

    QUIX_KAFKA=127.0.0.1:9092 QUIX_GROUP=quix python -m tests.benchmarks.quix
"""

import os
import re
import tempfile
from typing import Any

from quixstreams import Application, State
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

GROUP = os.environ.get("QUIX_GROUP", "quix")
ALERT_EVERY = 10
NEGATIVE_MAX = -0.05

app = Application(
    broker_address=os.environ.get("QUIX_KAFKA", "127.0.0.1:9092"),
    consumer_group=GROUP,
    auto_offset_reset="earliest",
    commit_interval=float(os.environ.get("QUIX_COMMIT_SECONDS", "5")),
    state_dir=tempfile.mkdtemp(prefix="quix-"),
    loglevel="WARNING",
)
posts = app.topic(f"{GROUP}.posts", value_deserializer="json")
alerts = app.topic(f"{GROUP}.alerts", key_serializer="str", value_serializer="json")

analyzer = SentimentIntensityAnalyzer()
mention = re.compile(r"(?<!\w)@(\w+)")


def is_negative(post: dict[str, Any]) -> bool:
    """Whether it complains."""
    return analyzer.polarity_scores(post["text"])["compound"] <= NEGATIVE_MAX


def named(post: dict[str, Any]) -> dict[str, Any]:
    """What is needed of it, and the unit that it names."""
    found = mention.search(post["text"])
    return {"unit": found[1] if found else None, "post_id": post["id"]}


def count(post: dict[str, Any], state: State) -> dict[str, Any]:
    """One more for the unit."""
    total = state.get("count", 0) + 1
    state.set("count", total)
    return {**post, "count": total}


stream = app.dataframe(posts)
stream = stream.filter(is_negative).apply(named).filter(lambda post: post["unit"] is not None)
stream = stream.group_by("unit").apply(count, stateful=True)
stream = stream.filter(lambda post: post["count"] % ALERT_EVERY == 0)
stream = stream.to_topic(alerts)

if __name__ == "__main__":
    app.run()
