"""A journal replayed into a new topic, killed half way, and measured: ``python -m tests.bench.replay``.

1. The journal's records are made by the real core: ring, answer and hangup of distinct calls.
2. The replay and a bare aiokafka read of the same topic are run in turn, round by round, each in a
   process of its own; CPU is the process's, without its start. Compare the ratios.
3. Then the command itself is killed with SIGKILL half way, and said again: into new topics, into the
   live topic, and into a file. What is there is compared with the source, record by record, by
   librdkafka.
4. The commands' memory is looked at while they run, from the beginning of the one that is killed to the
   end of the one that goes on.
5. Everything the documentation promises is asserted: no gap, nothing changed, every partition's order,
   no more there twice than it says, memory that does not grow, no group moved.

It runs on the cluster of ``--bootstrap``, or on one it starts from the jars ``make test-kafka`` gets.
"""

import asyncio
import contextlib
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from aiokafka import AIOKafkaProducer
from rich.console import Console
from rich.table import Table

from bridge.derived.topics import PlannedTopic
from bridge.publish.connection import KafkaConnection
from bridge.publish.supervisor import BATCH_BYTES_MAX
from bridge.publish.topics import Provisioner
from bridge.reader.window import Window, find_ranges
from bridge.replay.targets.topic import CHECKPOINT_RECORDS_MAX
from bridge.telemetry import logs
from tests.bench.replay_memory import Memory
from tests.bench.replayed import commit, compare, groups
from tests.bench.replayed_live import compare_behind
from tests.kafka.cluster import Node
from tests.kafka.three_brokers import ThreeBrokers
from tests.support.cli import COMMAND, environment
from tests.support.stored_calls import calls, journal_of

PARTITIONS = 12
CALLBACKS_OF_CALL = 3
GROUP = "consumers-of-the-journal"
_LIBS = Path(__file__).parents[2] / ".cache" / "kafka" / "libs"  # where `make` puts Kafka's jars
_LOOK_S = 0.05

console = Console(highlight=False, soft_wrap=True)


@dataclass
class Bench:
    """A journal on a cluster, and a folder for plans and files."""

    address: str
    prefix: str
    folder: Path
    measured: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        return journal_of(self.prefix)

    @property
    def settings(self) -> dict[str, str]:
        return {"kafka_bootstrap_servers": self.address, "topic_prefix": self.prefix}

    def command(self, *arguments: str) -> dict[str, Any]:
        """Run ``replay`` to its end, and return its last line."""
        done = subprocess.run(
            [COMMAND, "replay", *arguments],
            env=environment(**self.settings),
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return _last_line(done.stdout)

    def measure(self, kind: str, name: str) -> None:
        """Run a child, and keep what it says."""
        child = [sys.executable, "-m", "tests.bench.replay_children", kind, self.address, name]
        done = subprocess.run(
            [*child, str(self.folder / "plan.json")], capture_output=True, check=True
        )
        self.measured.setdefault(kind, []).append(orjson.loads(done.stdout))

    def killed_and_gone_on_with(
        self, progress: Path, records: int, *arguments: str
    ) -> tuple[dict[str, Any], Memory]:
        """Kill ``replay run`` when half is noted, say it again, and return its last line and memory."""
        said = ("run", *arguments, "--progress", str(progress))
        memory = Memory()
        with self._started(*said) as first:
            while not _noted(progress) >= records // 2:
                assert first.poll() is None, "it ended before it could be killed"
                if _noted(progress):
                    memory.look(first.pid)
                time.sleep(_LOOK_S)
            first.kill()
        with self._started(*said) as second:
            while second.poll() is None:
                memory.look(second.pid)
                time.sleep(_LOOK_S)
        assert second.returncode == 0
        return _last_line((self.folder / "said").read_bytes()), memory

    def _started(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "said").open("wb") as said:
            return subprocess.Popen(
                [COMMAND, "replay", *arguments],
                env=environment(**self.settings),
                cwd=self.folder,
                stdout=said,
            )


def _last_line(said: bytes) -> dict[str, Any]:
    return dict(orjson.loads(said.splitlines()[-1]))


def _noted(progress: Path) -> int:
    try:
        return int(orjson.loads(progress.read_bytes())["records"])
    except FileNotFoundError:
        return 0


@contextlib.asynccontextmanager
async def _cluster(bootstrap: str | None, brokers: int) -> AsyncGenerator[str]:
    if bootstrap:
        yield bootstrap
        return
    with tempfile.TemporaryDirectory(prefix="replay-kafka-") as folder:
        if brokers == 1:
            node = Node(_LIBS, Path(folder) / "node")
            await node.start()
            try:
                yield node.address()
            finally:
                node.kill()
            return
        cluster = ThreeBrokers(_LIBS, Path(folder) / "cluster")
        await cluster.start()
        try:
            yield cluster.addresses()
        finally:
            cluster.kill_all()


async def _journal(bench: Bench, records: int, brokers: int) -> float:
    """Store the journal, and return how long that took."""
    configs = {"retention.ms": "-1", "min.insync.replicas": str(max(1, brokers - 1))}
    topic = PlannedTopic(bench.topic, "the journal", PARTITIONS, brokers, configs)
    async with Provisioner(KafkaConnection(bench.address)) as provisioner:
        await provisioner.apply([topic])
    producer = AIOKafkaProducer(
        bootstrap_servers=bench.address, acks="all", enable_idempotence=True, max_batch_size=262_144
    )
    await producer.start()
    begun_s = time.perf_counter()
    for taken in calls(records // CALLBACKS_OF_CALL, prefix=bench.prefix):
        record = taken.journal
        await producer.send(
            record.topic,
            record.value,
            record.key,
            timestamp_ms=record.timestamp_ms,
            headers=list(record.headers),
        )
    await producer.stop()
    return time.perf_counter() - begun_s


def _show_rates(bench: Bench, rounds: int) -> None:
    for number in range(rounds):
        bench.measure("bare", bench.topic)
        bench.measure("replay", f"round{number}")
    table = Table("what", "records/s", "CPU per record", "ratio to the read", "peak memory")
    base = bench.measured["bare"]
    for kind, found in bench.measured.items():
        ratios = [
            (one["cpu_s"] / one["records"]) / (other["cpu_s"] / other["records"])
            for one, other in zip(found, base, strict=True)
        ]
        table.add_row(
            {"bare": "bare aiokafka read", "replay": "replay into a new topic"}[kind],
            f"{statistics.median(one['records'] / one['wall_s'] for one in found):,.0f}",
            f"{statistics.median(one['cpu_s'] / one['records'] for one in found) * 1e6:.1f} µs",
            f"{statistics.median(ratios):.2f}",
            f"{max(one['peak_mib'] for one in found):.0f} MiB",
        )
    console.print(table)
    verdict = compare(bench.address, bench.topic, f"{bench.topic}.replay.round0")
    console.print(f"not interrupted: {verdict}")
    assert verdict.holds
    assert verdict.planned == verdict.stored


def _show_killed(bench: Bench, records: int) -> None:
    end, memory = bench.killed_and_gone_on_with(
        bench.folder / "killed.json", records, "--plan", "plan.json"
    )
    verdict = compare(bench.address, bench.topic, end["to"][0])
    console.print(f"killed half way, new topic: {verdict}\n  memory: {memory}")
    assert verdict.holds
    # What was under way: one batch of each partition.
    assert verdict.duplicates <= PARTITIONS * (1 + BATCH_BYTES_MAX * records // end["bytes"])
    assert memory.is_flat


def _show_killed_file(bench: Bench, records: int) -> None:
    plan = ("--plan", "plan.json")
    bench.command("run", *plan, "--to-jsonl", "whole.jsonl")
    _, memory = bench.killed_and_gone_on_with(
        bench.folder / "torn.json", records, *plan, "--to-jsonl", "torn.jsonl"
    )
    sums = [_sha256(bench.folder / name) for name in ("whole.jsonl", "torn.jsonl")]
    console.print(f"killed half way, JSON lines: {sums}\n  memory: {memory}")
    assert sums[0] == sums[1]
    assert memory.is_flat


def _show_killed_live(bench: Bench, records: int) -> None:
    """Replay the replay of the first round into itself: the live topic, but not the others'."""
    live = f"{bench.topic}.replay.round0"
    among = asyncio.run(find_ranges(KafkaConnection(bench.address), [live], Window()))
    ends = {one.partition: one.end for one in among}
    offsets = [f"--offsets={live}:{number}:0-{end - 1}" for number, end in ends.items()]
    bench.command("plan", "--from=journal", *offsets, "--out", "live.json")
    _, memory = bench.killed_and_gone_on_with(
        bench.folder / "live-killed.json", records, "--plan", "live.json", "--to-live"
    )
    verdict = compare_behind(bench.address, live, ends)
    console.print(f"killed half way, live topic: {verdict}\n  memory: {memory}")
    assert verdict.holds
    assert verdict.planned == records
    assert verdict.duplicates <= CHECKPOINT_RECORDS_MAX
    assert memory.is_flat


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _shown(bench: Bench, records: int, rounds: int) -> None:
    commit(bench.address, GROUP, bench.topic)
    before = groups(bench.address)
    begun_s = time.perf_counter()
    planned = bench.command("plan", "--from=journal", "--out", "plan.json")
    took_s = time.perf_counter() - begun_s
    console.print(
        f"planned {planned['records']:,} records, {planned['bytes']:,} bytes: {took_s:.1f} s"
    )
    assert planned["records"] == records
    _show_rates(bench, rounds)
    _show_killed(bench, records)
    _show_killed_file(bench, records)
    _show_killed_live(bench, records)
    console.print(f"consumer groups unmoved: {groups(bench.address) == before}")
    assert groups(bench.address) == before


def main(
    bootstrap: Annotated[str | None, typer.Option(help="An existing cluster.")] = None,
    brokers: Annotated[int, typer.Option(help="1, or 3 and a controller: replicas, too.")] = 3,
    records: int = 200_000,
    rounds: int = 3,
) -> None:
    """Show that a replay is what it says, and what it costs."""
    records += -records % CALLBACKS_OF_CALL

    async def stored() -> None:
        async with _cluster(bootstrap, brokers) as address:
            with tempfile.TemporaryDirectory(prefix="replay-bench-") as folder:
                bench = Bench(address, f"bench{os.getpid()}.", Path(folder))
                took_s = await _journal(bench, records, brokers)
                console.print(f"{records:,} callbacks stored on {brokers} brokers: {took_s:.0f} s")
                await asyncio.to_thread(_shown, bench, records, rounds)

    logs.silence_library_loggers()  # they complain while the cluster comes up
    asyncio.run(stored())


if __name__ == "__main__":
    typer.run(main)
