"""``callback-bridge schemas``: list, show, compare and pack schemas, and check events against them."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.syntax import Syntax
from rich.text import Text

from bridge.cli import output
from bridge.cli.options import SettingsFile
from bridge.cli.output import JsonOption
from bridge.core import catalogue
from bridge.core.event import ContractNames
from bridge.derived import pack as schema_pack
from bridge.derived.journal_samples import build_journal_examples
from bridge.derived.own_records import build_own_examples
from bridge.derived.registry import (
    JOURNAL,
    SchemaChange,
    SchemaNotFound,
    changes_since_committed,
    compare_schemas,
    declared_schemas,
    find_schema,
    find_schemas_folder,
    load_schema,
    released_paths,
    undeclared_schemas,
)
from bridge.derived.samples import build_examples
from bridge.derived.schemas import DEFAULT_BASE
from bridge.derived.validation import SchemaValidator, ValidationFailure, read_values
from bridge.settings.load import load

app = typer.Typer(
    add_completion=False,
    help="List, show and compare the events' JSON Schemas, and check events against them.",
    no_args_is_help=True,
)

Folder = Annotated[
    Path | None,
    typer.Option(
        help="Folder of committed schemas. Default: ./schemas, or the checkout's.",
        exists=True,
        file_okay=False,
    ),
]


@contextmanager
def _usage_errors() -> Generator[None]:
    """Report a schema that is not there as a fault of the arguments; raises BadParameter."""
    try:
        yield
    except SchemaNotFound as error:
        if error.name is not None:
            output.lookup(
                error.name, declared_schemas(), "schema", "`callback-bridge schemas list`"
            )
        raise typer.BadParameter(str(error), param_hint=error.option) from error


_STYLES: Final = {"break": "red", "addition": "green", "wording": "dim"}


@app.command("list")
def list_schemas(
    settings_file: SettingsFile = None, *, folder: Folder = None, json: JsonOption = False
) -> None:
    """List every schema: its version, whether it is released, and its topics.

    A released version never changes. A checkout lists the released versions beside the committed
    schemas; without a checkout the state is unknown, and null in JSON.
    """
    prefix = load(settings_file).topic_prefix
    with _usage_errors():
        committed = find_schemas_folder(folder)
    listed = released_paths(committed) if committed else None
    rows = [
        (
            one,
            None if listed is None else one.path in listed,
            [prefix + topic for topic in one.topics],
        )
        for one in declared_schemas().values()
    ]
    if output.wants_json(json):
        output.emit_json_lines(
            {"schema": one.name, "version": one.version, "released": state, "topics": topics}
            for one, state, topics in rows
        )
        return
    words = {True: "released", False: "draft", None: "unknown"}
    cells = [
        (one.name, one.version, words[state], "\n".join(topics)) for one, state, topics in rows
    ]
    output.show(output.make_table(("schema", "version", "state", "topic"), cells))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A type such as voice.call.ring, or journal.")],
    *,
    example: Annotated[
        str | None, typer.Option(help="Show this example instead; --examples lists them.")
    ] = None,
    all_examples: Annotated[
        bool, typer.Option("--examples", help="Show all its examples instead.")
    ] = False,
) -> None:
    """Show a schema, or example records of it.

    The bridge makes the examples from samples of what Plivo sends. In a pipe they are JSON lines:
    `callback-bridge schemas show voice.call.ring --examples | callback-bridge schemas check -`
    """
    with _usage_errors():
        chosen = find_schema(name)
    if example is None and not all_examples:
        _print_document(chosen.schema)
        return
    found = _examples(chosen.name)
    if example is not None:
        listed = f"`callback-bridge schemas show {chosen.name} --examples`"
        found = {example: output.lookup(example, found, "example", listed)}
    if not output.on_terminal():
        output.emit_json_lines(found.values())
        return
    for slug, value in found.items():
        output.show(Text(slug, style="bold"))
        _print_document(value)


@app.command("pack")
def pack(
    *,
    out: Annotated[
        Path, typer.Option(help="Folder to write. An earlier pack in it is replaced.")
    ] = Path("schema-pack"),
    folder: Folder = None,
) -> None:
    """Write the pack for consumers: schemas, examples, AsyncAPI, OpenAPI, TypeScript types."""
    with _usage_errors():
        packed = schema_pack.build_pack(catalogue.load_catalogue(), find_schemas_folder(folder))
    try:
        schema_pack.write_pack(out, packed)
    except OSError as error:
        message = f"cannot write {error.filename or out}: {error.strerror}"
        raise typer.BadParameter(message, param_hint="--out") from error
    output.print_plain(f"{out}: {len(packed)} files")


def _examples(name: str) -> dict[str, Any]:
    """Return the examples of a type's events by name, or those of journal records."""
    naming = ContractNames("", DEFAULT_BASE)
    types = catalogue.load_catalogue()
    if name == JOURNAL:
        return {
            one.name: orjson.loads(one.record.value)
            for one in build_journal_examples(types, naming)
        }
    own = {
        one.slug: orjson.loads(one.record.value)
        for one in build_own_examples(naming)
        if one.folder == name
    }
    return own or {
        one.slug: orjson.loads(one.event.record.value)
        for one in build_examples(types, naming)
        if one.type.name == name
    }


def _print_document(value: object) -> None:
    """Print a document indented: exactly the text of its file in `schemas/`."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if output.on_terminal():
        output.print_line(Syntax(text, "json", background_color="default"))
    else:
        output.emit_json_text(text)


@app.command("diff")
def diff(
    old: Annotated[
        str | None, typer.Argument(help="A type, or a schema file. Default: every type.")
    ] = None,
    new: Annotated[str | None, typer.Argument(help="Another schema file, or a type.")] = None,
    *,
    since: Annotated[
        str | None,
        typer.Option(
            help="Committed version to compare with, for example 1.0. Default: see above."
        ),
    ] = None,
    folder: Folder = None,
    json: JsonOption = False,
) -> None:
    """Show the changes of a schema: breaking ones, and additions that consumers can ignore.

    A type as declared now is compared with its newest released version of the same major, or with its
    committed file if none is released. Two arguments are compared with each other. Exit code 1 if a
    change is breaking.
    """
    with _usage_errors():
        if old is not None and new is not None:
            found = list(compare_schemas(new, None, None, load_schema(old), load_schema(new)))
        else:
            chosen = [find_schema(old)] if old is not None else list(declared_schemas().values())
            committed = find_schemas_folder(folder)
            if committed is None:
                message = "no folder of committed schemas found: pass one, or compare two files"
                raise typer.BadParameter(message, param_hint="--folder")
            found = [
                change
                for one in chosen
                for change in changes_since_committed(one, committed, since)
            ]
            found += undeclared_schemas(committed) if old is None else []
    _print_changes(found, as_json=output.wants_json(json))
    if any(change.change == "break" for change in found):
        raise typer.Exit(1)


def _print_changes(found: list[SchemaChange], *, as_json: bool) -> None:
    if as_json:
        output.emit_json_lines(asdict(change) for change in found)
    elif not found:
        output.show("no change")
    else:
        for change in found:
            kind = (f"{change.change:<9}", _STYLES[change.change])
            output.show(Text.assemble(kind, " ", (change.schema, "cyan"), f" {change.description}"))


@app.command("check")
def check(
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(help="Events, as JSON or JSON lines; - for standard input."),
    ],
    *,
    folder: Folder = None,
    json: JsonOption = False,
) -> None:
    """Check events and journal records against the schema they name. Exit code 1 if one fails.

    It can read an endless stream: `callback-bridge tail | callback-bridge schemas check -`
    """
    with _usage_errors():
        checker = SchemaValidator(declared_schemas().values(), find_schemas_folder(folder))
    name: str = getattr(file, "name", "<stdin>")  # a pipe need not have one
    checked = failed = 0
    for line, value in read_values(file):
        failures = list(checker.validate(line, value))
        for failure in failures:
            _print_failure(name, failure, as_json=output.wants_json(json))
        checked += 1
        failed += bool(failures)
    output.print_stderr(f"{checked} checked, {failed} failed")
    if failed or not checked:
        raise typer.Exit(1)


def _print_failure(file: str, failure: ValidationFailure, *, as_json: bool) -> None:
    if as_json:
        output.emit_json_lines([asdict(failure)])
        return
    against = failure.schema or "no schema"
    place = f"{failure.at}: " if failure.at else ""
    output.print_line(f"{file}:{failure.line}: {against}: {place}{failure.fault}", "red")
