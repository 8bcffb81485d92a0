"""The Kafka clusters tests run against. A test file that needs one names this file a plugin.

``make test-kafka`` says where Kafka's jars are, or its user where a cluster is.
"""

import asyncio
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.cluster import Node
from tests.support.kafka import Kafka


def _said(name: str) -> str | None:
    return os.environ.get(name)  # noqa: TID251 (the Makefile's word to the tests)


def _libs() -> Path | None:
    said = _said("BRIDGE_TEST_KAFKA_LIBS")
    libs = Path(said) if said else None
    return libs if libs and any(libs.glob("kafka_2.13-*.jar")) else None


@pytest.fixture(scope="session")
def kafka_libs() -> Path:
    """The folder of Kafka's jars, for what needs a node of its own or Kafka's own tools."""
    libs = _libs()
    if libs is None:
        if _said("BRIDGE_KAFKA_BOOTSTRAP_SERVERS"):
            pytest.skip("needs Apache Kafka's jars, and only a cluster was given")
        pytest.fail("Apache Kafka's jars are not there: run the tests by `make test-kafka`")
    return libs


@pytest.fixture(scope="session")
def apache_kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The bootstrap address of Apache Kafka: the cluster that was named, else a node of our own."""
    named = _said("BRIDGE_KAFKA_BOOTSTRAP_SERVERS")
    if named:
        yield named
        return
    node = Node(
        request.getfixturevalue("kafka_libs"),
        tmp_path_factory.mktemp("kafka") / "node",
        # It is never killed, and a busy machine must not have its controller take it for dead.
        settings={"broker.session.timeout.ms": "60000"},
    )
    try:
        asyncio.run(node.start())
        yield node.address()
    finally:
        node.kill()


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def kafka(request: pytest.FixtureRequest) -> Kafka:
    """Each kind of Kafka the bridge runs on, one after the other."""
    if request.param == "apache":
        return Kafka(request.getfixturevalue("apache_kafka"), idempotence=True)
    return Kafka(request.getfixturevalue("embedded_kafka"), idempotence=False)


@pytest.fixture
def prefix() -> str:
    """A topic prefix no other test has."""
    return f"t{uuid.uuid4().hex[:12]}."
