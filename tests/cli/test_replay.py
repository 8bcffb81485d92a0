"""``callback-bridge replay plan``, and what is wrong usage."""

import asyncio
import errno
import os
from pathlib import Path

import orjson
import pytest
from structlog.testing import capture_logs

from tests.cli.journals import lines
from tests.cli.replaying import CALLBACKS, CALLS, JOURNAL, Auditor, flat
from tests.support.cli import run
from tests.support.factories import AUTH_ID
from tests.support.kafka import Kafka, make_topics, planned
from tests.support.ports import free_port
from tests.support.stored_calls import call_uuid, calls, journal_of, store

pytest_plugins = ("tests.support.kafka_fixtures", "tests.cli.replay_fixtures")


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
        (("--call", str(call_uuid(2)).upper()), 3),
        (("--call", str(call_uuid(2)), "--message", str(call_uuid(2))), 3),
        (("--message", str(call_uuid(1)), "--type", "voice.call.answer"), 1),
        ((*JOURNAL, "--since", "2026-03-07T14:13:33Z", "--until", "2026-03-07T14:14:00Z"), 5),
    ],
)
def test_options_select_the_planned_records(
    auditor: Auditor, options: tuple[str, ...], expected: int
) -> None:
    assert auditor.does("plan", *options)["records"] == expected


def test_offsets_select_the_planned_records(auditor: Auditor) -> None:
    plan = auditor.does("plan", *JOURNAL, "--out", "@plan.json")
    part = orjson.loads(auditor.file("plan.json").read_bytes())["parts"][0]["offset_range"]
    place = f"{part['topic']}:{part['partition']}:{part['begin']}"
    assert plan["records"] > auditor.does("plan", "--offsets", f"{place}-")["records"] > 0
    assert auditor.does("plan", "--offsets", f"{place}-{part['begin']}")["records"] == 1
    missing = auditor.run("plan", "--offsets", f"{place}-9999")
    assert (missing.returncode, "no offset 9999 yet" in missing.stderr) == (1, True)


def test_a_plan_of_nothing_is_exit_code_1(auditor: Auditor) -> None:
    done = auditor.run("plan", "--call", "00000000-0000-0000-0000-000000000000")
    assert done.returncode == 1
    assert orjson.loads(done.stdout)["records"] == 0
    done = auditor.run("run", "--call", "00000000-0000-0000-0000-000000000000")
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "--type", "voice.nonsense"), "unknown type"),
        (("plan", "--call", "x"), "is not an id"),
        (("plan", "--offsets", "topic"), "topic:partition:from-to"),
        (("plan", "--since", "1h", "--until", "2h"), "is not after --since"),
        (("plan", "--since", "yesterday"), "Invalid value for --since: 'yesterday' is neither"),
        (("plan", "--until", "noon"), "Invalid value for --until: 'noon' is neither"),
        (("plan", "--from", "elsewhere"), "elsewhere"),
        (("run", "--pace", "fast"), "records a second"),
        (("run", "--to-url", "nonsense"), "absolute http"),
        (("run", "--to-live", "--to-jsonl", "x"), "--to-… options cannot be combined"),
        (
            ("run", "--plan", "nowhere.json", "--type", "voice.fetch"),
            "cannot be combined with filters",
        ),
        (("run", "--plan", "nowhere.json"), "nowhere.json"),
    ],
)
def test_contradictory_options_are_wrong_usage(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("replay", *arguments, kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert said in flat(done.stderr)
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command_of", "told"),
    [
        (
            ("replay", "plan"),
            ["Exit codes: 0", "--out FILE", "FROM-TO", "UTC without", "plan --from"],
        ),
        (
            ("replay", "run"),
            [
                "<topic>.replay.<replay id>",
                "130 stopped",
                ".progress.json",
                "FILE.manifest.json",
                "'.[export]'",
                "callback-bridge replay run --plan tuesday.plan",
            ],
        ),
        (
            ("replay", "derive"),
            ["<topic>.derived.<id>", "unchanged and expired", "derive --since"],
        ),
        (
            ("call", "show"),
            ["UTC without", "Search the whole journal", "--around 2026-03-03 --json"],
        ),
    ],
)
def test_help_explains_options_and_results_with_examples(
    command_of: tuple[str, ...], told: list[str]
) -> None:
    done = run(*command_of, "--help")
    said = flat(done.stdout)
    assert [text for text in told if text not in said] == []


def test_help_has_the_plan_before_the_run() -> None:
    said = flat(run("replay", "--help").stdout)
    assert said.index("plan Count") < said.index("run Replay") < said.index("derive Derive")


def test_an_existing_plan_is_not_overwritten(
    auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor.file("plan.json").write_text("mine")
    said = f"{auditor.file('plan.json')} already exists\n"
    refused = auditor.run("plan", "--out", "@plan.json")
    assert (refused.returncode, refused.stderr) == (2, said)
    monkeypatch.setattr(Path, "exists", lambda _: False)  # made while everything was read
    late = auditor.run("plan", "--out", "@plan.json")
    assert (late.returncode, late.stderr) == (2, said)
    assert auditor.file("plan.json").read_text() == "mine"
    assert [one.name for one in auditor.folder.iterdir()] == ["plan.json"]


def test_a_plan_in_a_missing_folder_is_wrong_usage(auditor: Auditor) -> None:
    done = auditor.run("plan", "--out", "@nowhere/plan.json")
    assert (done.returncode, "no such folder" in flat(done.stderr)) == (2, True)


def test_a_plan_the_disk_does_not_take_is_exit_code_3(
    auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("bridge.cli.replay.plan.write_durably", full)
    done = auditor.run("plan", "--out", "@plan.json")
    said = f"{auditor.file('plan.json')}: No space left on device\n"
    assert (done.returncode, done.stderr) == (3, said)


@pytest.mark.kafka
def test_missing_event_topics_are_named_and_read_as_empty(
    apache_kafka: str, prefix: str, tmp_path: Path
) -> None:
    # The embedded broker makes every topic it is asked about.
    kafka = Kafka(apache_kafka, idempotence=True)
    ring = f"{prefix}plivo.voice.call.ring.v1"
    auditor = Auditor(kafka, prefix, tmp_path)
    empty = auditor.run("plan")
    assert (empty.returncode, lines(empty)[-1]["records"]) == (1, 0)

    async def stored() -> None:
        await make_topics(kafka.connection, planned(ring), planned(journal_of(prefix)))
        callbacks = [one for one in calls(1, prefix=prefix) if "ring" in str(one.event)][:1]
        await store(kafka, [record for one in callbacks for record in one.records])

    with capture_logs():
        asyncio.run(stored())
    done = auditor.run("plan")
    assert (done.returncode, lines(done)[-1]["records"]) == (0, 1)
    assert done.stderr.count("\n") == 1
    assert f"{prefix}plivo.voice.call.hangup.v1" in done.stderr
    assert ring not in done.stderr
    derived = auditor.run("derive")
    assert (derived.returncode, lines(derived)[-1]["unchanged"]) == (0, 1)
    assert derived.stderr == done.stderr
    asked_for = auditor.run("plan", "--type", "voice.call.hangup")
    assert (asked_for.returncode, "may not Describe it" in asked_for.stderr) == (3, True)


def test_a_kafka_that_is_away_is_exit_code_3(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    for verb in ("plan", "run"):
        progress = ("--progress", str(tmp_path / "p.json")) if verb == "run" else ()
        done = run("replay", verb, *progress, kafka_bootstrap_servers=address)
        assert done.returncode == 3
        assert address in done.stderr
    assert list(tmp_path.iterdir()) == []
