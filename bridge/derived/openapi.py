"""The OpenAPI document of the ingress, computed from the declarations and their samples.

It says what Plivo may send and what it is answered. Parameters are open: what no declaration knows is
taken too, so every schema of them is a list of names to know, not a rule to refuse by.
"""

import re
from http import HTTPStatus
from typing import Any, Final

from bridge import __version__
from bridge.callbacks.model import CallbackType, Reply, list_fields
from bridge.core import request as wire
from bridge.core.catalogue import Catalogue
from bridge.core.parameters import FORM, JSON, parse_form

Document = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SHARED_PATH: Final = "/plivo"
PROBLEM: Final = "application/problem+json"
XML: Final = "application/xml"

_ABOUT: Final = """\
The URLs to set at Plivo: one for each type of callback, and one that recognises every type by its \
parameters. A 200 means that the callback is on Kafka, on all in-sync replicas.

Every path takes GET and POST, with or without one slash at its end; the signature covers the URL as it \
was called. Any other path is \
answered 404 and any other method 405, as problem documents (RFC 9457), and so is what is no HTTP/1.1 \
(400), what does not arrive in time (408) and what has too long a head (431). Which signature is needed \
is the operator's choice (`BRIDGE_VERIFICATION`, `BRIDGE_ACCEPT_V2`), and so are the limits."""
_ANSWERED: Final = {
    Reply.ACK: "Taken. Plivo ignores the answer, which is empty.",
    Reply.XML: "Taken. The answer is the Plivo XML to execute.",
    Reply.SOUND: "Taken. The answer is the Plivo XML to execute: Play, Speak and Wait alone.",
    Reply.OPTIONAL_XML: "Taken. The answer is the Plivo XML to execute, if there is any.",
}
_BY_PARAMETERS: Final = (
    " A callback of another type, by its parameters, is answered as on its own path."
)
_REFUSALS: Final[dict[HTTPStatus, tuple[str, str]]] = {
    HTTPStatus.BAD_REQUEST: ("too-many-parameters", "More parameters than are taken."),
    HTTPStatus.FORBIDDEN: ("not-verified", "No signature of a known account holds."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body-too-large", "The body is longer than is taken."),
    HTTPStatus.REQUEST_URI_TOO_LONG: ("url-too-long", "Path and query are longer than is taken."),
    HTTPStatus.MISDIRECTED_REQUEST: (
        "host-not-allowed",
        "The host that was called is none of `BRIDGE_ALLOWED_HOSTS`.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "overloaded",
        "Too much is under way. Send the callback again later.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "not-durable",
        "The callback could not be made durable. Send it again.",
    ),
}
_TRY_AGAIN: Final = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_SIGNATURES: Final = (
    (wire.SIGNATURE_V3, wire.NONCE_V3, "V3: covers URL, query, body and nonce."),
    (wire.SIGNATURE_MA_V3, wire.NONCE_V3, "V3, by the main account's token."),
    (wire.SIGNATURE_V2, wire.NONCE_V2, "V2: covers the URL without its query, and the nonce."),
    (wire.SIGNATURE_MA_V2, wire.NONCE_V2, "V2, by the main account's token."),
)


def _reference(kind: str, name: str) -> Document:
    return {"$ref": f"#/components/{kind}/{name}"}


def parameters_schema(kind: CallbackType, value: Document) -> Document:
    """Return the schema of a type's parameters, each with the schema ``value``."""
    properties: Document = {}
    patterns: Document = {}
    for _, parameter, _ in list_fields(kind.model).values():
        described = {**value, "description": parameter.meaning}
        for name in parameter.names:
            if parameter.numbered or parameter.prefix:
                rest = "[0-9]+$" if parameter.numbered else ""
                patterns[f"^{re.escape(name)}{rest}"] = described
            else:
                properties[name] = described
    schema: Document = {"description": kind.meaning, "type": "object", "properties": properties}
    if patterns:
        schema["patternProperties"] = patterns
    return schema


def _examples(kind: CallbackType) -> Document:
    """Return a type's samples as what they hold, by a name for each."""
    return {
        f"{kind.name}-{number}": {
            "summary": f"{kind.name}: {shows}",
            "value": dict(parse_form(sample)[0]),
        }
        for number, (shows, sample) in enumerate(kind.samples.items(), 1)
    }


def _query(schema: Document, meaning: str, examples: Document | None = None) -> Document:
    """Return the query as one open object, its members the parameters."""
    found: Document = {
        "name": "parameters",
        "in": "query",
        "description": meaning,
        "style": "form",
        "explode": True,
        "schema": schema,
    }
    return {**found, "examples": examples} if examples else found


def _answers(reply: Reply | None) -> Document:
    taken = _ANSWERED[reply] if reply else "Taken."
    answers: Document = {
        "200": {
            "description": taken + _BY_PARAMETERS,
            "content": {XML: {"schema": {"type": "string"}, "example": "<Response/>"}},
        }
    }
    for status in _REFUSALS:
        answers[str(status.value)] = _reference("responses", _REFUSALS[status][0])
    return answers


def _operations(name: str, kinds: tuple[CallbackType, ...], reply: Reply | None) -> Document:
    """Return GET and POST of a path: of one type, or of every type."""
    examples = {one: _reference("examples", one) for kind in kinds for one in _examples(kind)}
    text, value = (
        (_reference("schemas", name), _reference("schemas", f"{name}.json"))
        if len(kinds) == 1
        else (_reference("schemas", "AnyText"), _reference("schemas", "AnyMembers"))
    )
    meaning = kinds[0].meaning if len(kinds) == 1 else "A callback of any type."
    common = {
        "summary": meaning,
        "tags": [name.partition(".")[0]],
        "responses": _answers(reply),
    }
    return {
        "get": {
            "operationId": f"get.{name}",
            **common,
            "parameters": [
                _query(text, "Plivo's parameters, and your own of the configured URL.", examples)
            ],
        },
        "post": {
            "operationId": f"post.{name}",
            **common,
            "parameters": [
                _query(
                    _reference("schemas", "AnyText"),
                    "Your own parameters of the configured URL; without a body, Plivo's.",
                )
            ],
            "requestBody": {
                "description": "Plivo's parameters.",
                "content": {
                    FORM: {"schema": text, "examples": examples},
                    JSON: {"schema": value, "examples": examples},
                },
            },
        },
    }


def _problem_schema() -> Document:
    members = {
        "type": ("string", "A URN that names the problem and stays the same."),
        "title": ("string", "The status in words."),
        "status": ("integer", "The HTTP status."),
        "detail": ("string", "What is wrong. It repeats nothing of the request."),
    }
    return {
        "description": "A problem document (RFC 9457).",
        "type": "object",
        "properties": {
            name: {"type": kind, "description": meaning}
            for name, (kind, meaning) in members.items()
        },
        "required": list(members),
    }


def _refusal(status: HTTPStatus) -> Document:
    name, meaning = _REFUSALS[status]
    told = {
        "type": {"const": f"urn:callback-bridge:problem:{name}"},
        "status": {"const": status.value},
    }
    refusal: Document = {
        "description": meaning,
        "content": {
            PROBLEM: {"schema": {"allOf": [_reference("schemas", "Problem"), {"properties": told}]}}
        },
    }
    if status in _TRY_AGAIN:
        refusal["headers"] = {
            "Retry-After": {
                "description": "Seconds to wait.",
                "required": True,
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return refusal


def _components(catalogue: Catalogue) -> Document:
    schemas: Document = {
        "Problem": _problem_schema(),
        "AnyText": {
            "description": "Any parameters; a repeated one has several texts.",
            "type": "object",
            "additionalProperties": {"type": ["string", "array"], "items": {"type": "string"}},
        },
        "AnyMembers": {
            "description": "Any parameters, as the members of one object.",
            "type": "object",
        },
    }
    for kind in catalogue.types:
        schemas[kind.name] = parameters_schema(kind, {"type": "string"})
        schemas[f"{kind.name}.json"] = parameters_schema(kind, {})
    headers = {name: meaning for name, _, meaning in _SIGNATURES}
    headers |= {nonce: "The nonce that was signed." for _, nonce, _ in _SIGNATURES}
    return {
        "schemas": schemas,
        "examples": {
            name: one for kind in catalogue.all_types for name, one in _examples(kind).items()
        },
        "responses": {_REFUSALS[status][0]: _refusal(status) for status in _REFUSALS},
        "securitySchemes": {
            name: {"type": "apiKey", "in": "header", "name": name.title(), "description": meaning}
            for name, meaning in headers.items()
        },
    }


def document(catalogue: Catalogue) -> Document:
    """Return the OpenAPI document."""
    paths = {SHARED_PATH: _operations("shared", catalogue.all_types, None)}
    paths |= {kind.path: _operations(kind.name, (kind,), kind.reply) for kind in catalogue.types}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "callback-bridge: ingress",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": DIALECT,
        "servers": [{"url": "/", "description": "Where `BRIDGE_PUBLIC_URL` is."}],
        "security": [{signature: [], nonce: []} for signature, nonce, _ in _SIGNATURES],
        "paths": paths,
        "components": _components(catalogue),
    }
