"""The Starlette application: one route for each callback type, and a shared one for all types."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, assert_never

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

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
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

METHODS: Final[tuple[str, ...]] = ("GET", "POST")

_SIGNATURES: Final = frozenset(name.encode() for name in SIGNATURE_NAMES)
_RETRY_AFTER: Final = (b"retry-after", str(RETRY_AFTER_S).encode())


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: bytes | None
    retry: bool = False


def _to_problem(status: HTTPStatus, name: str, detail: str, *, retry: bool = False) -> HttpAnswer:
    return HttpAnswer(status, problem(status, name, detail), CONTENT_TYPE, retry)


_FORBIDDEN: Final = _to_problem(
    HTTPStatus.FORBIDDEN,
    "not-verified",
    "The request has no valid signature of a known account.",
)
_UNAVAILABLE: Final = _to_problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "not-durable",
    "The callback could not be made durable. Send it again.",
    retry=True,
)
_OVERLOADED: Final = _to_problem(
    HTTPStatus.TOO_MANY_REQUESTS,
    "overloaded",
    "Too many callbacks are in flight. Send the callback again later.",
    retry=True,
)


def to_answer(result: CallbackResult) -> HttpAnswer:
    """Return the HTTP answer to an outcome of ``intake``."""
    match result.outcome:
        case Outcome.PUBLISHED | Outcome.SPOOLED | Outcome.DEAD_LETTERED:
            reply = result.reply
            content_type = reply.content_type.encode() if reply.content_type else None
            return HttpAnswer(reply.status, reply.body, content_type)
        case Outcome.REJECTED:
            return _FORBIDDEN
        case Outcome.REFUSED:
            return _UNAVAILABLE
        case _:
            assert_never(result.outcome)


async def send_answer(send: Send, answer: HttpAnswer) -> None:
    """Send an answer as ASGI messages."""
    headers = [(b"content-length", str(len(answer.body)).encode())]
    if answer.content_type is not None:
        headers.append((b"content-type", answer.content_type))
    if answer.retry:
        headers.append(_RETRY_AFTER)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
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
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251 (the doorway's clock)
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
        self._recorder.record(scope["method"], result)
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


class _PathDispatcher:
    """Middleware that finds a callback's endpoint by path; other requests go to Starlette's router.

    The router tries its routes one by one, which is slow for the last of them.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, Endpoint]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["path"]) if scope["method"] in METHODS else None
        await (endpoint or self._app)(scope, receive, send)


class _UnknownPathRecorder:
    """Records requests to unknown paths that were probably callbacks."""

    def __init__(self, known: Iterable[str], recorder: OutcomeRecorder) -> None:
        self._paths = KnownPaths(known, SHARED_PATH)
        self._recorder = recorder

    def record(self, scope: Scope) -> None:
        raw_path: bytes = scope["raw_path"]
        path = raw_path.decode("ascii", "replace")
        names = {name for name, _ in scope["headers"]}
        is_signed = not names.isdisjoint(_SIGNATURES)
        nearest = self._paths.nearest(path)
        # "/" is what health checks request; it is never meant as a callback.
        meant = self._paths.starts_like_known(path) or (nearest.path is not None and path != "/")
        if meant or is_signed:
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._recorder.record_unknown_path(
                method,
                loggable_path(path),
                nearest.mismatch,
                nearest=nearest.path,
                is_signed=is_signed,
            )


async def _http_problem(_request: Request, error: Exception) -> Response:
    """Answer an unknown path or a wrong method."""
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 500)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    name = status.phrase.lower().replace(" ", "-")
    return Response(
        problem(status, name, status.description or status.phrase),
        status_code=status,
        headers=headers,
        media_type=CONTENT_TYPE.decode(),
    )


def make_app(catalogue: Catalogue, parts: EndpointParts) -> Starlette:
    """Return the application for callbacks: routes derived from the catalogue, GET and POST only."""
    parts.metrics.watch(Metric.IN_FLIGHT, lambda: parts.load.callbacks)
    parts.metrics.watch(Metric.IN_FLIGHT_BYTES, lambda: parts.load.bytes)
    paths: list[tuple[str, CallbackType | None]] = [(SHARED_PATH, None)]
    paths += [(kind.path, kind) for kind in catalogue.types]
    routes: list[Route] = []
    slashed: list[Route] = []
    endpoints: dict[str, Endpoint] = {}
    for path, kind in paths:
        endpoint = Endpoint(kind, parts)
        # Plivo's own examples end in a slash. The signature covers the path as called, so both paths are
        # routes: a redirect would change what was signed.
        for into, called in ((routes, path), (slashed, path + "/")):
            route = Route(called, endpoint=endpoint, methods=list(METHODS))
            route.methods = {*METHODS}  # Starlette adds HEAD, which Plivo never sends.
            into.append(route)
            endpoints.setdefault(called, endpoint)
    routes += slashed  # last: routes are tried in order
    unknown_paths = _UnknownPathRecorder([path for path, _ in paths], parts.recorder)

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND:
            unknown_paths.record(request.scope)
        return await _http_problem(request, error)

    app = Starlette(
        routes=routes,
        middleware=[Middleware(_PathDispatcher, endpoints=endpoints)],
        exception_handlers={HTTPException: refused},
    )
    app.router.redirect_slashes = False  # Plivo does not promise to follow redirects.
    return app
