"""What schemathesis makes of the OpenAPI document: whatever is sent, an answer the document has.

It sends the samples as they are, values at the edge of what the document allows and beyond it, and
values at random, always the same ones. Nothing it sends is signed.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from schemathesis import engine, openapi
from schemathesis.config import SchemathesisConfig
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from bridge.core.catalogue import Catalogue
from bridge.derived.openapi import PROBLEM, XML, build_openapi
from bridge.publish.memory import MemoryPublisher
from tests.support.bridge import Broken, running_bridge
from tests.support.plivo import ANSWER, HANGUP, PATHS, SHARED
from tests.support.waiting import PATIENCE_S

# Sending what the edge cases are is most of the time; paths differ only in their parameters' names.
FEW = [SHARED, PATHS[ANSWER], PATHS[HANGUP]]
# These judge whether the bridge refuses what the document does not allow: it keeps everything, and it
# answers 403 where they know only 401. Answers without a body are judged below.
LEFT_OUT = [
    "content_type_conformance",
    "ignored_auth",
    "missing_required_header",
    "negative_data_rejection",
    "positive_data_acceptance",
]


@dataclass
class Seen:
    """What came of a run: how often each status, and every fault."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: set[str] = field(default_factory=set)


def unlike_an_answer(status: int, content_type: str | None, body: bytes) -> bool:
    """Say whether an answer's body and its type do not go together."""
    if status == 200 and not body:
        return content_type is not None
    return content_type != (XML if status == 200 else PROBLEM)


def note(seen: Seen, recorder: Any) -> None:
    for one in recorder.interactions.values():
        answer = one.response
        if answer is None:
            seen.faults.add(f"no answer to {one.request.method} {one.request.uri}")
            continue
        seen.statuses[answer.status_code] += 1
        content_type = next(iter(answer.headers.get("content-type", [])), None)
        if unlike_an_answer(answer.status_code, content_type, answer.content or b""):
            seen.faults.add(f"{answer.status_code} with {content_type}: {answer.content!r}")
    for checks in recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                told = check.failure_info
                seen.faults.add(f"{check.name}: {told.failure}\n{told.code_sample}")


def sent_to(
    url: str,
    schema: dict[str, Any],
    phases: list[str],
    *,
    paths: list[str] | None = None,
    examples_max: int = 2,
    left_out: list[str] = LEFT_OUT,
) -> Seen:
    """Return what came of everything schemathesis thinks of."""
    config = SchemathesisConfig()
    chosen = config.projects.default
    chosen.update(base_url=url, continue_on_failure=True, request_timeout=PATIENCE_S)
    chosen.generation.update(
        max_examples=examples_max, deterministic=True, no_shrink=True, database="none"
    )
    chosen.phases.update(phases=phases)
    chosen.checks.update(excluded_check_names=left_out)
    loaded = openapi.from_dict(schema, config=config)
    seen = Seen()
    for event in engine.from_schema(loaded.include(path=paths) if paths else loaded).execute():
        if isinstance(event, NonFatalError):
            seen.faults.add(str(event.info))
        elif isinstance(event, FatalError):
            seen.faults.add(repr(event.exception))
        elif isinstance(event, ScenarioFinished):
            note(seen, event.recorder)
    return seen


@pytest.fixture(scope="module")
def schema(types: Catalogue) -> dict[str, Any]:
    return build_openapi(types)


def test_every_path_takes_whatever_is_sent(schema: dict[str, Any]) -> None:
    with running_bridge(verification="report") as bridge:
        seen = sent_to(bridge.url, schema, ["examples", "fuzzing"])
        published = len(bridge.publisher.records)
    assert seen.faults == set()
    assert set(seen.statuses) == {200}
    assert published == 2 * seen.statuses[200]


def test_requests_at_the_limits_of_the_document_are_accepted(schema: dict[str, Any]) -> None:
    with running_bridge(verification="report") as bridge:
        seen = sent_to(bridge.url, schema, ["coverage"], paths=FEW)
    assert seen.faults == set()
    assert set(seen.statuses) == {200, 405}


def test_no_unsigned_request_is_accepted_and_limits_apply(schema: dict[str, Any]) -> None:
    limits: dict[str, Any] = {
        "parameters_max": 16,
        "url_bytes_max": 256,
        "body_bytes_max": 1024,
    }
    with running_bridge(verification="enforce", **limits) as bridge:
        seen = sent_to(bridge.url, schema, ["examples", "coverage", "fuzzing"], paths=FEW)
        published = bridge.publisher.records
    assert seen.faults == set()
    assert set(seen.statuses) == {400, 403, 405, 413, 414}
    assert published == []


def test_what_cannot_be_made_durable_is_answered_as_the_document_says(
    schema: dict[str, Any],
) -> None:
    left_out = [*LEFT_OUT, "not_a_server_error"]
    with running_bridge(Broken("no"), verification="report") as bridge:
        seen = sent_to(bridge.url, schema, ["examples"], paths=FEW, left_out=left_out)
    assert seen.faults == set()
    assert set(seen.statuses) == {503}


def test_an_answer_the_document_does_not_have_is_found(schema: dict[str, Any]) -> None:
    paths = {
        path: {
            method: {**of, "responses": {"404": {"description": "Never."}}}
            for method, of in operations.items()
        }
        for path, operations in schema["paths"].items()
    }
    with running_bridge(MemoryPublisher(), verification="report") as bridge:
        seen = sent_to(bridge.url, {**schema, "paths": paths}, ["examples"], paths=[SHARED])
    assert any(fault.startswith("status_code_conformance") for fault in seen.faults)
