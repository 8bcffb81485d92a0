"""The processes ``tests.bench.replay`` measures: a bare read, and a replay, each without its start.

Each prints one line of JSON: records, seconds, seconds of CPU, and the peak of its memory.
"""

import asyncio
import resource
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from bridge.publish.connection import KafkaConnection
from bridge.replay import ReplayRun
from bridge.replay.plan import load_plan
from bridge.replay.progress import Destination, new_progress
from bridge.replay.run import RunHooks, run_replay
from bridge.replay.targets.choose import open_target

_POLL_MS = 1_000


@dataclass
class Cost:
    """What a piece of work took."""

    records: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0


@asynccontextmanager
async def _costs() -> AsyncGenerator[Cost]:
    cost = Cost()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    yield cost
    cost.wall_s, cost.cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s


async def bare(address: str, topic: str, _plan: Path) -> Cost:
    """Read a topic with aiokafka as it is, every option at its default."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address, group_id=None, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        known = await consumer._client.fetch_all_metadata()
        places = [TopicPartition(topic, one) for one in known.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        async with _costs() as cost:
            while cost.records < sum(ends.values()):
                for found in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                    cost.records += len(found)
    finally:
        await consumer.stop()
    return cost


async def replay(address: str, replay_id: str, plan_file: Path) -> Cost:
    """Replay a plan into a new topic, as ``replay run --plan`` does."""
    connection = KafkaConnection(address)
    progress = new_progress(
        load_plan(plan_file), Destination("new-topic"), ReplayRun(replay_id, "2026-03-08T09:00:00Z")
    )
    file = plan_file.with_name(f"{replay_id}.json")
    watch = RunHooks(time.monotonic, lambda: "now", lambda _: None, asyncio.Event())
    async with (
        open_target(connection, progress, idempotence=True, at_once=False) as target,
        _costs() as cost,
    ):
        end = await run_replay(connection, progress, target, file=file, pace=None, hooks=watch)
        cost.records = end.records
    return cost


KINDS: dict[str, Callable[[str, str, Path], Awaitable[Cost]]] = {"bare": bare, "replay": replay}


async def _main() -> None:
    kind, address, name, plan_file = sys.argv[1:]
    cost = await KINDS[kind](address, name, Path(plan_file))
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(orjson.dumps({**vars(cost), "peak_mib": peak_kib / 1024}).decode())


if __name__ == "__main__":
    asyncio.run(_main())
