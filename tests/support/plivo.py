"""Plivo's side of a test: callbacks made from the declarations' samples, signed, and sent."""

import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import orjson

from bridge.callbacks.model import list_fields
from bridge.core import catalogue
from bridge.core.catalogue import list_identifiers
from bridge.core.parameters import parse_form
from bridge.emulator.sign import sign_headers
from tests.support.bridge import AUTH_ID, TOKEN
from tests.support.waiting import PATIENCE_S

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

TYPES = {kind.name: kind for kind in catalogue.load_catalogue().types}
PATHS = {name: kind.path for name, kind in TYPES.items()}
RING, ANSWER = "voice.call.ring", "voice.call.answer"
HANGUP, FALLBACK = "voice.call.hangup", "voice.call.fallback"
SHARED = "/plivo"

Form = dict[str, str]


def identity_of(kind: str) -> str:
    """Return the name of the parameter that says what a sample of ``kind`` is about."""
    names = list_identifiers(TYPES[kind])
    sent = [name for name in names if first_sample(kind).get(name)]
    if "CallUUID" in sent:
        return "CallUUID"
    # A callback whose fields nobody knows is about what it names in one of Plivo's usual ways.
    return next(iter(sent), next(iter(names), "SessionUUID"))


def first_sample(kind: str) -> Form:
    return dict(parse_form(next(iter(TYPES[kind].samples.values())))[0])


def sample(kind: str, **changes: str) -> Form:
    """Return the parameters of a fresh callback of ``kind``; ``changes`` replace or add."""
    parameters = first_sample(kind)
    named, uuid = parameters.get(identity_of(kind)), str(uuid4())
    # A call's id stands in several parameters, and all of them name the fresh call.
    parameters = {name: uuid if value == named else value for name, value in parameters.items()} | {
        identity_of(kind): uuid
    }
    if "parent_auth_id" in list_fields(TYPES[kind].model):
        parameters["ParentAuthID"] = AUTH_ID
    return {**parameters, **changes}


def about(kind: str, form: Form) -> str:
    """Return the id of the call, message or session that a form of ``kind`` is about."""
    return form[identity_of(kind)]


def encoded(parameters: Form | list[tuple[str, str]]) -> str:
    return urlencode(parameters)


@dataclass(frozen=True)
class Plivo:
    """Sends signed callbacks to the bridge at ``url``.

    ``signs`` is the URL Plivo was given, where a proxy stands between it and the bridge.
    """

    client: httpx.Client
    url: str
    token: str = TOKEN
    signs: str | None = None

    def headers(self, method: str, target: str, form: str = "") -> dict[str, str]:
        return sign_headers(method, (self.signs or self.url) + target, form, self.token)

    def request(self, target: str, form: Form, **headers: str) -> bytes:
        """Return a signed POST as it goes over the wire."""
        body = encoded(form)
        signed = {
            "host": self.url.removeprefix("http://"),
            **self.headers("POST", target, body),
            "content-type": FORM,
            "content-length": str(len(body)),
            **_named(headers),
        }
        return request_bytes("POST", target, signed, body.encode())

    def post(self, target: str, form: Form | str, **headers: str) -> httpx.Response:
        """Send a form by POST; underscores in header names stand for hyphens."""
        body = form if isinstance(form, str) else encoded(form)
        signed = {**self.headers("POST", target, body), "content-type": FORM, **_named(headers)}
        return self.client.post(self.url + target, content=body.encode(), headers=signed)

    def post_json(self, target: str, members: dict[str, Any]) -> httpx.Response:
        """Send a JSON object by POST, signed over its members as if they had come in a form."""
        as_form = encoded({key: str(value) for key, value in members.items()})
        signed = {**self.headers("POST", target, as_form), "content-type": JSON}
        return self.client.post(self.url + target, content=orjson.dumps(members), headers=signed)

    def get(self, path: str, form: Form | str) -> httpx.Response:
        """Send everything in the query of a GET."""
        query = form if isinstance(form, str) else encoded(form)
        target = f"{path}?{query}"
        return self.client.get(self.url + target, headers=self.headers("GET", target))


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def request_bytes(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {of}" for name, of in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def exchange(address: tuple[str, int], request: bytes) -> bytes:
    """Send bytes on a connection of their own, and return all that comes until it closes."""
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def assert_problem(answer: httpx.Response, status: int, name: str) -> None:
    """Assert that an answer is the problem document ``name``, whole, and nothing more."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert sorted(document) == ["detail", "status", "title", "type"]
    assert document["type"] == f"urn:callback-bridge:problem:{name}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
