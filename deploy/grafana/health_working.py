"""Rows of *Service health* about the work itself: flow, speed, checkpoints, partitions, what was refused."""

from deploy.grafana.watching import HERE, Row, lines, quantile, rate


def flow() -> Row:
    """What comes in, goes out and waits."""
    return "Flow", [
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
            "The lag in records. A line that rises for long says that there are too few workers, or that one "
            "partition is hot.",
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
            "How old the newest time is that a partition of the log has reached. It grows where time stands still: no "
            "leader, or history on the data clock.",
            "s",
            (f"time() - min by (partition) (cem_watermark_timestamp_seconds{{{HERE}}})", "{{partition}}"),
        ),
    ]


def speed() -> Row:
    """How fast it is."""
    return "How fast", [
        lines(
            "From the log to the alert",
            "From when the record that makes the difference is in the log until its alert is made: half of the "
            "alerts, and 99 of 100, take less. Drawn where there were alerts.",
            "s",
            (quantile(0.5, "cem_alert_delay_seconds"), "half"),
            (quantile(0.99, "cem_alert_delay_seconds"), "99 %"),
        ),
        lines(
            "From the post to the alert",
            "From when a post was written until its alert is made, connectors included: half, and 99 of 100, take "
            "less. With the wall clock only.",
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
    ]


def delivery() -> Row:
    """Checkpoints and partitions."""
    return "Checkpoints and partitions", [
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
            "Workers that have died before work at the same place was saved. 0 is well; at 6 the record that kills "
            "them is put aside.",
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
    ]


def refused() -> Row:
    """What was refused, and what found no unit."""
    return "What was refused, and what found no unit", [
        lines(
            "Dead letters, by reason",
            "How many were refused since the start. `cem deadletters list` shows them.",
            "short",
            (f"sum by (reason) (cem_dead_letters_total{{{HERE}}})", "{{reason}}"),
        ),
        lines(
            "Unrouted, by reason",
            "Posts and feedback that found no unit since the start. no_clue: add handles and aliases to the units "
            "file.",
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
    ]
