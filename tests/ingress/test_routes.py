"""Routes of callbacks, and the answer to each type."""

from pathlib import Path

import httpx
import pytest

from bridge.callbacks.model import Reply
from tests.support.bridge import Running, running_bridge
from tests.support.plivo import (
    ANSWER,
    FALLBACK,
    HANGUP,
    PATHS,
    RING,
    SHARED,
    TYPES,
    Plivo,
    about,
    encoded,
    sample,
)
from tests.support.rules import write_rules

DOCUMENT = b'<?xml version="1.0" encoding="utf-8"?>\n<Response><Speak>Hello</Speak></Response>\n'
CONTROLS = sorted(name for name, kind in TYPES.items() if kind.reply in {Reply.XML, Reply.SOUND})
OTHERS = sorted(set(TYPES) - set(CONTROLS))
TOLD_BY_PARAMETERS = sorted(
    name for name, kind in TYPES.items() if kind.recognise and not kind.path_only
)


def assert_acknowledged(answer: httpx.Response) -> None:
    """Assert an empty 200 without a content type."""
    assert answer.status_code == 200
    assert answer.content == b""
    assert "content-type" not in answer.headers


def test_a_types_route_is_its_name() -> None:
    assert {name: "/plivo/" + name.replace(".", "/") for name in TYPES} == PATHS
    assert PATHS[RING] == "/plivo/voice/call/ring"


def test_the_unrecognised_have_no_route(plivo: Plivo) -> None:
    assert plivo.post(SHARED + "/unrecognised", sample(RING)).status_code == 404


@pytest.mark.parametrize("kind", sorted(TYPES))
@pytest.mark.parametrize("method", ["post", "post_json", "get"])
def test_every_type_is_accepted_on_its_own_path_in_every_encoding(
    bridge: Running, plivo: Plivo, kind: str, method: str
) -> None:
    form = sample(kind)
    assert getattr(plivo, method)(PATHS[kind], form).status_code == 200
    event = bridge.event(about(kind, form))
    assert event["type"] == TYPES[kind].event_type
    assert event["data"]["verification"]["scheme"] == "v3"
    assert event["data"]["recognised_by"] == "path"
    undeclared = {} if TYPES[kind].key_fields else {name: [text] for name, text in form.items()}
    assert event["data"]["undeclared"] == undeclared


@pytest.mark.parametrize("kind", TOLD_BY_PARAMETERS)
def test_every_type_parameters_can_tell_is_recognised_on_the_shared_path(
    bridge: Running, plivo: Plivo, kind: str
) -> None:
    form = sample(kind)
    assert plivo.post(SHARED, form).status_code == 200
    event = bridge.event(about(kind, form))
    assert event["type"] == TYPES[kind].event_type
    assert event["data"]["recognised_by"] == "parameters"


def test_a_callback_of_no_declared_type_is_published_as_unrecognised(
    bridge: Running, plivo: Plivo
) -> None:
    uuid = sample(RING)["CallUUID"]
    assert_acknowledged(plivo.post(SHARED, {"SessionUUID": uuid, "Text": "Hello"}))
    assert bridge.topics(uuid) == ["plivo.journal.v1", "plivo.unrecognised.v1"]


def test_a_message_on_the_shared_path_is_one_and_needs_no_answer(
    bridge: Running, plivo: Plivo
) -> None:
    uuid = sample(RING)["CallUUID"]
    assert_acknowledged(plivo.post(SHARED, {"MessageUUID": uuid, "Text": "Hello"}))
    assert bridge.topics(uuid) == ["plivo.journal.v1", "plivo.messaging.message.inbound.v1"]


@pytest.mark.parametrize("kind", CONTROLS)
def test_a_control_callback_is_answered_an_empty_response_by_default(
    plivo: Plivo, kind: str
) -> None:
    answer = plivo.post(PATHS[kind], sample(kind))
    assert answer.status_code == 200
    assert answer.content == b"<Response/>"
    assert answer.headers["content-type"] == "application/xml"


@pytest.mark.parametrize("kind", OTHERS)
def test_a_callback_plivo_wants_no_answer_to_gets_an_empty_200(plivo: Plivo, kind: str) -> None:
    assert_acknowledged(plivo.post(PATHS[kind], sample(kind)))


def test_a_configured_document_is_sent_to_the_byte(client: httpx.Client, tmp_path: Path) -> None:
    with running_bridge(replies_file=write_rules(tmp_path, {ANSWER: DOCUMENT})) as bridge:
        plivo = Plivo(client, bridge.url)
        answer = plivo.post(PATHS[ANSWER], sample(ANSWER))
        assert (answer.status_code, answer.content) == (200, DOCUMENT)
        assert answer.headers["content-type"] == "application/xml"
        # The type decides, not the path: on the shared one an answer callback is answered too.
        assert plivo.get(SHARED, sample(ANSWER)).content == DOCUMENT
        assert plivo.post(PATHS[FALLBACK], sample(FALLBACK)).content == b"<Response/>"


def test_the_journal_says_what_was_answered(bridge: Running, plivo: Plivo) -> None:
    form = sample(ANSWER)
    plivo.post(PATHS[ANSWER], form)
    (journal,) = bridge.values(form["CallUUID"])["plivo.journal.v1"]
    assert journal["reply"] == {
        "status": 200,
        "content_type": "application/xml",
        "body": "<Response/>",
    }


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_hangup_on_the_answer_url_is_a_hangup_and_gets_an_empty_200(
    bridge: Running, plivo: Plivo, method: str
) -> None:
    # Plivo sends the hangup to the answer URL when no hangup URL is set.
    form = sample(HANGUP)
    assert_acknowledged(getattr(plivo, method)(PATHS[ANSWER], form))
    assert bridge.event(form["CallUUID"])["type"] == TYPES[HANGUP].event_type


def test_an_answer_on_the_hangup_path_is_still_answered_a_document(
    bridge: Running, plivo: Plivo
) -> None:
    form = sample(ANSWER)
    before = bridge.metrics.value("path_mismatches_total", type=ANSWER)
    assert plivo.post(PATHS[HANGUP], form).content == b"<Response/>"
    assert bridge.metrics.value("path_mismatches_total", type=ANSWER) == before + 1


def test_a_get_without_a_body_holds_plivos_parameters_in_its_query(
    bridge: Running, plivo: Plivo
) -> None:
    form = sample(RING)
    plivo.get(PATHS[RING], form)
    event = bridge.event(form["CallUUID"])
    assert event["data"]["context"] == {}
    (journal,) = bridge.values(form["CallUUID"])["plivo.journal.v1"]
    assert journal["method"] == "GET"
    assert journal["body"] == ""
    assert journal["query"] == encoded(form)


def test_the_query_of_a_post_is_the_customers_context(bridge: Running, plivo: Plivo) -> None:
    form = sample(RING)
    assert plivo.post(PATHS[RING] + "?tenant=blue&tenant=green&note=", form).status_code == 200
    context = bridge.event(form["CallUUID"])["data"]["context"]
    assert context == {"tenant": ["blue", "green"], "note": [""]}
