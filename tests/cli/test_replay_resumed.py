"""``callback-bridge replay run``, said again: after a stop, after a crash, after the end."""

import signal
import subprocess
from pathlib import Path

import orjson

from tests.cli.process import started
from tests.cli.replaying import CALLBACKS, JOURNAL, Auditor, flat, originals, without_stamp
from tests.ingress.running import eventually
from tests.replay.calls import journal_of

pytest_plugins = ("tests.kafka.fixtures", "tests.cli.replay_fixtures")


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
        assert said in flat(done.stderr)
    auditor.does("plan", *ring, "--out", "@plan.json")
    done = auditor.run("run", "--plan", "@plan.json", "--progress", "@p.json")
    assert (done.returncode, "of another plan" in flat(done.stderr)) == (2, True)
    assert auditor.does("run", "--progress", "@p.json")["state"] == "done"
