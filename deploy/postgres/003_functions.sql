-- What views and analysts compute with: intervals of 95 %. Nothing here reads a table.

-- Low and high end for a share of k among n: Wilson's score interval (Wilson 1927). Null where n is 0.
CREATE FUNCTION history.share_low(k bigint, n bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN n > 0 THEN greatest(0, (k::float8 / n + 1.920729 / n
        - 1.959964 * sqrt(k::float8 / n * (1 - k::float8 / n) / n + 0.9603647 / n / n)) / (1 + 3.841459 / n)) END
$$;

CREATE FUNCTION history.share_high(k bigint, n bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN n > 0 THEN least(1, (k::float8 / n + 1.920729 / n
        + 1.959964 * sqrt(k::float8 / n * (1 - k::float8 / n) / n + 0.9603647 / n / n)) / (1 + 3.841459 / n)) END
$$;

-- The quantile of Student's t for 95 %, two-sided: exact for 1 and 2 degrees of freedom, else the expansion of Cornish
-- and Fisher (Abramowitz and Stegun 26.7.5), which is right to 0.3 % at 3 and to 0.01 % from 7 on.
CREATE FUNCTION history.t95(df bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN df < 1 THEN NULL WHEN df = 1 THEN 12.7062047 WHEN df = 2 THEN 4.3026527
        ELSE 1.959964 + 2.3722712 / df + 2.8224986 / (df::float8 ^ 2) + 2.5558538 / (df::float8 ^ 3)
             + 1.5895308 / (df::float8 ^ 4) END
$$;

-- Low and high end for a mean of n values, from their sum and the sum of their squares. Null for fewer than 2.
CREATE FUNCTION history.mean_low(n bigint, total double precision, squares double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN n > 1 THEN total / n
        - history.t95(n - 1) * sqrt(greatest(0, squares - total * total / n) / (n - 1) / n) END
$$;

CREATE FUNCTION history.mean_high(n bigint, total double precision, squares double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN n > 1 THEN total / n
        + history.t95(n - 1) * sqrt(greatest(0, squares - total * total / n) / (n - 1) / n) END
$$;

-- All scores of a group of mentions at once, as views show them.
CREATE FUNCTION history.scores(n bigint, negative bigint, total double precision, squares double precision)
RETURNS TABLE (
    negative_share double precision, negative_share_low double precision, negative_share_high double precision,
    mood double precision, mood_low double precision, mood_high double precision
)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT negative::float8 / nullif(n, 0), history.share_low(negative, n), history.share_high(negative, n),
           total / nullif(n, 0),
           greatest(-1, history.mean_low(n, total, squares)), least(1, history.mean_high(n, total, squares))
$$;

-- A quantile of sorted values with its interval by order statistics (Conover 1999, 3.2): value, low, high. An end is
-- null where there are too few values for 95 %: fewer than 6 for the median, than 35 for the upper end at 0.9.
CREATE FUNCTION history.quantile(sorted double precision[], p double precision) RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY[
        sorted[greatest(1, ceil(n * p)::int)],
        CASE WHEN n * p - 1.959964 * sqrt(n * p * (1 - p)) > 0.5
             THEN sorted[ceil(n * p - 1.959964 * sqrt(n * p * (1 - p)))::int] END,
        sorted[ceil(n * p + 1.959964 * sqrt(n * p * (1 - p)))::int]]
    FROM (SELECT cardinality(sorted) AS n) count
    WHERE n > 0
$$;

-- Low and high end for the difference of two shares, now minus before: Newcombe's hybrid of Wilson's intervals
-- (Newcombe 1998, method 10).
CREATE FUNCTION history.difference_low(k_now bigint, n_now bigint, k_before bigint, n_before bigint)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN n_now > 0 AND n_before > 0 THEN
        k_now::float8 / n_now - k_before::float8 / n_before
        - sqrt((k_now::float8 / n_now - history.share_low(k_now, n_now)) ^ 2
               + (history.share_high(k_before, n_before) - k_before::float8 / n_before) ^ 2) END
$$;

CREATE FUNCTION history.difference_high(k_now bigint, n_now bigint, k_before bigint, n_before bigint)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN n_now > 0 AND n_before > 0 THEN
        k_now::float8 / n_now - k_before::float8 / n_before
        + sqrt((history.share_high(k_now, n_now) - k_now::float8 / n_now) ^ 2
               + (k_before::float8 / n_before - history.share_low(k_before, n_before)) ^ 2) END
$$;
