"""The command itself: helpful help, and reliable exit codes."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from bridge import __version__
from bridge.cli.lazy import LazyGroup
from bridge.cli.main import app
from tests.support import cli
from tests.support.cli import COMMAND, environment, run, run_process

# What each help must speak of for somebody who has read nothing else.
TEACHES = {
    (): ["serve", "dev", "demo", "tail", "topics", "BRIDGE_", "TOML", "Exit codes"],
    ("serve",): [
        "in-sync replicas",
        "503",
        "/readyz",
        "SIGTERM",
        "BRIDGE_SETTINGS_FILE",
        "--check",
        "every fault",
    ],
    ("dev",): [
        "embedded broker",
        "Ctrl-C",
        "BRIDGE_ACCOUNTS",
        "BRIDGE_PUBLIC_URL",
        "--port",
        "8080",
    ],
    ("demo",): ["three emulated calls", "menu", "busy", "machine", "Exit code 1"],
    ("tail",): ["--since", "--type", "--call", "--raw", "--no-follow", "JSON lines", "2h"],
    ("emulate",): ["run", "list", "show", "Ctrl-C", "SDK", "docs/emulator.md", "--explain"],
    ("emulate", "run"): ["YAML", "--against", "--answer-url", "--speed", "--chaos", "Exit code 1"],
    ("trigger",): ["call", "message", "type", "dev", "voice.call.hangup --set"],
    ("trigger", "type"): ["--set", "--now", "path in --to", "Exit code 1"],
    ("call",): ["place", "show", "hangup", "transfer", "record", "digits"],
    ("call", "place"): [
        "--machine-detection",
        "@FILE",
        "BRIDGE_PUBLIC_URL",
        "BRIDGE_LEDGER_DIRECTORY",
        "never sent twice",
        "4 it is unknown",
    ],
    ("request",): ["show", "resolve", "cancel"],
    ("request", "resolve"): ["request show", "no proof", "BRIDGE_LEDGER_DIRECTORY", "4 some are"],
    ("request", "cancel"): ["reference", "call hangup", "--account", "1 Plivo refused"],
    ("call", "record"): ["--stop", "--time-limit", "this bridge", "BRIDGE_PUBLIC_URL", "--account"],
    ("topics",): ["plan", "apply", "check"],
    ("topics", "plan"): ["Does not connect", "--json"],
    ("topics", "apply"): ["Create", "twice", "exit code 1", "--settings"],
    ("topics", "check"): ["missing", "differs", "Exit code 1"],
}


def flat(text: str) -> str:
    """Return text without frames and line breaks, so that a sentence can be found in it."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("command", TEACHES, ids=" ".join)
def test_help_says_what_matters(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    text = flat(done.stdout)
    assert [words for words in TEACHES[command] if words not in text] == []


def list_commands(group: TyperGroup, *names: str) -> Iterator[tuple[str, ...]]:
    """Yield every command and group below this one."""
    if isinstance(group, LazyGroup):
        for name in group.deferred:
            group.load(name)
    for name, command in group.commands.items():
        yield (*names, name)
        if isinstance(command, TyperGroup):
            yield from list_commands(command, *names, name)


def every_command() -> list[tuple[str, ...]]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return list(list_commands(root))


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_no_name_in_a_help_is_cut_off_at_80_columns(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    def narrow(**settings: str) -> dict[str, str]:
        return environment(**settings) | {"COLUMNS": "80"}

    monkeypatch.setattr(cli, "environment", narrow)
    lines = run(*command, "--help").stdout.splitlines()
    assert max(map(len, lines)) in {80, 78}  # with frames, and without
    assert [line for line in lines if line.split("  ")[0].endswith("…")] == []


@pytest.mark.system
def test_the_version_is_printed_and_nothing_else() -> None:
    done = run_process("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


def test_without_a_command_help_is_shown() -> None:
    done = run()
    assert "serve" in done.stdout + done.stderr
    assert done.returncode == 2


@pytest.mark.system
def test_a_shell_can_complete_commands_and_options() -> None:
    assert "--install-completion" in run("--help").stdout
    for typed, completion in (
        ("to", "topics"),
        ("call pl", "place"),
        ("call place --machine-detection-t", "--machine-detection-time"),
    ):
        words = {"COMP_WORDS": f"callback-bridge {typed}", "COMP_CWORD": str(len(typed.split()))}
        asked = {**environment(), **words, "_CALLBACK_BRIDGE_COMPLETE": "complete_bash"}
        completed = subprocess.run([COMMAND], env=asked, capture_output=True, text=True, check=True)
        assert completed.stdout.split() == [completion]


@pytest.mark.parametrize(
    "arguments",
    [("serv",), ("serve", "--port", "1"), ("tail", "--type", "none"), ("dev", "--port", "x")],
)
def test_wrong_usage_is_exit_code_2_and_says_what_is_wrong(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, kafka_bootstrap_servers="127.0.0.1:1")
    assert done.returncode == 2
    assert "Error" in done.stderr


REFUSED = [
    (
        {"kafka_bootstrap_servers": ""},
        "BRIDGE_KAFKA_BOOTSTRAP_SERVERS is not set: host:port of a br",
    ),
    (
        {"kafka_bootstrap_servers": "kafka"},
        "BRIDGE_KAFKA_BOOTSTRAP_SERVERS: has no port; write kafka",
    ),
    ({"port": "eighty"}, "BRIDGE_PORT: "),
    ({"accounts": "["}, "BRIDGE_ACCOUNTS: not JSON"),
    ({"public_ul": "x"}, "BRIDGE_PUBLIC_UL is not a setting; did you mean BRIDGE_PUBLIC_URL?"),
    ({"settings_file": "/no/such.toml"}, "BRIDGE_SETTINGS_FILE: /no/such.toml: no such file"),
]


@pytest.mark.parametrize(
    "command", ["serve", "tail", "topics check", "topics apply", "deadletters list"]
)
@pytest.mark.parametrize(("given", "line"), REFUSED, ids=str)
def test_refused_settings_are_exit_code_2_and_one_line(
    command: str, given: dict[str, str], line: str
) -> None:
    enough = {
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "spool_enabled": "false",
        "verification": "report",
    }
    done = run(*command.split(), **{**enough, **given})
    assert (done.returncode, done.stdout) == (2, "")
    (said,) = done.stderr.splitlines()
    assert said.startswith(line)


# Commands that read settings and need no Kafka.
OFFLINE = ["callbacks list", "schemas list", "topics plan", "spool status", "dev"]


@pytest.mark.parametrize("command", OFFLINE)
def test_a_variable_that_is_no_setting_is_refused_by_every_command_that_reads_settings(
    command: str,
) -> None:
    done = run(*command.split(), public_ul="x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "BRIDGE_PUBLIC_UL is not a setting; did you mean BRIDGE_PUBLIC_URL?\n"


def test_serving_without_settings_names_all_missing_ones_at_once() -> None:
    done = run("serve")
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        "BRIDGE_KAFKA_BOOTSTRAP_SERVERS",
        "BRIDGE_ACCOUNTS",
        "BRIDGE_PUBLIC_URL",
        "BRIDGE_SPOOL_DIRECTORY",
    ]


def test_enforcing_without_a_token_is_exit_code_2_and_one_line() -> None:
    done = run(
        "serve",
        kafka_bootstrap_servers="127.0.0.1:1",
        public_url="https://hooks.example.com",
        spool_enabled="false",
    )
    assert (done.returncode, done.stdout) == (2, "")
    (said,) = done.stderr.splitlines()
    assert said.startswith("BRIDGE_ACCOUNTS contains no auth token")


def test_a_refusal_shows_brackets_and_does_not_take_them_for_colours() -> None:
    done = run("serve", port="[red]8080[/]")
    assert "(it is '[red]8080[/]')" in done.stderr


def test_the_settings_file_can_be_an_option(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('port = "eighty"\n')
    done = run("serve", "--settings", str(file))
    assert done.returncode == 2
    assert done.stderr.startswith(f"port ({file}, line 1): should be a valid integer")


@pytest.mark.parametrize("command", ["tail --no-follow", "topics check", "topics apply"])
def test_an_unavailable_kafka_is_exit_code_3_and_one_line(command: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else's
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        done = run(*command.split(), kafka_bootstrap_servers=address)
    assert (done.returncode, done.stdout) == (3, "")
    assert "Traceback" not in done.stderr
    (said,) = done.stderr.splitlines()
    assert said.startswith(address)
