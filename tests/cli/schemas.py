"""``callback-bridge schemas`` run in this process."""

from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import orjson

from tests.support.cli import run

RING, HANGUP = "voice.call.ring", "voice.call.hangup"


def call(*arguments: str | Path, stdin: str | bytes = "", **settings: str) -> CompletedProcess[str]:
    return run("schemas", *arguments, stdin=stdin, **settings)


def lines(text: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in text.splitlines()]
