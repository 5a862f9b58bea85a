"""*One unit*: everything about one store, restaurant or branch on one page, down to the posts. From PostgreSQL."""

from deploy.grafana.asking import sql
from deploy.grafana.experience import experience_panels, worsening_panels
from deploy.grafana.marks import annotations
from deploy.grafana.page import Page, console_variable, step_variable, unit_variables
from deploy.grafana.panel import Panel
from deploy.grafana.response import open_panels, response_panels

PERIOD = "hour >= $__timeFrom() AND hour < $__timeTo() AND {one}"
OPENED = "opened_at >= $__timeFrom() AND opened_at < $__timeTo() AND {one}"
DAYS = "day BETWEEN $__timeFrom()::date AND $__timeTo()::date AND {one}"


def page(others: dict[str, str]) -> Page:
    """The dashboard."""
    said, worse = experience_panels(PERIOD), worsening_panels("{one}")
    now, taken = open_panels("{one}"), response_panels(OPENED, DAYS)
    who = Panel(
        "table", "Which unit", "The unit as the directory has it now. Choose another at the top.", "none",
        sql(
            """SELECT unit, kind, industry, region, brand, time_zone AS "time zone", removed, unit_id AS id
            FROM history.units WHERE {one}"""
        ),
        width=24, height=4,
        links={"unit": ("This unit in the console, with its posts", "${console}/units/${__data.fields.id}")},
    )  # fmt: skip
    posts = Panel(
        "table", "What was said",
        "The newest mentions. Texts are not kept here: a click on the time leads to the unit in the console, which "
        "shows them masked. compound: -1 (furious) to 1 (delighted), confidence: how sure it is.",
        "none",
        sql(
            f"""SELECT event_time AS time, channel, label AS mood, compound, confidence, aspect, department,
                   journey_stage AS stage, rating, nps, followers, text_ref AS text, unit_id
            FROM history.mentions WHERE {PERIOD} ORDER BY event_time DESC LIMIT 200"""
        ),
        width=24, height=10, hidden=("unit_id",), per_field={"confidence": "percentunit", "followers": "short"},
        links={"time": ("This unit in the console, with its posts", "${console}/units/${__data.fields.unit_id}")},
    )  # fmt: skip
    behind = Panel(
        "table", "Posts behind alerts",
        "Which posts an alert rests on. Their masked texts are with the alert in the console: click on the alert.",
        "none",
        sql(
            f"""SELECT alerts.opened_at AS opened, alerts.alertname AS alert, evidence.network,
                   evidence.insight_id AS post, evidence.text_ref AS text, alerts.state, alert_id
            FROM history.alert_evidence evidence JOIN history.alerts alerts USING (alert_id)
            WHERE alerts.{OPENED.replace("opened_at <", "alerts.opened_at <").replace("{one}", "alerts.{one}")}
            ORDER BY alerts.opened_at DESC, evidence.place LIMIT 200"""
        ),
        width=24, hidden=("alert_id",),
        links={"alert": ("This alert in the console, with its posts", "${console}/alerts/${__data.fields.alert_id}")},
    )  # fmt: skip
    return (
        Page("One unit", "cem-unit", "Everything about one unit on one page")
        .variables(*unit_variables(single=True), step_variable(), console_variable())
        .annotated(annotations("{one}"))
        .links(others)
        .row("The unit", who)
        .row("In this period", said["mentions"], said["negative"], said["mood"], said["first_answer"],
             now["count"]._replace(width=4))
        .row("Over time", said["mood_over_time"], said["how_many"])
        .row("What people talk about", said["aspects"], said["aspects_over_time"], worse["aspects"],
             said["departments"], said["channels"], said["stages"], said["scores"], said["feelings"],
             said["hours"], said["weekdays"])
        .row("Alerts", taken["list"], taken["how_long"], taken["deadlines"])
        .row("Posts", behind, posts)
    )  # fmt: skip
