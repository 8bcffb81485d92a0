"""The benchmark runs and reports; how fast is not for a test to say."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.callbacks import hangups
from tests.bench.load import NotAnswered, visit
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]


def quick(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.bench.quick", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.system
def test_a_short_run_reports_a_ratio_for_each_server() -> None:
    done = quick("--json", "--rounds", "1", "--seconds", "0.1", "--connections", "4")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["rounds"], report["connections"]) == (1, 4)
    rows = {row["server"]: row for row in report["servers"]}
    assert list(rows) == ["plain", "memory", "embedded"]
    assert all(row["answers"] > 0 for row in rows.values())
    assert all("ratio_to_plain" in row for row in rows.values())


@pytest.mark.system
def test_its_help_says_what_it_measures() -> None:
    done = quick("--help")
    assert done.returncode == 0
    for words in ("--rounds", "--seconds", "--connections", "--json", "plain Starlette route"):
        assert words in " ".join(done.stdout.replace("│", " ").split())


def test_the_requests_are_of_distinct_calls() -> None:
    assert len({request.partition(b"\r\n\r\n")[2] for request in hangups(300)}) == 300


@pytest.mark.parametrize("status", [b"503 Service Unavailable", b"403 Forbidden"])
async def test_an_answer_that_is_not_200_fails_the_run(status: bytes) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\nno")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotAnswered, match=status.decode()):
            await visit(port, hangups(1), connections=1, seconds=0.2, answers_max=10)
