"""What is measured, each a process of its own: ``python -m tests.bench.servers KIND [KAFKA]``.

All three are run by ``bridge.ingress.server.serve``, so that loop, parser and flags are the same.
The first line on standard output is the two ports. Log lines are made as in production and written
to where the starter says, which should be /dev/null.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bridge import __version__
from bridge.app.build import make_application, make_connection_limits
from bridge.app.process import Bridge
from bridge.dev.account import ACCOUNTS
from bridge.ingress import server
from bridge.ingress.health import make_management_app
from bridge.publish.memory import MemoryPublisher
from bridge.settings.load import load
from bridge.telemetry import logs
from bridge.telemetry.metrics import Metrics
from tests.bench.callbacks import PUBLIC_URL
from tests.support.delivery import without_spool

KINDS = ("plain", "memory", "embedded")
TOPIC_PREFIX = "bench."

_SHUTDOWN_S = 5.0


async def _ok(request: Request) -> Response:
    await request.body()
    return PlainTextResponse("ok")


async def _nothing() -> None:
    pass


async def _serve(kind: str, kafka: str) -> None:
    stop = server.StopRequest()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.request)
    metrics = Metrics(__version__)
    settings = load(
        None,
        kafka={"bootstrap_servers": kafka, "idempotence": False},
        accounts=ACCOUNTS,
        accounts_file=None,
        public_url=PUBLIC_URL,
        topic_prefix=TOPIC_PREFIX,
        spool={"enabled": False},
    )
    before_begin: Callable[[], Awaitable[None]] = _nothing
    before_end: Callable[[], Awaitable[None]] = _nothing
    management = make_management_app(ready=lambda: None, metrics=metrics)
    if kind == "plain":
        app = Starlette(routes=[Route("/plivo/voice/call/hangup", _ok, methods=["POST"])])
    elif kind == "memory":
        app = make_application(
            settings, without_spool(MemoryPublisher(records_max=64), metrics), metrics
        )
    else:
        bridge = Bridge(settings)
        app, management, metrics = bridge.app, bridge.management_app, bridge.metrics
        before_begin, before_end = bridge.start, bridge.stop
    doors = server.Listeners(server.listen("127.0.0.1", 0), server.listen("127.0.0.1", 0))
    ports = [str(door.getsockname()[1]) for door in (doors.callbacks, doors.management)]
    sys.stdout.write(" ".join(ports) + "\n")
    sys.stdout.flush()
    await server.serve(
        app,
        management,
        doors,
        stop=stop,
        limits=make_connection_limits(settings),
        metrics=metrics,
        shutdown_delay_s=0,
        shutdown_timeout_s=_SHUTDOWN_S,
        start_up=before_begin,
        on_stopping=lambda: None,
        shut_down=before_end,
    )


if __name__ == "__main__":
    logs.configure_queued("json", "info")
    uvloop.run(_serve(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:1"))
