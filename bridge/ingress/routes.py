"""The application that answers Plivo: a path for each callback type, and a shared one for all types.

Below the prefixes of the customer's applications there are the same paths once more.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, NamedTuple, assert_never

from starlette.routing import BaseRoute, Match, Router
from starlette.types import Receive, Scope, Send

from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import SHARED_PATH, Catalogue
from bridge.core.outcome import Outcome, RefusalCause
from bridge.core.parameters import TooManyParameters
from bridge.core.request import SIGNATURE_NAMES
from bridge.ingress.answers import CONTENT_TYPE, RETRY_AFTER_S, problem
from bridge.ingress.exchange import EXCHANGE, Exchange
from bridge.ingress.load import Load, Overloaded, shed_class_for
from bridge.ingress.paths import KnownPaths, loggable_path
from bridge.ingress.request import (
    ClientDisconnected,
    PublicUrlPolicy,
    RequestLimits,
    RequestRefused,
    read_body,
    read_request,
)
from bridge.intake.outcome_log import CallbackResult, OutcomeRecorder, choose_label
from bridge.intake.walk import Intake
from bridge.reply.application_paths import FindApplication, find_no_application
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

METHODS: Final[tuple[str, ...]] = ("GET", "POST")

_SIGNATURES: Final = frozenset(name.encode() for name in SIGNATURE_NAMES)
_RETRY_AFTER: Final = (b"retry-after", str(RETRY_AFTER_S).encode())


class HttpAnswer(NamedTuple):
    """An HTTP answer. The connection adds the length of its body."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def _to_problem(
    status: HTTPStatus, name: str, detail: str, *headers: tuple[bytes, bytes]
) -> HttpAnswer:
    content_type = (b"content-type", CONTENT_TYPE)
    return HttpAnswer(status, problem(status, name, detail), (content_type, *headers))


_FORBIDDEN: Final = _to_problem(
    HTTPStatus.FORBIDDEN,
    "not-verified",
    "The request has no valid signature of a known account.",
)
_UNAVAILABLE: Final = _to_problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "not-durable",
    "The callback could not be made durable. Send it again.",
    _RETRY_AFTER,
)
_OVERLOADED: Final = _to_problem(
    HTTPStatus.TOO_MANY_REQUESTS,
    "overloaded",
    "Too many callbacks are in flight. Send the callback again later.",
    _RETRY_AFTER,
)
_NOT_FOUND: Final = _to_problem(HTTPStatus.NOT_FOUND, "not-found", HTTPStatus.NOT_FOUND.description)
_METHOD_NOT_ALLOWED: Final = _to_problem(
    HTTPStatus.METHOD_NOT_ALLOWED,
    "method-not-allowed",
    HTTPStatus.METHOD_NOT_ALLOWED.description,
    (b"allow", ", ".join(METHODS).encode()),
)


def to_answer(result: CallbackResult) -> HttpAnswer:
    """Return the HTTP answer to an outcome of ``intake``."""
    match result.outcome:
        case Outcome.PUBLISHED | Outcome.SPOOLED | Outcome.DEAD_LETTERED:
            reply = result.reply
            if reply.content_type is None:
                return HttpAnswer(reply.status, reply.body)
            content_type = (b"content-type", reply.content_type.encode())
            return HttpAnswer(reply.status, reply.body, (content_type,))
        case Outcome.REJECTED:
            return _FORBIDDEN
        case Outcome.REFUSED:
            return _UNAVAILABLE
        case _:
            assert_never(result.outcome)


async def send_answer(send: Send, answer: HttpAnswer) -> None:
    """Send an answer as ASGI messages."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


@dataclass(frozen=True, slots=True)
class EndpointParts:
    """The parts that all endpoints share."""

    intake: Intake
    load: Load
    limits: RequestLimits
    public_url_policy: PublicUrlPolicy
    recorder: OutcomeRecorder
    metrics: Metrics


class Endpoint:
    """ASGI application of one path. A Starlette ``Request`` for each callback would cost time."""

    def __init__(
        self,
        route: CallbackType | None,
        parts: EndpointParts,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251 (the server reads the clock)
    ) -> None:
        self._route = route
        self._intake = parts.intake
        self._label = choose_label(route)
        self._limits = parts.limits
        self._too_many_parameters = _to_problem(
            HTTPStatus.BAD_REQUEST,
            RefusalCause.TOO_MANY_PARAMETERS,
            f"There are more than {parts.limits.parameters_max} parameters.",
        )
        self._load = parts.load
        self._shed_class = shed_class_for(route)
        self._public_url_policy = parts.public_url_policy
        self._metrics = parts.metrics
        self._recorder = parts.recorder
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and record its one result."""
        received_at = self._now()
        exchange: Exchange | None = scope.get("state", {}).get(EXCHANGE)
        shed = exchange.shed if exchange is not None else None
        answer: HttpAnswer | None
        try:
            with self._load.reserve(self._shed_class, shed) as slot:
                body = await read_body(receive, self._limits.body_bytes_max, slot.take_bytes)
                slot.take_callback()
                raw = read_request(scope, body, received_at, self._limits, self._public_url_policy)
                result = await self._intake.receive(raw, self._route)
            answer = to_answer(result)
        except Overloaded:
            result, answer = self._refuse(RefusalCause.OVERLOADED), _OVERLOADED
        except TooManyParameters:
            result = self._refuse(RefusalCause.TOO_MANY_PARAMETERS)
            answer = self._too_many_parameters
        except RequestRefused as refused:
            result = self._refuse(refused.cause, fields=refused.fields)
            answer = _to_problem(refused.status, refused.cause, refused.detail)
        except ClientDisconnected:
            cut_off = exchange.cut_off if exchange is not None else None
            result, answer = self._refuse(cut_off or RefusalCause.CLIENT_GONE), None
        except asyncio.CancelledError:  # the shutdown timeout has passed
            self._recorder.record(scope["method"], self._refuse(RefusalCause.STOPPED))
            raise
        except Exception as error:  # noqa: BLE001 (whatever failed, the callback is not durable)
            result, answer = self._refuse(RefusalCause.BRIDGE_FAULT, fault=error), _UNAVAILABLE
        self._recorder.record_soon(scope["method"], result)
        if answer is not None:
            await send_answer(send, answer)

    def _refuse(
        self,
        cause: RefusalCause,
        *,
        fields: Mapping[str, str] | None = None,
        fault: BaseException | None = None,
    ) -> CallbackResult:
        """Return the result of a callback that ``intake`` did not see, or that failed there."""
        if cause is RefusalCause.OVERLOADED:
            self._metrics.count(Metric.SHED_TOTAL, self._shed_class)
        elif cause is RefusalCause.BODY_TOO_LARGE:
            self._metrics.count(Metric.CUT_OFF_TOTAL, "oversize")
        return CallbackResult(
            self._label, Outcome.REFUSED, fields=fields or {}, cause=cause, fault=fault
        )


class CallbackRoute(BaseRoute):
    """The one route of the application: finds a callback's endpoint by its path, with one lookup.

    Starlette tries a list of routes one by one. Only a path that is not found is searched for an
    application. Any other request is answered 404 or 405. Requests to unknown paths that were probably
    callbacks are recorded.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        recorder: OutcomeRecorder,
        find_application: FindApplication = find_no_application,
    ) -> None:
        # Plivo's own examples end in a slash. The signature covers the path as called, so both paths are
        # known: a redirect would change what was signed.
        self.endpoints = {f"{path}/": one for path, one in endpoints.items()} | dict(endpoints)
        self._known = KnownPaths(endpoints, SHARED_PATH)
        self._recorder = recorder
        self._find_application = find_application

    def matches(self, scope: Scope) -> tuple[Match, Scope]:  # noqa: ARG002 (every request is ours)
        """Return that the route answers the request."""
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        endpoint = self.endpoints.get(scope["path"]) or self._find_application_endpoint(scope)
        if endpoint is None:
            self._record_unknown_path(scope)
            await send_answer(send, _NOT_FOUND)
        elif scope["method"] not in METHODS:
            await send_answer(send, _METHOD_NOT_ALLOWED)
        else:
            await endpoint(scope, receive, send)

    def _find_application_endpoint(self, scope: Scope) -> Endpoint | None:
        """Return the endpoint of an application's path: rule 5 of ``application_paths``."""
        raw_path: bytes = scope["raw_path"]
        found = self._find_application(raw_path.decode("ascii", "replace"))
        if found is None:
            return None
        return self.endpoints.get(SHARED_PATH + found.rest) or self.endpoints[SHARED_PATH]

    def _record_unknown_path(self, scope: Scope) -> None:
        raw_path: bytes = scope["raw_path"]
        path = raw_path.decode("ascii", "replace")
        names = {name for name, _ in scope["headers"]}
        is_signed = not names.isdisjoint(_SIGNATURES)
        nearest = self._known.nearest(path)
        # "/" is what health checks request; it is never meant as a callback.
        meant = self._known.starts_like_known(path) or (nearest.path is not None and path != "/")
        if meant or is_signed:
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._recorder.record_unknown_path(
                method,
                loggable_path(path),
                nearest.mismatch,
                nearest=nearest.path,
                is_signed=is_signed,
            )


def make_app(
    catalogue: Catalogue,
    parts: EndpointParts,
    find_application: FindApplication = find_no_application,
) -> Router:
    """Return the application for callbacks: paths derived from the catalogue, GET and POST only.

    ``find_application`` is called for every path that is not one of them, so it may change its mind.
    Starlette's router is an application of its own. The layers that ``Starlette`` adds turn errors into
    answers, which ``Endpoint`` does itself, and ``Exchange`` for every application.
    """
    parts.metrics.watch(Metric.IN_FLIGHT, lambda: parts.load.callbacks)
    parts.metrics.watch(Metric.IN_FLIGHT_BYTES, lambda: parts.load.bytes)
    endpoints = {SHARED_PATH: Endpoint(None, parts)}
    endpoints |= {kind.path: Endpoint(kind, parts) for kind in catalogue.types}
    return Router([CallbackRoute(endpoints, parts.recorder, find_application)])
