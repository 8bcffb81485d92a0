"""Kafka, as several commands need it: a connected publisher, and the topics that exist."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from bridge.cli import output
from bridge.publish import PublishRules, Unavailable
from bridge.publish.connection import KafkaConnection
from bridge.publish.publisher import KafkaPublisher
from bridge.reader.topic_reader import find_missing_topics

_CONNECT_TIMEOUT_S: Final = 20.0
_POLL_S: Final = 0.02


@contextlib.asynccontextmanager
async def open_publisher(
    connection: KafkaConnection, rules: PublishRules, *, flush_timeout_s: float
) -> AsyncGenerator[KafkaPublisher]:
    """Run a publisher, connected. Raises Unavailable if it does not connect in time."""
    publisher = KafkaPublisher(connection, rules)
    publisher.start()
    try:
        try:
            await wait_until_available(publisher)
        except TimeoutError as error:
            message = f"{connection.bootstrap_servers}: no connection"
            raise Unavailable(message) from error
        yield publisher
    finally:
        await publisher.stop(flush_timeout_s)


async def wait_until_available(publisher: KafkaPublisher) -> None:
    """Wait until a publisher is connected. Raises TimeoutError."""
    async with asyncio.timeout(_CONNECT_TIMEOUT_S):
        while not publisher.available:  # noqa: ASYNC110 (once, at the start)
            await asyncio.sleep(_POLL_S)


async def existing_topics(connection: KafkaConnection, topics: Sequence[str]) -> list[str]:
    """Return the topics that exist, and print the missing ones. Raises CannotRead."""
    missing = await find_missing_topics(connection, topics)
    if missing:
        names = ", ".join(missing)
        output.print_stderr(
            f"missing topics, or no permission to describe them; read as empty: {names}"
        )
    return [topic for topic in topics if topic not in missing]
