-- Functions that the archive calls: months made and dropped, the directory put in order, references erased.

-- Makes the partition of a month, and moves there what waited in the default partition. The checks on `day` let a query
-- by day skip other months, as those on `hour` do by themselves. True if it was made.
CREATE FUNCTION cem.make_month(parent text, month date) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    next_first date := (date_trunc('month', month) + interval '1 month')::date;
    name text := format('%s_%s', parent, to_char(first, 'YYYY_MM'));
BEGIN
    IF parent NOT IN ('insight', 'alert', 'case_entry') THEN
        RAISE EXCEPTION 'cem.% is not kept by month', parent;
    END IF;
    IF to_regclass(format('cem.%I', name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE cem.%I (LIKE cem.%I INCLUDING ALL, CHECK (day >= %L AND day < %L))',
                   name, parent, first, next_first);
    EXECUTE format('WITH moved AS (DELETE FROM cem.%I WHERE hour >= %L AND hour < %L RETURNING *)'
                   ' INSERT INTO cem.%I SELECT * FROM moved',
                   parent || '_default', first::timestamp AT TIME ZONE 'UTC',
                   next_first::timestamp AT TIME ZONE 'UTC', name);
    EXECUTE format('ALTER TABLE cem.%I ATTACH PARTITION cem.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, name, first::timestamp AT TIME ZONE 'UTC', next_first::timestamp AT TIME ZONE 'UTC');
    RETURN true;
END $$;

-- Forgets what is older than the first day of `before`: whole months are dropped, the default partition is cleared.
-- Gives the names of the dropped partitions.
CREATE FUNCTION cem.drop_before(before date) RETURNS SETOF text
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
    DELETE FROM cem.erased WHERE erased_at < limit_at;
END $$;

-- The region and the brand above each unit, and what is confidential there, from the parents (a circle ends); then
-- which insights are. Of a unit that is not known yet every severe one is.
CREATE FUNCTION cem.place_units() RETURNS void
LANGUAGE sql AS $$
    WITH RECURSIVE above AS (
        SELECT unit_id, unit_id AS above_id, 0 AS level FROM cem.unit
        UNION ALL
        SELECT above.unit_id, unit.parent_id, level + 1
        FROM above JOIN cem.unit ON unit.unit_id = above.above_id
        WHERE unit.parent_id IS NOT NULL AND level < 20
    ), placed AS (
        SELECT above.unit_id,
               (array_agg(unit.unit_id ORDER BY level) FILTER (WHERE unit.kind = 'region'))[1] AS region_id,
               (array_agg(unit.unit_id ORDER BY level) FILTER (WHERE unit.kind = 'brand'))[1] AS brand_id,
               coalesce((SELECT array_agg(DISTINCT cause ORDER BY cause)
                         FROM above others JOIN cem.unit one ON one.unit_id = others.above_id,
                              unnest(one.own_confidential) cause
                         WHERE others.unit_id = above.unit_id), '{}') AS confidential
        FROM above JOIN cem.unit ON unit.unit_id = above.above_id
        GROUP BY above.unit_id
    )
    UPDATE cem.unit SET region_id = placed.region_id, brand_id = placed.brand_id, confidential = placed.confidential
    FROM placed
    WHERE placed.unit_id = unit.unit_id
      AND (unit.region_id, unit.brand_id, unit.confidential)
          IS DISTINCT FROM (placed.region_id, placed.brand_id, placed.confidential);
    UPDATE cem.insight SET confidential = NOT insight.confidential
    FROM cem.unit
    WHERE unit.unit_id = insight.unit_id AND insight.severe <> '{}'
      AND insight.confidential <> (unit.confidential && insight.severe)
$$;

-- Takes who wrote these insights and where their texts are out of the evidence of alerts.
CREATE FUNCTION cem.erase_evidence(ids text[]) RETURNS void
LANGUAGE sql AS $$
    UPDATE cem.alert
    SET evidence = ARRAY(SELECT one FROM unnest(evidence) one WHERE one <> ALL (ids)),
        payload = jsonb_set(payload, '{evidence}', coalesce((
            SELECT jsonb_agg(CASE WHEN one ->> 'post_id' = ANY (ids)
                             THEN one || '{"author": null, "text_ref": null}' ELSE one END ORDER BY place)
            FROM jsonb_array_elements(payload -> 'evidence') WITH ORDINALITY parts (one, place)), '[]'))
    WHERE evidence && ids;
$$;

-- Takes who wrote these insights and where their texts are out of everything.
CREATE FUNCTION cem.erase(ids text[], at timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO cem.erased (insight_id, erased_at) SELECT unnest(ids), at ON CONFLICT (insight_id) DO NOTHING;
    UPDATE cem.insight
    SET author = NULL, text_ref = NULL, thread = NULL, fingerprint = NULL, customer_ref = NULL, erased_at = at
    WHERE id = ANY (ids) AND erased_at IS NULL;
    SELECT cem.erase_evidence(ids);
$$;
