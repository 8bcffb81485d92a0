"""What tests in every room share."""

import asyncio
import logging
import socket
from collections.abc import Iterator

import hypothesis
import pytest
import structlog

from bridge.core import catalogue
from bridge.core.catalogue import Catalogue
from bridge.dev.broker import embedded_broker
from tests.ports import free_port
from tests.signals import default_in_new_processes

hypothesis.settings.register_profile(
    "bridge",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("bridge")


@pytest.fixture(scope="session", autouse=True)
def _default_signals_in_new_processes() -> Iterator[None]:
    """Have Ctrl-C end what a test starts, even in a suite that runs in the background."""
    with default_in_new_processes():
        yield


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undo what a command run by a test made of the process's logging: its level, its stream."""
    root, kafka = logging.getLogger(), logging.getLogger("aiokafka")
    handlers, levels = root.handlers[:], (root.level, kafka.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    kafka.setLevel(levels[1])
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def types() -> Catalogue:
    return catalogue.load_catalogue()


@pytest.fixture(scope="session")
def embedded_kafka() -> Iterator[str]:
    """The address of one embedded broker for the whole run; tests keep apart by topic prefix."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr("bridge.dev.broker.free_port", free_port)
        broker = embedded_broker()
        address = runner.run(broker.__aenter__())
        try:
            yield address
        finally:
            runner.run(broker.__aexit__(None, None, None))


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where connections are refused for as long as the test lasts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"
