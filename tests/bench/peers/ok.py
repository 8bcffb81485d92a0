"""The yardstick, a plain Starlette route that reads the body: ``python -m tests.bench.peers.ok PORT``.

It has uvicorn's fastest parts, httptools and uvloop, and neither access log nor extra headers.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


async def ok(request: Request) -> Response:
    await request.body()
    return PlainTextResponse("ok")


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/plivo/voice/call/hangup", ok, methods=["POST"])]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
