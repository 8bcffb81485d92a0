"""What the image costs: ``python -m tests.image.figures``, on Linux, where docker or podman runs.

1. A start is timed from the process's own start, as the kernel has it (10 ms ticks), to the first 200.
   What the engine does before that, which depends on its storage, is not in it.
2. Kafka is the embedded broker, up before the bridge, with the bridge's topics.
3. Memory is the proportional set size of the process, idle, ready, a few seconds after its start.
"""

import asyncio
import contextlib
import json
import os
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from bridge.dev.broker import embedded_broker
from tests.image.container import Container, Image, NoImage, built
from tests.support.ports import free_port

PATIENCE_S = 60.0
IDLE_S = 5.0


def _ticks(pid: str) -> list[int]:
    """Return the kernel's times of a process: user, system, …, and at [8] its start."""
    return [
        int(of) for of in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:20]
    ]


def _started_at_s(pid: str) -> float:
    """Return when a process started, in seconds since the machine did."""
    return _ticks(pid)[8] / os.sysconf("SC_CLK_TCK")


def _cpu_s(pid: str) -> float:
    return sum(_ticks(pid)[:2]) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: str) -> float:
    (text,) = re.findall(
        r"^Pss: +(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE
    )
    return int(text) * 1024 / 1e6


def _until_200_s(container: Container, url: str) -> float:
    """Return seconds from the start of the container's process to the first 200 of ``url``."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
                return now_s - _started_at_s(container.state("Pid"))
        time.sleep(0.005)
    sys.exit("\n".join(container.logs()))


def _options(kafka: str, **settings: object) -> list[str]:
    """Return an engine's options for settings that lead to the broker at ``kafka``."""
    given = {"kafka_bootstrap_servers": kafka, "kafka_idempotence": "false", **settings}
    return [f"--env=BRIDGE_{name.upper()}={of}" for name, of in given.items()]


def _start(image: Image, kafka: str) -> dict[str, float]:
    """Return the figures of one start on the broker at ``kafka``."""
    port = free_port()
    options = _options(kafka, verification="off", port=free_port(), management_port=port)
    with image.started(*options, network="host") as container:
        alive_s = _until_200_s(container, f"http://127.0.0.1:{port}/livez")
        ready_s = _until_200_s(container, f"http://127.0.0.1:{port}/readyz")
        pid = container.state("Pid")
        cpu_s = _cpu_s(pid)
        time.sleep(IDLE_S)
        memory_mb = _memory_mb(pid)
        container.stop()
    return {
        "start to /livez 200, s": alive_s,
        "start to /readyz 200, s": ready_s,
        "CPU of a start, s": cpu_s,
        "memory when idle, MB": memory_mb,
    }


def _size(image: Image) -> dict[str, float]:
    """Return the image's size, its base's, and how many layers come on top of the base's."""
    (one,) = json.loads(image.engine_says("image", "inspect", image.tag).stdout)
    base = one["Config"]["Labels"]["org.opencontainers.image.base.name"]
    (below,) = json.loads(image.engine_says("image", "inspect", base).stdout)
    layers = len(one["RootFS"]["Layers"]) - len(below["RootFS"]["Layers"])
    added = one["Size"] - below["Size"]
    return {
        "size, MB": one["Size"] / 1e6,
        "on top of its base, MB": added / 1e6,
        "in layers": layers,
    }


async def _figures(image: Image, starts: int) -> dict[str, list[float]]:
    """Return each figure as often as it was taken."""
    figures = {name: [value] for name, value in _size(image).items()}
    async with embedded_broker() as kafka:
        topics = {
            f"topics_{of}": 1 for of in ("partitions", "replication_factor", "min_insync_replicas")
        }
        options = _options(kafka, **topics)
        await asyncio.to_thread(image.run, "topics", "apply", options=options, network="host")
        for _ in range(starts):
            for name, value in (await asyncio.to_thread(_start, image, kafka)).items():
                figures.setdefault(name, []).append(value)
    return figures


def main(
    tag: Annotated[str, typer.Argument(help="The tag it gets.")] = "callback-bridge:figures",
    *,
    starts: Annotated[int, typer.Option(min=1, help="How often it is started.")] = 10,
) -> None:
    """Build the image, start it some times, and print what it costs."""
    began_s = time.monotonic()
    try:
        image = built(tag)
    except NoImage as error:
        sys.exit(str(error))
    table = Table("", "median", "least", "most")
    table.add_row("build, s", f"{time.monotonic() - began_s:.0f}")
    for name, values in asyncio.run(_figures(image, starts)).items():
        shown = (statistics.median(values), min(values), max(values))
        table.add_row(name, *(f"{value:.4g}" for value in shown))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
