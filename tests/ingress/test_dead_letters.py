"""Verified callbacks that cannot be read become dead letters with their bytes."""

import base64
import gzip
from typing import Any

import httpx
import orjson
import pytest

from bridge.publish.memory import MemoryPublisher
from tests.support.bridge import Running, running_bridge
from tests.support.plivo import (
    ANSWER,
    FORM,
    HANGUP,
    JSON,
    PATHS,
    RING,
    SHARED,
    Form,
    Plivo,
    assert_problem,
    encoded,
)

DEAD_LETTERS, JOURNAL = "plivo.bridge.deadletter.v1", "plivo.journal.v1"
REJECTED = "plivo.bridge.rejected.v1"


def durable(bridge: Running) -> int:
    """Return how many records there are beside the samples of what was rejected."""
    return sum(record.topic != REJECTED for record in bridge.publisher.records)


def dead_letter(bridge: Running, path: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the newest dead letter's value and headers, its journal record checked."""
    last, journal = [one for one in bridge.publisher.records if one.topic != REJECTED][-2:]
    assert (last.topic, journal.topic) == (DEAD_LETTERS, JOURNAL)
    assert last.value == journal.value
    value = orjson.loads(last.value)
    assert value["path"] == path
    return value, dict(last.headers)


def bytes_of(value: dict[str, Any]) -> bytes:
    """Return the body a journal record or dead letter holds."""
    if "body" in value:
        return str(value["body"]).encode()
    return base64.b64decode(value["body_base64"])


CASES = {
    "plain text": ("text/plain", None, b"a=1&b=%C3%A9 and \xff\x00 bytes", b"content_type"),
    "multipart": ("multipart/form-data; boundary=x", None, b"--x\r\n\r\n1\r\n", b"content_type"),
    "half a JSON object": (JSON, None, b'{"CallUUID": "1"', b"malformed_json"),
    "a JSON list": (JSON, None, b'["CallUUID"]', b"malformed_json"),
    "JSON in Latin-1": (JSON, None, b'{"CallerName": "caf\xe9"}', b"malformed_json"),
    "deep JSON": (JSON, None, b"[" * 50_000, b"malformed_json"),
    "gzip": (FORM, "gzip", gzip.compress(b"CallUUID=1", mtime=0), b"content_encoding"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("signed_over", ["the query alone", "the body as a form"])
def test_an_unreadable_body_becomes_a_dead_letter_with_its_bytes(
    bridge: Running, plivo: Plivo, name: str, signed_over: str
) -> None:
    content_type, encoding, body, reason = CASES[name]
    covered = body.decode("utf-8", "surrogateescape") if "body" in signed_over else ""
    headers = {**plivo.headers("POST", SHARED, covered), "content-type": content_type}
    if encoding:
        headers["content-encoding"] = encoding
    before = bridge.counted(outcome="dead_lettered")
    answer = plivo.client.post(bridge.url + SHARED, content=body, headers=headers)
    if covered and b"=" not in body:
        # A body without "=" has no pairs to cover; see rule 5 of bridge.core.signature.
        assert answer.status_code == 403
        return
    assert answer.status_code == 200
    value, record_headers = dead_letter(bridge, SHARED)
    assert bytes_of(value) == body
    assert record_headers["dlq_reason"] == reason
    assert value["verification"]["verdict"] == "verified"
    assert ("body" in value["verification"]["covers"]) is (signed_over != "the query alone")
    assert bridge.counted(outcome="dead_lettered") == before + 1


@pytest.mark.parametrize("name", CASES)
def test_the_same_without_a_signature_is_forbidden(
    bridge: Running, client: httpx.Client, name: str
) -> None:
    content_type, encoding, body, _ = CASES[name]
    headers = {"content-type": content_type} | ({"content-encoding": encoding} if encoding else {})
    kept = durable(bridge)
    answer = client.post(bridge.url + SHARED, content=body, headers=headers)
    assert_problem(answer, 403, "not-verified")
    assert durable(bridge) == kept


@pytest.mark.parametrize("form", [{"Event": "Ring"}, {"Event": "Ring", "CallUUID": ""}])
def test_a_callback_that_does_not_say_what_it_is_about_is_a_dead_letter(
    bridge: Running, plivo: Plivo, form: Form
) -> None:
    assert plivo.post(PATHS[RING], form).status_code == 200
    value, headers = dead_letter(bridge, PATHS[RING])
    assert headers["dlq_reason"] == b"no_identity"
    assert bytes_of(value) == encoded(form).encode()


def test_a_dead_letter_on_a_control_path_is_still_answered_a_document(plivo: Plivo) -> None:
    answer = plivo.post(PATHS[ANSWER], {"Event": "StartApp"})
    assert (answer.status_code, answer.content) == (200, b"<Response/>")


def test_an_empty_post_is_not_an_error(bridge: Running, plivo: Plivo) -> None:
    assert plivo.post(PATHS[HANGUP], "").status_code == 200
    _, headers = dead_letter(bridge, PATHS[HANGUP])
    assert headers["dlq_reason"] == b"no_identity"


def test_a_dead_letter_kafka_does_not_take_is_refused(client: httpx.Client) -> None:
    publisher = MemoryPublisher()
    with running_bridge(publisher) as bridge:
        publisher.available = False
        answer = Plivo(client, bridge.url).post(PATHS[RING], {"Event": "Ring"})
        assert_problem(answer, 503, "not-durable")
        assert bridge.counted(outcome="refused") == bridge.counted() == 1
