-- What analysts read about alerts and what people did. What went to head office only is seen by head office only.

-- Each alert once, as it stands, with what it took. Seconds count from when it was opened; null: not done (yet).
-- Whatever is done to an alert acknowledges it; answered is what the customers were, by an answer of the company.
CREATE VIEW history.alerts WITH (security_barrier) AS
SELECT one.alert_id, one.sequence, one.opened_at, date_trunc('hour', one.opened_at, 'UTC') AS hour,
       (one.opened_at AT TIME ZONE 'UTC')::date AS day, one.changed_at, one.unit_id, units.unit, units.region_id,
       units.region, units.brand_id, units.brand, alert.alertname, alert.department, alert.aspect, alert.journey_stage,
       alert.severity, alert.severity_label, alert.status, alert.state,
       alert.state NOT IN ('resolved', 'verified', 'dismissed') AS is_open, alert.addressed_to, alert.summary,
       alert.acknowledge_by, alert.answer_by, alert.resolve_by, alert.missed,
       one.acknowledged_at, one.answered_at, one.resolved_at, one.dismissed_at, one.quiet_at,
       one.reopened, one.escalated,
       extract(epoch FROM one.acknowledged_at - one.opened_at)::float8 AS acknowledge_s,
       extract(epoch FROM one.answered_at - one.opened_at)::float8 AS answer_s,
       extract(epoch FROM one.resolved_at - one.opened_at)::float8 AS resolve_s,
       extract(epoch FROM (SELECT now FROM history.clock) - one.opened_at)::float8 AS age_s,
       alert.reposts, alert.reach, alert.forecast, alert.forecast_low, alert.forecast_high, alert.supercritical,
       alert.observed, alert.expected, cardinality(alert.evidence) AS evidence
FROM cem.alert_now one
JOIN cem.alert ON alert.alert_id = one.alert_id AND alert.sequence = one.sequence AND alert.hour = one.hour
LEFT JOIN history.units ON units.unit_id = one.unit_id
WHERE NOT one.confidential OR pg_has_role('cem_head_office', 'USAGE');

-- Each record of each alert.
CREATE VIEW history.alert_changes WITH (security_barrier) AS
SELECT detected_at, hour, day, alert_id, sequence, change, status, state, severity, severity_label, alertname, unit_id,
       department, aspect, actor, summary, missed, reposts, reach
FROM cem.alert
WHERE addressed_to IS NULL OR pg_has_role('cem_head_office', 'USAGE');

-- References to the posts behind an alert, as of its newest record: their masked text is with the API, by text_ref.
CREATE VIEW history.alert_evidence WITH (security_barrier) AS
SELECT one.alert_id, one.unit_id, one.opened_at, part.value ->> 'post_id' AS insight_id,
       part.value ->> 'network' AS network, part.value ->> 'text_ref' AS text_ref, part.place::int AS place
FROM cem.alert_now one
JOIN cem.alert ON alert.alert_id = one.alert_id AND alert.sequence = one.sequence AND alert.hour = one.hour,
     jsonb_array_elements(alert.payload -> 'evidence') WITH ORDINALITY part (value, place)
WHERE NOT one.confidential OR pg_has_role('cem_head_office', 'USAGE');

-- What is open now, by the stream clock, and how old it is.
CREATE VIEW history.open_alerts AS
SELECT alerts.*,
       CASE WHEN age_s < 3600 THEN 'under 1 hour' WHEN age_s < 4 * 3600 THEN '1 to 4 hours'
            WHEN age_s < 24 * 3600 THEN '4 to 24 hours' WHEN age_s < 7 * 86400 THEN '1 to 7 days'
            ELSE 'over 7 days' END AS age,
       coalesce(acknowledged_at IS NULL AND acknowledge_by < (SELECT now FROM history.clock), false)
       OR coalesce(answered_at IS NULL AND answer_by < (SELECT now FROM history.clock), false)
       OR coalesce(resolve_by < (SELECT now FROM history.clock), false) AS overdue
FROM history.alerts WHERE is_open;

-- How long it took, by unit, department, severity and day of opening. n: alerts opened; acknowledged, answered,
-- resolved: how many were; the rest is seconds, with intervals by order statistics.
CREATE VIEW history.response_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id, units.brand, s.department,
       s.severity_label, s.n,
       s.acknowledged, s.acknowledge[1] AS acknowledge_median_s, s.acknowledge[2] AS acknowledge_median_low_s,
       s.acknowledge[3] AS acknowledge_median_high_s, s.acknowledge_p90_s,
       s.answered, s.answer[1] AS answer_median_s, s.answer[2] AS answer_median_low_s,
       s.answer[3] AS answer_median_high_s, s.answer_p90_s,
       s.resolved, s.resolve[1] AS resolve_median_s, s.resolve[2] AS resolve_median_low_s,
       s.resolve[3] AS resolve_median_high_s, s.resolve_p90_s
FROM (SELECT day, unit_id, department, severity_label, count(*) AS n,
             count(acknowledge_s) AS acknowledged, count(answer_s) AS answered, count(resolve_s) AS resolved,
             history.quantile(array_agg(acknowledge_s ORDER BY acknowledge_s)
                              FILTER (WHERE acknowledge_s IS NOT NULL), 0.5) AS acknowledge,
             percentile_disc(0.9) WITHIN GROUP (ORDER BY acknowledge_s) AS acknowledge_p90_s,
             history.quantile(array_agg(answer_s ORDER BY answer_s) FILTER (WHERE answer_s IS NOT NULL), 0.5) AS answer,
             percentile_disc(0.9) WITHIN GROUP (ORDER BY answer_s) AS answer_p90_s,
             history.quantile(array_agg(resolve_s ORDER BY resolve_s) FILTER (WHERE resolve_s IS NOT NULL), 0.5)
                 AS resolve,
             percentile_disc(0.9) WITHIN GROUP (ORDER BY resolve_s) AS resolve_p90_s
      FROM history.alerts GROUP BY day, unit_id, department, severity_label) s
LEFT JOIN history.units USING (unit_id);

-- Deadlines by unit, department, severity, duty and day of opening. met: done and not missed; missed: not done in time;
-- waiting: still to be done, in time so far. The share is of missed among met and missed. What is resolved or dismissed
-- needs no answer any more.
CREATE VIEW history.deadlines_day AS
SELECT s.*, units.unit, units.region_id, units.region, units.brand_id, units.brand, s.missed + s.met AS n,
       s.missed::float8 / nullif(s.missed + s.met, 0) AS missed_share,
       history.share_low(s.missed, s.missed + s.met) AS missed_share_low,
       history.share_high(s.missed, s.missed + s.met) AS missed_share_high
FROM (SELECT day, unit_id, department, severity_label, duty.duty,
             count(*) FILTER (WHERE NOT duty.is_missed AND duty.done_at IS NOT NULL) AS met,
             count(*) FILTER (WHERE duty.is_missed) AS missed,
             count(*) FILTER (WHERE NOT duty.is_missed AND duty.done_at IS NULL) AS waiting
      FROM history.alerts,
           LATERAL (VALUES ('acknowledge', acknowledge_by, acknowledged_at, 'acknowledge' = ANY (missed)),
                           ('answer', answer_by, coalesce(answered_at, resolved_at, dismissed_at),
                            'answer' = ANY (missed)),
                           ('resolve', resolve_by, coalesce(resolved_at, dismissed_at), 'resolve' = ANY (missed)))
               duty (duty, due_at, done_at, is_missed)
      WHERE duty.due_at IS NOT NULL
      GROUP BY day, unit_id, department, severity_label, duty.duty) s
LEFT JOIN history.units USING (unit_id);

-- Alerts by unit, week (its Monday), kind and severity: opened, and what came back.
CREATE VIEW history.alerts_week AS
SELECT s.week, s.unit_id, units.unit, units.region_id, units.region, units.brand_id, units.brand, s.alertname,
       s.severity_label, s.opened, s.reopened
FROM (SELECT date_trunc('week', day::timestamp)::date AS week, unit_id, alertname, severity_label,
             count(*) FILTER (WHERE change = 'opened') AS opened,
             count(*) FILTER (WHERE change = 'reopened') AS reopened
      FROM history.alert_changes
      WHERE change IN ('opened', 'reopened')
      GROUP BY week, unit_id, alertname, severity_label) s
LEFT JOIN history.units USING (unit_id);

-- How far what was alerted went, by unit, kind and day of opening: sums over alerts as they stand.
CREATE VIEW history.reach_day AS
SELECT s.*, units.unit, units.region_id, units.region, units.brand_id, units.brand
FROM (SELECT day, unit_id, alertname, count(*) AS n, sum(reposts)::bigint AS reposts, sum(reach)::bigint AS reach,
             max(reach) AS reach_max, count(*) FILTER (WHERE supercritical) AS supercritical
      FROM history.alerts GROUP BY day, unit_id, alertname) s
LEFT JOIN history.units USING (unit_id);

-- What people did, and what happened by itself: entries of cases, refused actions with the reason.
CREATE VIEW history.case_entries WITH (security_barrier) AS
SELECT event_time, hour, day, alert_id, number, sequence, unit_id, change, action, action_id, actor, accepted, reason,
       status, state, severity, department, note_ref, we_did_ref, resolution_code, dismissal_code, assignee, to_unit,
       to_department, until, duty, level
FROM cem.case_entry
WHERE (addressed_to IS NULL
       AND NOT EXISTS (SELECT FROM cem.alert_now one WHERE one.alert_id = case_entry.alert_id AND one.confidential))
   OR pg_has_role('cem_head_office', 'USAGE');
