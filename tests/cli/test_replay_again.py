"""``replay run``, run again: whether it is the same replay, and how a finished one is treated."""

from pathlib import Path

import orjson
import pytest

from bridge.replay.progress import lock_progress
from tests.cli.replaying import CALLBACKS, JOURNAL, Auditor, flat
from tests.support.cli import run

pytest_plugins = ("tests.support.kafka_fixtures", "tests.cli.replay_fixtures")

RING = ("--type", "voice.call.ring")


def test_one_progress_is_not_mixed_with_another_replay(auditor: Auditor) -> None:
    auditor.does("run", *RING, "--to-jsonl", "@out.jsonl", "--progress", "@p.json")
    for options, said in (
        (("--type", "voice.call.hangup"), "of a replay with other filters"),
        ((*RING, "--to-csv", "@out.csv"), "of a replay to another target"),
    ):
        done = auditor.run("run", *options, "--progress", "@p.json")
        assert done.returncode == 2
        assert said in flat(done.stderr)
    auditor.does("plan", *RING, "--out", "@plan.json")
    done = auditor.run("run", "--plan", "@plan.json", "--progress", "@p.json")
    assert (done.returncode, "of another plan" in flat(done.stderr)) == (2, True)
    assert auditor.does("run", "--progress", "@p.json")["state"] == "already_done"


def test_only_one_process_at_a_time_runs_a_replay(auditor: Auditor) -> None:
    file = auditor.file("p.json")
    with lock_progress(file):
        done = auditor.run("run", *RING, "--progress", "@p.json")
    assert done.returncode == 2
    assert done.stderr == f"{file}: another process is running this replay\n"
    assert list(auditor.folder.iterdir()) == []


def test_a_finished_replay_is_reported_as_finished(auditor: Auditor) -> None:
    first = auditor.does("run", *JOURNAL, "--to-jsonl", "@out.jsonl")
    again = auditor.does("run", *JOURNAL, "--to-jsonl", "@out.jsonl")
    progress = orjson.loads(auditor.file("out.jsonl.progress.json").read_bytes())
    assert (first["state"], again["state"]) == ("done", "already_done")
    assert again["finished_at"] == progress["finished_at"]
    assert (again["replay_id"], again["records"]) == (first["replay_id"], CALLBACKS)


def test_a_terminal_shows_that_nothing_is_replayed_again(auditor: Auditor, terminal: None) -> None:
    arguments = ("run", *RING, "--to-jsonl", "@out.jsonl")
    auditor.run(*arguments)
    done = auditor.run(*arguments)
    assert done.returncode == 0
    assert "nothing is replayed again" in done.stderr
    assert "already_done" in done.stdout


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_finished_file_that_was_moved_away_is_not_passed_over(
    auditor: Auditor, kind: str
) -> None:
    arguments = ("run", *RING, f"--to-{kind}", "@out")
    auditor.does(*arguments)
    auditor.file("out").rename(auditor.file("away"))
    done = auditor.run(*arguments)
    assert done.returncode == 2
    assert "has changed since: to replay it again, delete that file" in flat(done.stderr)
    assert not auditor.file("out").exists()
    for beside in ("out.progress.json", "out.manifest.json"):
        auditor.file(beside).rename(auditor.file(f"away-{beside}"))
    assert auditor.does(*arguments)["state"] == "done"


def test_a_finished_file_that_was_replaced_is_not_accepted(auditor: Auditor) -> None:
    arguments = ("run", *RING, "--to-jsonl", "@out.jsonl")
    auditor.does(*arguments)
    auditor.file("out.jsonl").write_text("mine")
    done = auditor.run(*arguments)
    assert (done.returncode, "has changed since" in flat(done.stderr)) == (2, True)


def test_times_that_are_counted_from_now_are_another_replays(auditor: Auditor) -> None:
    absolute = ("run", *RING, "--since", "2026-03-07", "--to-jsonl", "@absolute.jsonl")
    relative = ("run", *RING, "--since", "3650d", "--to-jsonl", "@relative.jsonl")
    for arguments in (absolute, relative):
        auditor.does(*arguments)
    assert auditor.does(*absolute)["state"] == "already_done"
    done = auditor.run(*relative)
    assert (done.returncode, "relative times mean another window now" in flat(done.stderr)) == (
        2,
        True,
    )


def test_the_live_topics_are_not_written_to_by_naming_a_file(owner: Auditor) -> None:
    live = ("--to-live", "--yes")
    owner.does("run", *RING, *live, "--progress", "@p.json")
    progress = orjson.loads(owner.file("p.json").read_bytes())
    begins = [part["offset_range"]["begin"] for part in progress["plan"]["parts"]]
    begun = {**progress, "next": begins, "records": 0, "bytes": 0, "finished_at": None}
    owner.file("p.json").write_bytes(orjson.dumps(begun))
    refused = owner.run("run", "--progress", "@p.json")
    assert (refused.returncode, "pass --to-live again" in flat(refused.stderr)) == (2, True)
    assert owner.does("run", "--to-live", "--progress", "@p.json")["state"] == "done"


@pytest.mark.parametrize(
    "to", [("--to-live", "--yes"), ("--from=journal", "--to-url=http://127.0.0.1:1")]
)
def test_a_retried_job_resumes_because_its_progress_file_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("replay", "run", *to, kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert "pass --progress FILE or --plan FILE too" in flat(done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_the_same_wherever_it_is_named_from(
    auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor.file("inside").mkdir()
    monkeypatch.chdir(auditor.folder)
    auditor.does("run", *RING, "--to-jsonl", "out.jsonl", "--progress", "p.json")
    monkeypatch.chdir(auditor.file("inside"))
    line = auditor.does("run", *RING, "--to-jsonl", "../out.jsonl", "--progress", "../p.json")
    assert (line["state"], line["to"]) == ("already_done", [str(auditor.file("out.jsonl"))])


def test_fewer_records_than_planned_is_exit_code_1(auditor: Auditor) -> None:
    auditor.does("plan", *JOURNAL, "--out", "@plan.json")
    plan = orjson.loads(auditor.file("plan.json").read_bytes())
    auditor.file("plan.json").write_bytes(orjson.dumps({**plan, "records": CALLBACKS + 1}))
    done = auditor.run("run", "--plan", "@plan.json", "--to-jsonl", "@out.jsonl")
    assert done.returncode == 1
    end = orjson.loads(done.stdout.splitlines()[-1])
    assert (end["state"], end["records"]) == ("done", CALLBACKS)
    assert end["records_planned"] == CALLBACKS + 1
