"""``callback-bridge schemas`` run in this process."""

from pathlib import Path
from typing import Any

import orjson
from click.testing import Result
from typer.testing import CliRunner

from bridge.cli import main
from tests.support.cli import environment

RING, HANGUP = "voice.call.ring", "voice.call.hangup"


def call(*arguments: str | Path, stdin: str | bytes = "", **variables: str) -> Result:
    settings = {**environment(), **variables, "COLUMNS": "200"}
    words = ["schemas", *map(str, arguments)]
    return CliRunner().invoke(main.app, words, env=settings, input=stdin)


def lines(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]
