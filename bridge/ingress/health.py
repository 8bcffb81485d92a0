"""The management port: liveness, readiness, metrics, log level."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, get_args

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bridge.telemetry.logs import Level, set_level
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

LEVELS: Final[Mapping[str, Level]] = {level: level for level in get_args(Level)}
METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_management_app(
    *,
    ready: Callable[[], str | None],
    metrics: Metrics,
    warnings: Callable[[], Sequence[str]] = list,
) -> Starlette:
    """Return the application of the management port.

    ``/livez``: the process is alive. ``/readyz``: it can accept callbacks; ``ready`` returns the reason
    if not, else None, and ``warnings`` returns what an operator should look at anyway.
    ``PUT /log-level`` with a level as its body changes the threshold of the log.
    """

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        reason = ready()
        if reason is None:
            lines = ["ready", *(f"warning: {text}" for text in warnings())]
            return PlainTextResponse("".join(f"{line}\n" for line in lines))
        return PlainTextResponse(f"not ready: {reason}\n", status_code=503)

    async def exposition(_request: Request) -> Response:
        return Response(metrics.exposition(), media_type=METRICS_CONTENT_TYPE)

    async def log_level(request: Request) -> Response:
        text = (await request.body())[:16].decode("ascii", "replace").strip()
        level = LEVELS.get(text)
        if level is None:
            return PlainTextResponse(f"one of {', '.join(LEVELS)}\n", status_code=400)
        set_level(level)
        log.warning("log_level_changed", level_now=level)
        return PlainTextResponse(f"{level}\n")

    async def not_found(_request: Request, _error: Exception) -> Response:
        return PlainTextResponse(
            "here are /livez, /readyz, /metrics, and PUT /log-level\n", status_code=404
        )

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/metrics", exposition),
            Route("/log-level", log_level, methods=["PUT"]),
        ],
        exception_handlers={404: not_found},
    )
