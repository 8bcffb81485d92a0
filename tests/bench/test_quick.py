"""The benchmark runs and reports; how fast is not for a test to say."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from tests.bench.callbacks import hangups
from tests.bench.load import CLOSED, NotAnswered, pace, saturate
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
def test_every_callback_that_a_short_run_has_acknowledged_is_on_kafka() -> None:
    done = quick("--json", "--rounds", "1", "--seconds", "0.1", "--connections", "4")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["rounds"], report["connections"]) == (1, 4)
    servers = {one["name"]: one for one in report["servers"]}
    assert list(servers) == ["ok", "naive", "memory", "ours"]
    for one in servers.values():
        assert one["acknowledged"] > 0
        assert (one["errors"], one["lost"]) == (0, 0)
        assert all(len(values) == 1 for values in one["loads"]["4"].values())


@pytest.mark.system
def test_its_help_says_what_it_measures() -> None:
    done = quick("--help")
    assert done.returncode == 0
    for words in ("--rounds", "--seconds", "--connections", "--json", "plain Starlette route"):
        assert words in " ".join(done.stdout.replace("│", " ").split())


def test_the_requests_are_of_distinct_calls() -> None:
    assert len({request.partition(b"\r\n\r\n")[2] for request in hangups(300)}) == 300


ANSWERS = {
    "whole": [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
    "in two pieces": [b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: 2\r\n\r\nok"],
    "dated": [b"HTTP/1.1 200 OK\r\ndate: %d\r\ncontent-length: 2\r\n\r\n", b"ok"],
}


@contextlib.asynccontextmanager
async def answering(pieces: Sequence[bytes], *, answers: int = 1_000) -> AsyncGenerator[int]:
    """Run a server on a port that answers so many requests on a connection and then closes it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            for number in range(answers):
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split()[0]))
                for piece in pieces:
                    writer.write(piece.replace(b"%d", b"%d" % number))
                    await asyncio.sleep(0.001)
        writer.close()
        ended.release()

    ended, begun = asyncio.Semaphore(0), 0

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal begun
        begun += 1
        await answer(reader, writer)

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for _ in range(begun):
            await ended.acquire()


@pytest.mark.parametrize("pieces", ANSWERS.values(), ids=ANSWERS)
async def test_each_load_counts_every_answer_however_it_arrives(pieces: list[bytes]) -> None:
    async with answering(pieces) as port:
        closed = await saturate(port, hangups(3), connections=2, seconds=0.1)
        paced = await pace(port, hangups(3), rate_per_s=200, connections=2, seconds=0.1)
    for load in (closed.require(), paced.require()):
        assert load.answers == load.ok == len(load.latencies_ms) > 0
        assert 0 < load.percentile_ms(50) <= load.percentile_ms(99)


async def test_a_load_has_an_end_in_answers() -> None:
    async with answering(ANSWERS["whole"]) as port:
        load = await saturate(port, hangups(1), connections=3, seconds=60, answers_max=10)
    assert load.answers == 10


@pytest.mark.parametrize("status", [b"503 Service Unavailable", b"403 Forbidden"])
async def test_an_answer_that_is_not_200_is_counted_and_fails_what_requires_200(
    status: bytes,
) -> None:
    async with answering([b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\nno"]) as port:
        load = await saturate(port, hangups(1), connections=1, seconds=0.1)
    assert load.statuses[int(status[:3])] == load.answers > 0
    with pytest.raises(NotAnswered, match=status.decode()):
        load.require()


async def test_a_connection_that_the_server_closes_is_counted_once() -> None:
    async with answering(ANSWERS["whole"], answers=2) as port:
        closed = await saturate(port, hangups(1), connections=3, seconds=0.1)
        paced = await pace(port, hangups(1), rate_per_s=100, connections=3, seconds=0.1)
    assert closed.statuses[CLOSED] <= 3
    assert 0 < closed.ok <= 6
    assert 0 < paced.ok <= 6
