"""Are all topics there, as wide as they must be, and do they keep what they must keep?"""

from collections.abc import Iterator
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType

from agents.doctor.finding import Finding, warning, well, wrong
from agents.doctor.patient import Patient
from schemas.topics import Topic

SHOWN_MAX = 5
ONE_PARTITION = ("units", "erasures", "notified")
"""Their readers read partition 0 only."""
APPLY = "run `cem topics apply`"


def check(patient: Patient) -> Iterator[Finding]:
    """Missing, too narrow, badly kept: wrong. Other than set: a warning."""
    specs, there = patient.topics.specs, patient.described
    missing = sorted(name for name in specs if name not in there)
    if missing:
        hidden = " (or this user may not see them: `cem acls print`)" if patient.settings.sasl_username else ""
        yield wrong("topics", f"{_some(missing)} missing{hidden}", APPLY)
    problems = [*_widths(patient), *_copies(patient), *_configs(patient), *_strangers(patient)]
    yield from problems
    if not missing and not problems:
        yield well("topics", f"all {len(specs)} are there, as wide as set, and keep what they must")


def _widths(patient: Patient) -> Iterator[Finding]:
    there = patient.described
    settings = patient.settings
    widths = {"input": settings.input_partitions, "events": settings.events_partitions, "one": 1}
    asked = {"input": "CEM_INPUT_PARTITIONS", "events": "CEM_EVENTS_PARTITIONS", "one": "the design"}
    for name, spec in patient.topics.specs.items():
        if name not in there:
            continue
        width, state = len(there[name]["partitions"]), patient.topics.state(name)
        if state in there and len(there[state]["partitions"]) != width:
            yield wrong(
                "topics",
                f"{state} has {len(there[state]['partitions'])} partitions, {name} has {width}: no worker starts",
                "partitions cannot be taken away: add them where they are fewer, with the tools of Kafka, while no "
                "worker runs; or make a clean start (deploy/README.md)",
            )
        if spec.name in ONE_PARTITION and width != 1:
            yield wrong(
                "topics", f"{name} has {width} partitions, it must have one", f"stop everything, delete it, {APPLY}"
            )
        elif width != widths[spec.width] and not spec.name.startswith("state."):
            yield warning(
                "topics",
                f"{name} has {width} partitions, {asked[spec.width]} says {widths[spec.width]}",
                f"set {asked[spec.width]} to {width} everywhere, if the topic is right"
                if spec.width != "one"
                else "more than one is of no use here",
            )


def _copies(patient: Patient) -> Iterator[Finding]:
    headless, behind, single = [], [], []
    for name, topic in patient.described.items():
        partitions = topic["partitions"]
        headless += [name] if any(partition["leader_id"] < 0 for partition in partitions) else []
        behind += [name] if any(len(one["isr_nodes"]) < len(one["replica_nodes"]) for one in partitions) else []
        single += [name] if any(len(one["replica_nodes"]) < 2 for one in partitions) else []
    if headless:
        yield wrong("topics", f"nobody leads {_some(headless)}", "a broker is down that alone has them: bring it back")
    if behind:
        yield warning("topics", f"copies are behind: {_some(behind)}", "a broker is down or slow: look at its log")
    if single and len(patient.admin.describe_cluster()["brokers"]) > 2:
        yield warning(
            "topics",
            f"{_some(single)}: one copy only, though there are several brokers",
            "CEM_REPLICATION_FACTOR=3 before `cem topics apply`; of what is there, with the tools of Kafka",
        )


def _configs(patient: Patient) -> Iterator[Finding]:
    wanted = {name: spec for name, spec in patient.topics.specs.items() if name in patient.described}
    if not wanted:
        return
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    found = patient.admin.describe_configs(asked, config_filter="all").get("topic", {})
    silent = [name for name in wanted if not found.get(name)]
    if silent:
        yield warning(
            "topics",
            f"this user may not see the settings of {_some(silent)}",
            "look as the operator (`cem acls print`)",
        )
    for name, spec in wanted.items():
        if configs := found.get(name):
            yield from _kept(name, spec, {key: one["value"] for key, one in configs.items()})


def _kept(name: str, spec: Topic, configs: dict[str, Any]) -> Iterator[Finding]:
    """What is deleted too soon is lost; what is kept too long may be somebody's."""
    want = spec.configs()
    policy, wanted_policy = {*configs["cleanup.policy"].split(",")}, {*want["cleanup.policy"].split(",")}
    if policy != wanted_policy:
        loss = "it loses records that are needed" if policy - wanted_policy else "it grows for ever"
        yield wrong(
            "topics",
            f"{name} has cleanup.policy={configs['cleanup.policy']}: {loss}",
            _alter(name, "cleanup.policy", want["cleanup.policy"]),
        )
    kept, wanted_kept = int(configs["retention.ms"]), int(want["retention.ms"])
    if "delete" in policy and kept != wanted_kept:
        shorter = wanted_kept < 0 or 0 <= kept < wanted_kept
        say = wrong if shorter and (wanted_kept < 0 or spec.name.startswith("state.")) else warning
        effect = "what is older is lost" if shorter else "what people said is kept longer than the README says"
        yield say(
            "topics",
            f"{name} keeps {_days(kept)} instead of {_days(wanted_kept)}: {effect}",
            _alter(name, "retention.ms", want["retention.ms"]),
        )
    size, wanted_size = int(configs["max.message.bytes"]), int(want["max.message.bytes"])
    if size < wanted_size:
        yield wrong(
            "topics",
            f"{name} takes records of {size} bytes only, some have {wanted_size}: a worker would stop at one",
            _alter(name, "max.message.bytes", str(wanted_size)),
        )
    stamped, wanted_stamped = configs["message.timestamp.type"], want.get("message.timestamp.type")
    if wanted_stamped is not None and stamped != wanted_stamped:
        yield warning(
            "topics",
            f"{name} has message.timestamp.type={stamped}: who writes says when that was, which decides how long a "
            "record is kept and in which order a restore takes it",
            _alter(name, "message.timestamp.type", wanted_stamped),
        )


def _strangers(patient: Patient) -> Iterator[Finding]:
    unit_topics = patient.topics.unit_alerts("")
    known = patient.topics.specs
    strange = [name for name in patient.described if name not in known and not name.startswith(unit_topics)]
    if strange:
        yield warning(
            "topics",
            f"{_some(sorted(strange))}: under our prefix, but not ours",
            "from another version, or a typing error: delete what nobody uses, with the tools of Kafka",
        )


def _alter(name: str, key: str, value: str) -> str:
    return f"kafka-configs.sh --bootstrap-server … --alter --topic {name} --add-config '{key}=[{value}]'"


def _days(milliseconds: int) -> str:
    return "everything" if milliseconds < 0 else f"{milliseconds / 86_400_000:g} days"


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN_MAX
    return ", ".join(names[:SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
