"""What the bounded protocol needs of uvicorn's, so that a new version that lacks it is found here."""

import asyncio
import inspect
import resource

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from bridge.ingress.protocol import Bounds, Clients
from bridge.ingress.server import connections_fitting
from bridge.metrics import Metrics

# Named apart from what asyncio.Protocol and httptools call, which is no one's to change.
METHODS = ["send_400_response"]
ATTRIBUTES = [
    "connections",
    "cycle",
    "flow",
    "headers",
    "loop",
    "pipeline",
    "scope",
    "transport",
]
OF_A_CYCLE = ["keep_alive", "more_body", "response_complete"]


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    pass


def config(http: type[asyncio.Protocol] = HttpToolsProtocol) -> Config:
    return Config(nothing, http=http, ws="none", lifespan="off", log_config=None)


@pytest.mark.parametrize("name", METHODS)
def test_uvicorn_calls_what_is_overridden(name: str) -> None:
    assert f"self.{name}(" in inspect.getsource(HttpToolsProtocol.data_received)


async def test_uvicorns_connection_has_what_is_read() -> None:
    connection = HttpToolsProtocol(config(), ServerState(), {})
    for name in ATTRIBUTES:
        assert hasattr(connection, name), name
    assert connection.cycle is None
    assert len(connection.pipeline) == 0


def test_uvicorns_request_has_what_is_read_and_its_answer_obeys_it() -> None:
    assigned = inspect.getsource(RequestResponseCycle.__init__)
    for name in OF_A_CYCLE:
        assert f"self.{name}" in assigned, name
    assert "if not self.keep_alive" in inspect.getsource(RequestResponseCycle.send)


async def test_uvicorn_makes_connections_of_the_class_it_is_given() -> None:
    clients = Clients(Bounds(1, 1, 1), Metrics("0"))
    of_bridge = config(clients.protocol())
    of_bridge.load()
    made = of_bridge.http_protocol_class
    assert issubclass(made, HttpToolsProtocol)
    assert issubclass(made, asyncio.Protocol)
    assert made(config=of_bridge, server_state=ServerState(), app_state={}, _loop=None)


INFINITE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "fitting", "raised_to"),
    [
        (1_024, 1_048_576, 10_000, 10_256),
        (1_048_576, 1_048_576, 10_000, None),
        (INFINITE, INFINITE, 10_000, None),
        (1_024, INFINITE, 10_000, 10_256),
        (1_024, 4_096, 3_840, 4_096),
        (4_096, 4_096, 3_840, None),
        (64, 64, 1, None),
    ],
)
def test_clients_never_use_the_files_that_kafka_and_the_spool_need(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, fitting: int, raised_to: int | None
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    with capture_logs() as lines:
        assert connections_fitting(10_000) == fitting
    assert raised == ([(raised_to, hard)] if raised_to else [])
    assert [line["event"] for line in lines] == ["connections_limited"] * (fitting < 10_000)
