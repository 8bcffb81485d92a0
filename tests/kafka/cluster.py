"""Apache Kafka for tests: one node that is broker and controller, on loopback, in a folder.

1. Nothing outlives the tests: the kernel kills a node whose parent is gone, and a node is ended by
   its own process id, never by name.
2. Ports are looked for and then bound by another process, so the first start may find one taken: it
   is tried again with others. A restart keeps its ports, because clients know them.
3. A node that was killed comes back only when its old registration has expired, hence the short
   session timeout.
"""

import asyncio
import ctypes
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from bridge.dev.broker import free_port

NODE_ID: Final = 1
_CLUSTER_ID: Final = "Y2FsbGJhY2stYnJpZGdlIQ"  # any 16 bytes in url-safe base64
_LOG4J: Final = Path(__file__).with_name("log4j2.properties")
_START_S: Final = 60.0
_STOP_S: Final = 30.0
_TRIES: Final = 3
_PR_SET_PDEATHSIG: Final = 1

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

_SMALL: Final = {
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


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


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
        self._process: subprocess.Popen[bytes] | None = None

    def address(self, listener: str = PLAIN.name) -> str:
        """Return the ``host:port`` of a listener; known once the node was started."""
        return f"127.0.0.1:{self._ports[listener]}"

    async def start(self) -> None:
        """Have the node running, formatted at the first time, and return when it answers: rule 2."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._ports:
            await self._run()
            return
        for attempt in range(_TRIES):
            self._format()
            try:
                await self._run()
            except NodeEnded as error:
                if "Address already in use" not in str(error) or attempt == _TRIES - 1:
                    raise
            else:
                return

    def kill(self) -> None:
        """End the node at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the node in order, or at once if that takes too long."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    async def _run(self) -> None:
        command = java(self._libs, "kafka.Kafka", str(self._folder / "server.properties"))
        command.insert(1, f"-Dkafka.log={self._folder / 'kafka.log'}")
        with (self._folder / "console.log").open("wb") as console:
            self._process = subprocess.Popen(  # noqa: ASYNC220 (starting it takes no time)
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (no other thread holds a lock here)
            )
        try:
            async with asyncio.timeout(_START_S):
                while not await _registered(self.address()):
                    if self._process.poll() is not None:
                        raise NodeEnded(self._last_words())
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            self.kill()
            raise NodeEnded(self._last_words()) from error

    def _last_words(self) -> str:
        logs = [self._folder / name for name in ("console.log", "kafka.log")]
        return "\n".join(log.read_text(errors="replace")[-4000:] for log in logs if log.exists())

    def _format(self) -> None:
        """Choose ports and make the node's folder anew."""
        names = [listener.name for listener in (*self._listeners, CONTROLLER)]
        self._ports = {name: free_port() for name in names}
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        properties = self._folder / "server.properties"
        lines = [f"{key}={value}\n" for key, value in self._properties().items()]
        properties.write_text("".join(lines))
        command = java(self._libs, "kafka.tools.StorageTool", "format")
        command[1:1] = [f"-Dkafka.log={self._folder / 'format.log'}"]
        command += ["-t", _CLUSTER_ID, "-c", str(properties)]
        for name, password in self._scram_users.items():
            command += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NodeEnded(done.stdout + done.stderr)

    def _properties(self) -> dict[str, str]:
        every = (*self._listeners, CONTROLLER)
        properties = {
            "process.roles": "broker,controller",
            "node.id": str(NODE_ID),
            "controller.quorum.voters": f"{NODE_ID}@{self.address(CONTROLLER.name)}",
            "controller.listener.names": CONTROLLER.name,
            "inter.broker.listener.name": PLAIN.name,
            "listeners": ",".join(f"{one.name}://{self.address(one.name)}" for one in every),
            "listener.security.protocol.map": ",".join(
                f"{one.name}:{one.protocol}" for one in every
            ),
            "log.dirs": str(self._folder / "data"),
        }
        for one in self._listeners:
            prefix = f"listener.name.{one.name.lower()}."
            properties |= {prefix + key: value for key, value in one.settings.items()}
        return {**_SMALL, **properties, **self._settings}


async def _registered(address: str) -> bool:
    """Say whether the broker answers and counts itself among the living (rule 3)."""
    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=1000)
    try:
        await client.bootstrap()
        return any(broker.nodeId == NODE_ID for broker in client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()
