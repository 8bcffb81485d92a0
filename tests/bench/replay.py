"""A journal replayed into a new topic, killed half way, and measured: ``python -m tests.bench.replay``.

1. The journal's records are made by the real core: ring, answer and hangup of distinct calls.
2. The replay and a bare aiokafka read of the same topic are run in turn, round by round, each in a
   process of its own; CPU is the process's, without its start. Compare the ratios.
3. Then the command itself is killed with SIGKILL half way, and said again: into new topics, into the
   live topic, and into a file. What is there is compared with the source, record by record, by
   librdkafka.
4. The killed commands' memory is looked at while they run.

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

from bridge import logs
from bridge.derived.topics import PlannedTopic
from bridge.publish.connection import Connection
from bridge.publish.provision import Provisioner
from bridge.replay.window import Window, stretches
from tests.bench.replayed import commit, compare, groups
from tests.cli.process import COMMAND, environment
from tests.kafka.cluster import Node
from tests.kafka.three_brokers import ThreeBrokers
from tests.replay.calls import calls, journal_of

PARTITIONS = 12
CALLBACKS_OF_CALL = 3
GROUP = "consumers-of-the-journal"
_LIBS = "BRIDGE_TEST_KAFKA_LIBS"
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
        line: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
        return line

    def measure(self, kind: str, name: str) -> None:
        """Run a child, and keep what it says."""
        child = [sys.executable, "-m", "tests.bench.replay_children", kind, self.address, name]
        done = subprocess.run(
            [*child, str(self.folder / "plan.json")], capture_output=True, check=True
        )
        self.measured.setdefault(kind, []).append(orjson.loads(done.stdout))

    def killed(self, progress: Path, records: int, *arguments: str) -> list[float]:
        """Run ``replay run`` until half is noted, kill it, and return its memory as it went."""
        process = subprocess.Popen(
            [COMMAND, "replay", "run", *arguments, "--progress", str(progress)],
            env=environment(**self.settings),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        resident: list[float] = []
        while not _noted(progress) >= records // 2:
            assert process.poll() is None, "it ended before it could be killed"
            if _noted(progress):
                resident.append(_resident_mib(process.pid))
            time.sleep(_LOOK_S)
        process.kill()
        process.wait()
        return resident


def _noted(progress: Path) -> int:
    try:
        return int(orjson.loads(progress.read_bytes())["records"])
    except FileNotFoundError:
        return 0


def _resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@contextlib.asynccontextmanager
async def _cluster(bootstrap: str | None, brokers: int) -> AsyncGenerator[str]:
    if bootstrap:
        yield bootstrap
        return
    said = os.environ.get(_LIBS)  # noqa: TID251 (the Makefile's word)
    if not said:
        message = f"say --bootstrap, or {_LIBS}=folder of Kafka's jars"
        raise typer.BadParameter(message)
    with tempfile.TemporaryDirectory(prefix="replay-kafka-") as folder:
        if brokers == 1:
            node = Node(Path(said), Path(folder) / "node")
            await node.start()
            try:
                yield node.address()
            finally:
                node.kill()
            return
        cluster = ThreeBrokers(Path(said), Path(folder) / "cluster")
        await cluster.start()
        try:
            yield cluster.addresses()
        finally:
            cluster.kill_all()


async def _journal(bench: Bench, records: int, brokers: int) -> float:
    """Store the journal, and return how long that took."""
    configs = {"retention.ms": "-1", "min.insync.replicas": str(max(1, brokers - 1))}
    topic = PlannedTopic(bench.topic, "the journal", PARTITIONS, brokers, configs)
    async with Provisioner(Connection(bench.address)) as provisioner:
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
    assert not verdict.duplicates


def _show_killed(bench: Bench, records: int) -> None:
    progress = bench.folder / "killed.json"
    plan = ("--plan", "plan.json")
    resident = bench.killed(progress, records, *plan)
    end = bench.command("run", *plan, "--progress", str(progress))
    verdict = compare(bench.address, bench.topic, end["to"][0])
    console.print(f"killed half way, new topic: {verdict}")
    quarter = max(1, len(resident) // 4)
    early, late = max(resident[:quarter]), max(resident[-quarter:])
    console.print(f"  memory while it ran: {early:.0f} MiB early, {late:.0f} MiB late")
    assert verdict.holds


def _show_killed_file(bench: Bench, records: int) -> None:
    plan = ("--plan", "plan.json")
    bench.command("run", *plan, "--to-jsonl", "whole.jsonl")
    progress = bench.folder / "torn.json"
    resident = bench.killed(progress, records, *plan, "--to-jsonl", "torn.jsonl")
    bench.command("run", *plan, "--to-jsonl", "torn.jsonl", "--progress", str(progress))
    sums = [_sha256(bench.folder / name) for name in ("whole.jsonl", "torn.jsonl")]
    console.print(
        f"killed half way, JSON lines: the same bytes {sums[0] == sums[1]} {sums[0][:16]}"
    )
    console.print(f"  memory while it ran: at most {max(resident):.0f} MiB")
    assert sums[0] == sums[1]


def _show_killed_live(bench: Bench, records: int) -> None:
    """Replay the replay of the first round into itself: the live topic, but not the others'."""
    live = f"{bench.topic}.replay.round0"
    offsets = [f"--offsets={live}:{number}:0-" for number in range(PARTITIONS)]
    bench.command("plan", "--from=journal", *offsets, "--out", "live.json")
    progress = bench.folder / "live-killed.json"
    plan = ("--plan", "live.json", "--to-live")
    bench.killed(progress, records, *plan)
    end = bench.command("run", *plan, "--progress", str(progress))
    more = _stored(bench.address, live) - 2 * records
    console.print(f"killed half way, live topic: {end['records']} records, {more} of them twice")
    assert 0 <= more <= 10_000


def _stored(address: str, topic: str) -> int:
    found = asyncio.run(stretches(Connection(address), [topic], Window()))
    return sum(one.end - one.begin for one in found)


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

    logs.leave_out_libraries()  # they complain while the cluster comes up
    asyncio.run(stored())


if __name__ == "__main__":
    typer.run(main)
