"""Commands print only through the output module, and print no control characters."""

import ast
import asyncio
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text
from typer.testing import CliRunner

import bridge
from bridge.cli import call, deadletters, main, output
from bridge.cli.replay import commands as replay
from bridge.cli.timeline import Timeline
from bridge.core.event import ContractNames
from bridge.derived.samples import build_examples
from bridge.dev.account import ACCOUNTS
from bridge.reader.topic_reader import StoredRecord
from bridge.telemetry import logs
from bridge.telemetry.logs import configure
from tests.support.call_stories import RING, A, at, changed
from tests.support.cli import environment, run
from tests.support.kafka import Kafka
from tests.support.stored_calls import make_all_topics, store, taken

pytest_plugins = ("tests.support.kafka_fixtures",)

PACKAGE = Path(bridge.__file__).parent
# The output module; the log, which escapes its lines itself; and `make derive`, which is no command.
MAY_PRINT = {
    "cli/output.py",
    "derived/__main__.py",
    "derived/command.py",
    "telemetry/log_writer.py",
    "telemetry/logs.py",
}
PRINTS = re.compile(
    r"(typer\.(echo|secho|confirm|prompt|getchar|progressbar)|(sys\.)?(stdout|stderr)(\.buffer)?\.\w+"
    r"|print|input|pprint|rich\..*|.*from_markup|render_markup|os\.write)"
)
READS = re.compile(r"(sys\.)?(stdout|stderr)\.(isatty|fileno)")
# What of rich makes something to print, and prints nothing itself.
PARTS = {
    "BarColumn", "Column", "Padding", "Syntax", "Table", "Text", "TextColumn", "TimeRemainingColumn",
}  # fmt: skip
STYLES = re.compile(r"\x1b\[[0-9;]*m")
# A title, a screen cleared, a clipboard, C1, a direction turned round, isolates, something without
# width, ends of lines, and rich's own markup.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b]52;c;bm8=\x07\x9b31m\u202egnp\u2066\u200b\u2028\x85[red]x[/][link=https://x.example]"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\x1b]52;c;bm8=\x07\x9b31m\u202egnp\u2066\u200b\u2028\x85[red]x[/][link=https://x.example]"
hostile = st.text(
    st.sampled_from(
        "\x00\x07\x1b\x7f\x85\x9b\u200b\u200d\u200e\u202e\u2066\u2028\ufeff[]\\/ab \r\té"
    )
    | st.characters()
)


def prints(source: str) -> Iterator[str]:
    """Yield the calls in a module's source that print, or make what does."""
    tree = ast.parse(source)
    from_rich = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich")
        for name in node.names
        if name.name not in PARTS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in from_rich or (PRINTS.fullmatch(called) and not READS.fullmatch(called)):
                yield f"{node.lineno}: {called}"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich.markup"):
            yield f"{node.lineno}: {node.module}"


def test_only_the_output_module_prints() -> None:
    found = {
        str(file.relative_to(PACKAGE)): list(prints(file.read_text("utf-8")))
        for file in sorted(PACKAGE.rglob("*.py"))
        if str(file.relative_to(PACKAGE)) not in MAY_PRINT
    }
    assert {file: calls for file, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "source",
    [
        "typer.echo(x)",
        "sys.stdout.write(x)",
        "sys.stderr.buffer.write(x)",
        "print(x)",
        "from rich.console import Console\nConsole(stderr=True).print(x)",
        "from rich.progress import Progress\nProgress()",
        "from rich import print as show\nshow(x)",
        "rich.print(x)",
        "typer.confirm(x)",
        "Text.from_markup(x)",
        "from rich.markup import escape",
    ],
)
def test_a_call_that_prints_is_noticed(source: str) -> None:
    assert list(prints(source))


def unsafe(text: str) -> set[str]:
    """Return what is left of text that is not printable; styles of our own are no matter."""
    left = STYLES.sub("", text).replace("\n", "")
    return {one for one in left if not one.isprintable()}


@pytest.mark.parametrize("columns", [40, 80, 300])
def test_a_table_cuts_no_word_on_a_terminal_of_any_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    head = ("type", "path", "meaning")
    path = "/plivo/tendlc/number_unlinking"
    row = ("tendlc.number_unlinking", Text(path), "A number was unlinked,\nor could not be.")
    output.show(output.make_table(head, [row]))
    said = capsys.readouterr().out
    assert all(word in said for word in (*head, row[0], path, "unlinked,", "could"))
    assert max(map(len, said.splitlines())) <= columns
    assert ("┃" in said) is (columns >= 80)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_every_way_to_print_escapes_control_characters(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(output, "on_terminal", lambda: is_terminal)
    output.show(HOSTILE, Text(HOSTILE), Text.assemble((HOSTILE, "red")))  # rich drops BEL of a Text
    output.show(output.make_table([HOSTILE, "b"], [(HOSTILE, Text(HOSTILE))]))
    output.show(output.key_values([(HOSTILE, HOSTILE)]))
    output.print_line(HOSTILE, "red")
    output.print_plain(HOSTILE)
    output.print_stderr(HOSTILE, style="red")
    output.emit_json_lines([{HOSTILE: HOSTILE}])
    output.emit_json_text(HOSTILE)
    with output.make_progress() as bar:
        bar.add_task(HOSTILE, total=1)
    said = capsys.readouterr()
    assert not unsafe(said.out + said.err)
    assert said.out.count(SHOWN) == 6  # and no markup was obeyed
    assert SHOWN in said.err


@given(hostile)
def test_a_line_of_json_means_the_same_and_is_printable(text: str) -> None:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        output.emit_json_lines([{"text": text}])
    (line,) = out.getvalue().splitlines()
    assert orjson.loads(line) == {"text": text}
    assert all(
        one.isprintable() or one in "\u200c\u200d\u00a0\u3000" or one.isspace() for one in line
    )


@given(hostile)
def test_a_console_prints_nothing_a_terminal_obeys(text: str) -> None:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        output.show(text, Text(text), output.key_values([(text, text)]))
    assert not any(
        one in out.getvalue() for one in "\x00\x07\x1b\x7f\x85\x9b\u200b\u202e\u2066\u2028"
    )


def test_a_question_is_escaped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    output.confirm(f"Replay into {HOSTILE}?")
    assert f"Replay into {SHOWN}? [y/N]" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [HOSTILE],
        [f"--{HOSTILE}"],
        ["tail", HOSTILE],
        ["tail", "--type", HOSTILE],
        ["tail", "--since", HOSTILE],
        ["call", "show", HOSTILE],
        ["call", "place", "--to", HOSTILE, "--from", HOSTILE, "--answer-url", HOSTILE],
        ["call", "place", "--to", f"@{HOSTILE}", "--from", "14157654321"],
        ["call", "hangup", HOSTILE, "--account", HOSTILE],
        ["call", "transfer", HOSTILE, "--aleg-url", HOSTILE],
        ["request", "cancel", HOSTILE, "--account", HOSTILE],
        ["request", "resolve", HOSTILE],
        ["schemas", "show", HOSTILE],
        ["schemas", "check", HOSTILE],
        ["schemas", "diff", "--folder", HOSTILE],
        ["replies", "check", HOSTILE],
        ["spool", "status", "--directory", HOSTILE],
        ["spool", "export", HOSTILE],
        ["spool", "status", "--settings", HOSTILE],
        ["callbacks", "list", "--product", HOSTILE],
        ["replay", "run", "--plan", HOSTILE],
        ["replay", "run", "--skip", HOSTILE],
        ["replay", "run", "--pace", HOSTILE],
        ["replay", "plan", "--offsets", HOSTILE],
        ["replay", "plan", "--out", f"/{HOSTILE}/x"],
        ["replay", "run", "--to-url", HOSTILE],
        ["dev", "--port", HOSTILE],
    ],
)
def test_a_wrong_argument_is_escaped(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["callback-bridge", *arguments])
    monkeypatch.setattr(logs, "silence_library_loggers", lambda: None)
    accounts = orjson.dumps(ACCOUNTS).decode()
    settings = environment(kafka_bootstrap_servers="127.0.0.1:1", accounts=accounts)
    for name, of in settings.items():
        if name.startswith("BRIDGE_"):
            monkeypatch.setenv(name, of)
    with pytest.raises(SystemExit):
        main.run()
    said = capsys.readouterr()
    assert not unsafe(said.out + said.err)
    assert said.out + said.err


def test_an_unexpected_error_is_escaped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: object) -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr(main, "app", fails)
    with pytest.raises(SystemExit) as ended:
        main.run()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert f"RuntimeError: {SHOWN}" in said
    assert "Traceback" in said
    assert not unsafe(said)


def test_usage_is_shown_as_before(tmp_path: Path) -> None:
    done = run("topics", "--nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such option: --nonsense" in done.stderr
    assert "Usage: callback-bridge topics" in done.stderr
    assert run("topics").returncode == 2
    assert "plan" in run("topics").stdout
    assert run("--version").stdout.strip() == bridge.__version__


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_log_line_is_one_line_and_escaped(log_format: Any) -> None:
    import structlog  # noqa: PLC0415 (configured here alone)

    out = io.StringIO()
    before = structlog.get_config()
    try:
        configure(log_format, "info", out)
        structlog.get_logger().info("callback_rejected", path=f"/{HOSTILE}\nforged")
    finally:
        structlog.configure(**before)
    assert not unsafe(out.getvalue())
    assert out.getvalue().count("\n") == 1
    if log_format == "json":
        assert orjson.loads(out.getvalue())["path"] == f"/{HOSTILE}\nforged"


def test_the_time_line_escapes_whatever_an_event_or_a_journal_record_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = output.make_console(soft_wrap=True)
    timeline = Timeline(console)
    for one in build_examples(main_types(), ContractNames("", "urn:x:")):
        for record in (one.event.record, one.journal):
            value = spoiled(orjson.loads(record.value))
            timeline.show(
                StoredRecord(
                    topic=HOSTILE,
                    partition=0,
                    offset=0,
                    timestamp=datetime(2026, 3, 7, tzinfo=UTC),
                    key=b"",
                    value=orjson.dumps(value),
                    headers={},
                )
            )
    said = capsys.readouterr().out
    assert r"\x1b]0;owned" in said
    assert not unsafe(said)


def main_types() -> Any:
    from bridge.core import catalogue  # noqa: PLC0415 (as commands load it)

    return catalogue.load_catalogue()


def spoiled(value: Any, name: str = "") -> Any:
    """Return JSON with something hostile in each of its texts that need not keep a form."""
    if isinstance(value, dict):
        return {key: spoiled(of, key) for key, of in value.items()}
    if isinstance(value, list):
        return [spoiled(one, name) for one in value]
    keeps_its_form = {"received_at", "specversion", "time_source"}
    return value + HOSTILE if isinstance(value, str) and name not in keeps_its_form else value


def test_every_command_that_reads_kafka_escapes_text_of_callers(
    kafka: Kafka, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)  # noqa: TID251 (the look-back is real time)
    odd = changed(RING, To=f"sip:{HOSTILE}@example.com", **{HOSTILE: HOSTILE})
    asyncio.run(make_all_topics(kafka, prefix))
    callbacks = [
        taken(odd, at(-60, now), prefix=prefix),
        taken(odd, at(-59, now), prefix=prefix, is_dead=True),
    ]
    records = [record for one in callbacks for record in one.records]
    records += [one.letter for one in callbacks if one.letter]
    asyncio.run(store(kafka, records))
    settings = environment(
        kafka_bootstrap_servers=kafka.address,
        kafka_idempotence=str(kafka.idempotence).lower(),
        topic_prefix=prefix,
    )
    commands: list[tuple[Any, list[str]]] = [
        (main.app, ["tail", "--since", "1h", "--no-follow"]),
        (main.app, ["tail", "--since", "1h", "--no-follow", "--raw"]),
        (call.app, ["show", A]),
        (deadletters.app, ["list"]),
        (deadletters.app, ["redrive", "--dry-run"]),
        (replay.app, ["plan", "--from", "journal", "--since", "1h"]),
        (replay.app, ["derive", "--since", "1h", "--diff", "--verify"]),
    ]
    for is_terminal in (True, False):
        monkeypatch.setattr(output, "on_terminal", lambda of=is_terminal: of)
        for app, arguments in commands:
            done = CliRunner().invoke(app, arguments, env=settings)
            assert done.exception is None or isinstance(done.exception, SystemExit), arguments
            assert not unsafe(done.stdout + done.stderr), arguments
        letter = orjson.loads(
            CliRunner().invoke(deadletters.app, ["list", "--json"], env=settings).stdout
        )
        for command in ("show", "redrive"):
            given = [letter["id"]] if command == "show" else ["--id", letter["id"], "--dry-run"]
            done = CliRunner().invoke(deadletters.app, [command, *given], env=settings)
            assert not unsafe(done.stdout + done.stderr), command
            assert command == "redrive" or "owned" in done.stdout
