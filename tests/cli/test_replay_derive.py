"""``callback-bridge replay derive`` as an auditor sees it."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from unittest.mock import patch

import confluent_kafka
import orjson
import pytest
from confluent_kafka.admin import AdminClient

from bridge.cli import options as shared_options
from tests.cli.journals import (
    OLD_KEY,
    Journal,
    change,
    counts,
    filled,
    lines,
    put,
)
from tests.support.call_stories import at, report
from tests.support.cli import run
from tests.support.factories import AUTH_ID
from tests.support.kafka import Kafka
from tests.support.ports import free_port
from tests.support.stored_calls import calls, taken

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
async def journal(kafka: Kafka, prefix: str) -> Journal:
    return await filled(kafka, prefix)


def test_a_journal_that_is_as_it_was_is_counted_with_exit_code_0(journal: Journal) -> None:
    done = journal.derive()
    assert (done.returncode, done.stderr) == (0, "")
    (end,) = lines(done)
    assert (end["state"], end["records"], counts(end)) == ("done", 6, {"unchanged": 6})
    assert "signatures" not in end


def test_changes_are_counted_with_exit_code_1_and_shown_on_request(
    journal: Journal,
) -> None:
    event = change(journal)
    done = journal.derive()
    assert done.returncode == 1
    (end,) = lines(done)
    assert counts(end) == {"unchanged": 6, "changed": 1}
    assert end["fields"] == {"data.direction": 1, "data.old": 1}
    done = journal.derive("--diff")
    assert done.returncode == 1
    shown, end = lines(done)
    assert shown["state"] == "changed"
    assert shown["id"].encode() == dict(event.headers)["ce_id"]
    assert shown["differences"] == [
        {"path": "data.direction", "published": "sideways", "derived": "outbound"},
        {"path": "data.old", "published": None},
    ]


def test_expired_records_are_reported_and_are_no_change(journal: Journal) -> None:
    one = next(calls(1, placed_at=datetime.now(UTC), prefix=journal.prefix))  # noqa: TID251
    put(journal, [one.journal])
    done = journal.derive("--diff")
    assert done.returncode == 0
    shown, end = lines(done)
    assert shown["state"] == "event_expired"
    assert counts(end) == {"unchanged": 6, "event_expired": 1}


def test_the_options_that_select_are_those_of_plan(journal: Journal) -> None:
    call = journal.first[0].journal.key.decode()
    for options, expected in (
        ([f"--call={call}"], 6),  # both calls have the emulator's first id
        (["--type=voice.call.ring"], 2),
        (["--since=30m"], 0),
        (["--since=2h", "--until=30m"], 6),
        ([f"--account={AUTH_ID}"], 6),
        ([f"--offsets={journal.prefix}plivo.journal.v1:0:0-"], 6),
        ([f"--offsets={journal.prefix}plivo.journal.v1:0:1-2"], 2),
        (
            [
                f"--offsets={journal.prefix}plivo.journal.v1:0:0-0",
                f"--offsets={journal.prefix}plivo.journal.v1:0:3-4",
            ],
            3,
        ),
    ):
        done = journal.derive(*options)
        assert (done.returncode, lines(done)[0]["records"]) == (0, expected), options


def test_changed_events_are_written_to_new_topics(journal: Journal) -> None:
    event = change(journal)
    done = journal.derive("--write")
    assert done.returncode == 1, done.stderr
    (end,) = lines(done)
    topic = f"{event.topic}.derived.{end['replay_id']}"
    assert (end["written"], end["to"]) == (1, [topic])
    (written,) = journal.read([topic])
    assert orjson.loads(written.value)["data"]["direction"] == "outbound"
    assert dict(written.headers)["derived"] == b"1"


def test_all_is_everything_that_can_be_derived(journal: Journal) -> None:
    done = journal.derive("--write", "--all")
    assert done.returncode == 0, done.stderr
    (end,) = lines(done)
    assert (end["written"], len(end["to"])) == (6, 3)
    assert len(journal.read(end["to"])) == 6


def test_all_is_each_callback_once_however_often_the_journal_has_it(journal: Journal) -> None:
    put(journal, [one.journal for one in journal.first])
    done = journal.derive("--write", "--all", "--verify")
    (end,) = lines(done)
    assert counts(end) == {"unchanged": 6, "repeated": 3}
    assert (end["written"], len(journal.read(end["to"]))) == (6, 6)
    assert sum(one["holds"] + one["key_unknown"] for one in end["signatures"]) == 9


def test_all_is_written_in_the_journals_order_whichever_events_are_still_there(
    journal: Journal,
) -> None:
    now = datetime.now(UTC)  # noqa: TID251 (--since is real time)
    reports = [
        taken(report(number, "sent"), at(number, now), prefix=journal.prefix)
        for number in (1, 2, 3)
    ]
    put(journal, [reports[0].journal, *reports[1].records, reports[2].journal])
    done = journal.derive("--write", "--all", "--type=messaging.message.status")
    (end,) = lines(done)
    assert counts(end) == {"unchanged": 1, "event_expired": 2}
    written = journal.read(end["to"])
    assert [orjson.loads(one.value)["data"]["sequence"] for one in written] == [1, 2, 3]


@pytest.mark.kafka
def test_no_group_is_joined_made_or_moved(apache_kafka: str, prefix: str) -> None:
    journal = asyncio.run(filled(Kafka(apache_kafka, idempotence=True), prefix))
    group = {"bootstrap.servers": apache_kafka, "group.id": f"{prefix}live"}
    consumer = confluent_kafka.Consumer(group)
    place = confluent_kafka.TopicPartition(f"{prefix}plivo.journal.v1", 0, 3)
    consumer.commit(offsets=[place], asynchronous=False)
    admin = AdminClient({"bootstrap.servers": apache_kafka})

    def groups() -> set[str]:
        listed = admin.list_consumer_groups().result().valid
        return {one.group_id for one in listed if one.group_id.startswith(prefix)}

    before = groups()
    assert journal.derive("--verify", "--write", "--all").returncode == 1
    assert groups() == before == {f"{prefix}live"}
    assert consumer.committed([place])[0].offset == 3
    consumer.close()


def test_the_live_topics_are_written_to_only_after_a_confirmation(
    journal: Journal,
) -> None:
    event = change(journal)
    before = len(journal.read([event.topic]))
    done = journal.derive("--write", "--to-live")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert len(journal.read([event.topic])) == before
    done = journal.derive("--write", "--to-live", "--yes")
    assert (done.returncode, lines(done)[0]["to"]) == (1, [event.topic])
    assert len(journal.read([event.topic])) == before + 1


def test_a_terminal_gets_lines_and_tables(journal: Journal, terminal: None) -> None:
    event = change(journal)
    said = journal.derive("--diff", "--verify", "--write").stdout
    assert "changed  com.plivo.voice.call.ring.v1" in said
    assert 'data.direction: "sideways" → "outbound"' in said
    assert "data.old: null → nothing" in said
    assert "7 callbacks" in said
    assert "today's code derives the published event" in said
    assert "field that differs" in said
    assert OLD_KEY in said
    assert "1 events written as" in said
    assert f"{event.topic}.derived." in said


@pytest.mark.parametrize(("answer", "written"), [("n", 0), ("y", 1)])
def test_a_person_is_asked_before_the_live_topics_are_written_to(
    journal: Journal, terminal: None, answer: str, written: int
) -> None:
    event = change(journal)
    before = len(journal.read([event.topic]))
    keyboard = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    with patch.object(shared_options, "sys", keyboard):
        done = journal.derive("--write", "--to-live", typed=answer)
    assert "into the live topics?" in done.stdout
    assert len(journal.read([event.topic])) == before + written


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tokens-file=old.json"], "needs --verify"),
        (["--all"], "needs --write"),
        (["--to-live"], "needs --write"),
        (["--type=voice.call.nonsense"], "unknown type"),
        (["--call=no id"], "is not an id"),
        (
            ["--offsets=plivo.voice.call.ring.v1:0:0-"],
            "only offsets of plivo.journal.v1 can be derived again",
        ),
        (["--verify", "--tokens-file=/nowhere/at/all.json"], "No such file"),
    ],
)
def test_contradictory_options_are_wrong_usage(arguments: list[str], said: str) -> None:
    done = run("replay", "derive", *arguments, kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--write"], ["--verify", "--diff"]])
def test_a_kafka_that_is_away_is_named_with_exit_code_3(arguments: list[str]) -> None:
    address = f"127.0.0.1:{free_port()}"
    done = run("replay", "derive", *arguments, kafka_bootstrap_servers=address)
    assert done.returncode == 3, done.stderr
    assert address in done.stderr
    assert "Traceback" not in done.stderr
