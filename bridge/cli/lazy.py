"""Groups of commands that import a command only when it is needed.

To import every command takes ten times as long as to print the version. Therefore:

1. A group knows the names of its commands and the first sentence of their help. That is enough for the
   group's own help and for the completion of names.
2. A command's module is imported when the command runs, when its own help is printed, or when its
   options are completed. The command is the module's ``app``.
3. An unknown name may be a command of another group. To suggest it, all commands are imported: only a
   mistyped command waits for that.
4. An import leaves almost no garbage, and what it defines lives as long as the process. Therefore no
   garbage is collected meanwhile, nor is what was defined ever searched for garbage. The searches would
   take a fifth of the time until `serve` is ready.
"""

import difflib
import gc
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, Final

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

# Commands of other tools (Stripe's and Hookdeck's CLI, kcat, linkerd), and ours that do the same.
_WORDS_OF_OTHER_TOOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "check": ("serve --check",),
    "consume": ("tail",),
    "doctor": ("serve --check", "topics check"),
    "listen": ("dev", "tail"),
    "logs": ("tail",),
    "start": ("serve",),
    "run": ("serve",),
    "validate": ("serve --check",),
}


@dataclass(frozen=True, slots=True)
class Deferred:
    """A command that is not imported yet. ``help`` is the first sentence of its help: rule 1.

    ``is_member``: the module has several commands, and this is the one of its own name.
    """

    module: str
    help: str
    is_member: bool = False


class LazyGroup(TyperGroup):
    """A group that imports its commands when they are needed, and suggests some for an unknown name."""

    deferred: ClassVar[Mapping[str, Deferred]]

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 (typer's own)
        super().__init__(**options)
        self._loaded = set[str]()
        for name, command in self.deferred.items():
            self.add_command(TyperCommand(name, help=command.help))

    def load(self, name: str) -> None:
        """Import a command: rule 2. A name that the group does not have is ignored."""
        if name in self.deferred and name not in self._loaded:
            deferred = self.deferred[name]
            command: Any = get_command(_import(deferred.module).app)
            if deferred.is_member:
                command = command.commands[name]
            command.name = name
            _join_lines(command)
            self.add_command(command)
            self._loaded.add(name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 (typer's own types are private)
        """Return the command that is named, imported. An unknown name is an error of usage."""
        name = args[0] if args else ""
        self.load(name)
        if name and name not in self.commands and not name.startswith("-"):
            for deferred in self.deferred:  # rule 3
                self.load(deferred)
            meant = _suggest_commands(name, self)
            if meant:
                ctx.fail(f"No such command {name!r}. Did you mean {' or '.join(meant)}?")
        return super().resolve_command(ctx, args)


def _import(name: str) -> ModuleType:
    """Import a module without collecting garbage: rule 4."""
    if name in sys.modules:
        return sys.modules[name]
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _join_lines(command: Any) -> None:  # noqa: ANN401 (typer's own types are private)
    """Join the lines of each paragraph of help: typer keeps them, and they do not fit 80 columns."""
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    if isinstance(command, TyperGroup):
        for inner in command.commands.values():
            _join_lines(inner)


def _suggest_commands(name: str, group: TyperGroup) -> list[str]:
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
