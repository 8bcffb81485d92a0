"""``callback-bridge replies``: check the documents and the rules that answer Plivo."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from bridge.app.rules_file import CheckedRules, LocatedFinding, check_file
from bridge.callbacks.model import CallbackType, Reply
from bridge.cli import output
from bridge.cli.output import JsonOption
from bridge.cli.reply_example import Example, explain_reply
from bridge.core import catalogue
from bridge.reply.document import check_reply
from bridge.reply.finding import Finding

app = typer.Typer(
    add_completion=False,
    help="Check reply rules and Plivo XML documents before a call gets one.",
    no_args_is_help=True,
)

_STYLES: Final = {"error": "red", "warning": "yellow"}
_RULES_ENDING: Final = ".toml"


@app.callback()
def _group() -> None:
    """Keep ``check`` a subcommand while it is the only one."""


@app.command("check")
def check_files(  # noqa: PLR0913 (options of a command)
    files: Annotated[
        list[typer.FileBinaryRead],
        typer.Argument(
            help="Files of rules (*.toml) and Plivo XML documents; - for a document from standard "
            "input.",
            metavar="FILE...",
        ),
    ],
    *,
    type_name: Annotated[
        str | None,
        typer.Option(
            "--type",
            help="Callback type, for example voice.dial.sound: which rule answers it, or what documents "
            "are checked for.",
        ),
    ] = None,
    sound: Annotated[
        bool,
        typer.Option(
            "--sound", help="They are sound documents: Plivo executes only Play, Speak and Wait."
        ),
    ] = False,
    called: Annotated[
        str | None, typer.Option(help="With rules and --type: the number that is called.")
    ] = None,
    calling: Annotated[
        str | None, typer.Option(help="With rules and --type: the number that calls.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="With rules and --type: auth id of account or subaccount.")
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            help="With rules and --type: path and query that Plivo calls; else the type's own path."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 for warnings too.")] = False,
    json: JsonOption = False,
) -> None:
    """Check reply rules and documents. Exit code 1 if one has an error.

    Error: Plivo fails, or the caller hears nothing. `serve` does not start.

    Warning: Plivo ignores that part and executes the rest, or a rule has no effect. `serve` logs it.

    With a file of rules and --type, it also shows which rule answers such a callback, and with what.
    """
    rule_files = [file for file in files if _is_rules(file)]
    example = Example(called=called, calling=calling, account=account, path=path)
    _check_options(type_name, example, sound=sound, rules=len(rule_files))
    kind = _find_type(type_name, only_executed=len(rule_files) < len(files))
    as_json = output.wants_json(json)
    seen: Counter[str] = Counter()
    for file in files:
        name: str = getattr(file, "name", "<stdin>")  # a pipe need not have one
        if file in rule_files:
            checked = check_file(Path(name), catalogue.load_catalogue())
            seen.update({finding.severity for finding in checked.findings})
            _print_rules(name, checked, as_json=as_json)
            if kind is not None:
                _print_example(checked, kind, example, as_json=as_json)
            continue
        found = _check_document(file.read(), kind, sound=sound)
        seen.update({finding.severity for finding in found})
        if as_json:
            output.emit_json_lines({"file": name, **asdict(finding)} for finding in found)
        else:
            for text, style in _finding_lines(name, found):
                output.print_line(text, style)
    summary = f"{len(files)} checked, {seen['error']} with errors, {seen['warning']} with warnings"
    output.print_stderr(summary)
    if seen["error"] or (strict and seen["warning"]):
        raise typer.Exit(1)


def _is_rules(file: typer.FileBinaryRead) -> bool:
    return str(getattr(file, "name", "")).endswith(_RULES_ENDING)


def _check_options(type_name: str | None, example: Example, *, sound: bool, rules: int) -> None:
    """Raise BadParameter for options that contradict each other."""
    if sound and type_name is not None:
        message = "cannot be combined with --sound: a type has its own kind of answer"
        raise typer.BadParameter(message, param_hint="--type")
    given = next(
        (f"--{name}" for name, value in asdict(example).items() if value is not None), None
    )
    if given is not None and (type_name is None or not rules):
        message = "needs --type and a file of rules (*.toml)"
        raise typer.BadParameter(message, param_hint=given)


def _find_type(type_name: str | None, *, only_executed: bool) -> CallbackType | None:
    """Return the type of ``--type``. Raises BadParameter if documents cannot answer it."""
    if type_name is None:
        return None
    types = catalogue.load_catalogue()
    executed = {kind.name: kind for kind in types.types_with_executed_reply}
    if only_executed and type_name in types.by_name and type_name not in executed:
        message = f"Plivo executes no answer to {type_name}"
        raise typer.BadParameter(message, param_hint="--type")
    listed_by = "`callback-bridge callbacks list`"
    if only_executed:
        meaning = "type whose answer Plivo executes"
        return output.lookup(type_name, executed, meaning, listed_by)
    return output.lookup(type_name, types.by_name, "type", listed_by)


def _check_document(body: bytes, kind: CallbackType | None, *, sound: bool) -> tuple[Finding, ...]:
    """Return the findings of a document, which may have placeholders."""
    if kind is None:
        return check_reply(body, [Reply.SOUND if sound else Reply.XML])[1]
    return check_reply(body, [kind.reply], [kind])[1]


def _print_rules(name: str, checked: CheckedRules, *, as_json: bool) -> None:
    if as_json:
        output.emit_json_lines(_to_json(finding) for finding in checked.findings)
        return
    if not checked.findings:
        output.print_line(f"{name}: ok", "green")
    for finding in checked.findings:
        place = f"{finding.file}" if finding.line is None else f"{finding.file}:{finding.line}"
        text = f"{place}: {finding.severity}: {finding.meaning}"
        output.print_line(text, _STYLES[finding.severity])


def _to_json(finding: LocatedFinding) -> dict[str, object]:
    return {**asdict(finding), "file": str(finding.file)}


def _print_example(
    checked: CheckedRules, kind: CallbackType, example: Example, *, as_json: bool
) -> None:
    """Print which rule answers a callback, unless the rules have an error."""
    if checked.rules is None or checked.file is None:
        return
    reply = explain_reply(checked.rules, checked.file, kind, example)
    if as_json:
        output.emit_json_lines([asdict(reply)])
    else:
        output.print_line(reply.meaning)
        if reply.body:
            output.print_line(reply.body.rstrip())


def _finding_lines(name: str, found: tuple[Finding, ...]) -> Iterator[tuple[str, str]]:
    """Yield the lines printed for a file, with their styles."""
    if not found:
        yield f"{name}: ok", "green"
    for finding in found:
        place = name if finding.line is None else f"{name}:{finding.line}"
        element = "" if finding.element is None else f"<{finding.element}>: "
        yield f"{place}: {finding.severity}: {element}{finding.meaning}", _STYLES[finding.severity]
