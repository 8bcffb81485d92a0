"""``callback-bridge emulate``: an emulated Plivo, as a server or as a load."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

import typer

from bridge.cli.lazy import Deferred, LazyGroup
from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE

PORT: Final = 8811


class _EmulateCommands(LazyGroup):
    deferred: ClassVar[Mapping[str, Deferred]] = {
        "run": Deferred(
            "bridge.cli.emulate.run",
            "Run a scenario: emulated calls, signed callbacks, and your documents executed.",
        ),
        "list": Deferred("bridge.cli.emulate.shipped", "List the scenarios that are included."),
        "show": Deferred(
            "bridge.cli.emulate.show", "Print a scenario as a YAML file, to begin your own with."
        ),
    }


app = typer.Typer(
    add_completion=False,
    cls=_EmulateCommands,
    epilog="""callback-bridge emulate --answer-url http://127.0.0.1:5000/answer

callback-bridge emulate run answered-menu --against http://127.0.0.1:8080

callback-bridge emulate --explain""",
)


def complete_scenario(incomplete: str) -> list[tuple[str, str]]:
    """Return the shipped scenarios that begin so, with their titles, for a shell."""
    from bridge.emulator.scenarios.files import (  # noqa: PLC0415 (only a shell needs it)
        YamlNotInstalled,
        list_shipped,
    )

    try:
        shipped = list_shipped()
    except YamlNotInstalled:
        return []
    return [(name, one.title) for name, one in shipped.items() if name.startswith(incomplete)]


@app.callback(invoke_without_command=True)
def emulate(  # noqa: PLR0913 (options)
    context: typer.Context,
    *,
    port: Annotated[
        int, typer.Option(help="Port of the API; 0 for any free one.", min=0, max=65_535)
    ] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    control_from_anywhere: Annotated[
        bool,
        typer.Option(
            "--open-control",
            help="Let clients on other machines use the control, which has no password.",
        ),
    ] = False,
    answer_url: Annotated[
        str | None, typer.Option(help="Answer URL of the number, for calls that come in.")
    ] = None,
    hangup_url: Annotated[str | None, typer.Option(help="Hangup URL of the number.")] = None,
    message_url: Annotated[str | None, typer.Option(help="Message URL of the number.")] = None,
    number: Annotated[str, typer.Option(help="Your number.")] = "14155550100",
    people: Annotated[
        str | None,
        typer.Option(
            help="Scenario that says what called people do. Default: they answer.",
            metavar="SCENARIO",
            autocompletion=complete_scenario,
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(help="Emulated seconds in a real second.", min=0.01, max=10_000)
    ] = 1.0,
    seed: Annotated[
        int | None,
        typer.Option(help="Repeats every random choice. Default: a new one, which is printed."),
    ] = None,
    calls_per_s: Annotated[
        int,
        typer.Option(
            "--calls-per-second", help="Calls that begin in a second; more of them wait.", min=1
        ),
    ] = 2,
    auth_id: Annotated[str, typer.Option(help="Auth id of the account.")] = AUTH_ID,
    auth_token: Annotated[
        str,
        typer.Option(
            help="Its auth token: it signs callbacks.",
            envvar="PLIVO_AUTH_TOKEN",
            show_default=False,
        ),
    ] = AUTH_TOKEN,
    zone: Annotated[str, typer.Option("--timezone", help="Its time zone.")] = TIMEZONE,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print what is emulated, and how certain it is.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON lines, also on a terminal.")] = False,
) -> None:
    """Emulate Plivo: place calls, execute the answers, send signed callbacks.

    Without a command it serves Plivo's API until Ctrl-C. Send your SDK's requests to the URL that it
    prints, as docs/emulator.md shows. POST /_emulator/calls/receive emulates a call to --number.

    It prints every callback: a line on a terminal, JSON in a pipe.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context, context.invoked_subcommand)
        return
    from bridge.cli.emulate import serve  # noqa: PLC0415 (only the server needs it)

    if explain:
        serve.explain(as_json=json)
        return
    serve.serve_emulator(
        serve.Served(
            address=(host, port),
            control_from_anywhere=control_from_anywhere,
            account=(auth_id, auth_token, zone),
            number=number,
            urls={"answer": answer_url, "hangup": hangup_url, "message": message_url},
            people=people,
            speed=speed,
            seed=seed,
            calls_per_s=calls_per_s,
        ),
        as_json=json,
    )


def _refuse_options(context: typer.Context, command: str) -> None:
    """Raise BadParameter for an option of the server before a command, which would ignore it."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            message = f"options of `emulate {command}` come after its name"
            raise typer.BadParameter(message, param_hint=parameter.opts[0])
