"""Apache Kafka for a benchmark: one node in a folder that goes with it."""

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Final

import typer

from tests.bench.contenders import BROKER_SETTINGS
from tests.bench.load import NotAnswered
from tests.kafka.cluster import Node

LIBS: Final = (
    Path(__file__).parents[2] / ".cache" / "kafka" / "libs"
)  # where `make` puts Kafka's jars

Libs = Annotated[
    Path, typer.Option(envvar="BRIDGE_TEST_KAFKA_LIBS", help="The folder of Kafka's jars.")
]


@contextlib.asynccontextmanager
async def broker(libs: Path, folder: Path) -> AsyncGenerator[Node]:
    """Run a node on the cores of this process."""
    if not any(libs.glob("kafka_2.13-*.jar")):
        message = f"Apache Kafka's jars are not in {libs}: run it by `make bench`"
        raise NotAnswered(message)
    node = Node(libs, folder / "node", settings=BROKER_SETTINGS)
    await node.start()
    try:
        yield node
    finally:
        node.kill()
