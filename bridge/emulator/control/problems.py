"""Answers in JSON, and problem documents (RFC 9457) for what is refused."""

from http import HTTPStatus
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_URN: Final = "urn:callback-bridge:problem:"


class Refused(Exception):
    """A request that cannot be done. ``name`` is the stable part of the problem's type."""

    def __init__(self, status: HTTPStatus, name: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.name, self.detail = status, name, detail


def answer_json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return a value as a JSON answer."""
    return Response(orjson.dumps(value), status, media_type="application/json")


def answer_problem(status: HTTPStatus, name: str, detail: str) -> Response:
    """Return a problem document."""
    document = {
        "type": _URN + name,
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    return Response(orjson.dumps(document), status, media_type="application/problem+json")


async def answer_refused(_request: Request, refused: Exception) -> Response:
    """Return the problem of a refused request."""
    assert isinstance(refused, Refused)  # noqa: S101 (Starlette calls it for nothing else)
    return answer_problem(refused.status, refused.name, refused.detail)


async def answer_http_error(_request: Request, error: Exception) -> Response:
    """Return the problem of an unknown path or a wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101 (Starlette calls it for nothing else)
    status = HTTPStatus(error.status_code)
    response = answer_problem(status, status.phrase.lower().replace(" ", "-"), status.description)
    response.headers.update(error.headers or {})
    return response
