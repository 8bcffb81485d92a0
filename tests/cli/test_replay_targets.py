"""``callback-bridge replay run``: every target of a replay."""

import asyncio
import csv
import os
import pty
import resource
import subprocess
from decimal import Decimal
from pathlib import Path

import duckdb
import orjson
import pyarrow.parquet as pq
import pytest

from tests.cli.replaying import (
    CALLBACKS,
    CALLS,
    JOURNAL,
    Auditor,
    flat,
    originals,
    without_stamp,
)
from tests.support.bridge import running_bridge
from tests.support.cli import COMMAND, environment
from tests.support.factories import AUTH_ID, ORIGIN, TOKEN, ZONE
from tests.support.kafka import Kafka, make_topics, planned
from tests.support.stored_calls import calls, store
from tests.support.waiting import PATIENCE_S

pytest_plugins = ("tests.support.kafka_fixtures", "tests.cli.replay_fixtures")


def test_the_live_topic_is_replayed_into_only_when_it_is_said_twice(owner: Auditor) -> None:
    options = ("run", "--type", "voice.call.ring", "--to-live", "--progress", "@progress.json")
    refused = owner.run(*options)
    assert refused.returncode == 2
    assert "pass --yes" in flat(refused.stderr)
    line = owner.does(*options, "--yes")
    topic = f"{owner.prefix}plivo.voice.call.ring.v1"
    assert line["to"] == [topic]
    found = owner.records(topic)
    replayed = [one for one in found if "replay_id" in dict(one.headers)]
    live = [one for one in found if one not in replayed]
    assert without_stamp(replayed, topic) == live
    assert len(live) == CALLS


def test_json_lines_have_the_values_as_they_are(auditor: Auditor) -> None:
    line = auditor.does("run", *JOURNAL, "--to-jsonl", "@out.jsonl")
    assert line["records"] == CALLBACKS
    lines = [orjson.loads(one) for one in auditor.file("out.jsonl").read_bytes().splitlines()]
    assert [one["value"] for one in lines] == [
        orjson.loads(one.value) for one in originals(auditor.prefix)
    ]
    manifest = orjson.loads(auditor.file("out.jsonl.manifest.json").read_bytes())
    assert manifest["records"] == manifest["records_planned"] == CALLBACKS


def test_csv_and_parquet_have_the_same_rows(auditor: Auditor) -> None:
    hangups = ("run", "--type", "voice.call.hangup")
    auditor.does(*hangups, "--to-csv", "@out.csv")
    auditor.does(*hangups, "--to-parquet", "@out.parquet")
    with auditor.file("out.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == CALLS
    table = pq.read_table(auditor.file("out.parquet"))
    for row, other in zip(rows, table.to_pylist(), strict=True):
        assert [name for name in other if name != "record_misfits"] == list(row)
        assert row["ended_at_utc"] == other["ended_at_utc"].strftime("%Y-%m-%dT%H:%M:%SZ")
        assert row["from_e164"] == f"'{other['from_e164']}"
        assert (row["duration_s"], other["duration_s"]) == ("65", 65)
        assert (row["total_cost"], other["total_cost"]) == ("0.01000", Decimal("0.01"))
        assert other["record_misfits"] is None


def test_parquet_is_queried_with_sql_without_casts_and_without_quotes(auditor: Auditor) -> None:
    auditor.does("run", "--to-parquet", "@events")
    duckdb.from_parquet(f"{auditor.file('events')}/*.parquet").create_view("events")
    hangups = "from events where type = 'com.plivo.voice.call.hangup.v1'"
    answered = "epoch(ended_at_utc) - epoch(answered_at_utc) = duration_s"
    for query, expected in (
        (f"select avg(duration_s), count(*) {hangups}", (65.0, CALLS)),
        (f"select sum(total_cost) {hangups}", (Decimal("0.01") * CALLS,)),
        (f"select count(*) {hangups} and total_cost > 0.009 and duration_s < 66", (CALLS,)),
        (f"select count(*) {hangups} and {answered}", (CALLS,)),
        (
            f"select count(*) {hangups} and ended_at_utc < timestamptz '2026-03-08 00:00:00+00'",
            (CALLS,),
        ),
        (f"select count(*) {hangups} and list_contains(verification_covers, 'body')", (CALLS,)),
        (f"select count(*) {hangups} and stir_conflict", (0,)),
        ("select count(*) from events where duration_s is null", (CALLBACKS - CALLS,)),
        ("select count(*) from events where record_misfits is not null", (0,)),
    ):
        assert duckdb.sql(query).fetchall() == [expected], query  # type: ignore[union-attr]


def test_requests_are_replayed_to_a_bridge_that_verifies_them(auditor: Auditor) -> None:
    accounts = [{"auth_id": AUTH_ID, "auth_tokens": [TOKEN], "timezone": ZONE}]
    with running_bridge(accounts=accounts, public_url=ORIGIN) as bridge:
        line = auditor.does("run", *JOURNAL, "--to-url", bridge.url, "--progress", "@p.json")
        events = [one for one in bridge.publisher.records if "journal" not in one.topic]
    assert line["statuses"] == {"200": CALLBACKS}
    expected = {one.event.id for one in calls(CALLS) if one.event is not None}
    assert {orjson.loads(one.value)["id"] for one in events} == expected


def test_an_url_that_refuses_is_exit_code_1_and_counted(auditor: Auditor) -> None:
    with running_bridge() as bridge:  # of another account
        done = auditor.run("run", *JOURNAL, "--to-url", bridge.url, "--progress", "@progress.json")
    assert done.returncode == 1
    assert orjson.loads(done.stdout.splitlines()[-1])["statuses"] == {"403": CALLBACKS}


def test_requests_are_in_the_journal_alone(auditor: Auditor) -> None:
    done = auditor.run("run", "--to-url", "http://127.0.0.1:1", "--progress", "@progress.json")
    assert (done.returncode, "only the journal has" in flat(done.stderr)) == (2, True)


def test_a_file_that_is_there_is_exit_code_2(auditor: Auditor) -> None:
    auditor.file("out.jsonl").write_text("mine")
    done = auditor.run("run", "--to-jsonl", "@out.jsonl")
    assert (done.returncode, "already exists" in done.stderr) == (2, True)
    assert auditor.file("out.jsonl").read_text() == "mine"


@pytest.mark.system
def test_a_full_disk_is_one_line_and_exit_code_3_and_is_gone_on_with(auditor: Auditor) -> None:
    arguments = ["replay", "run", *JOURNAL, "--to-jsonl", str(auditor.file("out.jsonl"))]
    done = subprocess.run(
        [COMMAND, *arguments],
        env=environment(**auditor.settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_no_large_files,
    )
    assert done.returncode == 3, done.stderr
    # Measured, it has more to say: the report of its coverage does not fit either.
    assert done.stderr.startswith(f"{auditor.file('out.jsonl')}: File too large\n")
    line = auditor.does("run", *JOURNAL, "--to-jsonl", "@out.jsonl")
    assert line["records"] == CALLBACKS


def _no_large_files() -> None:
    """Have a file's ninth KiB refused, as a full disk would: the progress is smaller, the file not."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


@pytest.mark.kafka
def test_live_topics_that_delete_by_age_are_warned_of(
    apache_kafka: str, prefix: str, tmp_path: Path
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    ring = next(calls(1, prefix=prefix)).records[0]

    async def stored() -> None:
        await make_topics(kafka.connection, planned(ring.topic, retention_ms="259200000"))
        await store(kafka, [ring])

    asyncio.run(stored())
    auditor = Auditor(kafka, prefix, tmp_path)
    done = auditor.run(
        "run", "--type=voice.call.ring", "--to-live", "--yes", "--progress", "@progress.json"
    )
    assert done.returncode == 0
    assert "keeps records for 3 days" in done.stderr


@pytest.mark.system
def test_a_person_is_shown_a_table_and_asked_before_the_live_topic(owner: Auditor) -> None:
    arguments = ["replay", "run", "--type=voice.call.ring", "--to-live"]
    progress = f"--progress={owner.file('progress.json')}"
    for answer, code in (("n", 1), ("y", 0)):
        said, found = _on_a_terminal([*arguments, progress], owner.settings, answer)
        assert f"Replay 4 records into {owner.prefix}plivo.voice.call.ring.v1?" in said
        assert "at original speed" in said
        assert found == code, said
    assert "records planned" in said
    assert "done" in said


def _on_a_terminal(arguments: list[str], settings: dict[str, str], answer: str) -> tuple[str, int]:
    """Run the command with a terminal on all three streams, and answer it at once."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *arguments],
        env=environment(**settings),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    said = b""
    while True:
        try:
            read = os.read(ours, 4096)
        except OSError:  # how a terminal says that nobody is there any more
            break
        if not read:
            break
        said += read
    os.close(ours)
    return said.decode().replace("\r", ""), process.wait(PATIENCE_S)
