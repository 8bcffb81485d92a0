"""The fixtures of ``replay``. A test file that needs one names this file a plugin."""

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.derived.topics import plan
from tests.cli.replaying import Auditor, store_calls
from tests.support.kafka import Kafka, make_topics
from tests.support.stored_calls import SIZING, TYPES, make_some_topics

_STORED: dict[str, str] = {}


@pytest.fixture
async def auditor(kafka: Kafka, prefix: str, tmp_path: Path) -> Auditor:
    """An auditor of topics that all tests share, because none writes to them."""
    if kafka.address not in _STORED:
        _STORED[kafka.address] = prefix
        topics = plan(TYPES, prefix, replace(SIZING, partitions=3))
        await make_topics(kafka.connection, *topics)
        await store_calls(kafka, prefix)
    return Auditor(kafka, _STORED[kafka.address], tmp_path)


@pytest.fixture
async def owner(kafka: Kafka, prefix: str, tmp_path: Path) -> Auditor:
    """An auditor of topics of his own, that he may write to."""
    await make_some_topics(kafka, prefix)
    await store_calls(kafka, prefix)
    return Auditor(kafka, prefix, tmp_path)
