"""The file of rules and its documents: read, checked, and reloaded while the bridge runs."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bridge.app import rules_file
from bridge.app.rules_file import (
    CheckedRules,
    LoadedReplies,
    RulesContent,
    RulesRefused,
    check_file,
    load_replies,
    read_content,
    watch_rules,
)
from bridge.core.catalogue import Catalogue
from bridge.reply.chosen import Given
from bridge.telemetry.metric_defs import Metric
from tests.support.factories import raw_callback, vouched
from tests.support.rules import write_rules
from tests.support.stale_gauge import StaleGauge
from tests.support.waiting import until

ANSWER = "voice.call.answer"
OLD = b"<Response><Speak>Old</Speak></Response>"
NEW = b"<Response><Speak>New</Speak></Response>"


def put(file: Path, content: bytes) -> None:
    """Replace a file at once, as Kubernetes does: no reader may find half of it."""
    whole = file.with_name("whole")
    whole.write_bytes(content)
    whole.replace(file)


def errors(path: Path, types: Catalogue) -> list[str]:
    checked = check_file(path, types)
    assert checked.rules is None
    return [error.describe(str) for error in checked.errors]


def answer_of(loaded: LoadedReplies, types: Catalogue) -> bytes:
    chosen = loaded.replies.rules.choose_without_event(
        vouched(raw_callback()), types.by_name[ANSWER]
    )
    assert isinstance(chosen, Given)
    return chosen.reply.body


def test_documents_are_found_beside_the_file_of_rules(tmp_path: Path, types: Catalogue) -> None:
    path = write_rules(tmp_path, {ANSWER: OLD})
    assert answer_of(load_replies(path, types), types) == OLD
    assert read_content(path).documents == {f"{ANSWER}.xml": OLD}


def test_without_a_file_there_are_no_rules(types: Catalogue) -> None:
    loaded = load_replies(None, types)
    assert (loaded.replies.rules.rules, loaded.content, loaded.warnings) == ((), None, ())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"[[rules]\n", ", line 1: not TOML: expected ']]' at the end of an array declaration"),
        (b"a = '\xff'", ": not UTF-8 text: save it as UTF-8"),
        (b"a = " + b"[" * 5_000 + b"]" * 5_000, ": it is nested too deeply"),
        (b"rule = 1", ", line 1: unknown key rule: did you mean rules?"),
    ],
)
def test_a_file_that_is_no_file_of_rules_is_named(
    tmp_path: Path, types: Catalogue, content: bytes, fault: str
) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(content)
    assert errors(path, types) == [f"{path}{fault}"]
    with pytest.raises(RulesRefused) as refused:
        load_replies(path, types)
    assert str(refused.value) == f"{path}{fault}"


def test_a_missing_file_is_named(tmp_path: Path, types: Catalogue) -> None:
    path = tmp_path / "rules.toml"
    fault = f"{path}: it cannot be read: No such file or directory"
    assert errors(path, types) == [fault]
    with pytest.raises(RulesRefused) as refused:
        load_replies(path, types)
    assert str(refused.value) == fault


def test_every_fault_has_its_file_its_line_and_its_rule(tmp_path: Path, types: Catalogue) -> None:
    path = write_rules(tmp_path, {ANSWER: b"<Response>\n<Say>Hello</Say></Response>", "x.y": OLD})
    os.mkfifo(tmp_path / "fifo.xml")
    with path.open("a") as file:
        file.write(f'[[rules]]\nname = "f"\ntype = "{ANSWER}"\ndocument = "fifo.xml"\n')
    assert errors(path, types) == [
        (
            f"{tmp_path / ANSWER}.xml, line 2: rule {ANSWER}: <Say>: TwiML, which Plivo ignores: use "
            "<Speak>"
        ),
        (
            f"{path}, line 8: rule x.y: there is no callback type x.y: `callback-bridge callbacks list` "
            "lists them"
        ),
        f"{tmp_path}/fifo.xml: rule f: it is not a regular file",
    ]


def test_there_are_not_more_documents_than_the_limit(
    tmp_path: Path, types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.app.rules_file._DOCUMENTS_MAX", 1)
    path = write_rules(tmp_path, {ANSWER: OLD, "voice.call.fallback": OLD})
    assert errors(path, types) == [
        f"{tmp_path}/voice.call.fallback.xml: rule voice.call.fallback: there are more than 1 documents"
    ]


@pytest.fixture
def stale() -> list[bool]:
    """Each value of `rules_stale`."""
    return []


@pytest.fixture
async def loaded(
    tmp_path: Path, types: Catalogue, stale: list[bool]
) -> AsyncGenerator[LoadedReplies]:
    path = write_rules(tmp_path, {ANSWER: OLD})
    loaded = load_replies(path, types)
    watched = watch_rules(
        path, loaded, types, metrics=StaleGauge(Metric.RULES_STALE, stale), poll_s=0.01
    )
    watched.start()
    yield loaded
    await watched.stop()


async def test_a_changed_document_is_used_without_a_restart(
    tmp_path: Path, types: Catalogue, loaded: LoadedReplies, stale: list[bool]
) -> None:
    followed: list[object] = []
    loaded.replies.follow(followed.append)
    with capture_logs() as lines:
        put(tmp_path / f"{ANSWER}.xml", NEW)
        await until(lambda: answer_of(loaded, types) == NEW)
        await until(lambda: stale == [False])
    assert followed == [loaded.replies.rules]
    assert lines == [
        {"event": "rules_reloaded", "log_level": "info", "rules": 1, "applications": 0}
    ]


async def test_changed_rules_are_used_without_a_restart(
    tmp_path: Path, types: Catalogue, loaded: LoadedReplies
) -> None:
    put(tmp_path / "other.xml", NEW)
    rules = (tmp_path / "rules.toml").read_bytes()
    put(tmp_path / "rules.toml", rules.replace(f"{ANSWER}.xml".encode(), b"other.xml"))
    await until(lambda: answer_of(loaded, types) == NEW)


@pytest.mark.parametrize(
    ("file", "content", "cause"),
    [
        ("rules.toml", b"[[rules", "not TOML"),
        ("rules.toml", b"a = " + b"[" * 5_000 + b"]" * 5_000, "nested too deeply"),
        ("rules.toml", b"[[rules]]\nnom = 'a'", "unknown key nom"),
        (f"{ANSWER}.xml", b"<Response><Say/></Response>", "<Say>: TwiML"),
        (f"{ANSWER}.xml", None, "No such file or directory"),
        ("rules.toml", None, "No such file or directory"),
    ],
)
async def test_a_new_version_with_an_error_changes_nothing_and_is_reported(
    *,
    tmp_path: Path,
    types: Catalogue,
    loaded: LoadedReplies,
    stale: list[bool],
    file: str,
    content: bytes | None,
    cause: str,
) -> None:
    path = tmp_path / file
    before = path.read_bytes()
    lines: list[Any]
    with capture_logs() as lines:
        if content is None:
            path.unlink()
        else:
            put(path, content)
        await until(lambda: stale == [True])
    assert [line["event"] for line in lines] == ["rules_reload_failed"]
    assert cause in lines[0]["cause"]
    assert answer_of(loaded, types) == OLD
    put(path, before)
    await until(lambda: stale == [True, False])


async def test_warnings_of_a_new_version_are_logged(
    tmp_path: Path, loaded: LoadedReplies, stale: list[bool]
) -> None:
    with capture_logs() as lines:
        put(tmp_path / f"{ANSWER}.xml", b"<Response><Speak>a</Speak><Pause/></Response>")
        await until(lambda: stale == [False])
    assert [line["event"] for line in lines] == ["reply_rule_warning", "rules_reloaded"]
    assert lines[0]["rule"] == f"rule {ANSWER}"


def test_files_that_did_not_change_are_not_checked_again(
    tmp_path: Path, types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rules(tmp_path, {ANSWER: OLD})
    checked: list[Path] = []
    check = rules_file.check_content

    def count(path: Path, content: RulesContent, types: Catalogue) -> CheckedRules:
        checked.append(path)
        return check(path, content, types)

    monkeypatch.setattr(rules_file, "check_content", count)
    reader = rules_file._RulesReader(path, types, load_replies(path, types).content)
    assert reader.read() is reader.read()
    assert checked == [path]  # at the start
    put(tmp_path / f"{ANSWER}.xml", NEW)
    assert reader.read() is reader.read()
    assert checked == [path, path]
