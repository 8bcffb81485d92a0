"""Refused requests, and problem documents that repeat nothing of them."""

from urllib.parse import urlencode

import httpx
import pytest

from bridge.core import parameters
from bridge.core.parameters import Parameters
from bridge.publish.memory import MemoryPublisher
from tests.support.bridge import Broken, Running, eventually, running_bridge
from tests.support.plivo import (
    FORM,
    HANGUP,
    JSON,
    PATHS,
    RING,
    SHARED,
    Plivo,
    assert_problem,
    encoded,
    sample,
)

SECRET = "do-not-repeat-me"


def test_a_callback_without_a_signature_is_forbidden(bridge: Running, client: httpx.Client) -> None:
    form = sample(RING)
    answer = client.post(bridge.url + PATHS[RING], data=form)
    assert_problem(answer, 403, "not-verified")
    assert bridge.topics(form["CallUUID"]) == []


def test_a_callback_signed_with_another_token_is_forbidden(
    bridge: Running, client: httpx.Client
) -> None:
    form = sample(RING)
    answer = Plivo(client, bridge.url, token="not-the-token").post(PATHS[RING], form)
    assert_problem(answer, 403, "not-verified")
    assert bridge.topics(form["CallUUID"]) == []


@pytest.mark.parametrize("changed", ["path", "query", "body", "method"])
def test_a_callback_that_is_not_the_signed_one_is_forbidden(
    bridge: Running, plivo: Plivo, changed: str
) -> None:
    form = sample(RING)
    body = encoded(form)
    headers = {**plivo.headers("POST", PATHS[RING] + "?a=1", body), "content-type": FORM}
    target = bridge.url + (PATHS[HANGUP] if changed == "path" else PATHS[RING])
    target += "?a=2" if changed == "query" else "?a=1"
    sent = body.replace("ringing", "completed") if changed == "body" else body
    sent = "" if changed == "method" else sent  # a GET with a body is refused for its framing
    method = "GET" if changed == "method" else "POST"
    answer = plivo.client.request(method, target, content=sent.encode(), headers=headers)
    assert_problem(answer, 403, "not-verified")


def test_a_body_at_the_limit_is_accepted_and_one_byte_more_is_refused(client: httpx.Client) -> None:
    with running_bridge(body_bytes_max=2048) as bridge:
        plivo = Plivo(client, bridge.url)
        form = sample(RING, Padding="")
        room = 2048 - len(encoded(form))
        assert plivo.post(PATHS[RING], form | {"Padding": "x" * room}).status_code == 200
        over = plivo.post(PATHS[RING], form | {"Padding": "x" * (room + 1)})
        assert_problem(over, 413, "body-too-large")
        chunks = iter([b"From=1&Padding=", *[b"x" * 512] * 8])
        assert_problem(client.post(bridge.url + SHARED, content=chunks), 413, "body-too-large")
        assert bridge.counted(outcome="refused") == 2


def test_too_many_parameters_are_refused(client: httpx.Client) -> None:
    with running_bridge(parameters_max=20) as bridge:
        plivo = Plivo(client, bridge.url)
        many = urlencode([("a", SECRET)] * 21)
        assert_problem(plivo.post(PATHS[RING], many), 400, "too-many-parameters")
        assert_problem(plivo.get(PATHS[RING], many), 400, "too-many-parameters")
        assert plivo.post(PATHS[RING], sample(RING)).status_code == 200


def test_too_many_members_of_a_json_object_are_refused(client: httpx.Client) -> None:
    with running_bridge(parameters_max=20) as bridge:
        plivo = Plivo(client, bridge.url)
        many = {f"a{number}": "b" for number in range(40)}
        answer = plivo.post_json(PATHS[RING], {**sample(RING), **many})
        assert_problem(answer, 400, "too-many-parameters")


def test_ampersands_in_a_json_value_are_no_parameters(client: httpx.Client) -> None:
    with running_bridge(parameters_max=20) as bridge:
        form = sample(RING, CallerName="R&B&" * 10)
        assert Plivo(client, bridge.url).post_json(PATHS[RING], form).status_code == 200


def test_a_url_over_the_limit_is_refused(client: httpx.Client) -> None:
    with running_bridge(url_bytes_max=512) as bridge:
        answer = Plivo(client, bridge.url).get(PATHS[RING], f"a={SECRET * 40}")
        assert_problem(answer, 414, "url-too-long")
        assert SECRET not in answer.text


@pytest.mark.parametrize(
    "path",
    ["/", "/plivo//", "/plivo/voice/call/ring//", f"/{SECRET}", "/metrics", "/livez", "/docs"],
)
def test_an_unknown_path_is_404_and_never_a_redirect(
    bridge: Running, client: httpx.Client, path: str
) -> None:
    # A redirect would make Plivo sign another URL, or drop the body.
    for method in ("GET", "POST"):
        answer = client.request(method, bridge.url + path)
        assert_problem(answer, 404, "not-found")
        assert SECRET not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", [SHARED, PATHS[RING]])
def test_another_method_is_405_and_says_which_are_allowed(
    bridge: Running, client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, bridge.url + path)
    assert_problem(answer, 405, "method-not-allowed")
    assert sorted(answer.headers["allow"].split(", ")) == ["GET", "POST"]


def test_head_is_not_a_callback_either(bridge: Running, client: httpx.Client) -> None:
    answer = client.head(bridge.url + PATHS[RING])
    assert (answer.status_code, answer.content) == (405, b"")
    assert sorted(answer.headers["allow"].split(", ")) == ["GET", "POST"]


def test_while_kafka_is_away_plivo_is_asked_to_come_again(client: httpx.Client) -> None:
    publisher = MemoryPublisher()
    with running_bridge(publisher) as bridge:
        plivo = Plivo(client, bridge.url)
        publisher.available = False
        answer = plivo.post(PATHS[HANGUP], sample(HANGUP))
        assert_problem(answer, 503, "not-durable")
        assert int(answer.headers["retry-after"]) > 0
        assert bridge.counted(outcome="refused", type=HANGUP) == 1
        publisher.available = True
        eventually(lambda: plivo.post(PATHS[HANGUP], sample(HANGUP)).status_code == 200)


def test_an_unforeseen_fault_is_503_and_says_nothing(client: httpx.Client) -> None:
    with running_bridge(Broken(SECRET)) as bridge:
        answer = Plivo(client, bridge.url).post(PATHS[HANGUP], sample(HANGUP))
        assert_problem(answer, 503, "not-durable")
        assert "retry-after" in answer.headers
        assert bridge.counted(outcome="refused", type=HANGUP) == bridge.counted() == 1
        assert bridge.metrics.value("in_flight") == 0


@pytest.mark.parametrize("content_type", [FORM, JSON, "text/plain"])
def test_no_answer_repeats_anything_of_the_request(
    bridge: Running, client: httpx.Client, content_type: str
) -> None:
    form = sample(RING, CallerName=SECRET)
    answer = client.post(
        f"{bridge.url}{PATHS[RING]}?{SECRET}={SECRET}",
        content=encoded(form),
        headers={"content-type": content_type, "x-plivo-signature-v3": SECRET},
    )
    assert answer.status_code == 403
    everything = answer.text + str(answer.headers)
    for value in (SECRET, form["CallUUID"], form["From"], form["To"]):
        assert value not in everything


@pytest.mark.parametrize("header", ["server", "date", "x-powered-by"])
def test_answers_do_not_say_what_they_were_made_with(plivo: Plivo, header: str) -> None:
    assert header not in plivo.post(PATHS[RING], sample(RING)).headers


# What claims to be JSON, and what is inside of JSON.
UNCOUNTED = [
    b"a=&" * 21,
    b'{"CallUUID": "1", "Event": "Ring", "X": [' + b"1, " * 20 + b"1]}",
    b'{"CallUUID": "1", "Event": "Ring", "X": ' + b"[" * 30 + b"]" * 30 + b"}",
    b"a=" + b"%" * 21,
]


@pytest.mark.parametrize("body", UNCOUNTED, ids=range(len(UNCOUNTED)))
def test_a_body_that_says_it_is_json_is_counted_as_what_it_is(
    client: httpx.Client, body: bytes
) -> None:
    with running_bridge(parameters_max=20) as bridge:
        signed = {"x-plivo-signature-v3": "x", "x-plivo-signature-v3-nonce": "1"}
        headers = {"content-type": JSON, **signed}
        answer = client.post(bridge.url + PATHS[RING], content=body, headers=headers)
        assert_problem(answer, 400, "too-many-parameters")


@pytest.mark.parametrize("body", UNCOUNTED, ids=range(len(UNCOUNTED)))
def test_where_nothing_is_verified_parameters_are_counted_all_the_same(
    client: httpx.Client, body: bytes
) -> None:
    with running_bridge(parameters_max=20, verification="off") as bridge:
        answer = client.post(bridge.url + PATHS[RING], content=body, headers={"content-type": JSON})
        assert_problem(answer, 400, "too-many-parameters")


@pytest.mark.parametrize("signature", ["", "x-plivo-signature"])
def test_nothing_is_decoded_without_a_signature_that_could_verify_it(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, signature: str
) -> None:
    def decoded(*_: object, **__: object) -> Parameters:
        pytest.fail("it was decoded")

    monkeypatch.setattr(parameters, "decode_parameters", decoded)
    with running_bridge(parameters_max=20) as bridge:
        headers = {"content-type": JSON} | ({signature: "x"} if signature else {})
        for body in UNCOUNTED:
            answer = client.post(bridge.url + PATHS[RING], content=body, headers=headers)
            assert_problem(answer, 403, "not-verified")
