"""A journal with other records too: each command takes the callbacks, and counts the rest."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from bridge.cli import dev_copies
from bridge.cli.dev_copies import Copies, copy_callbacks
from bridge.settings.load import Settings
from tests.cli.journals import Journal, filled, lines
from tests.support.cli import run
from tests.support.kafka import Kafka
from tests.support.placed_requests import other_records, placed, records_of
from tests.support.stored_calls import journal_of, store

pytest_plugins = ("tests.support.kafka_fixtures",)

CALLBACKS, OTHERS = 6, 3


@pytest.fixture
async def journal(kafka: Kafka, prefix: str) -> Journal:
    """The journal of two calls, between other records."""
    made = await filled(kafka, prefix)
    at = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251 (as in `filled`)
    event = records_of(placed(requested_at=at), prefix)[0]
    await store(kafka, [event, *other_records(prefix, at)])
    return made


def test_deriving_takes_the_callbacks_and_counts_the_rest(journal: Journal) -> None:
    done = journal.derive("--diff", "--verify", "--write", "--all")
    (end,) = lines(done)
    assert (end["records"], end["unchanged"], end["other_records"]) == (
        CALLBACKS,
        CALLBACKS,
        OTHERS,
    )
    assert end["reasons"] == {}
    assert end["written"] == CALLBACKS


def test_a_terminal_is_told_of_the_rest_too(journal: Journal, terminal: None) -> None:
    assert "3 other journal records, which are no callbacks" in journal.derive().stdout
    planned = run("replay", "plan", "--from", "journal", **journal.settings)
    assert "of them no callbacks" in planned.stdout


def test_a_copy_of_the_journal_has_every_record_byte_for_byte(
    journal: Journal, tmp_path: Path
) -> None:
    plan = ("--from", "journal", "--progress", str(tmp_path / "progress"))
    done = run("replay", "run", *plan, **journal.settings)
    assert done.returncode == 0, done.stderr
    end = lines(done)[-1]
    topic = journal_of(journal.prefix)
    assert end["records"] == CALLBACKS + OTHERS
    copied, stored = (
        sorted((one.key, one.value) for one in journal.read([name]))
        for name in (end["to"][0], topic)
    )
    assert copied == stored
    (planned,) = lines(run("replay", "plan", "--from", "journal", **journal.settings))
    assert (planned["records"], planned["other_records"]) == (CALLBACKS + OTHERS, OTHERS)


def test_tail_shows_every_record_and_the_requested_event(journal: Journal) -> None:
    options = ("--no-follow", "--since=2h")
    raw = run("tail", "--raw", *options, **journal.settings)
    assert len(raw.stdout.splitlines()) == CALLBACKS + OTHERS
    (event,) = run(
        "tail", "--type=voice.call.requested", *options, **journal.settings
    ).stdout.splitlines()
    assert orjson.loads(event)["data"]["outcome"] == "accepted"


def test_the_topic_of_requested_calls_can_be_replayed(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "requested.csv"
    arguments = ("--type=voice.call.requested", "--to-csv", str(file))
    done = run("replay", "run", *arguments, **journal.settings)
    assert done.returncode == 0, done.stderr
    assert "request_uuid" in file.read_text().splitlines()[0]
    refused = run("replay", "plan", "--from=journal", arguments[0], **journal.settings)
    assert refused.returncode == 2


async def test_copies_of_callbacks_leave_the_rest_out(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_to_the_end = dev_copies.read_topics
    monkeypatch.setattr(
        dev_copies,
        "read_topics",
        lambda *given, **more: read_to_the_end(*given, **{**more, "follow": False}),
    )
    kafka = {"bootstrap_servers": journal.kafka.address}
    settings = Settings.model_validate({"kafka": kafka, "topic_prefix": journal.prefix})
    async with asyncio.timeout(30):
        await copy_callbacks(settings, Copies(tmp_path, None), Console(stderr=True))
    names = [path.name.partition("-")[2] for path in sorted(tmp_path.iterdir())]
    assert sorted(names) == sorted(
        f"voice.call.{kind}.json" for kind in ("ring", "answer", "hangup") for _ in range(2)
    )
