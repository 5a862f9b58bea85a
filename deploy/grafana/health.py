"""*Service health*: whether the service itself is well. From Prometheus, on the clock of the wall."""

from deploy.grafana.asking import PROMETHEUS
from deploy.grafana.health_live import live, others, processes
from deploy.grafana.health_working import delivery, flow, refused, speed
from deploy.grafana.marks import PrometheusAnnotation
from deploy.grafana.page import Page, query_variable
from deploy.grafana.panel import ORANGE, RED
from deploy.grafana.watching import HERE, RATE, Row, number


def now() -> Row:
    """At a glance."""
    return "Now", [
        number(
            "Workers",
            "How many workers answer, and how many of them are ready: own their partitions, have their states and "
            "hear from Kafka.",
            "short",
            (f"sum(up{{{HERE}}})", "answer"),
            (f"sum(cem_ready{{{HERE}}})", "ready"),
        ),
        number(
            "Waiting",
            "Records that are in Kafka and not yet worked on, over all topics. It should go back to 0 after each rush.",
            "short",
            (f"sum(cem_lag_records{{{HERE}}})", "records"),
            steps=((1_000, ORANGE), (100_000, RED)),
        ),
        number(
            "Behind",
            "How far the slowest partition is behind the stream clock, in event time. With ticks of ten seconds up to "
            "fifteen are usual.",
            "s",
            (f"max(cem_lag_seconds{{{HERE}}})", "behind"),
            steps=((60, ORANGE), (120, RED)),
        ),
        number(
            "Coming in",
            "Records read each second, over all topics, ticks included.",
            "cps",
            (f"sum(rate(cem_records_in_total{{{HERE}}}[{RATE}]))", "a second"),
        ),
        number(
            "Units",
            "Units, regions and brands in the directory in force.",
            "short",
            (f"max(cem_units{{{HERE}}})", "units"),
        ),
        number(
            "Open alerts",
            "Alerts that nobody has finished, over all units of these workers.",
            "short",
            (f"sum(cem_open_alerts{{{HERE}}}) or vector(0)", "open"),
        ),
    ]


def page(titles: dict[str, str]) -> Page:
    """The dashboard."""
    instance = query_variable(
        "instance",
        "Worker",
        "Only these workers",
        'label_values(up{job="cem-worker"}, instance)',
        all_value=".*",
        source=PROMETHEUS,
    )
    made = (
        Page("Service health", "cem-health", "Whether the service itself is well", days="now-3h")
        .variables(instance)
        .annotated(
            [
                PrometheusAnnotation(
                    "Rebalances", ORANGE, f"sum(changes(cem_rebalances_total{{{HERE}}}[1m])) > 0", "partitions moved"
                ),
                PrometheusAnnotation(
                    "Starts",
                    RED,
                    f"sum(time() - process_start_time_seconds{{{HERE}}} < bool 60) > 0",
                    "a worker started",
                ),
            ]
        )
        .links(titles)
    )
    for title, panels in (now(), flow(), speed(), delivery(), refused(), live(), others(), processes()):
        made.row(title, *panels)
    return made
