"""The parts of the linger benchmark work; how fast is not for a test to say."""

import asyncio
import time

import pytest

from bridge.publish.connection import KafkaConnection
from tests.bench.linger import EVENTS, JOURNAL, Proxy, publish_paced
from tests.support.kafka import make_topics, planned
from tests.support.waiting import until

pytest_plugins = ("tests.support.kafka_fixtures",)


async def test_the_proxy_holds_answers_back_and_keeps_their_order() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(10):
            assert await reader.readexactly(2) == b"%02d" % number
            writer.write(b"%02d" % number)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as broker:
        proxy = Proxy(broker.sockets[0].getsockname()[1])
        proxy.round_trip_s = 0.02
        async with await asyncio.start_server(proxy.accept, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            started = time.monotonic()
            for number in range(10):
                writer.write(b"%02d" % number)
                await asyncio.sleep(0)
            assert await reader.readexactly(20) == b"".join(
                b"%02d" % number for number in range(10)
            )
            assert time.monotonic() - started >= proxy.round_trip_s - 0.001
            writer.close()
            await writer.wait_closed()
            await until(lambda: proxy.connections == 0)


@pytest.mark.kafka
async def test_a_short_run_reports_cpu_and_waits(apache_kafka: str) -> None:
    await make_topics(KafkaConnection(apache_kafka), planned(EVENTS), planned(JOURNAL))
    cpu_us, p50_ms, p99_ms = await publish_paced(apache_kafka, linger_ms=2, per_s=200, seconds=0.5)
    assert isinstance(cpu_us, float)
    assert 2 <= p50_ms <= p99_ms
