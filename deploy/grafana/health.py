"""*Service health*: whether the service itself is well. From Prometheus, on the clock of the wall."""

from deploy.grafana.parts import ORANGE, PROMETHEUS, RED, Page, Panel, PrometheusAnnotation, Unit, prom, query_variable

HERE = 'job="cem-worker",instance=~"${instance:regex}"'
RATE = "$__rate_interval"
NEGATIVE = ',sentiment="negative"'


def lines(
    title: str,
    about: str,
    unit: Unit,
    *expressions: tuple[str, str],
    width: int = 8,
    stacked: bool = False,
    low: float | None = 0,
) -> Panel:
    """A panel over time."""
    return Panel(
        "lines", title, about, unit, prom(*expressions), width=width, stacked=stacked, low=low, source=PROMETHEUS
    )


def rate(metric: str, by: str, where: str = "") -> str:
    """How much a second, by labels."""
    return f"sum by ({by}) (rate({metric}{{{HERE}{where}}}[{RATE}]))"


def quantile(q: float, metric: str, by: str = "") -> str:
    """A quantile of a histogram."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{{HERE}}}[{RATE}])))"


def number(
    title: str, about: str, unit: Unit, *expressions: tuple[str, str], steps: tuple[tuple[float, str], ...] = ()
) -> Panel:
    """A panel with numbers of now."""
    return Panel(
        "stat", title, about, unit, prom(*expressions, instant=True), width=4, height=5, steps=steps, source=PROMETHEUS
    )


def page(others: dict[str, str]) -> Page:
    """The dashboard."""
    instance = query_variable(
        "instance",
        "Worker",
        "Only these workers",
        'label_values(up{job="cem-worker"}, instance)',
        all_value=".*",
        source=PROMETHEUS,
    )
    return (
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
        .links(others)
        .row(
            "Now",
            number(
                "Workers",
                "How many workers answer, and how many of them are ready: own their partitions, have "
                "their "
                "states and hear from Kafka.",
                "short",
                (f"sum(up{{{HERE}}})", "answer"),
                (f"sum(cem_ready{{{HERE}}})", "ready"),
            ),
            number(
                "Waiting",
                "Records that are in Kafka and not yet worked on, over all topics. It should go back "
                "to 0 "
                "after each rush.",
                "short",
                (f"sum(cem_lag_records{{{HERE}}})", "records"),
                steps=((1_000, ORANGE), (100_000, RED)),
            ),
            number(
                "Behind",
                "How far the slowest partition is behind the stream clock, in event time. With ticks of "
                "ten "
                "seconds up to fifteen are usual.",
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
        )
        .row(
            "Flow",
            lines(
                "Records read, by topic",
                "What workers read each second, ticks included. Only with input does cem.events follow.",
                "cps",
                (rate("cem_records_in_total", "topic"), "{{topic}}"),
            ),
            lines(
                "What became of input",
                "Posts, feedback and actions by what was made of them each second.",
                "cps",
                (rate("cem_enriched_total", "outcome"), "{{outcome}}"),
            ),
            lines(
                "Records written, by topic",
                "What workers write each second; unit is all topics of units together.",
                "cps",
                (rate("cem_records_out_total", "topic"), "{{topic}}"),
            ),
            lines(
                "Records waiting, by topic",
                "The lag in records. A line that rises for long says that there are too "
                "few workers, or that one partition is hot.",
                "short",
                (f"sum by (topic) (cem_lag_records{{{HERE}}})", "{{topic}}"),
            ),
            lines(
                "Behind the stream clock, by topic",
                "The lag of the slowest partition in event time. Alerts are that late.",
                "s",
                (f"max by (topic) (cem_lag_seconds{{{HERE}}})", "{{topic}}"),
            ),
            lines(
                "Age of watermarks",
                "How old the newest time is that a partition of the log has reached. It grows "
                "where time stands still: no leader, or history on the data clock.",
                "s",
                (f"time() - min by (partition) (cem_watermark_timestamp_seconds{{{HERE}}})", "{{partition}}"),
            ),
        )
        .row(
            "How fast",
            lines(
                "From the log to the alert",
                "From when the record that makes the difference is in the log until its "
                "alert is made: half of the alerts, and 99 of 100, take less. Drawn where there were alerts.",
                "s",
                (quantile(0.5, "cem_alert_delay_seconds"), "half"),
                (quantile(0.99, "cem_alert_delay_seconds"), "99 %"),
            ),
            lines(
                "From the post to the alert",
                "From when a post was written until its alert is made, connectors "
                "included: half, and 99 of 100, take less. With the wall clock only.",
                "s",
                (quantile(0.5, "cem_post_to_alert_seconds"), "half"),
                (quantile(0.99, "cem_post_to_alert_seconds"), "99 %"),
            ),
            lines(
                "Time for a batch",
                "Time to work on a batch: 99 of 100 take less.",
                "s",
                (quantile(0.99, "cem_batch_seconds", "stage"), "{{stage}}"),
            ),
            lines(
                "Size of batches",
                "Mean number of records in a batch. Large batches mean that much has waited.",
                "short",
                (f"{rate('cem_batch_records_sum', 'stage')} / {rate('cem_batch_records_count', 'stage')}", "{{stage}}"),
            ),
            lines(
                "How busy a stage is",
                "The share of time in which it works on batches. Near 100 % it cannot do more.",
                "percentunit",
                (rate("cem_batch_seconds_sum", "stage, instance"), "{{stage}} {{instance}}"),
            ),
        )
        .row(
            "Checkpoints and partitions",
            lines(
                "Checkpoints",
                "How many each second: one for each partition in which something was done.",
                "cps",
                (rate("cem_checkpoint_seconds_count", "stage"), "{{stage}}"),
            ),
            lines(
                "Time for a checkpoint",
                "99 of 100 take less. Outputs are seen when it is done, so alerts wait that long.",
                "s",
                (quantile(0.99, "cem_checkpoint_seconds", "stage"), "{{stage}}"),
            ),
            lines(
                "Not yet saved",
                "How long the oldest finished work waits for its checkpoint. Above some seconds Kafka is slow or away.",
                "s",
                (f"max by (stage) (cem_unsaved_seconds{{{HERE}}})", "{{stage}}"),
            ),
            lines(
                "Checkpoints that failed, in a row",
                "Workers that have died before work at the same place was "
                "saved. "
                "0 is well; at 6 the record that kills them is put aside.",
                "short",
                (f"max by (stage) (cem_checkpoint_failures{{{HERE}}})", "{{stage}}"),
            ),
            lines(
                "Rebalances",
                "How often partitions were given out anew. It should happen only when workers come and go.",
                "short",
                (f"sum by (instance) (increase(cem_rebalances_total{{{HERE}}}[$__range]))", "{{instance}}"),
            ),
            lines(
                "Partitions",
                "How many partitions each worker owns. Far apart means that some have nothing to do.",
                "short",
                (f"sum by (instance, stage) (cem_partitions{{{HERE}}})", "{{instance}} {{stage}}"),
            ),
            lines(
                "Time to take partitions over",
                "Mean time to read states back after a rebalance.",
                "s",
                (
                    f"sum by (stage) (cem_recovery_seconds_sum{{{HERE}}}) / "
                    f"sum by (stage) (cem_recovery_seconds_count{{{HERE}}})",
                    "{{stage}}",
                ),
            ),
            lines(
                "States read back",
                "How many states of units and posts were read back since the start.",
                "short",
                (f"sum by (stage) (cem_recovered_states_total{{{HERE}}})", "{{stage}}"),
            ),
            lines(
                "Waiting for their states",
                "Partitions that nobody works on until their states are read back.",
                "short",
                (f"sum by (stage) (cem_recovering_partitions{{{HERE}}})", "{{stage}}"),
            ),
        )
        .row(
            "What was refused, and what found no unit",
            lines(
                "Dead letters, by reason",
                "How many were refused since the start. `cem deadletters list` shows them.",
                "short",
                (f"sum by (reason) (cem_dead_letters_total{{{HERE}}})", "{{reason}}"),
            ),
            lines(
                "Unrouted, by reason",
                "Posts and feedback that found no unit since the start. no_clue: add "
                "handles and "
                "aliases to the units file.",
                "short",
                (f"sum by (reason) (cem_unrouted_total{{{HERE}}})", "{{reason}}"),
            ),
            lines(
                "Not scored, by language",
                "Texts in languages that the scorer does not cover. Their units get no alerts of them.",
                "short",
                (f"sum by (language) (cem_abstained_total{{{HERE}}})", "{{language}}"),
            ),
            lines(
                "Actions, and why they were refused",
                "What people did with alerts since the start; all but done have changed nothing.",
                "short",
                (f"sum by (action, reason) (cem_case_entries_total{{{HERE}}})", "{{action}} {{reason}}"),
            ),
            lines(
                "Records of the log",
                "What became of records of the units' logs each second.",
                "cps",
                (rate("cem_log_records_total", "outcome"), "{{outcome}}"),
            ),
        )
        .row(
            "What is live",
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
        )
        .row(
            "Console, messages, archive",
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
        )
        .row(
            "Processes",
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
        )
    )
