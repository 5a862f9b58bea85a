-- What is erased leaves no row: an insight that is to be forgotten goes whole, and so does what other rows say of it.
-- What stays is a mark for each, a salted hash of its id, so that a record that comes again, or later, is left out.

-- Made here once, known to this database only: without it nobody can try ids against the marks.
CREATE TABLE cem.erasure_salt (salt bytea NOT NULL);
INSERT INTO cem.erasure_salt
SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE FUNCTION cem.mark(salt bytea, id text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT sha256(salt || convert_to(id, 'UTF8')) $$;

ALTER TABLE cem.erased RENAME TO erased_by_id;
ALTER TABLE cem.erased_by_id DROP CONSTRAINT erased_pkey;
CREATE TABLE cem.erased (
    mark       bytea       NOT NULL PRIMARY KEY,
    written_at timestamptz NOT NULL DEFAULT now()  -- the machine's clock: who asks for an erasure chooses its own time
);

-- A reply names the post that began its thread. Of the posts themselves `thread` is `id`, and needs no index.
CREATE INDEX insight_thread ON cem.insight (thread) WHERE thread <> id;

-- A record of an alert without these insights: not among its evidence, not as its cause (`dedup_key` of a cascade holds
-- the post's id), and without the company's reference of the customer who said it.
CREATE FUNCTION cem.without_insights(payload jsonb, alert_id text, ids text[]) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_set(payload, '{work,customer_ref}', 'null') || jsonb_build_object(
        'evidence', coalesce((
            SELECT jsonb_agg(one ORDER BY place)
            FROM jsonb_array_elements(payload -> 'evidence') WITH ORDINALITY parts (one, place)
            WHERE one ->> 'post_id' <> ALL (ids)), '[]'),
        'dedup_key', CASE WHEN EXISTS (SELECT FROM unnest(ids) id WHERE strpos(payload ->> 'dedup_key', id) > 0)
                     THEN to_jsonb(alert_id) ELSE payload -> 'dedup_key' END)
$$;

CREATE OR REPLACE FUNCTION cem.erase_evidence(ids text[]) RETURNS void
LANGUAGE sql AS $$
    UPDATE cem.alert
    SET evidence = ARRAY(SELECT one FROM unnest(evidence) one WHERE one <> ALL (ids)),
        payload = cem.without_insights(payload, alert_id, ids)
    WHERE evidence && ids;
$$;

-- Forgets these insights, once: whoever is marked is gone and never comes in again. Gives the number of rows.
DROP FUNCTION cem.erase(text[], timestamptz);
CREATE FUNCTION cem.erase(ids text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    fresh text[];
    gone bigint;
BEGIN
    WITH named AS (
        SELECT DISTINCT id, cem.mark(salt, id) AS mark FROM unnest(ids) id, cem.erasure_salt
    ), marked AS (
        INSERT INTO cem.erased (mark) SELECT mark FROM named ON CONFLICT (mark) DO NOTHING RETURNING mark
    )
    SELECT array_agg(id) INTO fresh FROM named JOIN marked USING (mark);
    IF fresh IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM cem.insight WHERE id = ANY (fresh);
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE cem.insight SET thread = NULL WHERE thread = ANY (fresh) AND thread <> id;
    PERFORM cem.erase_evidence(fresh);
    RETURN gone;
END $$;

-- As before, but marks are kept for a quarter of a year longer than rows: Kafka keeps the log for 90 days, so until
-- then it can be read again, and after that there is no month left that such a row could go into.
CREATE OR REPLACE FUNCTION cem.drop_before(before date) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
    limit_at timestamptz := date_trunc('month', before)::timestamp AT TIME ZONE 'UTC';
    found record;
BEGIN
    FOR found IN
        SELECT parent.relname AS parent, child.relname AS child
        FROM pg_inherits
        JOIN pg_class parent ON parent.oid = inhparent
        JOIN pg_class child ON child.oid = inhrelid
        WHERE inhparent IN ('cem.insight'::regclass, 'cem.alert'::regclass, 'cem.case_entry'::regclass)
          AND child.relname ~ '_[0-9]{4,}_[0-9]{2}$'
          AND to_date(substring(child.relname FROM '[0-9]{4,}_[0-9]{2}$'), 'YYYY_MM') < date_trunc('month', before)
        ORDER BY child.relname
    LOOP
        EXECUTE format('DROP TABLE cem.%I', found.child);
        RETURN NEXT found.child;
    END LOOP;
    DELETE FROM cem.insight_default WHERE hour < limit_at;
    DELETE FROM cem.alert_default WHERE hour < limit_at;
    DELETE FROM cem.case_entry_default WHERE hour < limit_at;
    DELETE FROM cem.alert_now WHERE detected_at < limit_at;
    DELETE FROM cem.erased WHERE written_at < limit_at - interval '3 months';
END $$;

-- What was erased by versions that left ids and scores behind.
INSERT INTO cem.erased (mark, written_at)
SELECT cem.mark(salt, insight_id), written_at FROM cem.erased_by_id, cem.erasure_salt;
DELETE FROM cem.insight USING cem.erased_by_id WHERE insight.id = erased_by_id.insight_id;
UPDATE cem.insight SET thread = NULL FROM cem.erased_by_id
WHERE insight.thread = erased_by_id.insight_id AND insight.thread <> insight.id;
UPDATE cem.alert SET payload = cem.without_insights(payload, alert_id, named.ids)
FROM (SELECT array_agg(insight_id) AS ids FROM cem.erased_by_id) named
WHERE EXISTS (SELECT FROM jsonb_array_elements(payload -> 'evidence') one WHERE one ->> 'post_id' = ANY (named.ids));
DROP TABLE cem.erased_by_id;
ALTER TABLE cem.insight DROP COLUMN erased_at;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cem FROM PUBLIC;
