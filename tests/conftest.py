"""What tests in every room share."""

import asyncio
import contextlib
import re
import socket
import sys
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import httpx._transports.default
import hypothesis
import pytest

from bridge.core import catalogue
from bridge.core.catalogue import Catalogue
from bridge.dev.broker import embedded_broker
from tests.support.logs import logging_restored
from tests.support.ports import free_port
from tests.support.signals import default_in_new_processes

_PROFILE: Final = hypothesis.settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("bridge", _PROFILE)
# A short run of a state machine in `make test`; `make test-system` has the long one.
hypothesis.settings.register_profile("quick", _PROFILE, max_examples=10)
hypothesis.settings.load_profile("bridge")

# Tests with one of these markers may start processes: `make test` leaves them out.
_MAY_START_PROCESSES: Final = frozenset(
    {"chaos", "chart", "cluster", "image", "kafka", "node", "proxy", "system"}
)
# What `make test-kafka` and its like choose: `kafka and not chaos`.
_TESTS_OF_ONE_MARKER: Final = re.compile(r"(\w+)(?: and not \w+)*")


@cache
def _names_marker(file: Path, marker: str) -> bool:
    # The tests that take a broker from `kafka_fixtures` have the marker from there.
    text = file.read_text(encoding="utf-8")
    return f"mark.{marker}" in text or f"{marker}_fixtures" in text


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files that cannot have a test which was chosen by its marker.

    To import them all takes 10 s of processor time in each worker, which is more than the tests of
    some markers take.
    """
    chosen = _TESTS_OF_ONE_MARKER.fullmatch(config.option.markexpr)
    if chosen is None or chosen[1] == "not" or collection_path.suffix != ".py":
        return None
    return not _names_marker(collection_path, chosen[1]) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a marker that the test's file does not name: a run of that marker leaves it out."""
    for item in items:
        for name in _MAY_START_PROCESSES.intersection(mark.name for mark in item.iter_markers()):
            if not _names_marker(item.path, name):
                message = f"{item.nodeid} has the marker `{name}`, which its file does not name"
                raise pytest.UsageError(message)


class _ProcessGuard:
    """Refuses new processes while a test runs that must not start any.

    An audit hook cannot be removed again, so there is one for the whole run.
    """

    def __init__(self) -> None:
        self._on = False
        sys.addaudithook(self._audit)

    def _audit(self, event: str, _: object) -> None:
        if self._on and event in {"subprocess.Popen", "os.fork", "os.posix_spawn"}:
            pytest.fail("a test that starts a process needs the marker `system`")

    @contextlib.contextmanager
    def set(self, *, on: bool) -> Generator[None]:
        before, self._on = self._on, on
        try:
            yield
        finally:
            self._on = before


_GUARD: Final = _ProcessGuard()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that starts a process without a marker which says so."""
    allowed = any(item.get_closest_marker(name) for name in _MAY_START_PROCESSES)
    with _GUARD.set(on=not allowed):
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def _default_signals_in_new_processes() -> Iterator[None]:
    """Have Ctrl-C end what a test starts, even in a suite that runs in the background."""
    with default_in_new_processes():
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_tls_context() -> Iterator[None]:
    """Let all HTTP clients share one TLS context: to make one takes 20 ms, and no test speaks TLS."""
    with pytest.MonkeyPatch.context() as patch:
        create = cache(httpx._transports.default.create_ssl_context)
        patch.setattr("httpx._transports.default.create_ssl_context", create)
        yield


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.fixture(scope="session")
def types() -> Catalogue:
    return catalogue.load_catalogue()


@pytest.fixture
def embedded_kafka() -> Iterator[str]:
    """The address of an embedded broker of the test's own: it starts in 60 ms.

    A client decodes the metadata of every topic there is. With one broker for all tests, each test
    leaves some fifty topics, and that took most of the time of those that come later.
    """
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr("bridge.dev.broker.free_port", free_port)
        broker = embedded_broker()
        with _GUARD.set(on=False):
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
