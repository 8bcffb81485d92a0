"""The OpenAPI document of the ingress, computed from the declarations and their samples.

It describes what Plivo sends and what the bridge answers. The bridge accepts undeclared parameters, too.
So the schemas of parameters list the known names, and are not a reason to refuse a request.
"""

import re
from http import HTTPStatus
from typing import Any, Final

from bridge import __version__
from bridge.callbacks.model import CallbackType, Reply, list_fields
from bridge.core import request as wire
from bridge.core.catalogue import SHARED_PATH, Catalogue
from bridge.core.parameters import FORM, JSON, parse_form

Document = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PROBLEM: Final = "application/problem+json"
XML: Final = "application/xml"

_ABOUT: Final = """\
The URLs to set at Plivo: one for each callback type, and one that recognises every type by its \
parameters. A 200 means that the callback is durable: on Kafka with all in-sync replicas, or on our disk.

Every path accepts GET and POST, with or without one slash at its end. The signature covers the URL as \
Plivo called it. Errors are problem documents (RFC 9457): 404 for any other path, 405 for any other \
method, 400 for a request that is not HTTP/1.1, 408 for one that does not arrive in time, and 431 for \
one whose head is too long. The operator configures the required signature (`BRIDGE_VERIFICATION`, \
`BRIDGE_ACCEPT_V2`) and the limits."""
_ANSWERED: Final = {
    Reply.ACK: "Accepted. Plivo ignores the answer, which is empty.",
    Reply.XML: "Accepted. The answer is the Plivo XML to execute.",
    Reply.SOUND: "Accepted. The answer is the Plivo XML to execute: only Play, Speak and Wait.",
    Reply.OPTIONAL_XML: "Accepted. The answer is the Plivo XML to execute, if there is any.",
}
_BY_PARAMETERS: Final = (
    " If the parameters show another type, the answer is that of the other type's path."
)
_REFUSALS: Final[dict[HTTPStatus, tuple[str, str]]] = {
    HTTPStatus.BAD_REQUEST: ("too-many-parameters", "Too many parameters."),
    HTTPStatus.FORBIDDEN: ("not-verified", "No signature of a known account is valid."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("body-too-large", "The body is too long."),
    HTTPStatus.REQUEST_URI_TOO_LONG: ("url-too-long", "Path and query are too long."),
    HTTPStatus.MISDIRECTED_REQUEST: (
        "host-not-allowed",
        "The called host is not in `BRIDGE_ALLOWED_HOSTS`.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "overloaded",
        "Too many callbacks are in flight. Send the callback again later.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "not-durable",
        "The bridge could not store the callback. Send it again.",
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
    """Return the parameters of a type's samples, by name."""
    return {
        f"{kind.name}-{number}": {
            "summary": f"{kind.name}: {shows}",
            "value": dict(parse_form(sample)[0]),
        }
        for number, (shows, sample) in enumerate(kind.samples.items(), 1)
    }


def _query(schema: Document, meaning: str, examples: Document | None = None) -> Document:
    """Return the query as one open object. Its members are the parameters."""
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
    taken = _ANSWERED[reply] if reply else "Accepted."
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
    """Return GET and POST of a path, for one type or (on the shared path) for every type."""
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
                _query(text, "Plivo's parameters, and your own in the URL set at Plivo.", examples)
            ],
        },
        "post": {
            "operationId": f"post.{name}",
            **common,
            "parameters": [
                _query(
                    _reference("schemas", "AnyText"),
                    "Your own parameters in the URL set at Plivo; without a body, Plivo's.",
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
        "type": ("string", "A URN that names the problem. It never changes."),
        "title": ("string", "The status in words."),
        "status": ("integer", "The HTTP status."),
        "detail": ("string", "What is wrong. It does not repeat the request."),
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
    constants = {
        "type": {"const": f"urn:callback-bridge:problem:{name}"},
        "status": {"const": status.value},
    }
    refusal: Document = {
        "description": meaning,
        "content": {
            PROBLEM: {
                "schema": {"allOf": [_reference("schemas", "Problem"), {"properties": constants}]}
            }
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
            "description": "Any parameters. A repeated parameter has a list of texts.",
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
    headers |= {nonce: "The signed nonce." for _, nonce, _ in _SIGNATURES}
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


def build_openapi(catalogue: Catalogue) -> Document:
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
