"""Suggest commands for a mistyped one."""

import difflib
from collections.abc import Mapping
from typing import Any, Final

from typer.core import TyperGroup

# Words of other tools, and what does the same here.
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


class SuggestingGroup(TyperGroup):
    """A group of commands that answers an unknown one with those that may be meant."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 (typer's own types are private)
        """Return the command that is named; end with wrong usage if there is none."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            meant = suggest_commands(args[0], self)
            if meant:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(meant)}?")
        return super().resolve_command(ctx, args)


def suggest_commands(name: str, group: TyperGroup) -> list[str]:
    """Return the commands that ``name`` may stand for."""
    near = difflib.get_close_matches(name, group.commands, n=3)
    inside = [
        f"{outer} {name}"
        for outer, command in group.commands.items()
        if isinstance(command, TyperGroup) and name in command.commands
    ]
    return [
        f"'{one}'" for one in dict.fromkeys([*near, *_WORDS_OF_OTHER_TOOLS.get(name, ()), *inside])
    ]
