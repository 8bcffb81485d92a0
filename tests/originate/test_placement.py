"""The outcome of a request that dials, by the answer to it."""

from datetime import UTC, datetime

import pytest

from bridge.originate.errors import ApiAnswer, parse_answer
from bridge.originate.placement import Placement, PlacementOutcome, Sent, place_from_answer

ACCEPTED, REFUSED, UNKNOWN = (
    PlacementOutcome.ACCEPTED,
    PlacementOutcome.REFUSED,
    PlacementOutcome.UNKNOWN,
)
SENT = Sent("ref-1", ("14155550123", "14155550124"), datetime(2026, 1, 1, tzinfo=UTC))


def judge(status: int, content: bytes | None) -> Placement:
    return place_from_answer(SENT, parse_answer(status, content))


@pytest.mark.parametrize("status", [200, 201, 202, 207])
def test_calls_that_have_ids_are_accepted(status: int) -> None:
    found = judge(status, b'{"message": "call fired", "request_uuid": ["a", "b"], "api_id": "x"}')
    assert (found.outcome, found.code, found.status, found.api_id) == (
        ACCEPTED,
        "fired",
        status,
        "x",
    )
    assert found.pair_destinations() == (("14155550123", "a"), ("14155550124", "b"))
    assert found.explanation == "Plivo took the request"


def test_a_lone_id_that_several_destinations_share_is_nobodys() -> None:
    found = judge(201, b'{"message": "call fired", "request_uuid": "a"}')
    assert (found.outcome, found.request_uuids) == (ACCEPTED, ("a",))
    assert found.pair_destinations() == (("14155550123", None), ("14155550124", None))


def test_calls_above_the_rate_are_accepted_and_wait() -> None:
    found = judge(201, b'{"message": "call queued", "request_uuid": ["a", "b"]}')
    assert (found.outcome, found.code, found.waits) == (ACCEPTED, "queued", True)


def test_an_asynchronous_request_is_accepted_without_ids() -> None:
    found = judge(202, b'{"message": "async api spawned", "api_id": "x"}')
    assert (found.outcome, found.code, found.request_uuids) == (ACCEPTED, "spawned", ())
    assert "callback_url" in found.explanation


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"<html>sign in</html>",
        b'{"message": "call fi',
        b"[]",
        b'{"message": "call fired"}',
        b'{"request_uuid": ""}',
        b'{"request_uuid": ["a", null]}',
        b'{"request_uuid": []}',
        b'{"request_uuid": {"a": 1}}',
        b"\xff\xfe",
    ],
)
def test_success_in_words_that_are_not_plivos_is_unknown(content: bytes | None) -> None:
    found = judge(201, content)
    assert (found.outcome, found.code, found.request_uuids) == (UNKNOWN, "not_plivo", ())


@pytest.mark.parametrize(
    ("status", "content", "code", "words"),
    [
        (400, b'{"error": "answer_url parameter is missing"}', "missing_parameter", "answer_url"),
        (
            400,
            b'{"error": "from parameter is invalid. It must be a number."}',
            "invalid_parameter",
            "It must be a number.",
        ),
        (400, b'{"error": "Compliance is not approved"}', "compliance", "India"),
        (400, b'{"error": "no"}', "bad_request", "(no)"),
        (400, b'{"error": {"to": ["wrong"]}}', "bad_request", '{"to":["wrong"]}'),
        (401, b"Could not verify your access level", "credentials", "auth token"),
        (401, b'{"error": "authentication failed"}', "credentials", "authentication failed"),
        (402, b"", "credit", "recharge"),
        (403, b'{"error": "not enabled"}', "forbidden", "geographic permissions"),
        (404, b'{"error": "not found"}', "not_found", "check the id"),
        (405, b"", "method", "address of the API"),
        (409, b"", "conflict", "contradicts"),
        (413, b"<html>too large</html>", "refused", "status 413"),
        (422, b'{"error": "no"}', "unprocessable", "(no)"),
        (429, b'{"error": "too many requests"}', "too_many_requests", "300 requests"),
        (400, None, "bad_request", "refused"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(
    status: int, content: bytes | None, code: str, words: str
) -> None:
    found = judge(status, content)
    assert (found.outcome, found.code, found.status) == (REFUSED, code, status)
    assert words in found.explanation
    assert "html" not in found.explanation


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (301, "redirect"),
        (303, "redirect"),
        (307, "redirect"),
        (408, "server_error"),
        (499, "server_error"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "server_error"),
        (504, "server_error"),
        (599, "server_error"),
    ],
)
def test_what_may_have_reached_plivo_is_unknown(status: int, code: str) -> None:
    found = judge(status, b'{"error": "oops", "request_uuid": "a"}')
    assert (found.outcome, found.code, found.request_uuids) == (UNKNOWN, code, ())
    assert str(status) in found.explanation


def test_the_words_of_an_error_are_one_short_line() -> None:
    answer = ApiAnswer(400, {"error": "a\n b" * 1_000})
    assert "\n" not in answer.error
    assert len(answer.error) == 500
