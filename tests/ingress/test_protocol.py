"""The parts of uvicorn's server that connections use, so that a new version without them fails here."""

import asyncio
import inspect
import resource

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from uvicorn.config import Config
from uvicorn.server import Server, ServerState

from bridge.ingress.clients import Clients, ConnectionLimits
from bridge.ingress.protocol import make_protocol
from bridge.ingress.server import fit_connections_max
from bridge.telemetry.metrics import Metrics


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    pass


def config(http: type[asyncio.Protocol]) -> Config:
    return Config(nothing, http=http, ws="none", lifespan="off", log_config=None)


async def test_uvicorn_makes_connections_of_the_class_it_is_given() -> None:
    clients = Clients(ConnectionLimits(1, 1, 1), Metrics("0"))
    of_bridge = config(make_protocol(clients))
    of_bridge.load()
    made = of_bridge.http_protocol_class
    assert issubclass(made, asyncio.Protocol)
    assert made(config=of_bridge, server_state=ServerState(), app_state={}, _loop=None)  # type: ignore[call-arg]
    assert of_bridge.loaded_app is not None


def test_uvicorn_ends_connections_and_waits_for_them_and_their_tasks() -> None:
    shutdown = inspect.getsource(Server.shutdown)
    assert "for connection in list(self.server_state.connections)" in shutdown
    assert "connection.shutdown()" in shutdown
    waiting = inspect.getsource(Server._wait_tasks_to_complete)
    assert "self.server_state.connections" in waiting
    assert "self.server_state.tasks" in waiting


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
        assert fit_connections_max(10_000) == fitting
    assert raised == ([(raised_to, hard)] if raised_to else [])
    assert [line["event"] for line in lines] == ["connections_limited"] * (fitting < 10_000)
