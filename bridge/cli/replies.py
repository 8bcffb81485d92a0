"""``callback-bridge replies``: check the documents that answer Plivo."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Final

import typer

from bridge.callbacks.model import Reply
from bridge.cli import output
from bridge.cli.output import JsonOption
from bridge.core import catalogue
from bridge.reply.check import check_document
from bridge.reply.finding import Finding

app = typer.Typer(
    add_completion=False,
    help="Check Plivo XML documents before a call gets one.",
    no_args_is_help=True,
)

_STYLES: Final = {"error": "red", "warning": "yellow"}


@app.callback()
def _group() -> None:
    """Keep ``check`` a subcommand while it is the only one."""


@app.command("check")
def check_files(
    files: Annotated[
        list[typer.FileBinaryRead],
        typer.Argument(help="Plivo XML documents; - for standard input.", metavar="FILE..."),
    ],
    *,
    type_name: Annotated[
        str | None,
        typer.Option(
            "--type", help="Callback type that they answer, for example voice.dial.sound."
        ),
    ] = None,
    sound: Annotated[
        bool,
        typer.Option(
            "--sound", help="They are sound documents: Plivo executes only Play, Speak and Wait."
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 for warnings too.")] = False,
    json: JsonOption = False,
) -> None:
    """Check documents against Plivo's elements. Exit code 1 if one has an error.

    Error: Plivo fails, or the caller hears nothing. `serve` does not start.

    Warning: Plivo ignores that part and executes the rest. `serve` logs it.
    """
    if sound and type_name is not None:
        message = "cannot be combined with --sound: a type has its own kind of answer"
        raise typer.BadParameter(message, param_hint="--type")
    kind = Reply.SOUND if sound else _reply_kind(type_name)
    as_json = output.wants_json(json)
    seen: Counter[str] = Counter()
    for file in files:
        found = check_document(file.read(), kind)
        seen.update({finding.severity for finding in found})
        name: str = getattr(file, "name", "<stdin>")  # a pipe need not have one
        if as_json:
            output.emit_json_lines({"file": name, **asdict(finding)} for finding in found)
        else:
            for text, style in _finding_lines(name, found):
                output.print_line(text, style)
    summary = f"{len(files)} checked, {seen['error']} with errors, {seen['warning']} with warnings"
    output.print_stderr(summary)
    if seen["error"] or (strict and seen["warning"]):
        raise typer.Exit(1)


def _reply_kind(type_name: str | None) -> Reply:
    """Return the kind of answer to a type. Raises BadParameter if Plivo executes none."""
    if type_name is None:
        return Reply.XML
    types = catalogue.load_catalogue()
    executed = {kind.name: kind for kind in types.types_with_executed_reply}
    if type_name in types.by_name and type_name not in executed:
        message = f"Plivo executes no answer to {type_name}"
        raise typer.BadParameter(message, param_hint="--type")
    listed_by = "`callback-bridge callbacks list`"
    return output.lookup(type_name, executed, "type whose answer Plivo executes", listed_by).reply


def _finding_lines(name: str, found: list[Finding]) -> Iterator[tuple[str, str]]:
    """Yield the lines printed for a file, with their styles."""
    if not found:
        yield f"{name}: ok", "green"
    for finding in found:
        place = name if finding.line is None else f"{name}:{finding.line}"
        element = "" if finding.element is None else f"<{finding.element}>: "
        yield f"{place}: {finding.severity}: {element}{finding.meaning}", _STYLES[finding.severity]
