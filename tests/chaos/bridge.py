"""The bridge under test: the real command, as a process that can be stopped in every way."""

import asyncio
import json
import resource
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bridge.dev.account import ACCOUNTS
from bridge.telemetry.metric_defs import PREFIX
from tests.chaos.callbacks import PUBLIC_URL
from tests.kafka.cluster import die_with_parent
from tests.support.cli import COMMAND, Started, environment
from tests.support.ports import free_port

# Kafka has these long before a callback goes to the spool; the command's own are longer.
ACK_S: Final = 2.0
CONTROL_ACK_S: Final = 1.0
# What is stated of an orderly end: SHUTDOWN_TIMEOUT_S, 2 s for the drain, KAFKA_FLUSH_TIMEOUT_S, by
# their defaults; and a second for a busy machine.
END_MAX_S: Final = 15.0 + 2.0 + 10.0 + 1.0
_READY_S: Final = 60.0
_END_S: Final = 60.0
_ROOT: Final = Path(__file__).parents[2]


class NotReady(Exception):
    """The bridge did not become ready, or ended. The text is the end of its output."""


class BridgeProcess:
    """One place a bridge runs at: its ports stay when it is started again.

    ``command`` is what to run instead of the installed command, ``inside`` what to run it within.
    """

    def __init__(
        self,
        slot: str,
        *,
        kafka: str,
        prefix: str,
        spool: Path,
        command: Sequence[str | Path] = (COMMAND,),
        inside: Sequence[str] = (),
        **settings: str,
    ) -> None:
        self.slot = slot
        self.port, self._management_port = free_port(), free_port()
        self._command = [*inside, *command, "serve"]
        self._settings = {
            "accounts": json.dumps(ACCOUNTS),
            "host": "127.0.0.1",
            "kafka_ack_timeout_s": str(ACK_S),
            "kafka_bootstrap_servers": kafka,
            "kafka_control_ack_timeout_s": str(CONTROL_ACK_S),
            "log_level": "warning",
            "management_port": str(self._management_port),
            "port": str(self.port),
            "public_url": PUBLIC_URL,
            "spool_directory": str(spool),
            "topic_prefix": prefix,
            **settings,
        }
        self._started: Started | None = None
        self._said: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._of_process().pid

    @property
    def running(self) -> bool:
        return self._started is not None and self._started.process.poll() is None

    @property
    def said(self) -> list[str]:
        """What all processes at this place have written so far."""
        now = [*self._started.out, *self._started.err] if self._started else []
        return [*self._said, *now]

    def start(self) -> None:
        """Start a process, from the main thread: the kernel kills it when that thread ends."""
        self._said = self.said
        process = subprocess.Popen(
            self._command,
            env=environment(**self._settings),
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (it calls the kernel and nothing else)
        )
        self._started = Started(process)

    async def says_ready(self) -> bool:
        """Say whether it says that callbacks are to be sent to it."""
        return (await self._asked("/readyz"))[0] == 200

    async def ready(self) -> None:
        """Return when it says so; raises NotReady."""
        try:
            async with asyncio.timeout(_READY_S):
                while not await self.says_ready():
                    if not self.running:
                        break
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise NotReady(self._last_words()) from error
        if not self.running:
            raise NotReady(self._last_words())

    def kill(self) -> None:
        """End the process at once."""
        self._of_process().kill()
        self._of_process().wait()

    def send_signal(self, number: signal.Signals) -> None:
        """Send the process a signal, by its own id."""
        self._of_process().send_signal(number)

    async def end(self) -> tuple[int, float]:
        """End the process in order; return its exit code, and how many seconds that took."""
        process = self._of_process()
        begun_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_END_S):
                while process.poll() is None:  # noqa: ASYNC110 (nothing tells when)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            self.kill()
        return process.returncode, time.monotonic() - begun_s

    def limit_files(self, bytes_max: int) -> None:
        """Have the kernel refuse what the process writes beyond so many bytes of any file."""
        limits = (bytes_max, resource.RLIM_INFINITY)
        resource.prlimit(self._of_process().pid, resource.RLIMIT_FSIZE, limits)

    async def metric(self, name: str, **labels: str) -> float | None:
        """Return the sum of a metric's series with these labels; None if nobody answers."""
        status, text = await self._asked("/metrics")
        if status != 200:
            return None
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == f"{PREFIX}_{name}"
            and all(sample.labels.get(key) == value for key, value in labels.items())
        )

    async def _asked(self, path: str) -> tuple[int, str]:
        """Return what the management port answers; 0 and nothing if it does not."""
        try:
            async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
                answer = await client.get(f"http://127.0.0.1:{self._management_port}{path}")
        except httpx.TransportError:
            return 0, ""
        return answer.status_code, answer.text

    def _of_process(self) -> subprocess.Popen[str]:
        if self._started is None:
            message = f"{self.slot} was never started"
            raise NotReady(message)
        return self._started.process

    def _last_words(self) -> str:
        return f"{self.slot}: " + "\n".join(self.said[-20:])
