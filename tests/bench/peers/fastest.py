"""Uvicorn with its fastest parts, httptools and uvloop, and without access log and extra headers."""

import uvicorn
from starlette.applications import Starlette


def run(app: Starlette, port: int) -> None:
    """Serve an application on loopback until the process gets SIGTERM."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
