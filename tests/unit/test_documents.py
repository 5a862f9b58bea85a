"""The documents say what the code does: they are current, valid, and complete.

The structure of the AsyncAPI document is checked by hand here; the official schema of AsyncAPI 3.0.0 (a package of
400 kB) accepted it when the generator was written.
"""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schemas import documents
from schemas.alert import Alert, cloud_event_headers
from schemas.event import Event
from schemas.tick import CONTROL_HEADER
from schemas.topics import CONSUMED, INPUTS, Topics
from tests.golden_refresh import EXAMPLES, golden

HOME = Path(documents.__file__).parent
SCHEMAS = {name: json.loads((HOME / "json" / documents.file_name(name)).read_bytes()) for name in documents.RECORDS}
ASYNCAPI = json.loads((HOME / "asyncapi.json").read_bytes())
DRAFTS = [jsonschema.Draft202012Validator, jsonschema.Draft7Validator]


def schemas_of(kind: type) -> list[str]:
    """The schemas that a record has to satisfy: its own, and the log's where it travels there."""
    members: tuple[type, ...] = Event.__args__
    return [name for name, one in documents.RECORDS.items() if kind is one or (one is Event and kind in members)]


EXAMPLE_CASES = [
    pytest.param(SCHEMAS[schema], json.loads(golden(name, form).read_bytes()), id=f"{schema}-{name}-{form}")
    for name, (full, _) in EXAMPLES.items()
    for form in ("full", "minimal")
    for schema in schemas_of(type(full))
]


def test_the_documents_are_current() -> None:
    """The files are what the records and topics give today; if not: python -m schemas.documents."""
    assert documents.stale(HOME) == []
    assert documents.documents() == documents.documents()


def test_the_check_names_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--check names documents that are missing, changed or left over and exits 1; a run without it mends them."""
    assert documents.main([], tmp_path) == 0
    assert documents.main(["--check"], tmp_path) == 0
    (tmp_path / "asyncapi.json").write_bytes(b"{}")
    (tmp_path / "json" / "post.schema.json").unlink()
    (tmp_path / "json" / "gone.schema.json").write_bytes(b"{}")
    capsys.readouterr()
    assert documents.main(["--check"], tmp_path) == 1
    stale = ["asyncapi.json", "json/gone.schema.json", "json/post.schema.json"]
    assert stale == [line.split()[0] for line in capsys.readouterr().err.splitlines()]
    assert documents.main([], tmp_path) == 0
    assert documents.main(["--check"], tmp_path) == 0


def test_the_form_is_fixed() -> None:
    """Sorted keys, two spaces, one line feed at the end, and nothing but UTF-8 text."""
    for name, content in documents.documents().items():
        text = json.dumps(json.loads(content), sort_keys=True, indent=2, ensure_ascii=False)
        assert f"{text}\n" == content.decode(), name


@pytest.mark.parametrize("draft", DRAFTS, ids=["2020-12", "7"])
@pytest.mark.parametrize("record", documents.RECORDS)
def test_a_schema_is_a_schema(record: str, draft: Any) -> None:
    """Each is valid under draft 2020-12, and under draft 7, as which AsyncAPI reads it; each part is described."""
    schema = SCHEMAS[record]
    draft.check_schema(schema)
    assert schema["title"] == record
    assert all(part["description"] for part in [schema, *schema.get("$defs", {}).values()] if "properties" in part)
    assert "discriminator" not in schema
    for pattern in find(schema, "pattern"):
        assert r"\Z" not in pattern
        re.compile(pattern)


@pytest.mark.parametrize("draft", DRAFTS, ids=["2020-12", "7"])
@pytest.mark.parametrize(("schema", "example"), EXAMPLE_CASES)
def test_a_schema_accepts_its_record(schema: Any, example: Any, draft: Any) -> None:
    """What the codec writes satisfies the schema, and so does a record with fields of a newer version."""
    validator = draft(schema, format_checker=draft.FORMAT_CHECKER)
    validator.validate(example)
    validator.validate(widened(example))


@pytest.mark.parametrize("draft", DRAFTS, ids=["2020-12", "7"])
@pytest.mark.parametrize(("schema", "example"), EXAMPLE_CASES)
def test_a_schema_refuses_what_is_not_its_record(schema: Any, example: Any, draft: Any) -> None:
    """Without a required field, or with one of another type, nothing is the record any more."""
    validator = draft(schema)
    required = required_of(schema, example)
    assert required
    for field in required:
        assert not validator.is_valid({name: one for name, one in example.items() if name != field}), field
        assert not validator.is_valid(example | {field: [[]]}), field


def required_of(schema: Any, example: Any) -> list[str]:
    """The required fields of a record, in the log those of the member that the example is."""
    if "anyOf" not in schema:
        return list(schema["required"])
    members = [schema["$defs"][one["$ref"].rpartition("/")[2]] for one in schema["anyOf"]]
    return next(list(one["required"]) for one in members if one["properties"]["type"]["enum"] == [example["type"]])


def widened(node: Any) -> Any:
    """The same document with a field more in each of its objects (a tick's `inputs` is a map, no object)."""
    if isinstance(node, list):
        return [widened(item) for item in node]
    if isinstance(node, dict):
        return {name: item if name == "inputs" else widened(item) for name, item in node.items()} | {
            "field_of_a_newer_version": [1]
        }
    return node


def find(node: Any, key: str) -> Iterator[Any]:
    """All values under a key, at any depth."""
    if isinstance(node, list):
        for item in node:
            yield from find(item, key)
    elif isinstance(node, dict):
        for name, item in node.items():
            if name == key and not isinstance(item, dict):
                yield item
            yield from find(item, key)


def resolve(reference: str) -> Any:
    """What a `$ref` of the AsyncAPI document points to. Raises where there is nothing."""
    path, _, pointer = reference.partition("#")
    node = json.loads((HOME / path).read_bytes()) if path else copy.deepcopy(ASYNCAPI)
    for step in pointer.split("/")[1:]:
        node = node[step]
    return node


def test_asyncapi_has_the_form_of_version_3() -> None:
    """The version, what it is about, channels and operations: no more and no less than AsyncAPI 3.0 knows."""
    assert {"asyncapi", "info", "defaultContentType", "channels", "operations"} == ASYNCAPI.keys()
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert {"title", "version", "description", "license"} == ASYNCAPI["info"].keys()
    channel_fields = {"address", "description", "messages", "bindings", "parameters", "x-partitions"}
    for channel in ASYNCAPI["channels"].values():
        assert channel.keys() <= channel_fields
        for message in channel["messages"].values():
            assert message.keys() <= {"name", "summary", "payload", "headers", "bindings"}
            assert message["bindings"]["kafka"]["key"]["type"] == "string"
    for operation in ASYNCAPI["operations"].values():
        assert {"action", "channel"} == operation.keys()
        assert re.fullmatch(r"#/channels/[a-z.]+", operation["channel"]["$ref"])


def test_asyncapi_describes_every_topic() -> None:
    """Every topic, and the one that each unit has, with its settings in Kafka's own names and the binding's types."""
    topics = Topics()
    specs = {**topics.specs, topics.unit_alerts("{unitId}"): topics.unit_alerts_spec()}
    channels = {channel["address"]: channel for channel in ASYNCAPI["channels"].values()}
    assert specs.keys() == channels.keys()
    for name, spec in specs.items():
        kafka = channels[name]["bindings"]["kafka"]
        settings = kafka["topicConfiguration"] | {
            "cleanup.policy": ",".join(kafka["topicConfiguration"]["cleanup.policy"])
        }
        assert spec.configs() == {setting: str(one) for setting, one in settings.items()}
        assert all(isinstance(settings[one], int) for one in ("retention.ms", "max.message.bytes"))
        assert (kafka.get("partitions"), channels[name]["x-partitions"]) == (
            1 if spec.width == "one" else None,
            spec.width,
        )
        assert set(re.findall(r"{(\w+)}", name)) == channels[name].get("parameters", {}).keys()
        assert (spec.record in documents.RECORDS) == (spec.record in channels[name]["messages"])


def test_every_reference_resolves() -> None:
    """Each `$ref` leads to something, and each payload to the schema of the message's own name."""
    references = list(find(ASYNCAPI, "$ref"))
    assert references
    assert all(resolve(reference) for reference in references)
    for channel in ASYNCAPI["channels"].values():
        for name, message in channel["messages"].items():
            assert name == "Tombstone" or resolve(message["payload"]["$ref"])["title"] == name == message["name"]


def test_operations_follow_the_flow() -> None:
    """The service receives what its agents read, and sends whatever has a record; nothing else."""
    described = {name for name, channel in ASYNCAPI["channels"].items() if channel["messages"]}
    expected = {f"send.{name}" for name in described} | {f"receive.{name}" for name in CONSUMED}
    assert expected == ASYNCAPI["operations"].keys()
    for name, operation in ASYNCAPI["operations"].items():
        action, _, channel = name.partition(".")
        assert (action, f"#/channels/{channel}") == (operation["action"], operation["channel"]["$ref"])


@pytest.mark.parametrize("channel", ["alerts", "alerts.unit"])
@pytest.mark.parametrize("form", ["full", "minimal"])
def test_alerts_are_cloud_events(channel: str, form: str) -> None:
    """The headers that an alert really has are those that the document describes, all of them required."""
    alert = EXAMPLES["alert"][form == "minimal"]
    assert isinstance(alert, Alert)
    schema = ASYNCAPI["channels"][channel]["messages"]["Alert"]["headers"]
    headers = {name: text.decode() for name, text in cloud_event_headers(alert)}
    jsonschema.validate(headers, schema)
    assert set(schema["required"]) == schema["properties"].keys() == headers.keys()


def test_ticks_and_versions_lie_in_every_input() -> None:
    """Every input, and no other topic, carries both, told apart by the control header; assignments lie among posts and
    feedback; tombstones where they act."""
    for name, channel in ASYNCAPI["channels"].items():
        controls = {
            message: channel["messages"][message]["headers"]["properties"][CONTROL_HEADER]["const"]
            for message in ("Tick", "Version", "Assignment")
            if message in channel["messages"]
        }
        assigned = {"Assignment": "assignment"} if name in ("posts", "feedback") else {}
        assert controls == ({"Tick": "tick", "Version": "version"} | assigned if name in INPUTS else {})
        assert ("Tombstone" in channel["messages"]) == (name in documents.TOMBSTONES)
