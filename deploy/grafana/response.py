"""*Alerts and response*: what is open, how far it went, and how fast people act. From PostgreSQL, on event time."""

from deploy.grafana.asking import sql
from deploy.grafana.experience import TO_UNIT
from deploy.grafana.marks import annotations
from deploy.grafana.page import Page, console_variable, step_variable, unit_variables
from deploy.grafana.panel import ORANGE, RED, YELLOW, Panel

OPENED = "opened_at >= $__timeFrom() AND opened_at < $__timeTo() AND {units}"
DAYS = "day BETWEEN $__timeFrom()::date AND $__timeTo()::date AND {units}"
CASE = {"alert": ("This alert in the console, with its posts", "${console}/alerts/${__data.fields.alert_id}")}
DUTIES = ("acknowledge", "answer", "resolve")


def open_panels(where: str = "{units}") -> dict[str, Panel]:
    """What nobody has finished, whatever the period."""
    return {
        "count": Panel(
            "stat", "Open now",
            "Alerts that nobody has resolved or dismissed, as of the newest data and whatever the period above; and "
            "how many of them are past a deadline.",
            "short",
            sql(
                'SELECT count(*) AS "open", count(*) FILTER (WHERE overdue) AS "overdue" '
                f"FROM history.open_alerts WHERE {where}"
            ),
            width=6, height=5, steps=((1, YELLOW), (5, ORANGE), (20, RED)),
        ),
        "by_age": Panel(
            "ranking", "Open by age and severity",
            "How long open alerts have waited. Red at the bottom is what is worst and oldest.", "short",
            sql(
                f"""SELECT age, count(*) FILTER (WHERE severity_label = 'critical') AS "critical",
                       count(*) FILTER (WHERE severity_label = 'error') AS "error",
                       count(*) FILTER (WHERE severity_label = 'warning') AS "warning",
                       count(*) FILTER (WHERE severity_label = 'info') AS "info"
                FROM history.open_alerts WHERE {where} GROUP BY age ORDER BY min(age_s)"""
            ),
            stacked=True,
        ),
        "list": Panel(
            "table", "Open alerts",
            "The worst first; a click on one leads to the console, where its posts are (masked) and what can be done. "
            "reach is how many people it was shown to, forecast how often it will be passed on.",
            "short",
            sql(
                f"""SELECT alertname AS alert, unit, severity, severity_label AS level, state, age_s AS age, overdue,
                       department, aspect, reach, reposts, forecast, forecast_low AS "forecast low",
                       forecast_high AS "forecast high", summary, alert_id
                FROM history.open_alerts WHERE {where} ORDER BY severity DESC, opened_at LIMIT 200"""
            ),
            width=24, height=10, per_field={"age": "dtdurations"}, hidden=("alert_id",), links=CASE,
        ),
    }  # fmt: skip


def response_panels(opened: str = OPENED, days: str = DAYS) -> dict[str, Panel]:
    """How fast, and how often in time."""
    taken = ", ".join(f"('{duty}', {duty}_s)" for duty in DUTIES)
    return {
        "how_long": Panel(
            "table", "How long it takes",
            "From when an alert is opened until it is acknowledged, answered, resolved: half of the time it takes "
            "less than median (low to high: 95 %, from 6 on), in nine of ten less than p90. n is how many were done, "
            "of is how many were opened: who is never done is in none of the times.",
            "dtdurations",
            sql(
                f"""SELECT duty, count(taken) AS n, count(*) AS of,
                       (history.quantile(array_agg(taken ORDER BY taken) FILTER (WHERE taken IS NOT NULL), 0.5))[1]
                           AS median,
                       (history.quantile(array_agg(taken ORDER BY taken) FILTER (WHERE taken IS NOT NULL), 0.5))[2]
                           AS low,
                       (history.quantile(array_agg(taken ORDER BY taken) FILTER (WHERE taken IS NOT NULL), 0.5))[3]
                           AS high,
                       percentile_disc(0.9) WITHIN GROUP (ORDER BY taken) AS p90
                FROM history.alerts, LATERAL (VALUES {taken}) duties (duty, taken)
                WHERE {opened} GROUP BY duty ORDER BY duty"""
            ),
            per_field={"n": "short", "of": "short"},
        ),
        "over_time": Panel(
            "lines", "Time to acknowledge, answer and resolve, over time",
            "Medians of the alerts opened in each step; grey bars are how many were opened (n). A step with one or "
            "two alerts says little.",
            "dtdurations",
            sql(
                f"""SELECT {{step opened_at}} AS time,
                       percentile_cont(0.5) WITHIN GROUP (ORDER BY acknowledge_s) AS "acknowledge",
                       percentile_cont(0.5) WITHIN GROUP (ORDER BY answer_s) AS "answer",
                       percentile_cont(0.5) WITHIN GROUP (ORDER BY resolve_s) AS "resolve", count(*) AS "opened (n)"
                FROM history.alerts WHERE {opened} GROUP BY 1 ORDER BY 1""",
                series=True,
            ),
            right=("opened (n)",),
        ),
        "deadlines": Panel(
            "table", "Deadlines",
            "By duty: met in time, missed, and still waiting in time. share is what was missed of what is decided "
            "(n), between low and high (95 %).",
            "short",
            sql(
                f"""SELECT s.duty, s.n, s.met, s.missed, s.waiting, s.missed::float8 / nullif(s.n, 0) AS share,
                       history.share_low(s.missed, s.n) AS low, history.share_high(s.missed, s.n) AS high
                FROM (SELECT duty, sum(n)::bigint AS n, sum(met)::bigint AS met, sum(missed)::bigint AS missed,
                             sum(waiting)::bigint AS waiting
                      FROM history.deadlines_day WHERE {days} GROUP BY duty) s ORDER BY s.duty"""
            ),
            per_field=dict.fromkeys(("share", "low", "high"), "percentunit"),
        ),
        "deadlines_over_time": Panel(
            "bars", "Deadlines met and missed, over time",
            "All duties of the alerts opened on each day. What still waits is not shown.", "short",
            sql(
                f"""SELECT day::timestamp AT TIME ZONE 'UTC' AS time, sum(met)::bigint AS "met",
                       sum(missed)::bigint AS "missed"
                FROM history.deadlines_day WHERE {days} GROUP BY 1 ORDER BY 1""",
                series=True,
            ),
            stacked=True,
        ),
        "list": Panel(
            "table", "Alerts of this period",
            "The newest first, open or not; a click on one leads to the console, where its posts are (masked). Times "
            "count from when it was opened; empty is not done.",
            "short",
            sql(
                f"""SELECT opened_at AS opened, alertname AS alert, unit, severity, state,
                       acknowledge_s AS acknowledged, answer_s AS answered, resolve_s AS resolved,
                       array_to_string(missed, ', ') AS missed, escalated, reopened, reach,
                       evidence AS posts, summary, alert_id
                FROM history.alerts WHERE {opened} ORDER BY opened_at DESC LIMIT 200"""
            ),
            width=24, height=10, hidden=("alert_id",), links=CASE,
            per_field=dict.fromkeys(("acknowledged", "answered", "resolved"), "dtdurations"),
        ),
    }  # fmt: skip


def page(others: dict[str, str]) -> Page:
    """The dashboard."""
    now, taken = open_panels(), response_panels()
    opened = Panel(
        "stat", "Opened in this period", "How many alerts were opened, and how many of them have spread: each that is "
        "passed on makes more than one other pass it on.", "short",
        sql(
            'SELECT count(*) AS "opened", count(*) FILTER (WHERE supercritical) AS "spreading" '
            f"FROM history.alerts WHERE {OPENED}"
        ),
        width=6, height=5,
    )  # fmt: skip
    missed = Panel(
        "stat", "Deadlines missed",
        "The share of deadlines that were missed, of all that are decided (n), between at least and at most (95 %).",
        "percentunit",
        sql(
            f"""SELECT s.missed::float8 / s.n AS "missed", history.share_low(s.missed, s.n) AS "at least",
                   history.share_high(s.missed, s.n) AS "at most", s.n AS n
            FROM (SELECT sum(missed)::bigint AS missed, sum(n)::bigint AS n FROM history.deadlines_day WHERE {DAYS}) s
            WHERE s.n > 0"""
        ),
        width=12, height=5, per_field={"n": "short"},
    )  # fmt: skip
    reach = Panel(
        "lines", "How far alerts went",
        "reach: how many people the posts behind the alerts of a day were shown to (their authors' followers and "
        "those of who passed them on); reposts: how often they were passed on.",
        "short",
        sql(
            f"""SELECT day::timestamp AT TIME ZONE 'UTC' AS time, sum(reach)::bigint AS "reach",
                   sum(reposts)::bigint AS "reposts"
            FROM history.reach_day WHERE {DAYS} GROUP BY 1 ORDER BY 1""",
            series=True,
        ),
    )  # fmt: skip
    furthest = Panel(
        "table", "What went furthest",
        "The alerts whose posts reached most people. forecast: how often it will have been passed on in the end, "
        "between low and high (80 %).",
        "short",
        sql(
            f"""SELECT alertname AS alert, unit, opened_at AS opened, reach, reposts, forecast, forecast_low AS low,
                   forecast_high AS high, evidence AS posts, alert_id
            FROM history.alerts WHERE {OPENED} AND reach > 0 ORDER BY reach DESC LIMIT 25"""
        ),
        hidden=("alert_id",), links=CASE,
    )  # fmt: skip
    weeks = Panel(
        "bars", "Alerts per week, by kind",
        "How many alerts were opened or came back in each week. More than the budget of false alerts (times the "
        "number of units) means that something really happened.",
        "short",
        sql(
            """SELECT week::timestamp AT TIME ZONE 'UTC' AS time, alertname AS metric,
                   sum(opened + reopened)::bigint AS n
            FROM history.alerts_week
            WHERE week BETWEEN ($__timeFrom()::timestamptz - interval '7 days')::date AND $__timeTo()::date AND {units}
            GROUP BY 1, 2 ORDER BY 1, 2""",
            series=True,
        ),
        stacked=True,
    )  # fmt: skip
    by_unit = Panel(
        "table", "Alerts per unit and week",
        "opened: in the whole period; a week: the mean; weeks: in how many weeks there was any. A unit that is here "
        "every week has a lasting problem, or too small a baseline.",
        "short",
        sql(
            """SELECT unit, sum(opened)::bigint AS opened, sum(reopened)::bigint AS "came back",
                   count(DISTINCT week) AS weeks,
                   sum(opened) * 7 * 86400 / greatest(
                       7 * 86400, extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz))
                       AS "a week",
                   unit_id
            FROM history.alerts_week
            WHERE week BETWEEN ($__timeFrom()::timestamptz - interval '7 days')::date AND $__timeTo()::date AND {units}
            GROUP BY unit, unit_id ORDER BY 2 DESC LIMIT 100"""
        ),
        hidden=("unit_id",),
        links=TO_UNIT,
    )  # fmt: skip
    people = Panel(
        "table", "What people did",
        "Actions on alerts in this period. Refused ones changed nothing; the reason says why.", "short",
        sql(
            """SELECT action, CASE WHEN accepted THEN 'done' ELSE reason END AS outcome, count(*) AS n,
                   count(DISTINCT alert_id) AS alerts
            FROM history.case_entries JOIN history.units USING (unit_id)
            WHERE hour >= $__timeFrom() AND hour < $__timeTo() AND action IS NOT NULL AND {units}
            GROUP BY 1, 2 ORDER BY 3 DESC"""
        ),
    )  # fmt: skip
    severities = Panel(
        "table", "By severity",
        "Alerts opened in the period, and how they stand. n is how many; reach is the sum of theirs.", "short",
        sql(
            f"""SELECT severity_label AS severity, count(*) AS n, count(*) FILTER (WHERE is_open) AS "still open",
                   sum(escalated)::bigint AS escalations, sum(reopened)::bigint AS "came back",
                   sum(reach)::bigint AS reach
            FROM history.alerts WHERE {OPENED} GROUP BY 1 ORDER BY min(severity) DESC"""
        ),
    )  # fmt: skip
    return (
        Page("Alerts and response", "cem-response", "What is open, how far it went, how fast people act")
        .variables(*unit_variables(), step_variable(), console_variable())
        .annotated(annotations("{units}"))
        .links(others)
        .row("At a glance", now["count"], opened, missed)
        .row("Open now", now["by_age"], severities, now["list"])
        .row("How fast people act", taken["how_long"], taken["over_time"], taken["deadlines"],
             taken["deadlines_over_time"], people)
        .row("How far it went", reach, furthest)
        .row("Per unit and week", weeks, by_unit, taken["list"])
    )  # fmt: skip
