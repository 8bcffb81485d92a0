"""Suggest commands for an unknown one."""

import difflib
from collections.abc import Mapping
from typing import Final

from typer.core import TyperGroup

# Commands of other tools (Stripe's and Hookdeck's CLI, kcat, linkerd), and ours that do the same.
_WORDS_OF_OTHER_TOOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "check": ("serve --check",),
    "consume": ("tail",),
    "doctor": ("serve --check", "topics check"),
    "listen": ("dev", "tail"),
    "logs": ("tail",),
    "start": ("serve",),
    "run": ("serve",),
    "trigger": ("callbacks show",),
    "validate": ("serve --check",),
}


def suggest_commands(name: str, group: TyperGroup) -> list[str]:
    """Return the commands that the user may have meant by ``name``."""
    near = difflib.get_close_matches(name, group.commands, n=3)
    inside = [
        f"{outer} {name}"
        for outer, command in group.commands.items()
        if isinstance(command, TyperGroup) and name in command.commands
    ]
    return [
        f"'{one}'" for one in dict.fromkeys([*near, *_WORDS_OF_OTHER_TOOLS.get(name, ()), *inside])
    ]
