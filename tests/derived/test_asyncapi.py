"""The AsyncAPI document: every topic, and nothing that the core does not make."""

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bridge.core.catalogue import Catalogue
from bridge.core.event import DEAD_LETTER_TOPIC, JOURNAL_TOPIC, ContractNames
from bridge.derived import asyncapi
from bridge.derived.samples import Example, examples
from bridge.derived.schemas import DEFAULT_BASE, all_schemas, event_schema
from bridge.derived.topics import Sizing, plan
from bridge.settings.kafka import TopicSettings

NODE = Path(__file__).parent.parent / "node"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def shown(types: Catalogue) -> list[Example]:
    return list(examples(types, ContractNames("", DEFAULT_BASE)))


@pytest.fixture(scope="module")
def document(types: Catalogue, shown: list[Example]) -> Document:
    return asyncapi.document(types, shown, all_schemas(types))


def validates(document: Document, schema: Document, value: object) -> bool:
    """Say whether ``value`` is valid by a schema whose references point into the document."""
    whole = {**schema, "components": document["components"]}
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(whole, format_checker=checker).is_valid(value)


def payload_of(document: Document, message: Document) -> Document:
    return document["components"]["schemas"][message["payload"]["$ref"].rpartition("/")[2]]


def test_every_planned_topic_is_a_channel_that_is_sent_to(
    document: Document, types: Catalogue
) -> None:
    topics = plan(types, "", Sizing(**TopicSettings().model_dump()))
    assert list(document["channels"]) == [topic.name for topic in topics]
    assert {kind.topic for kind in types.all_types} < set(document["channels"])
    sent = [one["channel"]["$ref"] for one in document["operations"].values()]
    assert sent == [f"#/channels/{topic.name}" for topic in topics]
    for topic in topics:
        kafka = document["channels"][topic.name]["bindings"]["kafka"]
        assert (kafka["topic"], kafka["partitions"]) == (topic.name, topic.partitions)
        assert kafka["replicas"] == topic.replication_factor
        told = {
            name: ",".join(of) if isinstance(of, list) else str(of)
            for name, of in kafka["topicConfiguration"].items()
        }
        assert told == topic.configs


def test_every_example_is_valid_by_its_message(document: Document) -> None:
    for name, message in document["components"]["messages"].items():
        payload = payload_of(document, message)
        assert message["examples"], name
        for example in message["examples"]:
            assert validates(document, payload["schema"], example["payload"]), name
            assert validates(document, message["headers"]["schema"], example["headers"]), name


def test_a_header_or_a_payload_of_another_type_is_not_valid(document: Document) -> None:
    messages = document["components"]["messages"]
    ring, hangup = messages["plivo.voice.call.ring.v1"], messages["plivo.voice.call.hangup.v1"]
    for part in ("headers", "payload"):
        schema = payload_of(document, hangup) if part == "payload" else hangup["headers"]
        assert not validates(document, schema["schema"], ring["examples"][0][part])


def test_every_sample_is_an_example_with_the_headers_it_is_published_with(
    document: Document, shown: list[Example]
) -> None:
    for example in shown:
        message = document["components"]["messages"][example.type.topic]
        (found,) = [one for one in message["examples"] if one["name"] == example.slug]
        assert found["headers"] == {
            name: value.decode() for name, value in example.event.record.headers
        }
        assert found["payload"] == json.loads(example.event.record.value)
        assert set(message["headers"]["schema"]["required"]) == set(found["headers"])


def test_the_journal_shows_a_callback_of_each_product(document: Document, types: Catalogue) -> None:
    journal = document["components"]["messages"][JOURNAL_TOPIC]
    products = {kind.name.partition(".")[0] for kind in types.all_types}
    assert {one["name"].partition(".")[0] for one in journal["examples"]} == products


def test_the_dead_letter_says_why(document: Document) -> None:
    (example,) = document["components"]["messages"][DEAD_LETTER_TOPIC]["examples"]
    assert example["headers"]["dlq_reason"] == "no_identity"
    assert example["payload"]["events"] == []


def test_no_reference_points_nowhere(document: Document) -> None:
    def references(value: object) -> list[str]:
        if isinstance(value, list):
            return [one for item in value for one in references(item)]
        if not isinstance(value, dict):
            return []
        inner = [one for item in value.values() for one in references(item)]
        return inner + ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])

    for reference in references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_one_name_for_two_schemas_is_refused(types: Catalogue) -> None:
    schemas = asyncapi._Schemas()
    schemas.add("one", event_schema(types.by_name["voice.call.ring"]))
    with pytest.raises(ValueError, match="one is defined in two ways"):
        schemas.add("one", event_schema(types.by_name["voice.call.hangup"]))


def parsed(document: Document, folder: Path) -> subprocess.CompletedProcess[str]:
    """Return how the official parser ended on a document."""
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
def test_the_official_parser_takes_the_document(document: Document, tmp_path: Path) -> None:
    ended = parsed(document, tmp_path)
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


BROKEN = {
    "a channel nobody declared": ("operations", "send-plivo.journal.v1", "channel"),
    "no address of the kind": ("channels", "plivo.journal.v1", "address"),
    "partitions that are no number": (
        *("channels", "plivo.journal.v1", "bindings", "kafka", "partitions"),
    ),
    "a schema that is none": (
        *("components", "schemas", "journal.v1", "schema", "properties", "method", "type"),
    ),
    "a reference to nowhere": (*("components", "messages", "plivo.journal.v1", "payload", "$ref"),),
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
    wrong = {"channel": {"$ref": "#/channels/none"}, "$ref": "#/components/schemas/none"}
    inner[place[-1]] = wrong.get(place[-1], ["wrong"])
    ended = parsed(broken, tmp_path)
    assert ended.returncode == 1, ended.stderr
    assert place[-1] in ended.stdout or "$ref" in ended.stdout
