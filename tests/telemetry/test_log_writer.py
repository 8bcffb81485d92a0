"""The queue of log lines: logging never waits, and lost lines are counted."""

import contextlib
import errno
import fcntl
import os
import select
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from bridge.telemetry import log_writer
from bridge.telemetry.log_writer import LineQueue
from tests.support.bridge import eventually
from tests.support.waiting import PATIENCE_S

# No pipe takes more than this before it is read, whatever its size is set to here.
MUCH = 1_500_000


def lost_line(count: int) -> str:
    return f"lost {count}"


@contextlib.contextmanager
def queue(descriptor: int | None, **given: int) -> Generator[LineQueue]:
    made = LineQueue(descriptor, lost_line=lost_line, **given)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    with contextlib.suppress(OSError):
        os.close(reading)
    # Whoever still writes has an error now, and ends. Before, the number of the other end must not be
    # free: the pipe of the next test could get it, and the rest of this one's lines.
    for thread in threading.enumerate():
        if thread.name == "log-writer":
            thread.join(PATIENCE_S)
    with contextlib.suppress(OSError):
        os.close(writing)


def read_lines(descriptor: int, last: str) -> list[str]:
    """Return the lines of a pipe up to one of them."""
    content = b""
    while not content.endswith(f"{last}\n".encode()):
        assert select.select([descriptor], [], [], PATIENCE_S)[0], content[-200:]
        content += os.read(descriptor, 65536)
    return content.decode().splitlines()


def test_lines_are_written_in_their_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    with queue(writing) as lines:
        for number in range(500):
            lines.put(str(number), at_once=number % 7 == 0)
        assert read_lines(reading, "499") == [str(number) for number in range(500)]
        assert lines.lost == 0


def test_lines_of_several_threads_are_complete_and_in_order_for_each_thread(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    with queue(writing) as lines:

        def work(name: str) -> None:
            for number in range(200):
                lines.put(f"{name} {number}")

        threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        lines.put("end")
        written = read_lines(reading, "end")
    for name in "abc":
        assert [line for line in written if line[0] == name] == [f"{name} {n}" for n in range(200)]


def test_logging_does_not_wait_for_a_pipe_that_nobody_reads(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    counted: list[int] = []
    with queue(writing, bytes_max=200_000) as lines:
        lines.set_on_lost(counted.append)
        for _ in range(MUCH // 100):
            lines.put("x" * 99)  # returns, or the test hangs
        assert 0 < lines.lost < MUCH // 100
        assert sum(counted) == lines.lost
        written = read_lines(reading, lost_line(lines.lost))
        # Nothing but the number that was counted is missing, and the number is told where they were.
        assert len(written) - 1 + lines.lost == MUCH // 100
        lines.put("read again", at_once=True)
        assert read_lines(reading, "read again") == ["read again"]


def test_the_descriptor_of_others_stays_in_blocking_mode(pipe: tuple[int, int]) -> None:
    _, writing = pipe
    with queue(writing) as lines:
        lines.put("a", at_once=True)
        assert not fcntl.fcntl(writing, fcntl.F_GETFL) & os.O_NONBLOCK


def test_a_descriptor_that_somebody_made_non_blocking_loses_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.set_blocking(writing, False)
    with queue(writing) as lines:
        for number in range(3000):
            lines.put(f"{number:0100}")
        written = read_lines(reading, f"{2999:0100}")
        assert [int(line) for line in written] == list(range(3000))
        assert lines.lost == 0


def test_a_closed_pipe_costs_lines_and_nothing_else(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    with queue(writing) as lines:
        for number in range(10):
            lines.put(str(number), at_once=True)
        eventually(lambda: lines.lost == 10)


def test_without_a_descriptor_every_line_is_lost_and_counted() -> None:
    with queue(None) as lines:
        lines.put("a")
        lines.put("b", at_once=True)
        eventually(lambda: lines.lost == 2)


def test_lines_lost_before_anybody_counted_are_counted_too() -> None:
    counted: list[int] = []
    with queue(None) as lines:
        lines.put("a", at_once=True)
        eventually(lambda: lines.lost == 1)
        lines.set_on_lost(counted.append)
        assert counted == [1]


def test_on_a_full_disk_the_lines_that_fit_are_complete_and_the_others_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [25]
    really = os.write

    def write(descriptor: int, data: memoryview) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = really(descriptor, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(log_writer.os, "write", write)
    path = tmp_path / "log"
    with path.open("wb") as file, queue(file.fileno()) as lines:
        for number in range(5):
            lines.put(f"line {number} ..")  # 10 bytes with its end
        eventually(lambda: lines.lost == 3)
        room[0] = 10_000
        lines.put("there is room", at_once=True)
        eventually(lambda: "lost 3" in path.read_text())
    # The line that was cut off is ended, so that the next stands alone.
    assert path.read_text() == "line 0 ..\nline 1 ..\nline \nthere is room\nlost 3\n"


def test_a_warning_does_not_wait_for_others_to_gather(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = pipe
    monkeypatch.setattr(log_writer, "BATCH_DELAY_S", 3600.0)
    with queue(writing) as lines:
        lines.put("an info")
        lines.put("a warning", at_once=True)
        assert read_lines(reading, "a warning") == ["an info", "a warning"]


def test_what_is_left_is_written_at_the_end(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = pipe
    monkeypatch.setattr(log_writer, "BATCH_DELAY_S", 3600.0)
    with queue(writing) as lines:
        lines.put("the last word")
    assert read_lines(reading, "the last word") == ["the last word"]


def test_the_end_does_not_wait_longer_than_its_bound(pipe: tuple[int, int]) -> None:
    _, writing = pipe
    lines = LineQueue(writing, lost_line=lost_line)
    lines.put("x" * MUCH)
    begun_s = time.monotonic()
    lines.close(timeout_s=0.05)
    assert time.monotonic() - begun_s < 30  # a bound that no busy machine comes near; else for ever


def test_a_line_after_the_end_is_lost_and_counted(pipe: tuple[int, int]) -> None:
    _, writing = pipe
    lines = LineQueue(writing, lost_line=lost_line)
    lines.close()
    lines.put("too late")
    assert lines.lost == 1


def test_a_half_of_a_character_pair_is_written_as_an_escape(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    with queue(writing) as lines:
        lines.put("odd \ud800", at_once=True)
        assert read_lines(reading, "odd \\ud800") == ["odd \\ud800"]
