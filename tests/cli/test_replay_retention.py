"""``callback-bridge replay`` of a time that the topics no longer hold, on Apache Kafka."""

import asyncio
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from tests.cli.journals import lines
from tests.cli.replaying import Auditor
from tests.support.kafka import Kafka, make_topics, planned
from tests.support.stored_calls import calls, store

pytest_plugins = ("tests.support.kafka_fixtures", "tests.cli.replay_fixtures")
pytestmark = pytest.mark.kafka

WEEK_MS = 7 * 86_400_000
RING = "plivo.voice.call.ring.v1"
HANGUP = "plivo.voice.call.hangup.v1"
JOURNAL = "plivo.journal.v1"
TYPES = ("--type=voice.call.ring", "--type=voice.call.hangup")


async def delete(address: str, topic: str, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before)})
    finally:
        await admin.close()


@pytest.fixture
def auditor(
    apache_kafka: str,
    prefix: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Auditor:
    """An auditor of three calls of today, on topics that keep their records for a week."""
    kafka = Kafka(apache_kafka, idempotence=True)
    names = [RING, HANGUP, "plivo.voice.call.answer.v1"]
    topics = [planned(prefix + name, retention_ms=str(WEEK_MS)) for name in names]
    today = datetime.now(UTC) - timedelta(hours=3)  # noqa: TID251 (retention is real time)
    taken = list(calls(3, placed_at=today, prefix=prefix))

    async def stored() -> None:
        await make_topics(kafka.connection, *topics, planned(prefix + JOURNAL))
        await store(kafka, [record for one in taken for record in one.records])

    asyncio.run(stored())
    capsys.readouterr()  # what the publisher logged is no line of the command's
    return Auditor(kafka, prefix, tmp_path)


def deleted(auditor: Auditor, topic: str, before: int) -> None:
    asyncio.run(delete(auditor.kafka.address, auditor.prefix + topic, before))


def follow(auditor: Auditor, command: str) -> Sequence[dict[str, object]]:
    """Run the command that was printed, and return its lines."""
    program, group, *arguments = shlex.split(command)
    assert (program, group) == ("callback-bridge", "replay")
    done = auditor.run(*arguments)
    assert done.returncode == 0, done.stderr
    return lines(done)


def test_a_plan_of_a_time_before_the_retention_names_the_topics_and_the_command(
    auditor: Auditor,
) -> None:
    deleted(auditor, RING, 2)
    done = auditor.run("plan", *TYPES, "--since=2026-01-01", "--out=@events.plan")
    assert done.returncode == 0  # there is something
    (line,) = lines(done)
    assert line["records"] == 4
    lost = line["no_longer_held"]
    (topic,) = lost["topics"]
    assert (topic["topic"], topic["deleted"]) == (auditor.prefix + RING, 2)
    assert topic["oldest"] == line["first"]
    assert lost["journal_holds_it"] is True
    assert "no longer hold all since 2026-01-01T00:00:00.000Z" in done.stderr
    assert "2 records were deleted" in done.stderr
    assert "The journal holds these callbacks" in done.stderr
    assert f"  {lost['command']}\n" in done.stderr
    assert shlex.split(lost["command"]) == [
        *("callback-bridge", "replay", "plan", "--from", "journal", "--since", "2026-01-01"),
        *("--type", "voice.call.ring", "--type", "voice.call.hangup"),
        *("--out", str(auditor.file("events.journal.plan"))),
    ]
    (again,) = follow(auditor, lost["command"])
    assert (again["records"], again["no_longer_held"]) == (6, None)


def test_topics_that_are_empty_by_now_are_exit_code_1_with_the_command(auditor: Auditor) -> None:
    for topic in (RING, HANGUP):
        deleted(auditor, topic, 3)
    done = auditor.run("plan", *TYPES, "--since=2026-01-01")
    assert done.returncode == 1
    (line,) = lines(done)
    assert line["records"] == 0
    assert [(one["deleted"], one["oldest"]) for one in line["no_longer_held"]["topics"]] == [
        (3, None),
        (3, None),
    ]
    assert "no record is left" in done.stderr


def test_deletion_by_age_is_not_reported(auditor: Auditor) -> None:
    deleted(auditor, RING, 2)
    done = auditor.run("plan", "--since=1d")
    assert done.returncode == 0
    assert lines(done)[0]["no_longer_held"] is None
    assert "no longer hold" not in done.stderr


@pytest.mark.parametrize(
    ("before", "arguments"), [(2, ("--since=1d", *TYPES)), (3, ("--since=1d",))]
)
def test_records_deleted_by_hand_are_reported_if_the_type_is_named_or_nothing_is_found(
    auditor: Auditor, before: int, arguments: tuple[str, ...]
) -> None:
    for topic in (RING, HANGUP, "plivo.voice.call.answer.v1"):
        deleted(auditor, topic, before)
    done = auditor.run("plan", *arguments)
    assert done.returncode == (0 if before < 3 else 1)
    assert lines(done)[0]["no_longer_held"]["topics"]


def test_a_plan_of_everything_reports_deleted_records(auditor: Auditor) -> None:
    deleted(auditor, RING, 1)
    done = auditor.run("plan", "--type=voice.call.ring")
    assert "no longer hold everything" in done.stderr
    assert "--since" not in lines(done)[0]["no_longer_held"]["command"]


def test_a_run_into_a_file_names_the_command_that_derives_the_same_file(auditor: Auditor) -> None:
    deleted(auditor, HANGUP, 2)
    options = ("--type=voice.call.hangup", "--since=2026-01-01")
    done = auditor.run("run", *options, "--to-csv=@march days.csv")
    assert done.returncode == 0  # everything that was planned
    plan, *_ = lines(done)
    command = plan["no_longer_held"]["command"]
    (end,) = follow(auditor, command)[-1:]
    assert end["to"] == [str(auditor.file("march days.derived.csv"))]
    assert end["written"] == 3
    heads = [
        auditor.file(name).read_bytes().splitlines()[0]
        for name in ("march days.csv", "march days.derived.csv")
    ]
    assert heads[0] == heads[1]


def test_a_run_into_new_topics_names_the_command_that_derives_them(auditor: Auditor) -> None:
    deleted(auditor, HANGUP, 3)
    done = auditor.run("run", "--type=voice.call.hangup", "--since=2026-01-01")
    assert done.returncode == 1  # nothing at all
    command = lines(done)[0]["no_longer_held"]["command"]
    assert command.endswith("--type voice.call.hangup --write --all")
    (end,) = follow(auditor, command)[-1:]
    assert end["written"] == 3


def test_records_deleted_since_the_plan_come_from_the_journal(
    auditor: Auditor,
) -> None:
    options = ("--type=voice.call.hangup", "--since=5h")
    assert auditor.run("plan", *options, "--out=@a.plan").returncode == 0
    since_ms = orjson.loads(auditor.file("a.plan").read_bytes())["window"]["since_ms"]
    deleted(auditor, HANGUP, 2)
    done = auditor.run("run", "--plan=@a.plan", "--to-jsonl=@out.jsonl")
    assert done.returncode == 1
    assert "were deleted since the plan" in done.stderr
    command = done.stderr.strip().splitlines()[-1].strip()
    at = datetime.fromtimestamp(since_ms / 1000, UTC)
    assert f"--since {at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}" in command
    (end,) = follow(auditor, command)[-1:]
    assert end["written"] == 3


def test_offsets_that_were_deleted_name_the_type_in_the_journal(auditor: Auditor) -> None:
    deleted(auditor, HANGUP, 2)
    done = auditor.run("plan", f"--offsets={auditor.prefix}{HANGUP}:0:0-2")
    assert done.returncode == 1
    assert "offsets before 2 were deleted" in done.stderr
    command = done.stderr.strip().splitlines()[-1].strip()
    assert command == "callback-bridge replay plan --from journal --type voice.call.hangup"


def test_a_journal_that_lost_records_too_is_named(auditor: Auditor) -> None:
    deleted(auditor, RING, 2)
    deleted(auditor, JOURNAL, 4)
    done = auditor.run("plan", "--type=voice.call.ring", "--since=2026-01-01")
    assert lines(done)[0]["no_longer_held"]["journal_holds_it"] is False
    assert "The journal no longer holds all of them either" in done.stderr
    done = auditor.run("plan", "--from=journal", "--since=2026-01-01")
    lost = lines(done)[0]["no_longer_held"]
    assert (lost["command"], lost["journal_holds_it"]) == (None, False)
    assert lost["topics"][0]["topic"] == auditor.prefix + JOURNAL
    done = auditor.run("derive", "--since=2026-01-01")
    assert lines(done)[-1]["no_longer_held"] == lost
    assert f"{auditor.prefix}{JOURNAL}: 4 records were deleted" in done.stderr
