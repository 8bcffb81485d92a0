"""The AsyncAPI document describes every topic, with examples that the core made."""

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from bridge.core.catalogue import Catalogue
from bridge.core.event import ContractNames
from bridge.core.journal import (
    DEAD_LETTER_TOPIC,
    JOURNAL_SCHEMA_PATH,
    JOURNAL_TOPIC,
    REJECTED_TOPIC,
)
from bridge.derived import asyncapi
from bridge.derived.journal_samples import build_journal_examples
from bridge.derived.own_records import (
    JOURNAL_FORMS,
    OWN_EVENTS,
    build_own_examples,
    list_event_types,
)
from bridge.derived.samples import Example, build_examples
from bridge.derived.schemas import DEFAULT_BASE, build_schemas
from bridge.derived.topics import Sizing, plan
from bridge.settings.kafka import TopicSettings

NODE = Path(__file__).parent.parent / "node"
SCHEMAS = Path(__file__).parent.parent.parent / "schemas"
NAMING = ContractNames("", DEFAULT_BASE)
# Where the folder of the schemas is for the tests: references in the document are relative to it.
FOLDER = "file:///schemas/"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def shown(types: Catalogue) -> list[Example]:
    return list(build_examples(types, NAMING))


@pytest.fixture(scope="module")
def document(types: Catalogue, shown: list[Example]) -> Document:
    journal = build_journal_examples(types, NAMING)
    return asyncapi.build_asyncapi(types, shown, journal, build_own_examples(NAMING))


@pytest.fixture(scope="module")
def registry(document: Document, types: Catalogue) -> Registry[Any]:
    """The document and the schemas beside it, as files of one folder."""
    files = {"asyncapi.json": document, **build_schemas(types)}
    return Registry().with_resources(
        (FOLDER + path, Resource.from_contents(content, DRAFT202012))
        for path, content in files.items()
    )


def validates(registry: Registry[Any], message: str, part: str, value: object) -> bool:
    """Say whether ``value`` is valid by the headers or the payload of a message."""
    place = f"{FOLDER}asyncapi.json#/components/messages/{message}/{part}/schema"
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(
        {"$ref": place}, registry=registry, format_checker=checker
    ).is_valid(value)


def shown_payload(example: Document) -> Document:
    """Return an example's payload: inline, or in the file it references."""
    payload = example["payload"]
    if "$ref" in payload:
        return json.loads((SCHEMAS / payload["$ref"]).read_text())
    return payload


def test_every_planned_topic_has_a_channel_and_a_send_operation(
    document: Document, types: Catalogue
) -> None:
    topics = plan(types, "", Sizing(**TopicSettings().model_dump()))
    assert list(document["channels"]) == [topic.name for topic in topics]
    kinds = list_event_types(types).values()
    assert {kind.topic for kind in kinds} < set(document["channels"])
    sent = [one["channel"]["$ref"] for one in document["operations"].values()]
    assert sent == [f"#/channels/{topic.name}" for topic in topics]
    for topic in topics:
        kafka = document["channels"][topic.name]["bindings"]["kafka"]
        assert (kafka["topic"], kafka["partitions"]) == (topic.name, topic.partitions)
        assert kafka["replicas"] == topic.replication_factor
        configs = {
            name: ",".join(of) if isinstance(of, list) else str(of)
            for name, of in kafka["topicConfiguration"].items()
        }
        assert configs == topic.configs


def test_every_example_is_valid_by_its_message(document: Document, registry: Registry[Any]) -> None:
    for name, message in document["components"]["messages"].items():
        assert message["examples"], name
        for example in message["examples"]:
            assert validates(registry, name, "payload", shown_payload(example)), name
            assert validates(registry, name, "headers", example["headers"]), name


def test_a_header_or_a_payload_of_another_type_is_not_valid(
    document: Document, registry: Registry[Any]
) -> None:
    hangup = "plivo.voice.call.hangup.v1"
    (ring, *_) = document["components"]["messages"]["plivo.voice.call.ring.v1"]["examples"]
    assert not validates(registry, hangup, "headers", ring["headers"])
    assert not validates(registry, hangup, "payload", shown_payload(ring))


def test_the_document_repeats_no_schema_and_no_example_that_has_a_file(
    document: Document, types: Catalogue
) -> None:
    messages = document["components"]["messages"]
    for kind in types.all_types:
        message = messages[kind.topic]
        assert message["payload"]["schema"] == {"$ref": f"./{kind.schema_path}"}
        assert all(list(one["payload"]) == ["$ref"] for one in message["examples"])
    for name in (JOURNAL_TOPIC, DEAD_LETTER_TOPIC, REJECTED_TOPIC):
        assert messages[name]["payload"]["schema"] == {"$ref": f"./{JOURNAL_SCHEMA_PATH}"}


def test_every_sample_is_an_example_with_its_published_headers(
    document: Document, shown: list[Example]
) -> None:
    required = document["components"]["schemas"]["event-headers"]["schema"]["required"]
    for example in shown:
        message = document["components"]["messages"][example.type.topic]
        (found,) = [one for one in message["examples"] if one["name"] == example.slug]
        assert found["headers"] == {
            name: value.decode() for name, value in example.event.record.headers
        }
        assert shown_payload(found) == json.loads(example.event.record.value)
        assert set(required) == set(found["headers"])


def test_every_sample_of_the_journal_is_an_example(document: Document, types: Catalogue) -> None:
    journal = document["components"]["messages"][JOURNAL_TOPIC]
    samples = {one.name: one.record for one in build_journal_examples(types, NAMING)}
    assert [one["name"] for one in journal["examples"]] == list(samples)
    for example in journal["examples"]:
        assert shown_payload(example) == json.loads(samples[example["name"]].value)


def test_each_form_of_a_journal_record_is_a_message_of_its_channel(document: Document) -> None:
    channel = document["channels"][JOURNAL_TOPIC]["messages"]
    messages = document["components"]["messages"]
    assert list(channel) == ["record", *(form.kind for form in JOURNAL_FORMS)]
    assert len(document["operations"][f"send-{JOURNAL_TOPIC}"]["messages"]) == len(channel)
    for form in JOURNAL_FORMS:
        message = messages[channel[form.kind]["$ref"].rpartition("/")[2]]
        assert message["payload"]["schema"] == {"$ref": f"./{form.schema_path}"}
        assert {one["headers"]["journal_kind"] for one in message["examples"]} == {form.kind}


def test_an_own_event_has_a_message_with_its_samples(document: Document) -> None:
    for kind in OWN_EVENTS:
        message = document["components"]["messages"][kind.topic]
        assert message["payload"]["schema"] == {"$ref": f"./{kind.schema_path}"}
        types = {one["headers"]["ce_type"] for one in message["examples"]}
        assert types == {kind.event_type}


def test_the_example_of_a_dead_letter_has_a_reason_and_no_event(document: Document) -> None:
    (example,) = document["components"]["messages"][DEAD_LETTER_TOPIC]["examples"]
    assert example["headers"]["dlq_reason"] == "no_identity"
    assert shown_payload(example)["events"] == []


def test_every_reference_resolves(document: Document) -> None:
    def references(value: object) -> list[str]:
        if isinstance(value, list):
            return [one for item in value for one in references(item)]
        if not isinstance(value, dict):
            return []
        inner = [one for item in value.values() for one in references(item)]
        return inner + ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])

    for reference in references(document):
        if reference.startswith("./"):
            assert (SCHEMAS / reference).is_file()
            continue
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def parsed(document: Document, folder: Path) -> subprocess.CompletedProcess[str]:
    """Return how the official parser ended on a document, beside the files it references."""
    for path in SCHEMAS.iterdir():
        if path.is_dir():
            (folder / path.name).symlink_to(path)
    file = folder / "asyncapi.json"
    file.write_text(json.dumps(document))
    node = shutil.which("node")
    assert node is not None, "node is not installed"
    return subprocess.run(
        [node, NODE / "asyncapi.mjs", file],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.node
def test_the_official_parser_accepts_the_document(document: Document, tmp_path: Path) -> None:
    ended = parsed(document, tmp_path)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


BROKEN = {
    "a channel nobody declared": ("operations", "send-plivo.journal.v1", "channel"),
    "no address of the kind": ("channels", "plivo.journal.v1", "address"),
    "partitions that are no number": (
        *("channels", "plivo.journal.v1", "bindings", "kafka", "partitions"),
    ),
    "a schema that is none": (
        *("components", "schemas", "event-headers", "schema", "properties", "ce_id", "type"),
    ),
    "a reference to nowhere": (
        *("components", "messages", "plivo.journal.v1", "payload", "schema", "$ref"),
    ),
    "an example of another schema": (
        *("components", "messages", "plivo.journal.v1", "payload", "schema"),
    ),
}


@pytest.mark.node
@pytest.mark.parametrize("place", BROKEN.values(), ids=BROKEN.keys())
def test_the_official_parser_refuses_a_broken_document(
    document: Document, tmp_path: Path, place: tuple[str, ...]
) -> None:
    broken = copy.deepcopy(document)
    inner: Any = broken
    for name in place[:-1]:
        inner = inner[name]
    wrong = {
        "channel": {"$ref": "#/channels/none"},
        "$ref": "./journal/none.json",
        "schema": {"$ref": "./voice.call.hangup/1.0.json"},
    }
    inner[place[-1]] = wrong.get(place[-1], ["wrong"])
    ended = parsed(broken, tmp_path)
    assert ended.returncode == 1, ended.stderr
    expected = {"schema": "must have required property", "$ref": "none.json"}
    assert expected.get(place[-1], place[-1]) in ended.stdout
