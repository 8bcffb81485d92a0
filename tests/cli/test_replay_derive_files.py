"""``callback-bridge replay derive`` into files: those of ``replay run``, from the journal alone."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
import pyarrow.parquet as pq
import pytest

from bridge.audit.derived_output import DerivedFile
from bridge.core.catalogue import load_catalogue
from bridge.core.record import Record
from bridge.replay import CannotWrite
from bridge.replay.targets.columns import build_event_table
from tests.cli.journals import Journal, counts, filled, lines, put
from tests.support.kafka import Kafka
from tests.support.stored_calls import Taken, calls

pytest_plugins = ("tests.support.kafka_fixtures",)


@pytest.fixture
async def journal(kafka: Kafka, prefix: str) -> Journal:
    return await filled(kafka, prefix)


def without_record(taken: Taken) -> dict[str, Any]:
    """Return an event as it was published, without the time it was built at."""
    assert taken.event is not None
    value: dict[str, Any] = orjson.loads(taken.event.record.value)
    del value["recordedtime"]
    return value


def expired(journal: Journal) -> list[Taken]:
    """Store callbacks of now, whose events are on no topic."""
    one = list(calls(1, placed_at=datetime.now(UTC), prefix=journal.prefix))  # noqa: TID251
    put(journal, [callback.journal for callback in one])
    return one


def test_json_lines_have_every_event_in_the_journals_order(
    journal: Journal, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    gone = expired(journal)
    put(journal, [one.journal for one in journal.first])  # the journal has them twice
    done = journal.derive(f"--to-jsonl={file}")
    assert done.returncode == 0, done.stderr
    (end,) = lines(done)
    assert counts(end) == {"unchanged": 6, "event_expired": 3, "repeated": 3}
    assert (end["written"], end["to"]) == (9, [str(file)])
    found = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    taken = [*journal.first, *journal.second, *gone]
    for line, callback in zip(found, taken, strict=True):
        assert callback.event is not None
        del line["value"]["recordedtime"]
        assert line["value"] == without_record(callback)
        assert line["topic"] == callback.event.record.topic
        assert line["timestamp_ms"] == callback.event.record.timestamp_ms
        assert line["key"] == callback.event.record.key.decode()
        assert (line["partition"], line["offset"]) == (None, None)
        headers = {one["name"]: one["value"] for one in line["headers"]}
        assert headers["ce_id"] == callback.event.id
        assert headers["replay_id"] == end["replay_id"]
        assert headers["replay_source"].startswith(f"{journal.prefix}plivo.journal.v1:0:")
        assert headers["derived"] == "1"


def test_the_manifest_names_the_source_of_the_derived_events(
    journal: Journal, tmp_path: Path
) -> None:
    file = tmp_path / "hangups.csv"
    done = journal.derive(f"--to-csv={file}", "--type=voice.call.hangup", "--since=2h")
    assert done.returncode == 0, done.stderr
    manifest = orjson.loads(Path(f"{file}.manifest.json").read_bytes())
    assert manifest["derived"] is True
    assert manifest["records"] == 2
    assert manifest["callbacks"] | {"unchanged": 0} == dict.fromkeys(manifest["callbacks"], 0)
    assert manifest["callbacks"]["unchanged"] == 2
    assert manifest["query"]["types"] == ["voice.call.hangup"]
    assert manifest["query"]["source"] == "journal"
    assert manifest["window"]["since_ms"] > 0
    (part,) = manifest["journal"]
    assert part["topic"] == f"{journal.prefix}plivo.journal.v1"
    assert [one["name"] for one in manifest["files"]] == ["hangups.csv"]


def test_csv_and_parquet_have_the_columns_of_replay_run(journal: Journal, tmp_path: Path) -> None:
    table = build_event_table([load_catalogue().by_name["voice.call.hangup"]])
    file, folder = tmp_path / "hangups.csv", tmp_path / "hangups"
    for option in (f"--to-csv={file}", f"--to-parquet={folder}"):
        assert journal.derive(option, "--type=voice.call.hangup").returncode == 0
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == table.names
    found = pq.read_table(folder)
    assert found.column_names == [one.name for one in table.typed_columns]
    assert [row["duration_s"] for row in rows] == ["65", "65"]
    assert found["duration_s"].to_pylist() == [65, 65]
    assert found["record_offset"].to_pylist() == [None, None]


def test_parquet_files_have_the_rows_of_replay_run(journal: Journal, tmp_path: Path) -> None:
    folder = tmp_path / "events"
    with patch("bridge.replay.targets.parquet.ParquetFolder.checkpoint_policy") as policy:
        policy.records = 4
        assert journal.derive(f"--to-parquet={folder}").returncode == 0
    counted = [pq.read_metadata(file).num_rows for file in sorted(folder.iterdir())]
    assert counted == [4, 2]


def test_an_existing_file_is_wrong_usage_and_stays(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("mine")
    done = journal.derive(f"--to-jsonl={file}")
    assert done.returncode == 2
    assert "already exists" in " ".join(done.stderr.replace("│", " ").split())
    assert [one.name for one in tmp_path.iterdir()] == ["events.jsonl"]
    assert file.read_text() == "mine"


@pytest.mark.parametrize("option", ["--to-jsonl", "--to-csv", "--to-parquet"])
def test_a_run_that_stops_early_leaves_nothing_and_can_be_repeated(
    journal: Journal, tmp_path: Path, option: str
) -> None:
    write, message = DerivedFile.write, "the disk is full"

    async def broken(file: DerivedFile, events: Any) -> None:
        await write(file, events)
        if events:
            raise CannotWrite(message)

    with patch.object(DerivedFile, "write", broken):
        done = journal.derive(f"{option}={tmp_path / 'out'}")
    assert (done.returncode, message in done.stderr) == (3, True)
    assert list(tmp_path.iterdir()) == []
    assert journal.derive(f"{option}={tmp_path / 'out'}").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to-csv=a.csv", "--to-jsonl=a.jsonl"], "--to-… options cannot be combined"),
        (["--to-csv=a.csv", "--write"], "publishes to topics"),
        (["--to-csv=a.csv", "--all"], "needs --write"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    journal: Journal, arguments: list[str], said: str
) -> None:
    done = journal.derive(*arguments)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_a_callback_without_an_event_is_counted_and_has_no_row(
    journal: Journal, tmp_path: Path
) -> None:
    topic = f"{journal.prefix}plivo.journal.v1"
    stamp = journal.first[0].journal.timestamp_ms
    put(journal, [Record(topic, b"k", b"{}", (), stamp)])
    file = tmp_path / "events.jsonl"
    done = journal.derive(f"--to-jsonl={file}")
    assert done.returncode == 1
    (end,) = lines(done)
    assert (counts(end), end["written"]) == ({"unchanged": 6, "cannot_derive": 1}, 6)
    assert len(file.read_bytes().splitlines()) == 6
    manifest = orjson.loads(Path(f"{file}.manifest.json").read_bytes())
    assert (manifest["records"], manifest["callbacks"]["cannot_derive"]) == (6, 1)


def test_nothing_to_derive_makes_a_file_without_lines(journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    done = journal.derive(f"--to-jsonl={file}", "--since=1m")
    assert (done.returncode, file.read_bytes()) == (0, b"")
