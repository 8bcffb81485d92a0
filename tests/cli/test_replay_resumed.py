"""``callback-bridge replay run`` resumes after a stop, and after a crash."""

import signal
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.replaying import CALLBACKS, CALLS, JOURNAL, Auditor, originals, without_stamp
from tests.support.bridge import eventually, running_bridge
from tests.support.cli import started
from tests.support.factories import AUTH_ID, ORIGIN, TOKEN, ZONE
from tests.support.stored_calls import calls, journal_of

pytest_plugins = ("tests.support.kafka_fixtures", "tests.cli.replay_fixtures")


def test_a_plan_is_replayed_into_a_new_topic_as_it_was(auditor: Auditor) -> None:
    auditor.does("plan", *JOURNAL, "--out", "@plan.json")
    line = auditor.does("run", "--plan", "@plan.json")
    (topic,) = line["to"]
    assert (line["state"], line["records"]) == ("done", CALLBACKS)
    assert topic == f"{journal_of(auditor.prefix)}.replay.{line['replay_id']}"
    found = auditor.records(topic)
    assert without_stamp(found, journal_of(auditor.prefix)) == originals(auditor.prefix)
    assert {dict(one.headers)["replay_id"].decode() for one in found} == {line["replay_id"]}
    again = auditor.does("run", "--plan", "@plan.json")
    assert (again["state"], again["replay_id"]) == ("already_done", line["replay_id"])
    assert auditor.records(topic) == found


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_replay_resumes_and_writes_the_same_file(
    auditor: Auditor, number: signal.Signals
) -> None:
    auditor.does("run", *JOURNAL, "--to-jsonl", "@whole.jsonl")
    arguments = ["replay", "run", *JOURNAL, "--to-jsonl", str(auditor.file("out.jsonl"))]
    progress = auditor.file("out.jsonl.progress.json")
    with started(*arguments, "--pace=0.5/s", **auditor.settings) as process:
        process.says("planned")
        _until_some(progress, process.process)
        code = process.end(number)
    assert code == 130, process.written
    stopped = orjson.loads(process.out[-1])
    assert stopped["state"] == "stopped"
    assert 0 < stopped["records"] < CALLBACKS
    assert not auditor.file("out.jsonl").exists()
    line = auditor.does("run", *JOURNAL, "--to-jsonl", "@out.jsonl")
    assert (line["records"], line["replay_id"]) == (CALLBACKS, stopped["replay_id"])
    assert auditor.file("out.jsonl").read_bytes() == auditor.file("whole.jsonl").read_bytes()


def _until_some(progress: Path, process: "subprocess.Popen[str]") -> None:
    """Return when the progress says that something was replayed."""

    def some() -> bool:
        assert process.poll() is None
        return progress.exists() and orjson.loads(progress.read_bytes())["records"] > 0

    eventually(some, 60)


def _killed_and_said_again(auditor: Auditor, *to: str) -> dict[str, Any]:
    """Kill a replay of the journal when some of it is noted, and return the end of the next one."""
    auditor.does("plan", *JOURNAL, "--out", "@plan.json")
    arguments = ["replay", "run", "--plan", str(auditor.file("plan.json"))]
    arguments += [one.replace("@", f"{auditor.folder}/") for one in to]
    progress = ["--progress", str(auditor.file("p.json"))]
    with started(*arguments, *progress, "--pace=0.5/s", **auditor.settings) as process:
        if "--to-parquet" in to:  # nothing of it settles before the end
            process.says("started")
        else:
            _until_some(auditor.file("p.json"), process.process)
        assert process.end(signal.SIGKILL) == -signal.SIGKILL
    line = auditor.does("run", "--plan", "@plan.json", *to, "--progress", "@p.json")
    assert (line["state"], line["records"]) == ("done", CALLBACKS)
    return line


@pytest.mark.system
def test_a_killed_replay_resumes_in_the_new_topic(auditor: Auditor) -> None:
    (topic,) = _killed_and_said_again(auditor)["to"]
    found = auditor.records(topic)
    assert without_stamp(found, journal_of(auditor.prefix)) == originals(auditor.prefix)


@pytest.mark.system
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_killed_it_makes_the_same_file(auditor: Auditor, kind: str) -> None:
    auditor.does("run", *JOURNAL, f"--to-{kind}", "@whole")
    _killed_and_said_again(auditor, f"--to-{kind}", "@out")
    assert auditor.file("out").read_bytes() == auditor.file("whole").read_bytes()
    assert not list(auditor.folder.glob("*.partial"))


@pytest.mark.system
def test_killed_it_makes_the_same_parquet(auditor: Auditor) -> None:
    auditor.does("run", *JOURNAL, "--to-parquet", "@whole")
    _killed_and_said_again(auditor, "--to-parquet", "@out")
    (whole,), (found,) = (list(auditor.file(name).iterdir()) for name in ("whole", "out"))
    assert found.read_bytes() == whole.read_bytes()


@pytest.mark.system
def test_a_killed_replay_resumes_in_the_live_topic_without_loss(owner: Auditor) -> None:
    topic = journal_of(owner.prefix)
    places = places_of(owner)
    _killed_and_said_again(owner, "--to-live")
    replayed = [one for one in owner.records(topic) if "replay_id" in dict(one.headers)]
    found = [dict(one.headers)["replay_source"] for one in replayed]
    assert set(found) == places
    assert len(found) <= 2 * CALLBACKS  # what was not noted is there twice
    assert {one.value for one in replayed} == {one.value for one in originals(owner.prefix)}


def places_of(auditor: Auditor) -> set[bytes]:
    """Return where each record of the journal lies, as a replay names it."""
    auditor.does("run", *JOURNAL, "--to-jsonl", "@places.jsonl")
    lines = map(orjson.loads, auditor.file("places.jsonl").read_bytes().splitlines())
    return {f"{one['topic']}:{one['partition']}:{one['offset']}".encode() for one in lines}


@pytest.mark.system
def test_a_killed_replay_resumes_its_requests_without_loss(auditor: Auditor) -> None:
    accounts = [{"auth_id": AUTH_ID, "auth_tokens": [TOKEN], "timezone": ZONE}]
    with running_bridge(accounts=accounts, public_url=ORIGIN) as bridge:
        line = _killed_and_said_again(auditor, "--to-url", bridge.url)
        events = [one for one in bridge.publisher.records if "journal" not in one.topic]
    assert line["statuses"] == {"200": CALLBACKS}
    expected = {one.event.id for one in calls(CALLS) if one.event is not None}
    assert {orjson.loads(one.value)["id"] for one in events} == expected
    assert CALLBACKS <= len(events) <= 2 * CALLBACKS


def test_so_many_times_the_original_speed_is_everything_too(auditor: Auditor) -> None:
    line = auditor.does("run", *JOURNAL, "--to-jsonl", "@out.jsonl", "--pace", "100x")
    assert (line["state"], line["records"]) == ("done", CALLBACKS)
    auditor.does("run", *JOURNAL, "--to-jsonl", "@at-once.jsonl")
    assert auditor.file("out.jsonl").read_bytes() == auditor.file("at-once.jsonl").read_bytes()
