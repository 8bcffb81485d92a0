"""Accounts are reloaded while the bridge runs."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from bridge.app import accounts_file
from bridge.app.accounts_file import watch_accounts
from bridge.core.keyring import Keyring
from bridge.settings.load import read_accounts
from bridge.telemetry.metric_defs import Metric
from tests.support.bridge import AUTH_ID
from tests.support.stale_gauge import StaleGauge
from tests.support.waiting import PATIENCE_S, until

OLD, NEW, GOOD, BETTER = (
    f"the-{one}-token-of-the-account" for one in ("old", "new", "good", "best")
)


def content(*tokens: str) -> bytes:
    return orjson.dumps([{"auth_id": AUTH_ID, "auth_tokens": tokens, "timezone": "UTC"}])


def put(file: Path, content: bytes | None) -> None:
    """Write the file, or take it away."""
    if content is None:
        file.unlink()
    else:  # at once, as a mounted secret changes: no reader may find half of it
        whole = file.with_name("whole.json")
        whole.write_bytes(content)
        whole.replace(file)


def tokens_of(keyring: Keyring) -> list[bytes]:
    return [key.token for key in keyring.list_candidates(None)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "accounts.json"
    file.write_bytes(content(OLD))
    return file


@pytest.fixture
def stale() -> list[bool]:
    """Each value of `accounts_stale`: whether the file cannot be used."""
    return []


@pytest.fixture
async def keyring(file: Path, stale: list[bool]) -> AsyncGenerator[Keyring]:
    keyring = Keyring([])
    watched = watch_accounts(
        file,
        keyring,
        in_use=read_accounts(file),
        poll_s=0.01,
        read_timeout_s=PATIENCE_S,
        metrics=StaleGauge(Metric.ACCOUNTS_STALE, stale),
    )
    watched.start()
    yield keyring
    await watched.stop()


async def test_tokens_that_came_after_the_settings_were_read_are_known(
    file: Path, stale: list[bool]
) -> None:
    keyring, in_use = Keyring([]), read_accounts(file)
    put(file, content(NEW))
    watched = watch_accounts(
        file,
        keyring,
        in_use=in_use,
        poll_s=0.01,
        read_timeout_s=PATIENCE_S,
        metrics=StaleGauge(Metric.ACCOUNTS_STALE, stale),
    )
    watched.start()
    await until(lambda: tokens_of(keyring) == [NEW.encode()])
    await watched.stop()


async def test_new_tokens_are_known_without_a_restart(file: Path, keyring: Keyring) -> None:
    put(file, content(OLD, NEW))
    await until(lambda: tokens_of(keyring) == [OLD.encode(), NEW.encode()])
    put(file, None)  # as a secret that is mounted anew
    await asyncio.sleep(0.05)
    put(file, content(NEW))
    await until(lambda: tokens_of(keyring) == [NEW.encode()])


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (b"[{", "not JSON"),
        (content(), "no auth token"),
        (b"[7]", "ACCOUNTS"),
        (content(""), f"of {AUTH_ID}: is blank"),
        (content("", OLD), f"[0].auth_tokens[0] of {AUTH_ID}: is blank"),
        (content(OLD, f"{NEW}\n"), f"[0].auth_tokens[1] of {AUTH_ID}: has white space around it"),
        (content(OLD, AUTH_ID), f"[0].auth_tokens[1] of {AUTH_ID}: is an auth id"),
        (content("x"), f"of {AUTH_ID}: is shorter than 20 characters"),
    ],
)
async def test_an_unusable_file_changes_nothing_and_is_logged(
    file: Path, keyring: Keyring, stale: list[bool], bad: bytes, cause: str
) -> None:
    put(file, content(GOOD))
    await until(lambda: tokens_of(keyring) == [GOOD.encode()])
    lines: list[Any]
    with capture_logs() as lines:
        put(file, bad)
        await until(lambda: len(lines) > 0)
    assert tokens_of(keyring) == [GOOD.encode()]
    assert lines[0]["event"] == "accounts_reload_failed"
    assert cause in lines[0]["cause"]
    for token in (OLD, NEW, GOOD):
        assert token not in str(lines)
    assert stale == [False, True]
    put(file, content(BETTER))
    await until(lambda: stale == [False, True, False])


def missing(file: Path) -> None:
    file.unlink()


# Each takes the file's place at once: a read in between would find it missing, which is another fault.


def a_fifo(file: Path) -> None:
    fifo = file.with_name("fifo")
    os.mkfifo(fifo)
    fifo.replace(file)


def link(file: Path, target: Path) -> None:
    new = file.with_name("link")
    new.symlink_to(target)
    new.replace(file)


def a_directory(file: Path) -> None:
    directory = file.with_name("directory")
    directory.mkdir()
    link(file, directory)


def a_link_to_nowhere(file: Path) -> None:
    link(file, file.with_name("nowhere"))


def endless(file: Path) -> None:
    link(file, Path("/dev/zero"))


@pytest.mark.parametrize(
    ("slip", "cause"),
    [
        (missing, "cannot be read: No such file or directory"),
        (a_fifo, "not a regular file"),
        (a_directory, "not a regular file"),
        (a_link_to_nowhere, "cannot be read: No such file or directory"),
        (endless, "not a regular file"),
    ],
)
async def test_a_missing_or_blocking_file_is_reported_once_until_it_is_back(
    file: Path, keyring: Keyring, stale: list[bool], slip: Callable[[Path], None], cause: str
) -> None:
    put(file, content(GOOD))
    await until(lambda: tokens_of(keyring) == [GOOD.encode()])
    lines: list[Any]
    with capture_logs() as lines:
        slip(file)
        await until(lambda: stale == [False, True])
        await asyncio.sleep(0.05)  # some looks more
    assert [line["event"] for line in lines] == ["accounts_reload_failed"]
    assert cause in lines[0]["cause"]
    assert tokens_of(keyring) == [GOOD.encode()]
    put(file, content(GOOD))  # as it was before
    await until(lambda: stale == [False, True, False])
    put(file, content(BETTER))
    await until(lambda: tokens_of(keyring) == [BETTER.encode()])


async def test_a_disk_that_does_not_answer_is_reported_and_keeps_nothing_from_ending(
    file: Path, monkeypatch: pytest.MonkeyPatch, stale: list[bool]
) -> None:
    answers = threading.Event()
    really = accounts_file.read_regular_file
    asked: list[Path] = []

    def hanging(path: Path) -> bytes:
        asked.append(path)
        answers.wait()
        return really(path)

    keyring = Keyring([])
    monkeypatch.setattr(accounts_file, "read_regular_file", hanging)
    answers.set()
    watched = watch_accounts(
        file,
        keyring,
        in_use=read_accounts(file),
        poll_s=0.01,
        read_timeout_s=0.01,
        metrics=StaleGauge(Metric.ACCOUNTS_STALE, stale),
    )
    answers.clear()
    asked.clear()
    put(file, content(NEW))
    watched.start()
    try:
        await until(lambda: stale == [True])
        await asyncio.sleep(0.05)
        assert asked == [file]  # one thread waits, however often the file is due
        await watched.stop()
        watched.start()
    finally:
        answers.set()
    await until(lambda: tokens_of(keyring) == [NEW.encode()])
    assert stale[:2] == [True, False]  # under load a later read may be slow again
    await watched.stop()


async def test_only_the_accounts_are_read_again(
    monkeypatch: pytest.MonkeyPatch, file: Path, keyring: Keyring, stale: list[bool]
) -> None:
    # As they are where a settings file gave the management port another number, or in an
    # environment that has changed since the start.
    monkeypatch.setenv("BRIDGE_PORT", "9090")
    monkeypatch.setenv("BRIDGE_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("BRIDGE_ACCOUNTS", "[]")
    monkeypatch.setenv("BRIDGE_PRT", "8080")
    put(file, content(NEW))
    await until(lambda: stale == [False])
    assert tokens_of(keyring) == [NEW.encode()]
