"""``callback-bridge emulate list``: the scenarios that are included."""

import typer

from bridge.cli import output
from bridge.cli.output import JsonOption
from bridge.emulator.scenarios.files import list_shipped

app = typer.Typer(add_completion=False)


@app.command("list")
def list_scenarios(*, json: JsonOption = False) -> None:
    """List the scenarios that are included."""
    rows = [(name, scenario.title) for name, scenario in list_shipped().items()]
    if output.wants_json(json):
        output.emit_json_lines({"name": name, "title": title} for name, title in rows)
    else:
        output.show(output.make_table(("scenario", "what happens"), rows))
