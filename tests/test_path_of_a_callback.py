"""How much of the bridge one hangup passes through: a reader follows it, and each step costs time.

1. It is traced from the endpoint to its answer, as a second callback: the first one fills the caches.
   The steps that callbacks of one turn of the event loop take together are part of it.
2. A file counts once a function of it runs. The depth is the number of functions of ``bridge`` that have
   not returned, the endpoint's or that of the step among them; comprehensions do not count.
3. The limits are what it takes today. Lower them when it takes less.
"""

import asyncio
import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

from starlette.routing import Router

import bridge
from bridge.app.build import make_application
from bridge.dev.account import ACCOUNTS
from bridge.ingress.framing import parse_head
from bridge.ingress.routes import Endpoint
from bridge.intake.outcome_log import OutcomeRecorder
from bridge.intake.preparation import Preparation
from bridge.publish.memory import MemoryPublisher
from bridge.settings.load import load
from bridge.telemetry.metrics import Metrics
from tests.bench.callbacks import PUBLIC_URL, hangups
from tests.support.delivery import without_spool

# One of them, ``core/journal.py``, builds a value that dead letters and rejected callbacks share.
FILES_MAX: Final = 40
DEPTH_MAX: Final = 10

ROOT: Final = str(Path(bridge.__file__).parent) + "/"
BEGINNINGS: Final = tuple(
    function.__code__
    for function in (
        Endpoint.__call__,
        Preparation._prepare_arrived,
        OutcomeRecorder._record_results,
    )
)


async def answer(app: Router, request: bytes) -> int:
    """Return the status of the answer to a request."""
    start, _, body = request.partition(b"\r\n\r\n")
    head = parse_head(start)
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    scope = {
        "type": "http",
        "method": head.method,
        "scheme": "http",
        "path": head.path.decode(),
        "raw_path": head.path,
        "query_string": head.query,
        "headers": head.headers,
        "client": ("192.0.2.7", 4711),
    }
    await app(scope, receive, send)
    (status,) = statuses
    return status


def open_functions(frame: FrameType | None) -> list[str]:
    """Return the functions of the bridge that have not returned, from their beginning on: rule 2."""
    found: list[str] = []
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(ROOT) and not code.co_name.startswith("<"):
            found.append(f"{code.co_filename.removeprefix(ROOT)}: {code.co_name}")
        if code in BEGINNINGS:
            return found[::-1]
        frame = frame.f_back
    return []


def test_the_path_of_a_hangup_is_as_short_as_it_was() -> None:
    metrics = Metrics("0")
    settings = load(None, accounts=ACCOUNTS, public_url=PUBLIC_URL)
    app = make_application(settings, without_spool(MemoryPublisher(), metrics), metrics)
    first, second = hangups(2)
    assert asyncio.run(answer(app, first)) == 200
    paths: list[list[str]] = []

    def trace(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(ROOT):
            paths.append(open_functions(frame))

    before = sys.getprofile()
    sys.setprofile(trace)
    try:
        status = asyncio.run(answer(app, second))
    finally:
        sys.setprofile(before)
    assert status == 200
    files = {path[-1].partition(":")[0] for path in paths if path}
    deepest = max(paths, key=len)
    assert {path[0].partition(": ")[2] for path in paths if path} == {
        code.co_name for code in BEGINNINGS
    }
    assert len(files) <= FILES_MAX, sorted(files)
    assert len(deepest) <= DEPTH_MAX, deepest
