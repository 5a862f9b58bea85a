-- What analysts read about what customers say. Times are event times, in UTC. Every score comes with n, with an
-- interval of 95 %, and with the sums it was made from, so that groups can be put together: sum up n, negative,
-- mood_sum and mood_squares, and ask history.share_low and the others again. deploy/history.md lists all columns.

-- The units as of now. A unit that was removed keeps its name, for its past.
CREATE VIEW history.units AS
SELECT unit.unit_id, unit.name AS unit, unit.kind, unit.industry, unit.time_zone, unit.removed,
       unit.region_id, region.name AS region, unit.brand_id, brand.name AS brand
FROM cem.unit
LEFT JOIN cem.unit region ON region.unit_id = unit.region_id
LEFT JOIN cem.unit brand ON brand.unit_id = unit.brand_id;

-- The stream clock: no view takes "now" from anywhere else.
CREATE VIEW history.clock AS
SELECT max(clock) AS now FROM cem.position;

-- Each insight as it stands. What tells of a cause that is confidential at its unit is seen by head office only. Rows
-- are withheld before any other condition is looked at (security_barrier).
CREATE VIEW history.insights WITH (security_barrier) AS
SELECT event_time, hour, day, id, unit_id, kind, channel, author, label, compound, confidence, abstained, model,
       language, aspects, departments, polarities, aspects[1] AS aspect, departments[1] AS department, emotion,
       journey_stage, touchpoint, nps, csat, ces, rating, followers, reposts, suspicion, routing_rule,
       routing_confidence, first_answer_ms, thread, text_ref, edited_at
FROM cem.insight
WHERE deleted_at IS NULL
  AND (NOT confidential OR pg_has_role('cem_head_office', 'USAGE'));

-- Insights that have a mood: posts, replies, reviews and feedback in a language that is covered. Reposts say nothing of
-- their own, and what the company answers is no customer's mood.
CREATE VIEW history.mentions AS
SELECT * FROM history.insights
WHERE kind NOT IN ('answer', 'repost', 'delete') AND compound IS NOT NULL AND NOT abstained;

-- One row for each thing that a mention speaks of. `polarity`: how it is spoken of.
CREATE VIEW history.topics AS
SELECT hour, day, event_time, id, unit_id, channel, journey_stage, topic.aspect, topic.department, topic.polarity
FROM history.mentions, unnest(aspects, departments, polarities) AS topic (aspect, department, polarity);

-- Mood by unit.
CREATE VIEW history.unit_hour AS
SELECT s.hour, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, hour, count(*) AS n,
             count(*) FILTER (WHERE label = 'negative') AS negative,
             count(*) FILTER (WHERE label = 'positive') AS positive,
             sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
      FROM history.mentions GROUP BY unit_id, hour) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- The same by day.
CREATE VIEW history.unit_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, day, count(*) AS n,
             count(*) FILTER (WHERE label = 'negative') AS negative,
             count(*) FILTER (WHERE label = 'positive') AS positive,
             sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
      FROM history.mentions GROUP BY unit_id, day) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- Mood by unit and channel.
CREATE VIEW history.channel_hour AS
SELECT s.hour, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.channel,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, channel, hour, count(*) AS n,
             count(*) FILTER (WHERE label = 'negative') AS negative,
             count(*) FILTER (WHERE label = 'positive') AS positive,
             sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
      FROM history.mentions GROUP BY unit_id, channel, hour) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- The same by day.
CREATE VIEW history.channel_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.channel,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, channel, day, count(*) AS n,
             count(*) FILTER (WHERE label = 'negative') AS negative,
             count(*) FILTER (WHERE label = 'positive') AS positive,
             sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
      FROM history.mentions GROUP BY unit_id, channel, day) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- Mood by unit and stage of the customer's journey (null: not known).
CREATE VIEW history.stage_hour AS
SELECT s.hour, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.journey_stage,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, journey_stage, hour, count(*) AS n,
             count(*) FILTER (WHERE label = 'negative') AS negative,
             count(*) FILTER (WHERE label = 'positive') AS positive,
             sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
      FROM history.mentions GROUP BY unit_id, journey_stage, hour) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- The same by day.
CREATE VIEW history.stage_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.journey_stage,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, journey_stage, day, count(*) AS n,
             count(*) FILTER (WHERE label = 'negative') AS negative,
             count(*) FILTER (WHERE label = 'positive') AS positive,
             sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
      FROM history.mentions GROUP BY unit_id, journey_stage, day) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- How departments are spoken of, by unit. A mention of two departments counts for both.
CREATE VIEW history.department_hour AS
SELECT s.hour, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.department,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, department, hour, count(*) AS n,
             count(*) FILTER (WHERE polarity < -0.05) AS negative,
             count(*) FILTER (WHERE polarity > 0.05) AS positive,
             sum(polarity::float8) AS mood_sum, sum(polarity::float8 * polarity) AS mood_squares
      FROM history.topics GROUP BY unit_id, department, hour) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- The same by day.
CREATE VIEW history.department_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.department,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, department, day, count(*) AS n,
             count(*) FILTER (WHERE polarity < -0.05) AS negative,
             count(*) FILTER (WHERE polarity > 0.05) AS positive,
             sum(polarity::float8) AS mood_sum, sum(polarity::float8 * polarity) AS mood_squares
      FROM history.topics GROUP BY unit_id, department, day) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- What people talk about, by unit, and how.
CREATE VIEW history.aspect_hour AS
SELECT s.hour, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.aspect, s.department,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, aspect, department, hour, count(*) AS n,
             count(*) FILTER (WHERE polarity < -0.05) AS negative,
             count(*) FILTER (WHERE polarity > 0.05) AS positive,
             sum(polarity::float8) AS mood_sum, sum(polarity::float8 * polarity) AS mood_squares
      FROM history.topics GROUP BY unit_id, aspect, department, hour) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- The same by day.
CREATE VIEW history.aspect_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.aspect, s.department,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT unit_id, aspect, department, day, count(*) AS n,
             count(*) FILTER (WHERE polarity < -0.05) AS negative,
             count(*) FILTER (WHERE polarity > 0.05) AS positive,
             sum(polarity::float8) AS mood_sum, sum(polarity::float8 * polarity) AS mood_squares
      FROM history.topics GROUP BY unit_id, aspect, department, day) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- Mood by region: all mentions of units below it, and of itself. By hour.
CREATE VIEW history.region_hour AS
SELECT s.*, scores.*
FROM (SELECT hour, units.region_id, units.region, units.brand_id, units.brand,
             sum(n)::bigint AS n, sum(negative)::bigint AS negative, sum(positive)::bigint AS positive,
             sum(mood_sum) AS mood_sum, sum(mood_squares) AS mood_squares
      FROM (SELECT hour, unit_id, count(*) AS n,
                   count(*) FILTER (WHERE label = 'negative') AS negative,
                   count(*) FILTER (WHERE label = 'positive') AS positive,
                   sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
            FROM history.mentions GROUP BY hour, unit_id) by_unit
      JOIN history.units USING (unit_id)
      WHERE units.region_id IS NOT NULL
      GROUP BY hour, units.region_id, units.region, units.brand_id, units.brand) s
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- Mood by region: all mentions of units below it, and of itself. By day.
CREATE VIEW history.region_day AS
SELECT s.*, scores.*
FROM (SELECT day, units.region_id, units.region, units.brand_id, units.brand,
             sum(n)::bigint AS n, sum(negative)::bigint AS negative, sum(positive)::bigint AS positive,
             sum(mood_sum) AS mood_sum, sum(mood_squares) AS mood_squares
      FROM (SELECT day, unit_id, count(*) AS n,
                   count(*) FILTER (WHERE label = 'negative') AS negative,
                   count(*) FILTER (WHERE label = 'positive') AS positive,
                   sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
            FROM history.mentions GROUP BY day, unit_id) by_unit
      JOIN history.units USING (unit_id)
      WHERE units.region_id IS NOT NULL
      GROUP BY day, units.region_id, units.region, units.brand_id, units.brand) s
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- Mood by brand: all mentions of units below it, and of itself. By hour.
CREATE VIEW history.brand_hour AS
SELECT s.*, scores.*
FROM (SELECT hour, units.brand_id, units.brand,
             sum(n)::bigint AS n, sum(negative)::bigint AS negative, sum(positive)::bigint AS positive,
             sum(mood_sum) AS mood_sum, sum(mood_squares) AS mood_squares
      FROM (SELECT hour, unit_id, count(*) AS n,
                   count(*) FILTER (WHERE label = 'negative') AS negative,
                   count(*) FILTER (WHERE label = 'positive') AS positive,
                   sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
            FROM history.mentions GROUP BY hour, unit_id) by_unit
      JOIN history.units USING (unit_id)
      WHERE units.brand_id IS NOT NULL
      GROUP BY hour, units.brand_id, units.brand) s
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- Mood by brand: all mentions of units below it, and of itself. By day.
CREATE VIEW history.brand_day AS
SELECT s.*, scores.*
FROM (SELECT day, units.brand_id, units.brand,
             sum(n)::bigint AS n, sum(negative)::bigint AS negative, sum(positive)::bigint AS positive,
             sum(mood_sum) AS mood_sum, sum(mood_squares) AS mood_squares
      FROM (SELECT day, unit_id, count(*) AS n,
                   count(*) FILTER (WHERE label = 'negative') AS negative,
                   count(*) FILTER (WHERE label = 'positive') AS positive,
                   sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
            FROM history.mentions GROUP BY day, unit_id) by_unit
      JOIN history.units USING (unit_id)
      WHERE units.brand_id IS NOT NULL
      GROUP BY day, units.brand_id, units.brand) s
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- Mood by hour of the week on the unit's own clock: `weekday` 1 is Monday, `local_hour` 0 to 23. By day, so that a
-- period can be asked for; sum up over it.
CREATE VIEW history.week_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.weekday, s.local_hour,
       s.n, s.negative, s.positive, scores.*, s.mood_sum, s.mood_squares
FROM (SELECT day, unit_id, extract(isodow FROM local_time)::int AS weekday,
             extract(hour FROM local_time)::int AS local_hour, sum(n)::bigint AS n,
             sum(negative)::bigint AS negative, sum(positive)::bigint AS positive,
             sum(mood_sum) AS mood_sum, sum(mood_squares) AS mood_squares
      FROM (SELECT by_hour.*, hour AT TIME ZONE coalesce(units.time_zone, 'UTC') AS local_time
            FROM (SELECT day, hour, unit_id, count(*) AS n,
                         count(*) FILTER (WHERE label = 'negative') AS negative,
                         count(*) FILTER (WHERE label = 'positive') AS positive,
                         sum(compound::float8) AS mood_sum, sum(compound::float8 * compound) AS mood_squares
                  FROM history.mentions GROUP BY day, hour, unit_id) by_hour
            LEFT JOIN history.units USING (unit_id)) placed
      GROUP BY day, unit_id, weekday, local_hour) s
LEFT JOIN history.units USING (unit_id)
CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores;

-- What people feel, by unit and day: n of each emotion among all mentions of the day, with its share.
CREATE VIEW history.emotion_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.emotion, s.n,
       s.mentions, s.n::float8 / s.mentions AS share,
       history.share_low(s.n, s.mentions) AS share_low, history.share_high(s.n, s.mentions) AS share_high
FROM (SELECT day, unit_id, emotion, count(*) AS n, sum(count(*)) OVER (PARTITION BY day, unit_id)::bigint AS mentions
      FROM history.mentions GROUP BY day, unit_id, emotion) s
LEFT JOIN history.units USING (unit_id);

-- Scores that customers gave, by unit, channel, day and kind of score: nps (0 to 10), csat (1 to 5), ces (1 to 7),
-- rating (0 to 5); means with intervals.
CREATE VIEW history.survey_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.channel, s.score, s.n,
       s.total / s.n AS mean, history.mean_low(s.n, s.total, s.squares) AS mean_low,
       history.mean_high(s.n, s.total, s.squares) AS mean_high, s.promoters, s.detractors, s.total, s.squares
FROM (SELECT day, unit_id, channel, given.score, count(*) AS n, sum(given.value) AS total,
             sum(given.value * given.value) AS squares,
             count(*) FILTER (WHERE given.score = 'nps' AND given.value >= 9) AS promoters,
             count(*) FILTER (WHERE given.score = 'nps' AND given.value <= 6) AS detractors
      FROM history.insights,
           LATERAL (VALUES ('nps', nps::float8), ('csat', csat), ('ces', ces), ('rating', rating)) given (score, value)
      WHERE given.value IS NOT NULL AND kind NOT IN ('answer', 'repost', 'delete')
      GROUP BY day, unit_id, channel, given.score) s
LEFT JOIN history.units USING (unit_id);

-- How long threads waited for the company's first answer, by unit, channel and day of the answer, in seconds.
CREATE VIEW history.first_answers_day AS
SELECT s.day, s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.channel,
       cardinality(s.waits)::bigint AS n,
       (history.quantile(s.waits, 0.5))[1] AS median_s, (history.quantile(s.waits, 0.5))[2] AS median_low_s,
       (history.quantile(s.waits, 0.5))[3] AS median_high_s,
       (history.quantile(s.waits, 0.9))[1] AS p90_s, (history.quantile(s.waits, 0.9))[2] AS p90_low_s,
       (history.quantile(s.waits, 0.9))[3] AS p90_high_s
FROM (SELECT day, unit_id, channel, array_agg(first_answer_ms / 1000.0::float8 ORDER BY first_answer_ms) AS waits
      FROM history.insights WHERE kind = 'answer' AND first_answer_ms IS NOT NULL
      GROUP BY day, unit_id, channel) s
LEFT JOIN history.units USING (unit_id);

-- Each first answer, for quantiles over other groups.
CREATE VIEW history.first_answers AS
SELECT event_time, hour, day, unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, channel,
       first_answer_ms / 1000.0::float8 AS waited_s, text_ref
FROM history.insights LEFT JOIN history.units USING (unit_id)
WHERE insights.kind = 'answer' AND first_answer_ms IS NOT NULL;

-- Where it gets worse: the share of negative mentions in the week before a time against the four weeks before that
-- week. `worse`: the whole interval of the difference is above 0. Of 100 units where nothing changed, two or three are
-- called worse all the same.
CREATE FUNCTION history.worsening_at(at timestamptz)
RETURNS TABLE (
    unit_id text, unit text, region_id text, region text, brand_id text, brand text,
    n bigint, negative bigint, negative_share double precision,
    n_before bigint, negative_before bigint, negative_share_before double precision,
    difference double precision, difference_low double precision, difference_high double precision, worse boolean
)
LANGUAGE sql STABLE AS $$
    SELECT s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand,
           s.n, s.negative, s.negative::float8 / nullif(s.n, 0),
           s.n_before, s.negative_before, s.negative_before::float8 / nullif(s.n_before, 0),
           s.negative::float8 / nullif(s.n, 0) - s.negative_before::float8 / nullif(s.n_before, 0),
           history.difference_low(s.negative, s.n, s.negative_before, s.n_before),
           history.difference_high(s.negative, s.n, s.negative_before, s.n_before),
           coalesce(history.difference_low(s.negative, s.n, s.negative_before, s.n_before) > 0, false)
    FROM (SELECT hours.unit_id,
                 coalesce(sum(hours.n) FILTER (WHERE hour >= at - interval '7 days'), 0)::bigint AS n,
                 coalesce(sum(hours.negative) FILTER (WHERE hour >= at - interval '7 days'), 0)::bigint AS negative,
                 coalesce(sum(hours.n) FILTER (WHERE hour < at - interval '7 days'), 0)::bigint AS n_before,
                 coalesce(sum(hours.negative) FILTER (WHERE hour < at - interval '7 days'), 0)::bigint
                     AS negative_before
          FROM (SELECT mentions.unit_id, hour, count(*) AS n, count(*) FILTER (WHERE label = 'negative') AS negative
                FROM history.mentions
                WHERE hour >= at - interval '35 days' AND hour < at
                GROUP BY mentions.unit_id, hour) hours
          GROUP BY hours.unit_id) s
    LEFT JOIN history.units USING (unit_id)
$$;

CREATE VIEW history.worsening AS
SELECT worsening_at.* FROM history.worsening_at((SELECT now FROM history.clock));

-- The same by unit and aspect: what it is that gets worse. Shares are of spoken of negatively among spoken of.
CREATE FUNCTION history.worsening_aspects_at(at timestamptz)
RETURNS TABLE (
    unit_id text, unit text, region_id text, region text, brand_id text, brand text, aspect text, department text,
    n bigint, negative bigint, negative_share double precision,
    n_before bigint, negative_before bigint, negative_share_before double precision,
    difference double precision, difference_low double precision, difference_high double precision, worse boolean
)
LANGUAGE sql STABLE AS $$
    SELECT s.unit_id, units.unit, units.region_id, units.region, units.brand_id,
       units.brand, s.aspect, s.department,
           s.n, s.negative, s.negative::float8 / nullif(s.n, 0),
           s.n_before, s.negative_before, s.negative_before::float8 / nullif(s.n_before, 0),
           s.negative::float8 / nullif(s.n, 0) - s.negative_before::float8 / nullif(s.n_before, 0),
           history.difference_low(s.negative, s.n, s.negative_before, s.n_before),
           history.difference_high(s.negative, s.n, s.negative_before, s.n_before),
           coalesce(history.difference_low(s.negative, s.n, s.negative_before, s.n_before) > 0, false)
    FROM (SELECT hours.unit_id, hours.aspect, hours.department,
                 coalesce(sum(hours.n) FILTER (WHERE hour >= at - interval '7 days'), 0)::bigint AS n,
                 coalesce(sum(hours.negative) FILTER (WHERE hour >= at - interval '7 days'), 0)::bigint AS negative,
                 coalesce(sum(hours.n) FILTER (WHERE hour < at - interval '7 days'), 0)::bigint AS n_before,
                 coalesce(sum(hours.negative) FILTER (WHERE hour < at - interval '7 days'), 0)::bigint
                     AS negative_before
          FROM (SELECT topics.unit_id, topics.aspect, topics.department, hour, count(*) AS n,
                       count(*) FILTER (WHERE polarity < -0.05) AS negative
                FROM history.topics
                WHERE hour >= at - interval '35 days' AND hour < at
                GROUP BY topics.unit_id, topics.aspect, topics.department, hour) hours
          GROUP BY hours.unit_id, hours.aspect, hours.department) s
    LEFT JOIN history.units USING (unit_id)
$$;

CREATE VIEW history.worsening_aspects AS
SELECT worsening_aspects_at.* FROM history.worsening_aspects_at((SELECT now FROM history.clock));
