"""The Python examples, run as a reader would run them."""

import asyncio
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
from aiokafka import TopicPartition

from tests.examples.publishing import (
    HANGUP,
    RING,
    STATUS,
    TIME_LIMIT_S,
    event_record,
    of_one_call,
    publish,
)
from tests.support.sample_events import changed

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = pytest.mark.system

ROOT = Path(__file__).parent.parent.parent


async def printed(example: str, arguments: Sequence[str]) -> list[str]:
    """Run an example to its end; return the lines it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "examples" / example),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT)},
    )
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        output, errors = await process.communicate()
        pytest.fail(f"it did not end\n{output.decode()}\n{errors.decode()}")
    assert process.returncode == 0, errors.decode()
    return output.decode().splitlines()


async def test_the_consumer_with_the_package_prints_each_event_once_and_calls_in_order(
    embedded_kafka: str, prefix: str
) -> None:
    newer = changed(HANGUP, lambda event: event.update(id="0" * 32, type="com.plivo.new.v1"))
    word = changed(STATUS, lambda event: event["data"]["to"].update(kind="satellite"))
    records = [
        *of_one_call(),
        event_record(HANGUP, value=newer),
        event_record(STATUS, value=word),
        event_record(STATUS, value=b"not an event"),
    ]
    topics = await publish(embedded_kafka, prefix, records)
    # A busy machine may read the ring much later than the hangup. At the last record all is printed.
    options = ["--records", str(len(records)), "--window", "3600"]
    lines = await printed("python_consume.py", [embedded_kafka, *topics, *options])
    hangup = "14:14:43 com.plivo.voice.call.hangup.v1 after 66 s: Normal Hangup"
    ring = next(line for line in lines if "voice.call.ring.v1" in line)
    assert lines.index(ring) < lines.index(hangup)
    assert sorted(lines) == sorted(
        [
            hangup,
            ring,
            "14:14:43 com.plivo.new.v1 is newer than this program: unknown_type",
            "14:13:33 com.plivo.messaging.message.status.v1 to 14155550123: delivered",
            "  to.kind has a new word: satellite",
            f"skipped {prefix}plivo.messaging.message.status.v1@1: not_json",
        ]
    )


class _BusyConsumer:
    """Stands in for aiokafka's: a record at each call, so that the buffer is never empty."""

    def __init__(self, clock: SimpleNamespace, values: Sequence[bytes]) -> None:
        self._clock = clock
        self._values = values
        self._read = 0
        self.commits: list[tuple[int, int]] = []
        """How many records were read, and the offset that was committed then."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset({TopicPartition("t", 0)})

    async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, list[SimpleNamespace]]:
        del timeout_ms
        self._clock.now_s += 0.4
        offset = self._read
        self._read += 1
        record = SimpleNamespace(topic="t", partition=0, offset=offset, value=self._values[offset])
        return {TopicPartition("t", 0): [record]}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.commits.append((self._read, offsets[TopicPartition("t", 0)]))


def _hangup_with_id(digits: str) -> bytes:
    return changed(HANGUP, lambda event: event.update(id=digits))


async def test_the_consumer_with_the_package_commits_although_it_always_holds_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = [_hangup_with_id(f"{number:032x}") for number in range(10)]
    clock = SimpleNamespace(now_s=0.0)
    clock.monotonic = lambda: clock.now_s
    consumer = _BusyConsumer(clock, values)
    example = runpy.run_path(str(ROOT / "examples" / "python_consume.py"))
    scope = example["consume"].__globals__
    monkeypatch.setitem(scope, "AIOKafkaConsumer", lambda *_, **__: consumer)
    monkeypatch.setitem(scope, "time", clock)
    await example["consume"]("unused", ["t"], 10, 1.0)
    # At the fourth record the first one is shown, and the last three are held.
    assert consumer.commits == [(1, 0), *((read, read - 3) for read in range(4, 11)), (10, 10)]


async def test_the_plain_consumer_chooses_by_headers_and_prints_each_hangup_once(
    embedded_kafka: str, prefix: str
) -> None:
    unverified = changed(
        HANGUP, lambda event: event["data"]["verification"].update(verdict="unverified")
    )
    stranger = event_record(HANGUP, value=unverified)
    others = tuple(header for header in stranger.headers if header[0] != "ce_id")
    records = [
        *of_one_call(),
        # Were the ring parsed, this would be too.
        event_record(RING, value=b"not an event"),
        stranger._replace(headers=(*others, ("ce_id", b"0" * 32))),
    ]
    topics = await publish(embedded_kafka, prefix, records)
    lines = await printed(
        "python_confluent.py", [embedded_kafka, *topics, "--records", str(len(records))]
    )
    assert lines == ["64d3290a-87a6-46b4-a6e2-20f5f4e07a02 from +14155550100: 66 s"]
