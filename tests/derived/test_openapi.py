"""The OpenAPI document matches the routes, the accepted parameters and the answers."""

from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
import orjson
import pytest
import schemathesis

from bridge.app.build import make_application
from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import SHARED_PATH, Catalogue, load_catalogue
from bridge.derived import openapi
from bridge.derived.openapi import Document
from bridge.ingress.answers import problem
from bridge.ingress.routes import METHODS, CallbackRoute
from bridge.settings.load import load as settings
from bridge.telemetry.metrics import Metrics
from tests.support.delivery import without_spool

TYPES = load_catalogue().types


@pytest.fixture(scope="module")
def document(types: Catalogue) -> Document:
    return openapi.build_openapi(types)


def validates(document: Document, schema: Document, value: object) -> bool:
    whole = {**schema, "components": document["components"]}
    return jsonschema.Draft202012Validator(whole).is_valid(value)


def test_the_paths_are_the_routes_with_their_methods(document: Document) -> None:
    running = make_application(settings(None), without_spool(), Metrics("0"))
    (route,) = running.routes
    assert isinstance(route, CallbackRoute)
    routes = {(path, method.lower()) for path in route.endpoints for method in METHODS}
    documented = {(path, method) for path, of in document["paths"].items() for method in of}
    # A slash at the end is the same path, and is not documented apart.
    slashed = {(path, method) for path, method in routes if path.endswith("/")}
    assert slashed == {(path + "/", method) for path, method in documented}
    assert documented == routes - slashed
    assert SHARED_PATH in document["paths"]


def test_the_document_is_valid_openapi(document: Document) -> None:
    loaded = schemathesis.openapi.from_dict(document)
    loaded.validate()
    assert sum(1 for _ in loaded.get_all_operations()) == 2 * (len(TYPES) + 1)


def test_an_invalid_openapi_document_is_refused(document: Document) -> None:
    broken = {**document, "paths": {"no slash": 1}}
    with pytest.raises(Exception, match=r"paths|slash|1"):
        schemathesis.openapi.from_dict(broken).validate()


@pytest.mark.parametrize("kind", TYPES, ids=[kind.name for kind in TYPES])
def test_every_sample_is_valid_by_its_type_in_both_encodings(
    document: Document, kind: CallbackType
) -> None:
    schemas = document["components"]["schemas"]
    known = schemas[kind.name]
    for sample in kind.samples.values():
        members = dict(parse_qsl(sample, keep_blank_values=True))
        assert validates(document, known, members)
        assert validates(document, schemas[f"{kind.name}.json"], {**members, "Number": 1})
        assert validates(document, schemas["AnyText"], members)


def test_declared_parameters_are_listed_with_their_meaning(document: Document) -> None:
    schemas = document["components"]["schemas"]
    hangup = schemas["voice.call.hangup"]
    assert hangup["properties"]["CallUUID"]["description"]
    assert "^X\\-PH\\-" in hangup["patternProperties"]
    assert "^Media[0-9]+$" in schemas["messaging.message.inbound"]["patternProperties"]
    assert not validates(document, hangup, {"CallUUID": 1})
    assert validates(document, schemas["voice.call.hangup.json"], {"Duration": 1})


def test_every_example_is_a_sample(document: Document, types: Catalogue) -> None:
    samples = [dict(parse_qsl(text, keep_blank_values=True)) for kind in types.all_types
               for text in kind.samples.values()]  # fmt: skip
    assert [one["value"] for one in document["components"]["examples"].values()] == samples


@pytest.mark.parametrize("status", list(openapi._REFUSALS))
def test_a_refusal_is_the_problem_document_of_the_bridge(
    document: Document, status: HTTPStatus
) -> None:
    name, _ = openapi._REFUSALS[status]
    response = document["components"]["responses"][name]
    schema = response["content"][openapi.PROBLEM]["schema"]
    answer: Any = orjson.loads(problem(status, name, "Why."))
    assert validates(document, schema, answer)
    assert not validates(document, schema, {**answer, "status": 500})
    assert not validates(document, schema, {**answer, "type": "about:blank"})
    assert ("Retry-After" in response.get("headers", {})) == (status in {429, 503})


def test_every_operation_has_every_answer_and_accepts_any_signature(document: Document) -> None:
    answers = {"200", "400", "403", "413", "414", "421", "429", "503"}
    for path in document["paths"].values():
        for operation in path.values():
            assert set(operation["responses"]) == answers
    schemes = document["components"]["securitySchemes"]
    assert [set(one) <= set(schemes) for one in document["security"]] == [True] * 4
    assert {one["name"].lower() for one in schemes.values()} == set(schemes)
