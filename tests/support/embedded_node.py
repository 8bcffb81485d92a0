"""An embedded broker that tests may kill and start again on its port. What it held is gone then."""

import asyncio
import subprocess

from bridge.dev import broker
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S


class EmbeddedNode:
    """One Tansu, with the part of ``tests.kafka.cluster.Node`` that both kinds can do."""

    def __init__(self) -> None:
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start it and return when it answers; its last life may hold the port for a moment yet."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if self._process is None or self._process.poll() is not None:
                    self._process = self._spawn()
                if await broker._is_answering(self.address()):
                    return
                await asyncio.sleep(0.25)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        url = f"tcp://{self.address()}"
        return subprocess.Popen(
            [
                broker._find_binary(),
                "broker",
                "--listener-url",
                url,
                "--advertised-listener-url",
                url,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=broker._die_with_parent,  # noqa: PLW1509 (no other thread holds a lock here)
        )
