"""Apache Kafka for tests: one node that is broker and controller, on loopback, in a folder.

What every node is made of is here too; ``three_brokers`` makes a cluster of it.

1. Nothing outlives the tests: the kernel kills a node whose parent is gone, and a node is ended by
   its own process id, never by name.
2. Ports are looked for and then bound by another process, so the first start may find one taken: it
   is tried again with others. A restart keeps its ports, because clients know them.
3. A node that was killed comes back only when its old registration has expired, hence the short
   session timeout.
"""

import asyncio
import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from tests.support.ports import free_port

NODE_ID: Final = 1
CLUSTER_ID: Final = "Y2FsbGJhY2stYnJpZGdlIQ"  # any 16 bytes in url-safe base64
_LOG4J: Final = Path(__file__).with_name("log4j2.properties")
_START_S: Final = 120.0
_STOP_S: Final = 30.0
TRIES: Final = 3
PORT_TAKEN: Final = "Address already in use"
PROPERTIES: Final = "server.properties"
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)  # loaded here: between fork and exec there is no time for it

_JVM: Final = (
    "-Xmx256m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dlog4j2.disableJmx=true",
    f"-Dlog4j2.configurationFile={_LOG4J}",
)

SMALL: Final = {
    "auto.create.topics.enable": "false",
    "background.threads": "2",
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "group.initial.rebalance.delay.ms": "0",
    "log.cleaner.dedupe.buffer.size": "2097152",  # by default 128 MiB, taken at the start
    "log.cleaner.io.buffer.size": "131072",
    "metadata.max.idle.interval.ms": "5000",
    "num.io.threads": "2",
    "num.network.threads": "1",
    "num.recovery.threads.per.data.dir": "1",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
}


class NodeEnded(Exception):
    """The node ended instead of answering; the text is the end of what it said."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener beside the plain one. ``settings`` lack their ``listener.name.….`` in front."""

    name: str
    protocol: str
    settings: Mapping[str, str] = field(default_factory=dict)


PLAIN: Final = Listener("PLAINTEXT", "PLAINTEXT")
CONTROLLER: Final = Listener("CONTROLLER", "PLAINTEXT")


def java(libs: Path, *arguments: str) -> list[str]:
    """Return the command that runs a class of Kafka's jars."""
    jars = sorted(str(jar) for jar in libs.glob("*.jar"))
    return ["java", *_JVM, "-cp", ":".join(jars), *arguments]


def die_with_parent() -> None:
    """Have the kernel end a new process when the thread that started it is gone: rule 1."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def listening(every: Sequence[Listener], ports: Mapping[str, int]) -> dict[str, str]:
    """Return the settings of a node's listeners; it is reached where it listens."""
    properties = {
        "controller.listener.names": CONTROLLER.name,
        "inter.broker.listener.name": PLAIN.name,
        "listeners": ",".join(f"{one.name}://127.0.0.1:{ports[one.name]}" for one in every),
        "listener.security.protocol.map": ",".join(f"{one.name}:{one.protocol}" for one in every),
    }
    for one in every:
        prefix = f"listener.name.{one.name.lower()}."
        properties |= {prefix + key: value for key, value in one.settings.items()}
    return properties


def format_folder(
    libs: Path, folder: Path, properties: Mapping[str, str], *, scram_users: Mapping[str, str]
) -> None:
    """Make a node's folder anew: its settings, and its storage; raises NodeEnded."""
    shutil.rmtree(folder, ignore_errors=True)
    write_properties(folder, properties)
    command = java(libs, "kafka.tools.StorageTool", "format")
    command[1:1] = [f"-Dkafka.log={folder / 'format.log'}"]
    command += ["-t", CLUSTER_ID, "-c", str(folder / PROPERTIES)]
    for name, password in scram_users.items():
        command += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeEnded(done.stdout + done.stderr)


def write_properties(folder: Path, properties: Mapping[str, str]) -> None:
    """Write a node's settings into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{key}={value}\n" for key, value in properties.items()]
    (folder / PROPERTIES).write_text("".join(lines))


class NodeProcess:
    """The process of a node whose folder is formatted."""

    def __init__(self, libs: Path, folder: Path) -> None:
        self._libs = libs
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def spawn(self) -> None:
        """Start the process; that it runs does not say that it answers."""
        command = java(self._libs, "kafka.Kafka", str(self._folder / PROPERTIES))
        command.insert(1, f"-Dkafka.log={self._folder / 'kafka.log'}")
        with (self._folder / "console.log").open("wb") as console:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                preexec_fn=die_with_parent,  # noqa: PLW1509 (it calls the kernel and nothing else)
            )

    async def answering(self, answers: Callable[[], Awaitable[bool]]) -> None:
        """Return when ``answers`` says so; raises NodeEnded, and then the process has ended."""
        try:
            async with asyncio.timeout(_START_S):
                while not await answers():
                    if not self.running:
                        raise NodeEnded(self._last_words())
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            self.kill()
            raise NodeEnded(self._last_words()) from error

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the process in order, or at once if that takes too long."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def send_signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def freeze(self) -> None:
        """Stop the process where it is. Return once all its threads have stopped.

        The signal takes a moment, and a thread that still runs could acknowledge a record.
        """
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def _last_words(self) -> str:
        logs = [self._folder / name for name in ("console.log", "kafka.log")]
        return "\n".join(log.read_text(errors="replace")[-4000:] for log in logs if log.exists())


class Node:
    """One node. ``scram_users`` maps names to passwords and is written when the node is formatted."""

    def __init__(
        self,
        libs: Path,
        folder: Path,
        *,
        listeners: Sequence[Listener] = (),
        scram_users: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._libs = libs
        self._folder = folder
        self._listeners = (PLAIN, *listeners)
        self._scram_users = scram_users or {}
        self._settings = settings or {}
        self._ports: dict[str, int] = {}
        self._process = NodeProcess(libs, folder)

    def address(self, listener: str = PLAIN.name) -> str:
        """Return the ``host:port`` of a listener; known once the node was started."""
        return f"127.0.0.1:{self._ports[listener]}"

    async def start(self) -> None:
        """Have the node running, formatted at the first time, and return when it answers: rule 2."""
        if self._process.running:
            return
        if self._ports:
            await self._run()
            return
        for attempt in range(TRIES):
            self._format()
            try:
                await self._run()
            except NodeEnded as error:
                if PORT_TAKEN not in str(error) or attempt == TRIES - 1:
                    raise
            else:
                return

    def kill(self) -> None:
        """End the node at once, as a power cut would."""
        self._process.kill()

    def stop(self) -> None:
        """End the node in order, or at once if that takes too long."""
        self._process.stop()

    async def _run(self) -> None:
        self._process.spawn()

        async def registered() -> bool:
            return NODE_ID in await living(self.address())

        await self._process.answering(registered)

    def _format(self) -> None:
        """Choose ports and make the node's folder anew."""
        every = (*self._listeners, CONTROLLER)
        self._ports = {listener.name: free_port() for listener in every}
        properties = {
            **SMALL,
            **listening(every, self._ports),
            "process.roles": "broker,controller",
            "node.id": str(NODE_ID),
            "controller.quorum.voters": f"{NODE_ID}@{self.address(CONTROLLER.name)}",
            "log.dirs": str(self._folder / "data"),
            **self._settings,
        }
        format_folder(self._libs, self._folder, properties, scram_users=self._scram_users)


async def living(address: str) -> set[int]:
    """Return which brokers the one at ``address`` counts among the living (rule 3)."""
    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=1000)
    try:
        await client.bootstrap()
        return {broker.nodeId for broker in client.cluster.brokers()}
    except KafkaError:
        return set()
    finally:
        await client.close()
