"""``callback-bridge emulate show``: a scenario as a file."""

from typing import Annotated

import typer

from bridge.cli import output
from bridge.cli.emulate.commands import complete_scenario
from bridge.emulator.scenarios.files import read_shipped

app = typer.Typer(add_completion=False)


@app.command()
def show(
    scenario: Annotated[
        str,
        typer.Argument(
            help="Its name, as in `emulate list`.",
            metavar="SCENARIO",
            autocompletion=complete_scenario,
        ),
    ],
) -> None:
    """Print a scenario as a YAML file, to begin your own with."""
    output.print_plain(read_shipped(scenario).rstrip("\n"))
