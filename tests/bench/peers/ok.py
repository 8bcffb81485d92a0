"""The yardstick, a plain route of Starlette: ``python -m tests.bench.peers.ok PORT``."""

import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.bench.peers import fastest


async def ok(request: Request) -> Response:
    await request.body()
    return PlainTextResponse("ok")


if __name__ == "__main__":
    fastest.run(
        Starlette(routes=[Route("/plivo/voice/call/hangup", ok, methods=["POST"])]),
        int(sys.argv[1]),
    )
