"""A bridge a module, and Plivo in front of it."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.bridge import Running, running_bridge
from tests.support.plivo import Plivo
from tests.support.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def bridge() -> Iterator[Running]:
    with running_bridge() as running:
        yield running


@pytest.fixture(scope="session")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE_S) as client:
        yield client


@pytest.fixture
def plivo(bridge: Running, client: httpx.Client) -> Plivo:
    return Plivo(client, bridge.url)
