"""What the chart's page says. Needs no tool."""

import json
import re
from typing import Any, Final

import typer
from typer.core import TyperGroup, TyperOption

from bridge.cli.main import app
from tests.chart.tools import CHART

PAGE: Final = (CHART / "README.md").read_text()
EXAMPLES: Final[list[list[dict[str, Any]]]] = [
    json.loads(text) for text in re.findall(r"-p '(\[.*?\])'", PAGE, re.DOTALL)
]


def options(arguments: list[str]) -> set[str]:
    """Return the options of the command that these arguments name."""
    command = typer.main.get_command(app)
    for word in arguments:
        if not isinstance(command, TyperGroup):
            break
        command = command.commands[word]
    assert not isinstance(command, TyperGroup)
    of_command = (one for one in command.params if isinstance(one, TyperOption))
    return {name for one in of_command for name in (*one.opts, *one.secondary_opts)}


def test_a_replay_it_shows_keeps_its_progress_under_a_name() -> None:
    assert EXAMPLES
    for (change,) in EXAMPLES:
        arguments: list[str] = change["value"]
        assert arguments[:2] == ["replay", "run"]
        assert {word for word in arguments if word.startswith("--")} <= options(arguments)
        assert arguments[arguments.index("--progress") + 1] == "last-tuesday.progress.json"
