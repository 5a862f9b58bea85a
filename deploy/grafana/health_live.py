"""Rows of *Service health* about what is live, and about the processes beside the workers."""

from deploy.grafana.watching import HERE, NEGATIVE, RATE, Row, lines, rate


def live() -> Row:
    """What customers say and which alerts are open, just now."""
    return "What is live", [
        lines(
            "What customers say",
            "Insights each second by sentiment; abstained were not scored.",
            "cps",
            (rate("cem_insights_total", "sentiment"), "{{sentiment}}"),
            stacked=True,
        ),
        lines(
            "By channel",
            "Insights each second by channel. A channel that falls to 0 has a broken connector.",
            "cps",
            (rate("cem_insights_total", "channel"), "{{channel}}"),
        ),
        lines(
            "Negative share, by department",
            "Of what concerns a department, how much is negative just now. Few insights make it jump.",
            "percentunit",
            (
                f"{rate('cem_department_insights_total', 'department', NEGATIVE)}"
                f" / {rate('cem_department_insights_total', 'department')}",
                "{{department}}",
            ),
        ),
        lines(
            "Negative share, by region",
            "Of what is said in a region, how much is negative just now.",
            "percentunit",
            (
                f"{rate('cem_region_insights_total', 'region', NEGATIVE)}"
                f" / {rate('cem_region_insights_total', 'region')}",
                "{{region}}",
            ),
        ),
        lines(
            "Loudest units",
            "The ten units with most negative insights a second. other: units beyond metrics_units_max.",
            "cps",
            (f"topk(10, {rate('cem_unit_insights_total', 'unit_id', NEGATIVE)})", "{{unit_id}}"),
        ),
        lines(
            "Alert records",
            "Opened, grown, quiet, acknowledged and so on since the start.",
            "short",
            (f"sum by (change) (cem_alerts_total{{{HERE}}})", "{{change}}"),
        ),
        lines(
            "Open alerts, by severity",
            "Alerts that nobody has finished.",
            "short",
            (f"sum by (severity) (cem_open_alerts{{{HERE}}})", "{{severity}}"),
            stacked=True,
        ),
        lines(
            "Open alerts, by kind",
            "Alerts that nobody has finished, by what raised them.",
            "short",
            (f"sum by (alertname) (cem_open_alerts{{{HERE}}})", "{{alertname}}"),
        ),
        lines(
            "Open alerts, by region",
            "Alerts that nobody has finished; none: of units that are in no region.",
            "short",
            (f"sum by (region) (cem_region_open_alerts{{{HERE}}})", "{{region}}"),
        ),
        lines(
            "Open alerts, by department",
            "Alerts that nobody has finished, by who is responsible.",
            "short",
            (f"sum by (department) (cem_department_open_alerts{{{HERE}}})", "{{department}}"),
        ),
        lines(
            "Open alerts, by channel",
            "Alerts that nobody has finished, by where most of their posts are.",
            "short",
            (f"sum by (channel) (cem_channel_open_alerts{{{HERE}}})", "{{channel}}"),
        ),
        lines(
            "Units with most open alerts",
            "The ten units with most alerts that nobody has finished.",
            "short",
            (f"topk(10, sum by (unit_id) (cem_unit_open_alerts{{{HERE}}}))", "{{unit_id}}"),
        ),
        lines(
            "Deadlines",
            "Met and missed since the start, by duty.",
            "short",
            (f"sum by (duty, outcome) (cem_deadlines_total{{{HERE}}})", "{{duty}} {{outcome}}"),
        ),
        lines(
            "First answers, by channel",
            "Mean time from a post to the company's first answer, in event time.",
            "dtdurations",
            (
                f"sum by (channel) (cem_first_answer_seconds_sum{{{HERE}}}) / "
                f"sum by (channel) (cem_first_answer_seconds_count{{{HERE}}})",
                "{{channel}}",
            ),
        ),
    ]


def others() -> Row:
    """Console, messages, archive."""
    return "Console, messages, archive", [
        lines(
            "Requests to the console",
            "By status each second: 5 means that something broke here, 429 that somebody tries too often.",
            "cps",
            (f'sum by (status) (rate(cem_web_requests_total{{job="cem-web"}}[{RATE}]))', "{{status}}"),
        ),
        lines(
            "Open consoles",
            "Consoles that are told of changes as they happen, and whether the process hears from Kafka (1).",
            "short",
            ('sum(cem_web_consoles{job="cem-web"})', "open"),
            ('min(cem_web_connected{job="cem-web"})', "hears from Kafka"),
        ),
        lines(
            "Messages",
            "What came of tries to send a message, since the start, by kind of recipient.",
            "short",
            ('sum by (kind, outcome) (cem_notifications_total{job="cem-notify"})', "{{kind}} {{outcome}}"),
        ),
        lines(
            "Messages that wait",
            "What a recipient has not taken yet. It should fall back to 0; where it does not, nobody is told.",
            "short",
            ('sum by (recipient) (cem_notifications_open{job="cem-notify"})', "{{recipient}}"),
        ),
        lines(
            "Time for a message",
            "Mean time from when a message was due until it was taken.",
            "s",
            (
                'sum by (kind) (cem_notification_delay_seconds_sum{job="cem-notify"}) / '
                'sum by (kind) (cem_notification_delay_seconds_count{job="cem-notify"})',
                "{{kind}}",
            ),
        ),
        lines(
            "Rows written to PostgreSQL",
            "How many each second, by table. Between bursts of posts it rests.",
            "cps",
            (f'sum by (table) (rate(cem_archive_rows_total{{job="cem-archive"}}[{RATE}]))', "{{table}}"),
        ),
        lines(
            "Not yet in PostgreSQL",
            "Records that wait for the archive, by topic. It catches up by itself when PostgreSQL was away.",
            "short",
            ('sum by (topic) (cem_archive_lag_records{job="cem-archive"})', "{{topic}}"),
        ),
        lines(
            "Time for a transaction",
            "Of the archive in PostgreSQL: 99 of 100 take less.",
            "s",
            (
                "histogram_quantile(0.99, sum by (le) "
                f'(rate(cem_archive_batch_seconds_bucket{{job="cem-archive"}}[{RATE}])))',
                "99 %",
            ),
        ),
    ]


def processes() -> Row:
    """What each process costs."""
    return "Processes", [
        lines(
            "Memory",
            "Resident memory of each worker. It grows with units and posts remembered, then stays.",
            "bytes",
            (f"process_resident_memory_bytes{{{HERE}}}", "{{instance}}"),
        ),
        lines(
            "Processor",
            "How many cores each worker uses. One is all that a worker can use.",
            "none",
            (f"rate(process_cpu_seconds_total{{{HERE}}}[{RATE}])", "{{instance}}"),
        ),
        lines(
            "Open files",
            "Files and connections that each worker holds. It should not grow for ever.",
            "short",
            (f"process_open_fds{{{HERE}}}", "{{instance}}"),
        ),
        lines(
            "Clocks",
            "How far each worker's clock is from Prometheus'. Above some seconds posts are refused as too early.",
            "s",
            (
                f"cem_clock_timestamp_seconds{{{HERE}}} - timestamp(cem_clock_timestamp_seconds{{{HERE}}})",
                "{{instance}}",
            ),
            low=None,
        ),
    ]
