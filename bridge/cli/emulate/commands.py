"""``callback-bridge emulate``: an emulated Plivo, as a server or as a load."""

from collections.abc import Mapping
from typing import ClassVar, Final

import typer

from bridge.cli.lazy import Deferred, LazyGroup

_HELP: Final = "Emulate Plivo: place calls, execute the answers, send signed callbacks."


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
    help=_HELP,
    epilog="""callback-bridge emulate list

callback-bridge emulate run answered-menu --against http://127.0.0.1:8080""",
    no_args_is_help=True,
)


@app.callback()
def emulate() -> None:
    """Emulate Plivo: place calls, execute the answers, send signed callbacks."""
