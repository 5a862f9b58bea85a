"""*Customer experience*: what customers say, about whom, and where it gets worse. From PostgreSQL, on event time."""

from deploy.grafana.asking import sql
from deploy.grafana.marks import annotations
from deploy.grafana.page import Page, step_variable, unit_variables
from deploy.grafana.panel import ORANGE, RED, Panel

INTERVAL = (
    "The two ends are a 95 % interval: with few mentions it is wide, and what lies within it may be chance. n is how "
    "many mentions it rests on."
)
HOURS = "hour >= $__timeFrom() AND hour < $__timeTo()"
DAYS = "day BETWEEN $__timeFrom()::date AND $__timeTo()::date"
PERIOD = f"{HOURS} AND {{units}}"
SUMS = (
    "sum(n)::bigint AS n, sum(negative)::bigint AS negative, sum(positive)::bigint AS positive, sum(mood_sum) AS "
    "mood_sum, sum(mood_squares) AS mood_squares"
)
TO_UNIT = {"unit": ("This unit on one page", "/d/cem-unit?var-unit=${__data.fields.unit_id}&${__url_time_range}")}
SCORES = "CROSS JOIN LATERAL history.scores(s.n, s.negative, s.mood_sum, s.mood_squares) scores"
SHARES = {"negative": "percentunit", "low": "percentunit", "high": "percentunit"}


def scored_by(columns: str, view: str, *, shown: str | None = None, period: str = PERIOD, limit: int = 100) -> str:
    """A table of groups: n, the share that is negative and the mood, each with its interval."""
    return f"""
        SELECT {shown or columns}, s.n AS n, scores.negative_share AS negative, scores.negative_share_low AS low,
               scores.negative_share_high AS high, scores.mood AS mood, scores.mood_low AS "mood low",
               scores.mood_high AS "mood high"
        FROM (SELECT {columns}, {SUMS} FROM history.{view} WHERE {period} GROUP BY {columns}) s {SCORES}
        ORDER BY s.n DESC LIMIT {limit}"""


def experience_panels(period: str = PERIOD) -> dict[str, Panel]:
    """Those that *One unit* shows, too: by name, with the condition that chooses units and period."""
    total = f"FROM (SELECT {SUMS} FROM history.unit_hour WHERE {period}) s {SCORES} WHERE s.n > 0"
    days = period.replace(
        "hour >= $__timeFrom() AND hour < $__timeTo()", "day BETWEEN $__timeFrom()::date AND $__timeTo()::date"
    )
    return {
        "mentions": Panel(
            "stat", "Mentions",
            "How many posts, reviews and answers to surveys speak of these units in the period. Reposts are not "
            "counted.",
            "short", sql(f"SELECT sum(n)::bigint AS mentions FROM history.unit_hour WHERE {period} HAVING sum(n) > 0"),
            width=3, height=5,
        ),
        "negative": Panel(
            "stat", "How much of it is negative", f"The share of mentions that are negative. {INTERVAL}", "percentunit",
            sql(
                'SELECT scores.negative_share AS "negative", scores.negative_share_low AS "at least", '
                f'scores.negative_share_high AS "at most", s.n AS n {total}'
            ),
            width=6, height=5, per_field={"n": "short"},
        ),
        "mood": Panel(
            "stat", "Mood", f"The mean of all mentions, from -1 (furious) to 1 (delighted). {INTERVAL}", "none",
            sql(
                'SELECT round(scores.mood::numeric, 2) AS "mood", round(scores.mood_low::numeric, 2) AS "at least", '
                f'round(scores.mood_high::numeric, 2) AS "at most", s.n AS n {total}'
            ),
            width=6, height=5, per_field={"n": "short"},
        ),
        "mood_over_time": Panel(
            "lines", "Mood over time",
            "The mean of each step, -1 to 1, between the ends of its interval; grey bars are how many spoke. Look at "
            "a change only where it leaves the interval of the steps before.",
            "none",
            sql(
                f"""SELECT s.time AS time, scores.mood AS "mood", scores.mood_low AS "at least",
                       scores.mood_high AS "at most", s.n AS "mentions (n)"
                FROM (SELECT {{step hour}} AS time, {SUMS} FROM history.unit_hour WHERE {period} GROUP BY 1) s {SCORES}
                ORDER BY 1""",
                series=True,
            ),
            low=-1, high=1, right=("mentions (n)",),
        ),
        "how_many": Panel(
            "bars", "How many speak, and how",
            "Mentions of each step by mood. A high red part counts more on a high bar.", "short",
            sql(
                f"""SELECT {{step hour}} AS time, sum(negative)::bigint AS "negative",
                       (sum(n) - sum(negative) - sum(positive))::bigint AS "neutral",
                       sum(positive)::bigint AS "positive"
                FROM history.unit_hour WHERE {period} GROUP BY 1 ORDER BY 1""",
                series=True,
            ),
            stacked=True,
        ),
        "aspects": Panel(
            "table", "What people talk about",
            f"What mentions speak of, and which share of it is spoken of negatively. {INTERVAL}", "short",
            sql(scored_by("aspect, department", "aspect_hour", period=period, limit=50)),
            per_field=SHARES, height=10,
        ),
        "aspects_over_time": Panel(
            "bars", "What people talk about, over time",
            "How often the eight most frequent matters were spoken of in each step. One that grows while the others "
            "do not is worth a look.",
            "short",
            sql(
                f"""SELECT {{step hour}} AS time, aspect AS metric, sum(n)::bigint AS n FROM history.aspect_hour
                WHERE {period} AND aspect IN (SELECT aspect FROM history.aspect_hour WHERE {period}
                                              GROUP BY aspect ORDER BY sum(n) DESC LIMIT 8)
                GROUP BY 1, 2 ORDER BY 1, 2""",
                series=True,
            ),
            stacked=True, height=10,
        ),
        "departments": Panel(
            "table", "Departments",
            f"How the work of each department is spoken of. What concerns two counts for both. {INTERVAL}", "short",
            sql(scored_by("department", "department_hour", period=period)), per_field=SHARES,
        ),
        "channels": Panel(
            "table", "Channels",
            "Where people speak. Moods of channels differ by their nature (who answers a survey is milder than who "
            f"posts), so compare a channel with itself. {INTERVAL}",
            "short", sql(scored_by("channel", "channel_hour", period=period)), per_field=SHARES,
        ),
        "stages": Panel(
            "table", "Stages of the customer's journey",
            f"At which point of the way, from interest to leaving, it goes wrong. {INTERVAL}", "short",
            sql(
                scored_by(
                    "journey_stage", "stage_hour", shown="coalesce(journey_stage, 'not known') AS stage", period=period
                )
            ),
            per_field=SHARES,
        ),
        "hours": Panel(
            "table", "By hour of the day",
            f"On each unit's own clock: when the day goes wrong. {INTERVAL}", "short",
            sql(
                scored_by("local_hour", "week_day", period=days, limit=24).replace(
                    "ORDER BY s.n DESC", "ORDER BY local_hour"
                )
            ),
            per_field=SHARES,
        ),
        "weekdays": Panel(
            "table", "By day of the week",
            f"On each unit's own clock; 1 is Monday. {INTERVAL}", "short",
            sql(
                scored_by("weekday", "week_day", period=days, limit=7).replace("ORDER BY s.n DESC", "ORDER BY weekday")
            ),
            per_field=SHARES,
        ),
        "feelings": Panel(
            "bars", "What people feel",
            "How many mentions told of a feeling, by day. Most tell of none; these are left out.", "short",
            sql(
                f"""SELECT day::timestamp AT TIME ZONE 'UTC' AS time, emotion AS metric, sum(n)::bigint AS n
                FROM history.emotion_day WHERE {days} AND emotion <> 'none' GROUP BY 1, 2 ORDER BY 1, 2""",
                series=True,
            ),
            stacked=True,
        ),
        "scores": Panel(
            "table", "Scores that customers gave",
            "Means of the scores that came with posts and surveys: nps 0 to 10, csat 1 to 5, ces 1 to 7, rating 0 to "
            "5. "
            "net promoters: those who gave 9 or 10 minus those who gave 0 to 6, as a share; only of nps. " + INTERVAL,
            "none",
            sql(
                f"""SELECT score, sum(n)::bigint AS n, sum(total) / sum(n) AS mean,
                       history.mean_low(sum(n)::bigint, sum(total), sum(squares)) AS "mean low",
                       history.mean_high(sum(n)::bigint, sum(total), sum(squares)) AS "mean high",
                       CASE WHEN score = 'nps' THEN (sum(promoters) - sum(detractors))::float8 / sum(n) END
                           AS "net promoters"
                FROM history.survey_day WHERE {days} GROUP BY score ORDER BY score"""
            ),
            per_field={"n": "short", "net promoters": "percentunit"},
        ),
        "first_answer": Panel(
            "stat", "Time to the first answer",
            "How long half of the threads waited for the company's first answer (median, with the ends of its 95 % "
            "interval where there are at least 6). n is how many were answered; who was never answered is not in it.",
            "s",
            sql(
                f"""SELECT answers.wait[1] AS "median", answers.wait[2] AS "at least", answers.wait[3] AS "at most",
                       answers.n AS n
                FROM (SELECT count(*) AS n, history.quantile(array_agg(waited_s ORDER BY waited_s), 0.5) AS wait
                      FROM history.first_answers WHERE {period}) answers WHERE answers.n > 0"""
            ),
            width=5, height=5, per_field={"n": "short"},
        ),
    }  # fmt: skip


def worsening_panels(where: str = "{units}") -> dict[str, Panel]:
    """Where it gets worse, and what: the last week of the period against the four weeks before it."""
    how = (
        "The last week of the period against the four weeks before it. difference is how much larger the negative "
        "share has become, between low and high (95 %). Only where worse is true is the whole interval above 0. Of a "
        "hundred units in which nothing has changed two or three are called worse by chance."
    )
    fields = dict.fromkeys(("negative", "before", "difference", "low", "high"), "percentunit")
    columns = (
        "worse, difference, difference_low AS low, difference_high AS high, negative_share AS negative, n, "
        "negative_share_before AS before, n_before"
    )
    until = "least($__timeTo(), (SELECT now FROM history.clock))"
    order = "ORDER BY worse DESC, difference_low DESC NULLS LAST LIMIT 50"
    return {
        "units": Panel(
            "table", "Where it gets worse", how, "short",
            sql(
                f"""SELECT unit, {columns}, unit_id FROM history.worsening_at({until})
                WHERE n > 0 AND n_before > 0 AND {where} {order}"""
            ),
            height=10, per_field=fields, hidden=("unit_id",),
            links=TO_UNIT,
        ),
        "aspects": Panel(
            "table", "What it is that gets worse", how, "short",
            sql(
                f"""SELECT aspect, unit, {columns}, unit_id FROM history.worsening_aspects_at({until})
                WHERE n > 0 AND n_before > 0 AND {where} {order}"""
            ),
            height=10, per_field=fields, hidden=("unit_id",),
            links=TO_UNIT,
        ),
    }  # fmt: skip


def page(others: dict[str, str]) -> Page:
    """The dashboard."""
    panels, worse = experience_panels(), worsening_panels()
    by_place = {
        "units": Panel(
            "table", "Units",
            f"Each unit; a click on its name shows it on one page. {INTERVAL}", "short",
            sql(scored_by("unit, unit_id, region", "unit_hour", limit=200)),
            per_field=SHARES, hidden=("unit_id",), height=12,
            links=TO_UNIT,
        ),
        "regions": Panel(
            "table", "Regions", f"All units of a region together. {INTERVAL}", "short",
            sql(scored_by("region, brand", "unit_hour", period=PERIOD + " AND region_id IS NOT NULL")),
            per_field=SHARES, height=12,
        ),
    }  # fmt: skip
    counted = Panel(
        "stat", "Units where it gets worse",
        "How many units are worse than by chance (see below), out of how many that were spoken of in both periods.",
        "short",
        sql(
            """SELECT count(*) FILTER (WHERE worse) AS "worse", count(*) AS "of"
            FROM history.worsening_at(least($__timeTo(), (SELECT now FROM history.clock)))
            WHERE n > 0 AND n_before > 0 AND {units} HAVING count(*) > 0"""
        ),
        width=4, height=5, steps=((3, ORANGE), (10, RED)),
    )  # fmt: skip
    return (
        Page("Customer experience", "cem-experience", "What customers say about units, and where it gets worse")
        .variables(*unit_variables(), step_variable())
        .annotated(annotations("{units}"))
        .links(others)
        .row("In this period", panels["mentions"], panels["negative"], panels["mood"], panels["first_answer"], counted)
        .row("Over time", panels["mood_over_time"], panels["how_many"])
        .row("Where it gets worse", worse["units"], worse["aspects"])
        .row("What people talk about", panels["aspects"], panels["aspects_over_time"])
        .row("Who and where", by_place["units"], by_place["regions"], panels["departments"], panels["channels"],
             panels["stages"], panels["scores"])
        .row("When, and how they feel", panels["hours"], panels["weekdays"], panels["feelings"])
    )  # fmt: skip
