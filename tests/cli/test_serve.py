"""``serve`` as a process: it starts without Kafka, stops cleanly, and reports why it cannot start."""

import errno
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import orjson
import pytest

from bridge.app import startup
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN
from tests.support.bridge import eventually, wait_for_port
from tests.support.cli import run, serving, started
from tests.support.plivo import HANGUP, PATHS, Plivo, assert_problem, sample
from tests.support.rules import write_rules
from tests.support.waiting import PATIENCE_S


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE_S) as client:
        yield client


@pytest.mark.system
def test_it_starts_while_kafka_is_away_and_sigterm_ends_it(
    nobody: str, client: httpx.Client
) -> None:
    given = serving(nobody)
    with started("serve", **given) as bridge:
        bridge.says("bridge_started")
        wait_for_port(int(given["management_port"]))
        management = f"http://127.0.0.1:{given['management_port']}"
        assert client.get(management + "/livez").status_code == 200
        ready = client.get(management + "/readyz")
        assert (ready.status_code, "kafka" in ready.text) == (503, True)
        plivo = Plivo(client, f"http://127.0.0.1:{given['port']}", AUTH_TOKEN)
        assert_problem(plivo.post(PATHS[HANGUP], sample(HANGUP)), 503, "not-durable")
        bridge.says("kafka_not_reachable")
        assert bridge.end() == 0
        lines = [orjson.loads(line) for line in bridge.err]
        assert lines[-1]["event"] == "bridge_stopped"
        assert not [line for line in lines if "uvicorn" in line.get("logger", "")]
        assert bridge.out == []


@pytest.mark.system
def test_ctrl_c_is_an_orderly_end_too(nobody: str) -> None:
    with started("serve", **serving(nobody)) as bridge:
        bridge.says("bridge_started")
        assert bridge.end(signal.SIGINT) == 0
        bridge.says("bridge_stopped")


@pytest.mark.system
def test_it_warns_of_what_will_surprise_later(nobody: str) -> None:
    given = serving(nobody, verification="report", allowed_hosts="")
    with started("serve", **given) as bridge:
        bridge.says("bridge_started")
        warned = {line["event"]: line for line in map(orjson.loads, bridge.err)}
        assert warned["verification_not_enforced"]["verification"] == "report"
        assert "voice.call.fallback" in warned["reply_not_configured"]["callback_types"]
        assert "public_url_not_configured" in warned


WHOLE = "write the whole path, from / on"
TAKEN = "cannot listen on 127.0.0.1:{port}: Address already in use; set another port"


@pytest.mark.parametrize("setting", ["port", "management_port"])
def test_a_port_that_is_taken_is_exit_code_3_and_one_line(nobody: str, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", **serving(nobody, **{setting: port}))
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = done.stderr.splitlines()
    assert line == f"BRIDGE_{setting.upper()}: {TAKEN.format(port=port)}"


@pytest.mark.parametrize("setting", ["host", "management_host"])
def test_a_host_that_is_none_is_named(setting: str) -> None:
    done = run("serve", "--check", **{**serving("127.0.0.1:1"), setting: "192.0.2.1"})
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"BRIDGE_{setting.upper()}: cannot listen on 192.0.2.1:")
    assert line.endswith("; set it to an address of this machine")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("<Response>", "not well-formed XML in UTF-8"),
        ("<Speak>Hello</Speak>", "the root element is <Speak>"),
        (None, "No such file or directory"),
        (
            "<Response>\n<Say>Hello</Say></Response>",
            ", line 2: rule voice.call.answer: <Say>: TwiML, which Plivo ignores: use",
        ),
    ],
)
def test_a_bad_reply_document_is_exit_code_2_and_one_line(
    nobody: str, tmp_path: Path, content: str | None, fault: str
) -> None:
    rules = write_rules(tmp_path, {"voice.call.answer": content or ""})
    document = tmp_path / "voice.call.answer.xml"
    if content is None:
        document.unlink()
    done = run("serve", **serving(nobody, replies_file=str(rules)))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"BRIDGE_REPLIES_FILE: {document}")
    assert fault in line


def test_every_fault_of_the_rules_is_exit_code_2_and_a_line(nobody: str, tmp_path: Path) -> None:
    rules = write_rules(
        tmp_path, {"voice.call.hangup": "<Response/>", "fax.received": "<Response/>"}
    )
    done = run("serve", **serving(nobody, replies_file=str(rules)))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        (
            f"BRIDGE_REPLIES_FILE: {rules}, line 3: rule voice.call.hangup: Plivo executes no answer to "
            "voice.call.hangup: remove it, or forward it to an application"
        ),
        (
            f"BRIDGE_REPLIES_FILE: {rules}, line 8: rule fax.received: there is no callback type "
            "fax.received: `callback-bridge callbacks list` lists them"
        ),
    ]


@pytest.mark.parametrize("below", ["a-file/spool", "a-file"])
def test_a_spool_directory_that_cannot_be_made_is_exit_code_2(
    nobody: str, tmp_path: Path, below: str
) -> None:
    (tmp_path / "a-file").touch()
    directory = tmp_path / below
    given = serving(nobody, spool_enabled="true", spool_directory=str(directory))
    done = run("serve", **given)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"BRIDGE_SPOOL_DIRECTORY: {directory}: ")
    assert line.endswith("set it to a directory that this user can make and write")


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o2777, 0o707])
def test_a_spool_directory_in_which_everybody_can_write_is_exit_code_2(
    nobody: str, tmp_path: Path, mode: int
) -> None:
    directory = tmp_path / "open"
    directory.mkdir()
    directory.chmod(mode)
    done = run(
        "serve", "--check", **serving(nobody, spool_enabled="true", spool_directory=str(directory))
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"BRIDGE_SPOOL_DIRECTORY: {directory}: every user of this machine can write"
    )


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o2770, 0o2775])
def test_a_spool_directory_that_kubernetes_gives_to_the_groups_of_a_pod_is_taken(
    tmp_path: Path, mode: int
) -> None:
    tmp_path.chmod(mode)
    assert startup.check_spool_directory(tmp_path) is None


def test_the_root_of_a_volume_may_be_open_to_everybody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    assert startup.check_spool_directory(tmp_path) is None


@pytest.mark.parametrize(
    ("directory", "fault"),
    [
        ("0123456789abcdef0123456789abcdef01234567", WHOLE),
        ("hunter2", WHOLE),
        ("spool", None),
        ("var/spool", None),
        ("./Spool-2", WHOLE),
    ],
)
def test_a_secret_does_not_become_the_name_of_the_spools_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, directory: str, fault: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    assert startup.check_spool_directory(Path(directory)) == fault
    assert Path(directory).exists() is (fault is None)


def test_a_secret_in_place_of_the_host_is_not_shown() -> None:
    secret = "0123456789abcdef0123456789abcdef01234567"
    done = run("serve", "--check", **serving("127.0.0.1:1", host=secret))
    assert done.returncode == 3
    assert done.stderr.startswith("BRIDGE_HOST: cannot listen on it:")
    assert secret not in done.stderr


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_disk_that_is_full_or_fails_keeps_no_bridge_from_starting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert startup.check_spool_directory(tmp_path) is None


@pytest.mark.parametrize(
    ("read_only", "used_before", "fault"),
    [
        (False, False, "cannot be written"),
        (False, True, "cannot be written"),
        (True, False, "cannot be written"),
        (True, True, None),  # its disk has failed since
    ],
)
def test_a_directory_that_is_not_writable_is_refused_unless_its_disk_failed(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    *,
    read_only: bool,
    used_before: bool,
    fault: str | None,
) -> None:
    if used_before:
        (tmp_path / "spool-0123.db").touch()
    flags = SimpleNamespace(f_flag=os.ST_RDONLY if read_only else 0)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(os, "statvfs", lambda _: flags)
    assert startup.check_spool_directory(tmp_path) == fault


def test_all_that_keeps_a_bridge_from_starting_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        given = serving(
            "kafka",
            accounts=json.dumps([{**ACCOUNTS[0], "auth_tokens": [f"{AUTH_TOKEN}\n"]}]),
            management_port=port,
            prt="8080",
            replies_file=str(tmp_path / "rules.toml"),
            spool_enabled="true",
            spool_directory="/proc/none",
        )
        done = run("serve", **given)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "BRIDGE_PRT is not a setting; did you mean BRIDGE_PORT?",
        (
            "BRIDGE_KAFKA_BOOTSTRAP_SERVERS: has no port; write kafka:9092, or the port that your "
            "brokers listen on (it is 'kafka')"
        ),
        (
            f"BRIDGE_ACCOUNTS[0].auth_tokens[0] of {AUTH_ID}: has white space around it; remove it "
            "(`echo` adds a line break, `printf %s` none)"
        ),
        (
            f"BRIDGE_REPLIES_FILE: {tmp_path / 'rules.toml'}: it cannot be read: No such file or "
            "directory"
        ),
        (
            "BRIDGE_SPOOL_DIRECTORY: /proc/none: No such file or directory; set it to a directory that "
            "this user can make and write"
        ),
        f"BRIDGE_MANAGEMENT_PORT: {TAKEN.format(port=port)}",
    ]


def test_a_check_says_that_all_is_in_order_and_ends(nobody: str, tmp_path: Path) -> None:
    given = serving(nobody, spool_enabled="true", spool_directory=str(tmp_path / "spool"))
    done = run("serve", "--check", **given)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the settings are valid; the connection to Kafka was not tested\n"


@pytest.mark.system
def test_it_becomes_ready_when_kafka_comes(embedded_kafka: str, client: httpx.Client) -> None:
    given = serving(embedded_kafka, kafka_idempotence="false", log_format="console")
    with started("serve", **given) as bridge:
        bridge.says("kafka_available")
        url = f"http://127.0.0.1:{given['management_port']}/readyz"
        eventually(lambda: client.get(url).status_code == 200)
        assert bridge.end() == 0
