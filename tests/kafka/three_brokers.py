"""Apache Kafka as it is run for real: three brokers, and a controller that is none of them.

The rules of ``cluster`` hold here too. Besides:

1. The controller has a process of its own, so that any broker, and all of them, can be killed while
   the cluster goes on knowing what it knows.
2. Every topic has three replicas, of which two must have a record before it is acknowledged.
3. Brokers end before the controller: one that outlives it waits minutes for its orderly end.
"""

import asyncio
import base64
import shutil
import signal
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.kafka.cluster import (
    CLUSTER_ID,
    CONTROLLER,
    PLAIN,
    PORT_TAKEN,
    SMALL,
    TRIES,
    Listener,
    NodeEnded,
    NodeProcess,
    format_folder,
    listening,
    living,
    write_properties,
)
from tests.support.ports import free_port

BROKERS: Final = (1, 2, 3)
REPLICAS: Final = 3
IN_SYNC_MIN: Final = 2
_CONTROLLER_ID: Final = 100
_EVERY: Final = (_CONTROLLER_ID, *BROKERS)

_THREEFOLD: Final = {
    "default.replication.factor": str(REPLICAS),
    "min.insync.replicas": str(IN_SYNC_MIN),
    "offsets.topic.replication.factor": str(REPLICAS),
    "replica.lag.time.max.ms": "3000",  # as long as it takes to miss a broker that was killed
    "share.coordinator.state.topic.replication.factor": str(REPLICAS),
    "share.coordinator.state.topic.min.isr": str(IN_SYNC_MIN),
    "transaction.state.log.replication.factor": str(REPLICAS),
    "transaction.state.log.min.isr": str(IN_SYNC_MIN),
}


class ThreeBrokers:
    """Three brokers and their controller.

    ``advertised`` says where clients are told to find a listener of a broker, if that is elsewhere
    than where it listens: behind a proxy. ``scram_users`` maps names to passwords.
    """

    def __init__(
        self,
        libs: Path,
        folder: Path,
        *,
        listeners: Sequence[Listener] = (),
        advertised: Mapping[tuple[int, str], str] | None = None,
        scram_users: Mapping[str, str] | None = None,
    ) -> None:
        self._libs = libs
        self._folder = folder
        self._listeners = (PLAIN, *listeners)
        self._advertised = advertised or {}
        self._scram_users = scram_users or {}
        self._ports: dict[int, dict[str, int]] = {}
        self._processes = {node: NodeProcess(libs, self._node_folder(node)) for node in _EVERY}

    def address(self, broker: int, listener: str = PLAIN.name) -> str:
        """Return where a broker listens; known once the cluster was started."""
        return f"127.0.0.1:{self._ports[broker][listener]}"

    def addresses(self, listener: str = PLAIN.name) -> str:
        """Return where clients are told to find the brokers, for bootstrapping."""
        return ",".join(self._told(broker, listener) for broker in BROKERS)

    async def start(self) -> None:
        """Have all four nodes running, formatted at the first time, and return when all answer."""
        if self._ports:
            await self.start_brokers(*BROKERS)
            return
        for attempt in range(TRIES):
            self._format()
            try:
                self._processes[_CONTROLLER_ID].spawn()
                await self.start_brokers(*BROKERS)
            except NodeEnded as error:
                self.kill_all()
                if PORT_TAKEN not in str(error) or attempt == TRIES - 1:
                    raise
            else:
                return

    async def start_brokers(self, *brokers: int) -> None:
        """Have these running, and return when each knows them all for living."""
        for broker in brokers:
            if not self._processes[broker].running:
                self._processes[broker].spawn()
        for broker in brokers:

            async def registered(address: str = self.address(broker)) -> bool:
                return await living(address) >= set(brokers)

            await self._processes[broker].answering(registered)

    def kill(self, *brokers: int) -> None:
        """End brokers at once, as a power cut would."""
        for broker in brokers:
            self._processes[broker].send_signal(signal.SIGKILL)
        for broker in brokers:
            self._processes[broker].kill()

    async def stop(self, broker: int) -> None:
        """End a broker in order: it hands its partitions over first."""
        await asyncio.to_thread(self._processes[broker].stop)

    def freeze(self, *brokers: int) -> None:
        """Stop brokers where they are: their connections stay open, and nothing comes of them."""
        for broker in brokers:
            self._processes[broker].freeze()

    def thaw(self, *brokers: int) -> None:
        """Let frozen brokers go on."""
        for broker in brokers:
            self._processes[broker].send_signal(signal.SIGCONT)

    def kill_all(self) -> None:
        """End every node, brokers first: rule 3."""
        self.kill(*BROKERS)
        self._processes[_CONTROLLER_ID].kill()

    def _node_folder(self, node: int) -> Path:
        return self._folder / f"node{node}"

    def _told(self, broker: int, listener: str) -> str:
        return self._advertised.get((broker, listener)) or self.address(broker, listener)

    def _format(self) -> None:
        """Choose ports and make the folders anew; the controller's is formatted, the rest follow.

        With voters that are fixed, nodes' storage differs in nothing but their own ids.
        """
        names = [listener.name for listener in self._listeners]
        self._ports = {broker: {name: free_port() for name in names} for broker in BROKERS}
        self._ports[_CONTROLLER_ID] = {CONTROLLER.name: free_port()}
        first = self._node_folder(_CONTROLLER_ID)
        format_folder(
            self._libs, first, self._properties(_CONTROLLER_ID), scram_users=self._scram_users
        )
        for broker in BROKERS:
            folder = self._node_folder(broker)
            shutil.rmtree(folder, ignore_errors=True)
            write_properties(folder, self._properties(broker))
            shutil.copytree(first / "data", folder / "data")
            (folder / "data" / "meta.properties").write_text(
                f"node.id={broker}\ndirectory.id={_directory_id()}\n"
                f"version=1\ncluster.id={CLUSTER_ID}\n"
            )

    def _properties(self, node: int) -> dict[str, str]:
        controls = node == _CONTROLLER_ID
        every = (CONTROLLER,) if controls else self._listeners
        properties = {
            **SMALL,
            **_THREEFOLD,
            **listening(every, self._ports[node]),
            "process.roles": "controller" if controls else "broker",
            "node.id": str(node),
            "controller.quorum.voters": f"{_CONTROLLER_ID}@{self._controller_address()}",
            "log.dirs": str(self._node_folder(node) / "data"),
        }
        if controls:  # it refuses the name of a listener it does not have
            del properties["inter.broker.listener.name"]
            return properties
        properties["listener.security.protocol.map"] += f",{CONTROLLER.name}:{CONTROLLER.protocol}"
        properties["advertised.listeners"] = ",".join(
            f"{one.name}://{self._told(node, one.name)}" for one in self._listeners
        )
        return properties

    def _controller_address(self) -> str:
        return f"127.0.0.1:{self._ports[_CONTROLLER_ID][CONTROLLER.name]}"


def _directory_id() -> str:
    """Return 16 random bytes as Kafka writes them; it does not take one that begins with a dash."""
    return "d" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
