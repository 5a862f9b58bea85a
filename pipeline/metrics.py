"""Every metric, once: name, help, unit. Agents set them; dashboards and rules may use only names from here.

Names follow Prometheus' rules: prefix, then the thing, then the unit. Reasons are labels, so that a decision can be
counted by its reason. No label holds what a stranger or a user wrote; those by unit are bounded (`metrics_units_max`).
Faust's own sensor is not used: it measures each record and names each topic, and there is a topic for each unit.
"""

from prometheus_client import Counter, Gauge, Histogram

RECORDS_IN = Counter("cem_records_in", "Records read, by topic", ["topic"])
RECORDS_OUT = Counter("cem_records_out", "Records written, by topic (all unit topics as one)", ["topic"])
ENRICHED = Counter(
    "cem_enriched", "What became of input records, by topic; ticks are not counted", ["topic", "outcome"]
)
DEAD_LETTERS = Counter("cem_dead_letters", "Records refused, by reason", ["reason"])
UNROUTED = Counter("cem_unrouted", "Records that found no unit, by reason", ["reason"])
ABSTAINED = Counter("cem_abstained", "Texts in a language that the scorer does not cover, by language", ["language"])
LOG_RECORDS = Counter("cem_log_records", "What became of records of the units' logs", ["outcome"])
ALERTS = Counter(
    "cem_alerts", "Alert records, by change, alert name and severity label", ["change", "alertname", "severity"]
)
DEADLINES = Counter(
    "cem_deadlines",
    "Deadlines of alerts, by duty and outcome: met when it was done in time, else missed",
    ["duty", "outcome"],
)
CASE_ENTRIES = Counter(
    "cem_case_entries", "Actions, by action and whether and why they were refused", ["action", "reason"]
)
FIRST_ANSWER_SECONDS = Histogram(
    "cem_first_answer_seconds",
    "From a post to the company's first answer in its thread, in event time, by channel",
    ["channel"],
    buckets=(60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800),
)
ALERT_DELAY_SECONDS = Histogram(
    "cem_alert_delay_seconds",
    "From the append to the log of the record that made the difference to its alert (opened, grown, reopened)",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
POST_TO_ALERT_SECONDS = Histogram(
    "cem_post_to_alert_seconds",
    "From when a post was written to the alert that it made (opened, grown, reopened), connectors included; with the "
    "wall clock only",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)
INSIGHTS = Counter(
    "cem_insights", "What customers said, by channel and sentiment (abstained: not scored)", ["channel", "sentiment"]
)
DEPARTMENT_INSIGHTS = Counter(
    "cem_department_insights",
    "What customers said, by sentiment and the department of its main aspect (none: it names nothing)",
    ["department", "sentiment"],
)
REGION_INSIGHTS = Counter(
    "cem_region_insights", "What customers said, by region (none: not in one) and sentiment", ["region", "sentiment"]
)
UNIT_INSIGHTS = Counter(
    "cem_unit_insights",
    "What customers said, by unit and sentiment; beyond `metrics_units_max` units, and once a unit is removed: other",
    ["unit_id", "sentiment"],
)
OPEN_ALERTS = Gauge(
    "cem_open_alerts", "Alerts that nobody has finished, by name and severity label", ["alertname", "severity"]
)
CHANNEL_OPEN_ALERTS = Gauge(
    "cem_channel_open_alerts", "Alerts that nobody has finished, by the channel of most of their evidence", ["channel"]
)
DEPARTMENT_OPEN_ALERTS = Gauge(
    "cem_department_open_alerts", "Alerts that nobody has finished, by department", ["department"]
)
REGION_OPEN_ALERTS = Gauge("cem_region_open_alerts", "Alerts that nobody has finished, by region", ["region"])
UNIT_OPEN_ALERTS = Gauge(
    "cem_unit_open_alerts",
    "Alerts that nobody has finished, by unit, bounded as `cem_unit_insights_total`",
    ["unit_id"],
)
LAG_RECORDS = Gauge("cem_lag_records", "Records that are there and not yet worked on", ["topic", "partition"])
LAG_SECONDS = Gauge(
    "cem_lag_seconds",
    "How far a partition is behind the stream clock, in event time; up to a tick and a bit when all is well",
    ["topic", "partition"],
)
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
UNSAVED_SECONDS = Gauge(
    "cem_unsaved_seconds", "How long the oldest finished work waits for its checkpoint to succeed", ["stage"]
)
CHECKPOINT_FAILURES = Gauge(
    "cem_checkpoint_failures",
    "How many workers in a row have died before work at the same place of a partition was saved; 0 when all is well",
    ["stage"],
)
PARTITIONS = Gauge("cem_partitions", "Partitions that this worker owns", ["stage"])
RECOVERING_PARTITIONS = Gauge(
    "cem_recovering_partitions", "Partitions that this worker owns and whose states are not yet read back", ["stage"]
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
CLOCK_SECONDS = Gauge(
    "cem_clock_timestamp_seconds", "This machine's clock when the metrics were asked for; Prometheus has its own"
)
NOTIFICATIONS = Counter(
    "cem_notifications", "Messages, by kind of recipient and what a try came to", ["kind", "outcome"]
)
NOTIFICATION_DELAY_SECONDS = Histogram(
    "cem_notification_delay_seconds",
    "From when a message was due, groups and quiet hours over, until its recipient had taken it",
    ["kind"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 60, 300, 1800, 7200, 28800, 86400),
)
NOTIFICATIONS_OPEN = Gauge("cem_notifications_open", "Messages that their recipient has not taken yet", ["recipient"])
READY = Gauge("cem_ready", "1 when the worker owns its partitions, has its states and hears from Kafka")
WEB_CONSOLES = Gauge("cem_web_consoles", "Open consoles that are told of changes as they happen")
WEB_CONSOLES_DROPPED = Counter("cem_web_consoles_dropped", "Consoles that were too slow to be told, and were let go")
WEB_REQUESTS = Counter("cem_web_requests", "Requests to the console, by route and status", ["route", "status"])
WEB_ACTIONS = Counter("cem_web_actions", "Actions sent from the console, by action", ["action"])
WEB_CONNECTED = Gauge("cem_web_connected", "1 while the console hears from Kafka")
ARCHIVE_ROWS = Counter("cem_archive_rows", "Rows written to PostgreSQL, by table", ["table"])
ARCHIVE_BATCH_SECONDS = Histogram(
    "cem_archive_batch_seconds",
    "Time of one transaction in PostgreSQL, whole",
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
ARCHIVE_LAG_RECORDS = Gauge(
    "cem_archive_lag_records", "Records that are there and not yet in PostgreSQL", ["topic", "partition"]
)
ARCHIVE_WAITS = Counter("cem_archive_waits", "How often the archive had to wait, by what was away", ["what"])
