"""``callback-bridge spool``, as an operator runs it."""

import asyncio
import errno
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from bridge.core.record import Record
from tests.support.cli import run, serving, started
from tests.support.kafka import Kafka, make_topics, planned, read_back
from tests.support.spool import disk_spool

pytest_plugins = ("tests.support.kafka_fixtures",)

NOON_MS = 1_772_884_800_000


def callback(topic: str, number: int, key: bytes = b"call") -> list[Record]:
    return [
        Record(topic, key, b"%d" % number, (("n", b"\xff"),), NOON_MS),
        Record(topic + ".journal", key, b"\xff%d" % number, (), NOON_MS),
    ]


def leave_behind(directory: Path, *callbacks: list[Record]) -> None:
    """Leave a spool with callbacks, as a bridge that ended while Kafka was away."""

    async def fill() -> None:
        spool = disk_spool(directory)
        await spool.open()
        for records in callbacks:
            await spool.append(records)
        await spool.close()

    asyncio.run(fill())


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_what_a_dead_bridge_left_is_shown_and_is_exit_code_1(tmp_path: Path) -> None:
    leave_behind(tmp_path, callback("events", 1), callback("events", 2))
    done = run("spool", "status", "--directory", str(tmp_path))
    assert done.returncode == 1
    (file,) = lines(done.stdout)
    assert (file["status"], file["callbacks"], file["records"]) == ("left behind", 2, 4)
    assert file["topics"] == {"events": 2, "events.journal": 2}
    assert file["oldest_at"].endswith("Z")
    assert file["fault"] is None


def test_an_empty_directory_is_content(tmp_path: Path) -> None:
    done = run("spool", "status", spool_directory=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run("spool", "status", spool_directory=str(tmp_path / "none"))
    assert (done.returncode, "none: no such directory" in done.stderr) == (3, True)


@pytest.mark.parametrize("command", ["status", "export", "drain"])
@pytest.mark.parametrize(("call", "denied"), [("scandir", "spool"), ("open", ".lock")])
def test_a_spool_that_this_user_may_not_read_does_not_pass_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, call: str, denied: str
) -> None:
    directory = tmp_path / "spool"
    leave_behind(directory, callback("events", 1))
    before = getattr(os, call)

    def deny(path: Any, *args: Any, **given: Any) -> Any:
        # The kernel refuses every user except root and the bridge's user.
        if str(path).endswith(denied):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return before(path, *args, **given)

    monkeypatch.setattr(os, call, deny)
    given = {"kafka_bootstrap_servers": "127.0.0.1:1"} if command == "drain" else {}
    done = run("spool", command, spool_directory=str(directory), **given)
    assert (done.returncode, f"{denied}: Permission denied" in done.stderr) == (3, True)


@pytest.mark.parametrize("command", ["status", "export", "drain"])
def test_without_a_directory_the_setting_is_named(command: str) -> None:
    done = run("spool", command, kafka_bootstrap_servers="127.0.0.1:1")
    assert (done.returncode, "BRIDGE_SPOOL_DIRECTORY" in done.stderr) == (2, True)


@pytest.mark.system
def test_a_live_spool_is_shown_with_its_owner_while_the_bridge_writes(tmp_path: Path) -> None:
    given = serving("127.0.0.1:1", spool_enabled="true", spool_directory=str(tmp_path))
    with started("serve", **given) as bridge:
        bridge.says("bridge_started")
        done = run("spool", "status", spool_directory=str(tmp_path))
        (file,) = lines(done.stdout)
        assert (done.returncode, file["status"]) == (0, "live")
        assert str(bridge.process.pid) in file["owner"]


def test_every_record_is_written_out_with_its_bytes(tmp_path: Path) -> None:
    leave_behind(tmp_path / "spool", callback("events", 1))
    out = tmp_path / "out.jsonl"
    directory = str(tmp_path / "spool")
    piped = run("spool", "export", spool_directory=directory)
    filed = run("spool", "export", "--out", str(out), spool_directory=directory)
    assert (piped.returncode, filed.returncode) == (0, 0)
    assert piped.stdout == out.read_text()
    event, journal = lines(piped.stdout)
    assert (event["topic"], event["key"], event["value"]) == ("events", "call", "1")
    assert event["headers"] == [["n", {"base64": "/w=="}]]
    assert journal["value_base64"] == "/zE="
    assert "2 records of 1 files" in piped.stderr


def test_what_a_damaged_file_still_gives_is_written_out_and_status_says_so(tmp_path: Path) -> None:
    leave_behind(
        tmp_path,
        *(callback("events", number, random.Random(number).randbytes(900)) for number in range(80)),
    )
    (path,) = tmp_path.glob("spool-*.db")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 8192 * 8192
    content[middle : middle + 8192] = b"\x00" * 8192
    path.with_name(path.name + ".damaged").write_bytes(content)
    path.unlink()
    done = run("spool", "export", "--directory", str(tmp_path))
    numbers = {line["number"] for line in lines(done.stdout)}
    assert 1 in numbers
    assert 80 in numbers
    assert 40 < len(numbers) < 80
    status = run("spool", "status", "--directory", str(tmp_path))
    assert (status.returncode, lines(status.stdout)[0]["status"]) == (1, "damaged")


def test_a_file_that_cannot_be_read_does_not_keep_the_others_from_being_written_out(
    tmp_path: Path,
) -> None:
    leave_behind(tmp_path, callback("events", 1))
    (path,) = tmp_path.glob("spool-*.db")
    # The WAL of a damaged file comes before the file in the listing, and is no database.
    path.rename(path.with_name(path.name + ".damaged"))
    path.with_name(path.name + "-wal.damaged").write_bytes(b"no database")
    done = run("spool", "export", "--directory", str(tmp_path))
    assert [line["number"] for line in lines(done.stdout)] == [1, 1]
    assert (done.returncode, "-wal.damaged: file is not a database" in done.stderr) == (3, True)
    assert "2 records of 1 files" in done.stderr


def test_an_export_to_a_file_that_cannot_be_written_names_the_option(tmp_path: Path) -> None:
    leave_behind(tmp_path, callback("events", 1))
    out = str(tmp_path / "none" / "out.jsonl")
    done = run("spool", "export", "--directory", str(tmp_path), "--out", out)
    assert (done.returncode, "--out" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


async def test_what_was_left_is_brought_to_kafka_in_order_and_the_files_go(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = prefix + "events"
    await make_topics(kafka.connection, planned(topic), planned(topic + ".journal"))
    every = [callback(topic, number) for number in range(30)]
    await asyncio.to_thread(leave_behind, tmp_path, *every[:20])
    given = {
        "kafka_bootstrap_servers": kafka.address,
        "kafka_idempotence": str(kafka.idempotence),
        "spool_directory": str(tmp_path),
    }
    done = await asyncio.to_thread(run, "spool", "drain", "--timeout", "60", **given)
    assert (done.returncode, done.stdout.strip()) == (
        0,
        "the spool is empty: everything is on Kafka",
    ), done.stderr
    assert "breaker_open" not in done.stderr  # nothing was published before there was a connection
    found = read_back(kafka.address, [topic, topic + ".journal"])
    assert [one for one in found if one.topic == topic] == [records[0] for records in every[:20]]
    assert [one for one in found if one.topic != topic] == [records[1] for records in every[:20]]
    assert list(await asyncio.to_thread(lambda: list(tmp_path.glob("spool-*.db")))) == []


def test_what_kafka_does_not_take_in_time_stays_and_is_exit_code_1(tmp_path: Path) -> None:
    leave_behind(tmp_path, callback("events", 1))
    done = run(
        "spool",
        "drain",
        "--timeout",
        "1",
        kafka_bootstrap_servers="127.0.0.1:1",
        spool_directory=str(tmp_path),
    )
    assert (done.returncode, done.stdout.strip()) == (1, "1 callbacks left")
    assert len(list(tmp_path.glob("spool-*.db"))) == 1


async def test_a_spool_with_a_damaged_file_does_not_count_as_drained(
    kafka: Kafka, prefix: str, tmp_path: Path
) -> None:
    topic = prefix + "events"
    await make_topics(kafka.connection, planned(topic), planned(topic + ".journal"))
    await asyncio.to_thread(leave_behind, tmp_path, callback(topic, 1))
    (path,) = tmp_path.glob("spool-*.db")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    given = {
        "kafka_bootstrap_servers": kafka.address,
        "kafka_idempotence": str(kafka.idempotence),
        "spool_directory": str(tmp_path),
    }
    done = await asyncio.to_thread(run, "spool", "drain", "--timeout", "60", **given)
    assert done.returncode == 1
    assert done.stdout.startswith("1 files left that cannot be published")
    assert f"{path.name}.damaged: database disk image is malformed" in done.stderr
