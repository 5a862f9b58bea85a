"""A rival: negative posts per unit, counted with Faust as its tutorial shows it.

In: posts as JSON on `<app>.posts`; the unit is the first handle that a text names. Out: a count per unit in a table,
and a record on `<app>.alerts` at every tenth. The one rule: default settings, but for what it needs to run at all
(broker, topics, no web server), a first join that does not take half a minute, the memory store, and how often it
commits.

    NAIVE_KAFKA=127.0.0.1:9092 python -m tests.benchmarks.naive_faust worker --without-web -l warn
"""

import os
import re
import tempfile
from typing import Any

import faust
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

APP_ID = os.environ.get("NAIVE_APP", "naive")
POSTS = f"{APP_ID}.posts"
ALERTS = f"{APP_ID}.alerts"
ALERT_EVERY = 10
NEGATIVE_MAX = -0.05

app = faust.App(
    APP_ID,
    broker=f"kafka://{os.environ.get('NAIVE_KAFKA', '127.0.0.1:9092')}",
    broker_session_timeout=10.0,
    broker_heartbeat_interval=2.0,
    broker_commit_interval=float(os.environ.get("NAIVE_COMMIT_SECONDS", "2.8")),
    store="memory://",
    datadir=tempfile.mkdtemp(prefix="naive-faust-"),
    topic_partitions=int(os.environ.get("NAIVE_PARTITIONS", "1")),
    web_enabled=False,
)


class Post(faust.Record):  # type: ignore[misc]
    """What it needs of a post."""

    id: str
    text: str


class Alert(faust.Record):  # type: ignore[misc]
    """`count` negative posts so far."""

    unit: str
    count: int
    post_id: str


posts_topic = app.topic(POSTS, value_type=Post)
alerts_topic = app.topic(ALERTS, value_type=Alert)
counts = app.Table("negatives", default=int)
analyzer = SentimentIntensityAnalyzer()
mention = re.compile(r"(?<!\w)@(\w+)")


@app.agent(posts_topic)  # type: ignore[untyped-decorator]
async def count_negatives(stream: Any) -> None:
    """Scores each post and counts the negative ones of each unit."""
    async for post in stream:
        if analyzer.polarity_scores(post.text)["compound"] > NEGATIVE_MAX:
            continue
        found = mention.search(post.text)
        if found is None:
            continue
        unit = found[1]
        counts[unit] += 1
        if counts[unit] % ALERT_EVERY == 0:
            await alerts_topic.send(key=unit, value=Alert(unit=unit, count=counts[unit], post_id=post.id))


if __name__ == "__main__":
    app.main()
