"""What tests in every room share."""

import asyncio
from collections.abc import Iterator

import hypothesis
import pytest

from bridge import catalogue
from bridge.catalogue import Catalogue
from bridge.dev.broker import embedded_broker

hypothesis.settings.register_profile(
    "bridge",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("bridge")


@pytest.fixture(scope="session")
def types() -> Catalogue:
    return catalogue.load()


@pytest.fixture(scope="session")
def embedded_kafka() -> Iterator[str]:
    """The address of one embedded broker for the whole run; tests keep apart by topic prefix."""
    with asyncio.Runner() as runner:
        broker = embedded_broker()
        address = runner.run(broker.__aenter__())
        try:
            yield address
        finally:
            runner.run(broker.__aexit__(None, None, None))
