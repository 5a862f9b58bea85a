-- Which model scored and which taxonomy found what: beside each insight, and as a list of changes.

ALTER TABLE cem.insight ADD COLUMN taxonomy text;

-- Where another version begins. `industry`: for which a taxonomy is in force, '' for what scores all texts. Two versions
-- that take turns within an hour (workers that are started again one by one) are one change, or two, and not a thousand.
CREATE TABLE cem.version (
    what     text        NOT NULL,  -- model, taxonomy
    industry text        NOT NULL,
    hour     timestamptz NOT NULL,
    version  text        NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (what, industry, hour, version)
);

-- Looks at the insights that were just written, in their transaction. An old post that comes late is of now: the change
-- is where the stream clock was. What is written again is no news, so reading the topics again finds none.
CREATE FUNCTION cem.note_versions() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    WITH heard AS (
        SELECT model, taxonomy, date_trunc('hour', greatest(event_time, clock), 'UTC') AS hour,
               min(greatest(event_time, clock)) AS at
        FROM fresh, (SELECT min(clock) AS clock FROM cem.position) stream
        WHERE model IS NOT NULL OR taxonomy IS NOT NULL
        GROUP BY 1, 2, 3
    ), named AS (
        SELECT one.what, one.industry, one.version, heard.hour, min(heard.at) AS at
        FROM heard, LATERAL (VALUES ('model', '', model),
                                    ('taxonomy', split_part(split_part(taxonomy, '/', 1), '=', 1), taxonomy))
                            one (what, industry, version)
        WHERE one.version IS NOT NULL
        GROUP BY 1, 2, 3, 4
    ), placed AS (
        SELECT named.*, lag(version) OVER (PARTITION BY what, industry ORDER BY at, version) AS before FROM named
    )
    INSERT INTO cem.version (what, industry, hour, version, at)
    SELECT what, industry, hour, version, at FROM placed
    WHERE version IS DISTINCT FROM coalesce(before, (
        SELECT known.version FROM cem.version known
        WHERE known.what = placed.what AND known.industry = placed.industry
        ORDER BY known.hour DESC, known.at DESC LIMIT 1))
    ON CONFLICT (what, industry, hour, version) DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER note_versions AFTER INSERT ON cem.insight REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION cem.note_versions();

-- What scored last, so that the next change is one.
INSERT INTO cem.version (what, industry, hour, version, at)
SELECT 'model', '', hour, model, event_time FROM cem.insight
WHERE hour >= (SELECT max(clock) - interval '2 days' FROM cem.position) AND model IS NOT NULL
ORDER BY event_time DESC LIMIT 1;

CREATE OR REPLACE VIEW history.insights WITH (security_barrier) AS
SELECT event_time, hour, day, id, unit_id, kind, channel, author, label, compound, confidence, abstained, model,
       language, aspects, departments, polarities, aspects[1] AS aspect, departments[1] AS department, emotion,
       journey_stage, touchpoint, nps, csat, ces, rating, followers, reposts, suspicion, routing_rule,
       routing_confidence, first_answer_ms, thread, text_ref, edited_at, taxonomy
FROM cem.insight
WHERE deleted_at IS NULL
  AND (NOT confidential OR pg_has_role('cem_head_office', 'USAGE'));

CREATE OR REPLACE VIEW history.mentions AS
SELECT * FROM history.insights
WHERE kind NOT IN ('answer', 'repost', 'delete') AND compound IS NOT NULL AND NOT abstained;

-- Where another model or taxonomy begins, and which one it takes the place of. The very first takes nobody's.
CREATE VIEW history.version_changes AS
SELECT at, hour, what, nullif(industry, '') AS industry, version, before
FROM (SELECT at, hour, what, industry, version,
             lag(version) OVER (PARTITION BY what, industry ORDER BY hour, at) AS before
      FROM cem.version) one
WHERE before <> version;

GRANT SELECT ON history.version_changes TO cem_analyst, cem_head_office;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cem FROM PUBLIC;
