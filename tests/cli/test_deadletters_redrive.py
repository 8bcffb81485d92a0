"""``callback-bridge deadletters redrive``: the result for each dead letter, and the remaining ones."""

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import orjson
import pytest

from bridge.audit.redrive import DeadLetter, Redriver, RedriveResult
from bridge.cli import deadletters
from bridge.core.dead_letter import ForwardReason, to_forward_dead_letter
from bridge.core.event import ContractNames
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC
from bridge.core.record import Record
from bridge.publish import Unavailable
from bridge.reader.topic_reader import CannotRead
from tests.cli.dead_letters import HANGUPS, Letters, bury, lines, refused
from tests.support.cli import run_process
from tests.support.factories import UUID
from tests.support.kafka import Kafka, make_topics, planned, running
from tests.support.notifications import notification
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
async def dead(kafka: Kafka, prefix: str) -> Letters:
    return await bury(kafka, prefix)


def test_a_dry_run_shows_the_result_for_each_and_publishes_nothing(dead: Letters) -> None:
    done = dead.call("redrive", "--dry-run")
    assert done.returncode == 1
    assert [(line["id"], line["result"], line["reason_now"]) for line in lines(done)] == [
        (dead.mendable, "would_be_published", None),
        (dead.hopeless, "still_dead", "no_identity"),
        (dead.refused, "would_be_published", None),
    ]
    assert "2 would be published, 1 still dead" in done.stderr
    assert dead.published() == []


def test_repairable_letters_are_published_once_and_the_others_counted(
    dead: Letters,
) -> None:
    done = dead.call("redrive")
    assert done.returncode == 1
    assert "2 published, 1 still dead" in done.stderr
    first, second, third = lines(done)
    assert (first["result"], first["event_id"]) == ("published", dead.event_id)
    assert (second["result"], second["reason_now"]) == ("still_dead", "no_identity")
    assert third["topics"] == [dead.prefix + HANGUPS, dead.prefix + JOURNAL_TOPIC]
    records = dead.published()
    events = [record for record in records if record.topic.endswith(HANGUPS)]
    assert [dict(record.headers)["ce_id"] for record in events] == [dead.event_id.encode()] * 2
    assert {record.key for record in records} == {UUID.encode()}
    assert {dict(record.headers)["redriven_from"].decode() for record in records} == {
        first["position"],
        third["position"],
    }
    (journal,) = (record for record in records if record.topic.endswith(JOURNAL_TOPIC))
    (name,) = orjson.loads(journal.value)["events"]
    assert (name["id"], name["topic"]) == (dead.event_id, dead.prefix + HANGUPS)


def test_letters_stay_where_they_are_and_may_be_run_again(dead: Letters) -> None:
    for _ in range(2):
        done = dead.call("redrive", f"--id={dead.mendable}")
        assert (done.returncode, done.stderr) == (0, "1 published\n")
    assert len(lines(dead.call("list"))) == 3
    ids = [dict(record.headers)["ce_id"] for record in dead.published()]
    assert ids == [dead.event_id.encode()] * 2


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--reason=bridge_fault"], 0, "1 would be published"),
        (["--reason=no_identity"], 1, "1 still dead"),
        (["--type=voice.call.hangup", "--since=1h"], 0, "1 would be published"),
        (["--reason=content_type"], 0, "no dead letters"),
    ],
)
def test_the_exit_code_tells_whether_all_were_redriven(
    dead: Letters, options: list[str], code: int, said: str
) -> None:
    done = dead.call("redrive", "--dry-run", *options)
    assert (done.returncode, done.stderr) == (code, said + "\n")


@pytest.mark.parametrize("error", [Unavailable("went away"), CannotRead("went away")])
def test_an_outage_of_kafka_ends_it_with_its_counts_and_exit_code_3(
    dead: Letters, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def ending(
        found: AsyncIterator[DeadLetter], *_: Redriver | object
    ) -> AsyncIterator[RedriveResult]:
        yield RedriveResult(await anext(found), "published")
        raise error

    monkeypatch.setattr(deadletters, "redrive_all", ending)
    done = dead.call("redrive", "--dry-run")
    assert (done.returncode, len(lines(done))) == (3, 1)
    assert done.stderr == "1 published\nwent away; the remaining letters were not tried\n"


def test_ctrl_c_ends_it_with_its_counts_and_exit_code_130(
    dead: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stopping(
        found: AsyncIterator[DeadLetter], *_: Redriver | object
    ) -> AsyncIterator[RedriveResult]:
        yield RedriveResult(await anext(found), "published")
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(PATIENCE_S)

    monkeypatch.setattr(deadletters, "redrive_all", stopping)
    # A shell may have started the tests with the signal ignored: see ``tests.support.signals``.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = dead.call("redrive", "--dry-run")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.returncode, len(lines(done))) == (130, 1)
    assert done.stderr == (
        "1 published\nstopped: the letter in progress may be published or forwarded all the same; the "
        "remaining letters were not tried\n"
    )


@pytest.mark.system
def test_a_process_of_its_own_writes_lines_of_json_and_nothing_else_to_a_pipe(
    dead: Letters,
) -> None:
    done = run_process("deadletters", "redrive", **dead.settings)
    assert (done.returncode, len(lines(done))) == (1, 3)
    assert done.stderr == "2 published, 1 still dead\n"


@pytest.mark.kafka
async def test_a_record_that_its_topic_accepts_now_is_published_and_others_stay(
    apache_kafka: str, prefix: str
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    naming = ContractNames(prefix, "urn:callback-bridge:schemas:")
    await make_topics(
        kafka.connection,
        planned(prefix + DEAD_LETTER_TOPIC),
        planned(prefix + JOURNAL_TOPIC),
        planned(prefix + HANGUPS, max_message_bytes="500"),
    )
    event_id, letter = refused(naming)
    async with running(kafka.publisher()) as publisher:
        await publisher.publish([letter])
    dead = Letters(kafka, prefix, "", "", event_id, event_id)
    small = await asyncio.to_thread(dead.call, "redrive")
    assert (small.returncode, lines(small)[0]["reason_now"]) == (1, "record_too_large")
    await make_topics(kafka.connection, planned(prefix + HANGUPS, max_message_bytes="100000"))
    grown = await asyncio.to_thread(dead.call, "redrive")
    assert (grown.returncode, lines(grown)[0]["result"]) == (0, "published")
    (event,) = (one for one in dead.published() if one.topic.endswith(HANGUPS))
    assert dict(event.headers)["ce_id"] == event_id.encode()


@pytest.fixture
async def undelivered(kafka: Kafka, prefix: str) -> Letters:
    """A dead-letter topic with a notification that its application did not take."""
    await make_topics(kafka.connection, planned(prefix + DEAD_LETTER_TOPIC))
    stored = notification("a")
    # Of now: a record that is older than its topic's retention may be deleted at once.
    now_ms = int(time.time() * 1000)  # noqa: TID251 (compared with a broker's clock)
    journal = Record(stored.topic, stored.key, stored.value, tuple(stored.headers.items()), now_ms)
    naming = ContractNames(prefix, "urn:s:")
    letter = to_forward_dead_letter(journal, ForwardReason.TIMEOUT, tries=9, naming=naming)
    async with running(kafka.publisher()) as publisher:
        await publisher.publish([letter])
    return Letters(kafka, prefix, "", "", "", "a")


class _Application(BaseHTTPRequestHandler):
    """Takes everything, and keeps the paths."""

    paths: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.paths.append(self.path)
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's)
        """Print nothing."""


def test_a_notification_is_sent_to_its_application_again(
    undelivered: Letters, tmp_path: Path
) -> None:
    _Application.paths.clear()  # of the test on another kind of Kafka
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Application)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    rules = tmp_path / "rules.toml"
    rules.write_text(
        f'[applications.pbx]\norigin = "http://127.0.0.1:{server.server_port}"\n'
        '[[rules]]\nname = "all"\nforward = "pbx"\n'
    )
    try:
        shown = undelivered.call("redrive", "--dry-run", replies_file=str(rules))
        assert (shown.returncode, _Application.paths) == (0, [])
        assert [line["result"] for line in lines(shown)] == ["would_be_forwarded"]
        done = undelivered.call("redrive", replies_file=str(rules))
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (done.returncode, _Application.paths) == (0, ["/applications/pbx/hangup?n=a"])
    assert "1 forwarded" in done.stderr


def test_without_usable_rules_a_notification_is_still_dead(
    undelivered: Letters, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rules]]\n")
    done = undelivered.call("redrive", replies_file=str(rules))
    assert done.returncode == 1
    assert "no application is called" in done.stderr
    assert [line["reason_now"] for line in lines(done)] == ["not_configured"]
