"""``callback-bridge replay plan`` and ``run``, as an auditor uses them."""

import asyncio
import csv
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from bridge.cli import main
from bridge.dev.broker import free_port
from bridge.record import Record
from tests.cli.process import COMMAND, environment, started
from tests.ingress.running import eventually, running_bridge
from tests.kafka.client import Kafka, make_topics, planned, read_back
from tests.making import AUTH_ID, ORIGIN, TOKEN, ZONE
from tests.replay.calls import call_uuid, calls, journal_of, make_all_topics, store

pytest_plugins = ("tests.kafka.fixtures",)

Command = Callable[..., CompletedProcess[str]]

CALLS = 4
CALLBACKS = 3 * CALLS
JOURNAL = ("--from", "journal")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command's own entry point in this process: the same, and ten times as fast."""

    def called(*arguments: str, **settings: str) -> CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["callback-bridge", *arguments])
        for name, value in environment(**settings).items():
            monkeypatch.setenv(name, value)
        code = 0
        try:
            main.run()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        return CompletedProcess(arguments, code, captured.out, captured.err)

    return called


class Auditor:
    """Runs the command against a Kafka that has a few calls, in a folder of his own."""

    def __init__(self, command: Command, kafka: Kafka, prefix: str, folder: Path) -> None:
        self._command = command
        self.kafka = kafka
        self.prefix = prefix
        self.folder = folder
        self.settings = {
            "kafka_bootstrap_servers": kafka.address,
            "kafka_idempotence": str(kafka.idempotence),
            "topic_prefix": prefix,
        }

    def run(self, *arguments: str) -> CompletedProcess[str]:
        return self._command("replay", *map(self._placed, arguments), **self.settings)

    def does(self, *arguments: str) -> dict[str, Any]:
        """Return the last line of a command that succeeds."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        last: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
        return last

    def _placed(self, argument: str) -> str:
        """Return an argument with ``@`` for the folder and ``%`` for the topics' prefix."""
        return argument.replace("@", f"{self.folder}/").replace("%", self.prefix)

    def file(self, name: str) -> Path:
        return self.folder / name

    def records(self, topic: str) -> list[Record]:
        return sorted(read_back(self.kafka.address, [topic]), key=lambda one: one.timestamp_ms)


_STORED: dict[str, str] = {}


@pytest.fixture
async def auditor(command: Command, kafka: Kafka, prefix: str, tmp_path: Path) -> Auditor:
    """An auditor of topics that all tests share, because none writes to them."""
    if kafka.address not in _STORED:
        _STORED[kafka.address] = prefix
        await store_calls(kafka, prefix)
    return Auditor(command, kafka, _STORED[kafka.address], tmp_path)


@pytest.fixture
async def owner(command: Command, kafka: Kafka, prefix: str, tmp_path: Path) -> Auditor:
    """An auditor of topics of his own, that he may write to."""
    await store_calls(kafka, prefix)
    return Auditor(command, kafka, prefix, tmp_path)


async def store_calls(kafka: Kafka, prefix: str) -> None:
    await make_all_topics(kafka, prefix)
    taken = sorted(calls(CALLS, prefix=prefix), key=lambda one: one.journal.timestamp_ms)
    await store(kafka, [record for one in taken for record in one.records])


def originals(prefix: str) -> list[Record]:
    """Return the journal as it was stored, in the order of time."""
    taken = calls(CALLS, prefix=prefix)
    return sorted((one.journal for one in taken), key=lambda one: one.timestamp_ms)


def without_stamp(records: Sequence[Record], topic: str) -> list[Record]:
    """Return the records as if they were not replayed, of that topic."""
    return [
        Record(topic, one.key, one.value, one.headers[:-3], one.timestamp_ms) for one in records
    ]


def test_a_plan_counts_and_writes_nothing_but_its_file(auditor: Auditor) -> None:
    line = auditor.does("plan", *JOURNAL, "--out", "@plan.json")
    assert (line["state"], line["records"], line["read_records"]) == ("planned", 12, 12)
    assert line["topics"] == [journal_of(auditor.prefix)]
    assert line["first"] == "2026-03-07T14:13:30.000Z"
    assert line["last"] == "2026-03-07T14:14:41.000Z"
    assert line["bytes"] > 1000
    assert line["estimate"]["original_speed_s"] == 71.0
    plan = orjson.loads(auditor.file("plan.json").read_bytes())
    assert plan["id"] == line["plan_id"]
    assert [one.name for one in auditor.folder.iterdir()] == ["plan.json"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), CALLBACKS),
        (("--type", "voice.call.ring", "--type", "voice.call.hangup"), 2 * CALLS),
        ((*JOURNAL, "--type", "voice.call.hangup"), CALLS),
        ((*JOURNAL, "--call", str(call_uuid(2)), "--account", AUTH_ID), 3),
        (("--message", str(call_uuid(1)), "--type", "voice.call.answer"), 1),
        ((*JOURNAL, "--since", "2026-03-07T14:13:33Z", "--until", "2026-03-07T14:14:00Z"), 5),
    ],
)
def test_options_select_what_is_planned(
    auditor: Auditor, options: tuple[str, ...], expected: int
) -> None:
    assert auditor.does("plan", *options)["records"] == expected


def test_offsets_select_what_is_planned(auditor: Auditor) -> None:
    plan = auditor.does("plan", *JOURNAL, "--out", "@plan.json")
    part = orjson.loads(auditor.file("plan.json").read_bytes())["parts"][0]["stretch"]
    place = f"{part['topic']}:{part['partition']}:{part['begin']}"
    assert plan["records"] > auditor.does("plan", "--offsets", f"{place}-")["records"] > 0
    assert auditor.does("plan", "--offsets", f"{place}-{part['begin']}")["records"] == 1
    missing = auditor.run("plan", "--offsets", f"{place}-9999")
    assert (missing.returncode, "offset 9999 is not there" in missing.stderr) == (1, True)


def test_a_plan_of_nothing_is_exit_code_1(auditor: Auditor) -> None:
    done = auditor.run("plan", "--call", "00000000-0000-0000-0000-000000000000")
    assert done.returncode == 1
    assert orjson.loads(done.stdout)["records"] == 0
    done = auditor.run("run", "--call", "00000000-0000-0000-0000-000000000000")
    assert done.returncode == 1


def test_a_plan_is_replayed_into_a_new_topic_as_it_was(auditor: Auditor) -> None:
    auditor.does("plan", *JOURNAL, "--out", "@plan.json")
    line = auditor.does("run", "--plan", "@plan.json")
    (topic,) = line["to"]
    assert (line["state"], line["records"]) == ("done", CALLBACKS)
    assert topic == f"{journal_of(auditor.prefix)}.replay.{line['replay_id']}"
    found = auditor.records(topic)
    assert without_stamp(found, journal_of(auditor.prefix)) == originals(auditor.prefix)
    assert {dict(one.headers)["replay_id"].decode() for one in found} == {line["replay_id"]}
    again = auditor.does("run", "--plan", "@plan.json")  # it is finished: nothing is done
    assert (again["state"], again["replay_id"]) == ("done", line["replay_id"])
    assert auditor.records(topic) == found


def test_the_live_topic_is_replayed_into_only_when_it_is_said_twice(owner: Auditor) -> None:
    options = ("run", "--type", "voice.call.ring", "--to-live", "--progress", "@progress.json")
    refused = owner.run(*options)
    assert refused.returncode == 2
    assert "say --yes" in _flat(refused.stderr)
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
        assert list(row) == list(other)
        assert row["data.ended_at.utc"] == other["data.ended_at.utc"]
        assert row["data.from.e164"] == f"'{other['data.from.e164']}"
        assert row["data.duration_s"] == other["data.duration_s"] == "65"


def test_requests_are_replayed_to_a_bridge_that_verifies_them(auditor: Auditor) -> None:
    accounts = [{"auth_id": AUTH_ID, "auth_tokens": [TOKEN], "timezone": ZONE}]
    with running_bridge(accounts=accounts, public_url=ORIGIN) as bridge:
        line = auditor.does("run", *JOURNAL, "--to-url", bridge.url)
        events = [one for one in bridge.publisher.records if "journal" not in one.topic]
    assert line["statuses"] == {"200": CALLBACKS}
    expected = {one.event.id for one in calls(CALLS) if one.event is not None}
    assert {orjson.loads(one.value)["id"] for one in events} == expected


def test_an_url_that_refuses_is_exit_code_1_and_counted(auditor: Auditor) -> None:
    with running_bridge() as bridge:  # of another account
        done = auditor.run("run", *JOURNAL, "--to-url", bridge.url, "--progress", "@progress.json")
    assert done.returncode == 1
    assert orjson.loads(done.stdout.splitlines()[-1])["statuses"] == {"403": CALLBACKS}


def test_stopped_and_said_again_it_goes_on_and_makes_the_same_file(auditor: Auditor) -> None:
    auditor.does("run", *JOURNAL, "--to-jsonl", "@whole.jsonl")
    arguments = ["replay", "run", *JOURNAL, "--to-jsonl", str(auditor.file("out.jsonl"))]
    progress = auditor.file("out.jsonl.progress.json")
    with started(*arguments, "--pace=0.5/s", **auditor.settings) as process:
        process.says("planned")
        _until_some(progress, process.process)
        code = process.end(signal.SIGINT)
    assert code == 130, process.written
    stopped = orjson.loads(process.out[-1])
    assert stopped["state"] == "stopped"
    assert 0 < stopped["records"] < CALLBACKS
    assert not auditor.file("out.jsonl").exists()
    line = auditor.does("run", *JOURNAL, "--to-jsonl", "@out.jsonl")
    assert (line["records"], line["replay_id"]) == (CALLBACKS, stopped["replay_id"])
    assert auditor.file("out.jsonl").read_bytes() == auditor.file("whole.jsonl").read_bytes()


def test_killed_and_said_again_it_goes_on(auditor: Auditor) -> None:
    auditor.does("plan", *JOURNAL, "--out", "@plan.json")
    arguments = ["replay", "run", "--plan", str(auditor.file("plan.json"))]
    progress = auditor.file("plan.json.progress.json")
    with started(*arguments, "--pace=0.5/s", **auditor.settings) as process:
        _until_some(progress, process.process)
        assert process.end(signal.SIGKILL) == -signal.SIGKILL
    line = auditor.does("run", "--plan", "@plan.json")
    (topic,) = line["to"]
    assert line["records"] == CALLBACKS
    found = auditor.records(topic)
    assert without_stamp(found, journal_of(auditor.prefix)) == originals(auditor.prefix)


def _until_some(progress: Path, process: "subprocess.Popen[str]") -> None:
    """Return when the progress says that something was replayed."""

    def some() -> bool:
        assert process.poll() is None
        return progress.exists() and orjson.loads(progress.read_bytes())["records"] > 0

    eventually(some, 60)


def test_one_progress_is_not_mixed_with_another_replay(auditor: Auditor) -> None:
    ring = ("--type", "voice.call.ring")
    auditor.does("run", *ring, "--to-jsonl", "@out.jsonl", "--progress", "@p.json")
    for options, said in (
        (("--type", "voice.call.hangup"), "of a replay of something else"),
        ((*ring, "--to-csv", "@out.csv"), "of a replay to another place"),
    ):
        done = auditor.run("run", *options, "--progress", "@p.json")
        assert done.returncode == 2
        assert said in _flat(done.stderr)
    auditor.does("plan", *ring, "--out", "@plan.json")
    done = auditor.run("run", "--plan", "@plan.json", "--progress", "@p.json")
    assert (done.returncode, "of another plan" in _flat(done.stderr)) == (2, True)
    assert auditor.does("run", "--progress", "@p.json")["state"] == "done"


def test_a_file_that_is_there_is_exit_code_2(auditor: Auditor) -> None:
    auditor.file("out.jsonl").write_text("mine")
    done = auditor.run("run", "--to-jsonl", "@out.jsonl")
    assert (done.returncode, "is there already" in done.stderr) == (2, True)
    assert auditor.file("out.jsonl").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "--type", "voice.nonsense"), "no type is called"),
        (("plan", "--call", "x"), "is no id"),
        (("plan", "--offsets", "topic"), "topic:partition:from-to"),
        (("plan", "--since", "1h", "--until", "2h"), "is not after --since"),
        (("plan", "--from", "elsewhere"), "elsewhere"),
        (("run", "--pace", "fast"), "records a second"),
        (("run", "--to-url", "nonsense"), "absolute http"),
        (("run", "--to-live", "--to-jsonl", "x"), "only one of the --to-"),
        (("run", "--plan", "nowhere.json", "--type", "voice.fetch"), "leave the options"),
        (("run", "--plan", "nowhere.json"), "nowhere.json"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    command: Command,
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("replay", *arguments, kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert said in _flat(done.stderr)
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_requests_are_in_the_journal_alone(auditor: Auditor) -> None:
    done = auditor.run("run", "--to-url", "http://127.0.0.1:1", "--progress", "@progress.json")
    assert (done.returncode, "journal alone" in _flat(done.stderr)) == (2, True)


def test_a_plan_that_cannot_be_kept_is_wrong_usage(auditor: Auditor) -> None:
    done = auditor.run("plan", "--out", "@nowhere/plan.json")
    assert (done.returncode, "No such file" in _flat(done.stderr)) == (2, True)


def test_a_kafka_that_is_away_is_exit_code_3(command: Command, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    for verb in ("plan", "run"):
        progress = ("--progress", str(tmp_path / "p.json")) if verb == "run" else ()
        done = command("replay", verb, *progress, kafka_bootstrap_servers=address)
        assert done.returncode == 3
        assert address in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
def test_live_topics_that_delete_by_age_are_warned_of(
    command: Command, apache_kafka: str, prefix: str, tmp_path: Path
) -> None:
    kafka = Kafka(apache_kafka, idempotence=True)
    ring = next(calls(1, prefix=prefix)).records[0]

    async def stored() -> None:
        await make_topics(kafka.connection, planned(ring.topic, retention_ms="259200000"))
        await store(kafka, [ring])

    asyncio.run(stored())
    auditor = Auditor(command, kafka, prefix, tmp_path)
    done = auditor.run(
        "run", "--type=voice.call.ring", "--to-live", "--yes", "--progress", "@progress.json"
    )
    assert done.returncode == 0
    assert "keeps records for 3 days" in done.stderr


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
    return said.decode().replace("\r", ""), process.wait(60)


def _flat(text: str) -> str:
    return " ".join(text.replace("│", " ").split())
