"""Every metric, once: name, help, unit. Agents set them; dashboards and rules may use only names from here.

Names follow Prometheus' rules: prefix, then the thing, then the unit. Reasons are labels, so that a decision can be
counted by its reason.
"""

from prometheus_client import Counter, Gauge, Histogram

RECORDS_IN = Counter("cem_records_in", "Records read, by topic", ["topic"])
RECORDS_OUT = Counter("cem_records_out", "Records written, by topic (all unit topics as one)", ["topic"])
ENRICHED = Counter("cem_enriched", "What became of input records", ["outcome"])
DEAD_LETTERS = Counter("cem_dead_letters", "Records refused, by reason", ["reason"])
UNROUTED = Counter("cem_unrouted", "Records that found no unit, by reason", ["reason"])
ABSTAINED = Counter("cem_abstained", "Texts in a language that the scorer does not cover, by language", ["language"])
LOG_RECORDS = Counter("cem_log_records", "What became of records of the units' logs", ["outcome"])
ALERTS = Counter("cem_alerts", "Alert records, by change and alert name", ["change", "alertname"])
CASE_ENTRIES = Counter(
    "cem_case_entries", "Actions, by action and whether and why they were refused", ["action", "reason"]
)
FIRST_ANSWER_SECONDS = Histogram(
    "cem_first_answer_seconds",
    "From a post to the company's first answer in its thread, in event time",
    buckets=(60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800),
)
ALERT_DELAY_SECONDS = Histogram(
    "cem_alert_delay_seconds",
    "From the append of the record that made the difference to the send of its alert (wall clock only)",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
LAG_RECORDS = Gauge("cem_lag_records", "Records that are there and not yet worked on", ["topic", "partition"])
WATERMARK_SECONDS = Gauge("cem_watermark_timestamp_seconds", "Watermark of each partition of the log", ["partition"])
BATCH_RECORDS = Histogram(
    "cem_batch_records", "Records in a batch", ["stage"], buckets=(1, 3, 10, 30, 100, 300, 1000, 3000)
)
BATCH_SECONDS = Histogram(
    "cem_batch_seconds",
    "Time to work on a batch, without waiting for acknowledgements",
    ["stage"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3),
)
CHECKPOINT_SECONDS = Histogram(
    "cem_checkpoint_seconds",
    "Time of a checkpoint: outputs acknowledged, states written, offset committed",
    ["stage"],
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
RECOVERY_SECONDS = Histogram(
    "cem_recovery_seconds",
    "Time to take partitions over, states read back",
    ["stage"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 100),
)
RECOVERED_STATES = Counter("cem_recovered_states", "States read back", ["stage"])
GAPS = Counter("cem_gaps", "Offsets missing between two batches, and what was done", ["stage", "action"])
REBALANCES = Counter("cem_rebalances", "Assignments of partitions to this worker")
UNITS = Gauge("cem_units", "Units in the directory in force")
READY = Gauge("cem_ready", "1 when the worker owns its partitions, has its states and hears from Kafka")
