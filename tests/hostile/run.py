"""One run: a bridge on an embedded broker, genuine callbacks, and one kind of hostile traffic.

1. The bridge is the real command with its default limits. Each kind gets a new one, so that the
   memory is of that kind alone.
2. Genuine callbacks are signed hangups of calls of their own, at a low steady rate: half over kept-alive
   connections, half each over a new one. None is sent a second time, though Plivo would.
3. Each that was answered 2xx must be in the journal in the end.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Final
from uuid import UUID, uuid4

import httpx

from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.core.parameters import FORM
from bridge.derived.topics import Sizing, plan
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.sign import sign_headers
from bridge.normalise.time import load_zone
from tests.chaos.bridge import BridgeProcess
from tests.chaos.callbacks import PUBLIC_URL
from tests.hostile.attacks import Attack
from tests.kafka.cluster import die_with_parent
from tests.support.embedded_node import EmbeddedNode
from tests.support.emulated_call import EmulatedCall, answered_call
from tests.support.kafka import Kafka, make_topics, read_back

RATE_PER_S: Final = 20.0
ANSWER_S: Final = 15.0  # as long as Plivo waits
_HEAD_START_S: Final = 0.5
_STORED_S: Final = 30.0
_SAMPLE_S: Final = 0.05
_KIB: Final = 1024
_SIZING: Final = Sizing(
    partitions=1,
    replication_factor=1,
    min_insync_replicas=1,
    event_retention_days=0,
    journal_retention_days=0,
    dead_letter_retention_days=0,
)


@dataclass(frozen=True, slots=True)
class Row:
    """What one kind of hostile traffic came to; statuses are those of genuine callbacks."""

    name: str
    what: str
    seconds: float
    hostile: dict[str, int]
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_share: float
    """Of one core, from the begin of the hostile traffic to its end."""
    memory_before_mib: float
    memory_max_mib: float
    lost: int
    is_running: bool

    @property
    def is_sound(self) -> bool:
        """Say whether every genuine callback was answered 200, and is stored."""
        return set(self.statuses) == {"200"} and not self.lost and self.is_running


async def run(attack: Attack | None, *, seconds: float, node: EmbeddedNode, folder: Path) -> Row:
    """Run one kind of traffic against a bridge; None is nothing but genuine callbacks."""
    prefix = f"hostile{secrets.token_hex(4)}."
    kafka = Kafka(node.address(), idempotence=False)
    await make_topics(kafka.connection, *plan(catalogue.load_catalogue(), prefix, _SIZING))
    bridge = BridgeProcess(
        "hostile",
        kafka=node.address(),
        prefix=prefix,
        spool=folder / "spool",
        kafka_idempotence="false",
        accounts=json.dumps(_accounts(attack.tokens if attack else 1)),
    )
    bridge.start()
    try:
        await bridge.ready()
        row = await _measured(attack, bridge, seconds)
        stored = await _stored(node.address(), prefix + JOURNAL_TOPIC, row.accepted)
    finally:
        await bridge.end()
    return row.row(lost=len(row.accepted - stored))


def _accounts(tokens: int) -> list[dict[str, object]]:
    """Return the emulated account with so many tokens: its own, and those of subaccounts."""
    subaccounts = [
        {"auth_id": f"SA{number:018d}", "auth_tokens": [secrets.token_hex(20)]}
        for number in range(tokens - 1)
    ]
    return [{**ACCOUNTS[0], "subaccounts": subaccounts}]


class Genuine:
    """Genuine callbacks, and how each was answered: rule 2."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.statuses: Counter[str] = Counter()
        self.took_ms: list[float] = []
        self.accepted: set[str] = set()

    async def send(self, until_s: float) -> None:
        """Send until then, and return when all are answered."""
        new = httpx.Limits(max_keepalive_connections=0)
        timeout = httpx.Timeout(ANSWER_S)
        due_s, number = time.monotonic(), 0
        async with (
            httpx.AsyncClient(timeout=timeout, trust_env=False) as kept,
            httpx.AsyncClient(timeout=timeout, trust_env=False, limits=new) as anew,
            asyncio.TaskGroup() as group,
        ):
            while number == 0 or time.monotonic() < until_s:
                group.create_task(self._one(kept if number % 2 else anew))
                number += 1
                due_s += 1 / RATE_PER_S
                await asyncio.sleep(due_s - time.monotonic())

    async def _one(self, client: httpx.AsyncClient) -> None:
        uuid = uuid4()
        path, form = _hangup(uuid)
        headers = sign_headers("POST", PUBLIC_URL + path, form, AUTH_TOKEN)
        headers |= {"content-type": FORM, "host": PUBLIC_URL.partition("://")[2]}
        begun_s = time.monotonic()
        try:
            answer = await client.post(self._url + path, content=form, headers=headers)
            status = str(answer.status_code)
        except httpx.ConnectError:
            status = "not connected"
        except httpx.TransportError:
            status = "no answer"
        self.took_ms.append((time.monotonic() - begun_s) * 1000)
        self.statuses[status] += 1
        if status.startswith("2"):
            self.accepted.add(str(uuid))


def _hangup(uuid: UUID) -> tuple[str, str]:
    placed_at = datetime.now(UTC) - timedelta(seconds=72)  # noqa: TID251 (as Plivo would just now)
    *_, hangup = answered_call(EmulatedCall(uuid, AUTH_ID, load_zone(TIMEZONE), placed_at))
    return hangup.path, hangup.form


@dataclass(frozen=True, slots=True)
class _Measured:
    attack: Attack | None
    genuine: Genuine
    hostile: dict[str, int]
    seconds: float
    cpu_s: float
    memory_mib: tuple[float, float]
    is_running: bool

    @property
    def accepted(self) -> set[str]:
        return self.genuine.accepted

    def row(self, *, lost: int) -> Row:
        took = sorted(self.genuine.took_ms)
        parts = quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
        return Row(
            name=self.attack.name if self.attack else "nothing",
            what=self.attack.what if self.attack else "nothing beside genuine callbacks",
            seconds=self.seconds,
            hostile=self.hostile,
            statuses=dict(self.genuine.statuses),
            p50_ms=parts[49],
            p99_ms=parts[98],
            max_ms=took[-1],
            cpu_share=self.cpu_s / self.seconds,
            memory_before_mib=self.memory_mib[0],
            memory_max_mib=self.memory_mib[1],
            lost=lost,
            is_running=self.is_running,
        )


async def _measured(attack: Attack | None, bridge: BridgeProcess, seconds: float) -> _Measured:
    """Send hostile traffic and, from shortly after its begin to its end, genuine callbacks."""
    genuine = Genuine(bridge.url)
    watching = asyncio.create_task(_memory_max_mib(bridge.pid))
    before_mib, cpu_s, begun_s = memory_mib(bridge.pid), _cpu_s(bridge.pid), time.monotonic()
    attacking = _started(attack, bridge.port, seconds) if attack else None
    try:
        if attacking is not None:
            await asyncio.sleep(_HEAD_START_S)
        await genuine.send(begun_s + seconds)
        hostile = await _counts(attacking, seconds) if attacking else {}
    finally:
        if attacking is not None and attacking.poll() is None:
            attacking.kill()
        watching.cancel()
    took_s = time.monotonic() - begun_s
    is_running = bridge.running
    used_s = _cpu_s(bridge.pid) - cpu_s if is_running else 0.0
    [most_mib] = await asyncio.gather(watching, return_exceptions=False)
    return _Measured(
        attack,
        genuine,
        hostile,
        took_s,
        used_s,
        (before_mib, max(most_mib, before_mib)),
        is_running,
    )


def _started(attack: Attack, port: int, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.attacks", attack.name, str(port), str(seconds)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 (it calls the kernel and nothing else)
    )


async def _counts(attacking: subprocess.Popen[str], seconds: float) -> dict[str, int]:
    """Return what was sent, once the attack has ended."""
    out, _ = await asyncio.to_thread(attacking.communicate, timeout=seconds + 30)
    counts: dict[str, int] = json.loads(out)
    return counts


def _cpu_s(pid: int) -> float:
    """Return the CPU a process has used: proc(5), utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process: proc(5), VmRSS; 0 of one that is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = status.partition("VmRSS:")[2].split()
    return int(found[0]) / _KIB if found else 0.0


async def _memory_max_mib(pid: int) -> float:
    """Return the most resident memory until this is cancelled."""
    most = 0.0
    try:
        while True:
            most = max(most, memory_mib(pid))
            await asyncio.sleep(_SAMPLE_S)
    except asyncio.CancelledError:
        return most


async def _stored(address: str, journal: str, accepted: set[str]) -> set[str]:
    """Return which calls the journal holds, once it holds all accepted ones or the time is up."""
    until_s = time.monotonic() + _STORED_S
    while True:
        records = await asyncio.to_thread(read_back, address, [journal])
        stored = {record.key.decode() for record in records}
        if accepted <= stored or time.monotonic() > until_s:
            return stored
        await asyncio.sleep(0.5)
