"""What is done in PostgreSQL with a batch, as SQL. Temporary tables take the lines; the rest merges them.

The one rule: each statement may be done again with the same records and changes nothing then.
"""

from typing import Final

from agents.archive.rows import ALERT_COLUMNS, BATCH_COLUMNS, CASE_COLUMNS, INSIGHT_COLUMNS, UNIT_COLUMNS

SESSION: Final = f"""
SET TIME ZONE 'UTC';
SET statement_timeout = '120s';
SET idle_in_transaction_session_timeout = '120s';
SET tcp_user_timeout = 20000;
SET jit = off;
-- A batch is small beside a month, whatever the statistics of a month that was made a minute ago may say.
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_seqscan = off;
CREATE TEMP TABLE batch_insight ON COMMIT DELETE ROWS AS
    SELECT {INSIGHT_COLUMNS}, false AS written, false AS known,
    followers AS earlier_followers, reposts AS earlier_reposts, hour AS found, confidential
    FROM cem.insight WITH NO DATA;
CREATE TEMP TABLE batch_alert ON COMMIT DELETE ROWS AS SELECT {ALERT_COLUMNS} FROM cem.alert WITH NO DATA;
CREATE TEMP TABLE batch_case ON COMMIT DELETE ROWS AS SELECT {CASE_COLUMNS} FROM cem.case_entry WITH NO DATA;
CREATE TEMP TABLE batch_unit ON COMMIT DELETE ROWS AS SELECT {UNIT_COLUMNS} FROM cem.unit WITH NO DATA;
"""  # noqa: S608 - our own names

COPY_INSIGHTS: Final = f"COPY batch_insight ({BATCH_COLUMNS}) FROM STDIN"
COPY_ALERTS: Final = f"COPY batch_alert ({ALERT_COLUMNS}) FROM STDIN"
COPY_CASES: Final = f"COPY batch_case ({CASE_COLUMNS}) FROM STDIN"
COPY_UNITS: Final = f"COPY batch_unit ({UNIT_COLUMNS}) FROM STDIN"

_KEPT: Final = frozenset(("event_time", "hour", "day", "id", "unit_id", "kind"))
"""What an edit does not change: the row stays where it is."""
_ADDED: Final = {
    "followers": "batch.earlier_followers, ",
    "reposts": "batch.earlier_reposts, ",
    "first_answer_ms": "",
    "edited_at": "",
}
"""What still holds if it is not said again, and what is asked before the row itself."""

_SET: Final = ", ".join(
    f"{name} = coalesce(batch.{name}, {_ADDED[name]}insight.{name})" if name in _ADDED else f"{name} = batch.{name}"
    for name in INSIGHT_COLUMNS.split(", ")
    if name not in _KEPT
)

ERASE: Final = "SELECT cem.erase(%s)"
ERASED: Final = """
DELETE FROM batch_insight batch USING cem.erasure_salt, cem.erased WHERE erased.mark = cem.mark(salt, batch.id)
"""
"""What was erased does not come in again, in whatever order the topics are read, and however often."""
ERASED_THREADS: Final = """
UPDATE batch_insight batch SET thread = NULL FROM cem.erasure_salt, cem.erased
WHERE batch.thread <> batch.id AND erased.mark = cem.mark(salt, batch.thread)
"""
CONFIDENTIAL: Final = """
UPDATE batch_insight batch SET confidential = coalesce(
    (SELECT unit.confidential && batch.severe FROM cem.unit WHERE unit.unit_id = batch.unit_id), true)
WHERE batch.severe <> '{}'
"""
FIND_KNOWN: Final = """
UPDATE batch_insight batch SET found = insight.hour FROM cem.insight
WHERE batch.known AND insight.id = batch.id AND insight.unit_id = batch.unit_id
"""
FIND_LATE: Final = """
UPDATE batch_insight batch SET found = insight.hour FROM cem.insight
WHERE NOT batch.known AND insight.id = batch.id AND insight.unit_id = batch.unit_id AND insight.hour >= {since}
"""
"""A post whose edit came when the enrich agent had forgotten it is a post again: its row is a few weeks old at most."""
REPLACE: Final = f"""
UPDATE cem.insight SET {_SET}, confidential = coalesce(batch.confidential, false)
FROM batch_insight batch
WHERE batch.written AND batch.found IS NOT NULL
  AND insight.hour = batch.found AND insight.id = batch.id AND insight.unit_id = batch.unit_id
"""  # noqa: S608 - our own names
ADD: Final = """
UPDATE cem.insight SET followers = coalesce(batch.followers, insight.followers),
    reposts = coalesce(batch.reposts, insight.reposts), deleted_at = coalesce(batch.deleted_at, insight.deleted_at)
FROM batch_insight batch
WHERE NOT batch.written AND batch.found IS NOT NULL
  AND insight.hour = batch.found AND insight.id = batch.id AND insight.unit_id = batch.unit_id
"""
INSERT: Final = f"""
INSERT INTO cem.insight ({INSIGHT_COLUMNS}, confidential)
SELECT {INSIGHT_COLUMNS}, coalesce(confidential, false)
FROM batch_insight WHERE written AND found IS NULL
ON CONFLICT (id, unit_id, hour) DO NOTHING
"""  # noqa: S608 - our own names
ALERTS: Final = f"""
WITH written AS (
    INSERT INTO cem.alert ({ALERT_COLUMNS}) SELECT {ALERT_COLUMNS} FROM batch_alert
    ON CONFLICT (alert_id, sequence, hour) DO NOTHING RETURNING *
), news AS (
    SELECT alert_id, max(sequence) AS sequence, min(starts_at) AS opened_at, max(detected_at) AS changed_at,
           min(detected_at) FILTER (WHERE state <> 'open') AS acknowledged_at,
           least(min(detected_at) FILTER (WHERE state = 'answered'),
                 min((payload #>> '{{answers,first_at}}')::timestamptz)) AS answered_at,
           min(detected_at) FILTER (WHERE state IN ('resolved', 'verified')) AS resolved_at,
           min(detected_at) FILTER (WHERE state = 'dismissed') AS dismissed_at,
           min(ends_at) FILTER (WHERE status = 'quiet') AS quiet_at,
           count(*) FILTER (WHERE change = 'reopened') AS reopened,
           count(*) FILTER (WHERE change = 'escalated') AS escalated,
           bool_or(addressed_to IS NOT NULL) AS confidential,
           (array_agg(unit_id ORDER BY sequence DESC))[1] AS unit_id,
           (array_agg(detected_at ORDER BY sequence DESC))[1] AS detected_at,
           (array_agg(hour ORDER BY sequence DESC))[1] AS hour
    FROM written GROUP BY alert_id
)
INSERT INTO cem.alert_now AS now (alert_id, sequence, opened_at, changed_at, acknowledged_at, answered_at, resolved_at,
    dismissed_at, quiet_at, reopened, escalated, confidential, unit_id, detected_at, hour)
SELECT alert_id, sequence, opened_at, changed_at, acknowledged_at, answered_at, resolved_at, dismissed_at, quiet_at,
       reopened, escalated, confidential, unit_id, detected_at, hour FROM news
ON CONFLICT (alert_id) DO UPDATE SET
    opened_at = least(now.opened_at, excluded.opened_at), changed_at = greatest(now.changed_at, excluded.changed_at),
    acknowledged_at = least(now.acknowledged_at, excluded.acknowledged_at),
    answered_at = least(now.answered_at, excluded.answered_at),
    resolved_at = least(now.resolved_at, excluded.resolved_at),
    dismissed_at = least(now.dismissed_at, excluded.dismissed_at), quiet_at = least(now.quiet_at, excluded.quiet_at),
    reopened = now.reopened + excluded.reopened, escalated = now.escalated + excluded.escalated,
    confidential = now.confidential OR excluded.confidential,
    sequence = greatest(now.sequence, excluded.sequence),
    unit_id = CASE WHEN excluded.sequence > now.sequence THEN excluded.unit_id ELSE now.unit_id END,
    detected_at = CASE WHEN excluded.sequence > now.sequence THEN excluded.detected_at ELSE now.detected_at END,
    hour = CASE WHEN excluded.sequence > now.sequence THEN excluded.hour ELSE now.hour END
"""  # noqa: S608 - our own names
ERASED_EVIDENCE: Final = """
SELECT cem.erase_evidence(array_agg(DISTINCT one))
FROM cem.erasure_salt, batch_alert batch, unnest(batch.evidence) one JOIN cem.erased ON true
WHERE erased.mark = cem.mark(salt, one)
HAVING count(*) > 0
"""
CASES: Final = f"""
INSERT INTO cem.case_entry ({CASE_COLUMNS}) SELECT {CASE_COLUMNS} FROM batch_case
ON CONFLICT (alert_id, number, log_partition, log_offset, hour) DO NOTHING
"""  # noqa: S608 - our own names
UNITS: Final = f"""
INSERT INTO cem.unit AS unit ({UNIT_COLUMNS})
SELECT unit_id, CASE WHEN removed THEN unit_id ELSE name END, kind, industry, parent_id,
       CASE WHEN EXISTS (SELECT FROM pg_timezone_names zone WHERE zone.name = time_zone) THEN time_zone ELSE 'UTC' END,
       own_confidential, removed
FROM batch_unit
ON CONFLICT (unit_id) DO UPDATE SET
    removed = excluded.removed,
    name = CASE WHEN excluded.removed THEN unit.name ELSE excluded.name END,
    kind = CASE WHEN excluded.removed THEN unit.kind ELSE excluded.kind END,
    industry = CASE WHEN excluded.removed THEN unit.industry ELSE excluded.industry END,
    parent_id = CASE WHEN excluded.removed THEN unit.parent_id ELSE excluded.parent_id END,
    time_zone = CASE WHEN excluded.removed THEN unit.time_zone ELSE excluded.time_zone END,
    own_confidential = CASE WHEN excluded.removed THEN unit.own_confidential ELSE excluded.own_confidential END
"""  # noqa: S608 - our own names

TAKE_OVER: Final = """
INSERT INTO cem.position AS position (topic, partition, epoch, owner, topic_id) VALUES (%s, %s, 1, %s, %s)
ON CONFLICT (topic, partition) DO UPDATE SET epoch = position.epoch + 1, owner = excluded.owner,
    topic_id = coalesce(excluded.topic_id, position.topic_id),
    next_offset = CASE WHEN excluded.topic_id <> position.topic_id THEN 0 ELSE position.next_offset END
RETURNING next_offset, epoch
"""
"""In a topic that was made anew the next record is the first."""
FENCE: Final = """
SELECT topic, partition, epoch, next_offset FROM cem.position
WHERE (topic, partition) IN (SELECT * FROM unnest(%s::text[], %s::integer[])) ORDER BY topic, partition FOR UPDATE
"""
ADVANCE: Final = """
UPDATE cem.position SET next_offset = new.next_offset, clock = greatest(position.clock, new.clock), written_at = now()
FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::timestamptz[]) new (topic, partition, next_offset, clock)
WHERE position.topic = new.topic AND position.partition = new.partition
"""

CLOCK: Final = "SELECT CASE WHEN min(clock) IS NOT NULL THEN least(min(clock), now()) END FROM cem.position"
"""For what is made and dropped: no partition of the log is behind it, and no clock ahead of ours drops anything."""
WAITING_MONTHS: Final = """
SELECT 'insight', date_trunc('month', hour)::date FROM cem.insight_default GROUP BY 2
UNION ALL SELECT 'alert', date_trunc('month', hour)::date FROM cem.alert_default GROUP BY 2
UNION ALL SELECT 'case_entry', date_trunc('month', hour)::date FROM cem.case_entry_default GROUP BY 2
"""
