"""``callback-bridge replay``: plan a replay, run it, and derive events again."""

from collections.abc import Mapping
from typing import ClassVar, Final

import typer

from bridge.cli.lazy import Deferred, LazyGroup

_HELP: Final = "Replay stored records: into topics, into files, or to a URL."


class _ReplayCommands(LazyGroup):
    deferred: ClassVar[Mapping[str, Deferred]] = {
        "plan": Deferred(
            "bridge.cli.replay.plan",
            "Count what a replay would read, and fix where it ends. Writes nothing to Kafka.",
        ),
        "run": Deferred(
            "bridge.cli.replay.run",
            "Replay a plan, or the records that the options select; by default into new topics.",
        ),
        "derive": Deferred(
            "bridge.cli.replay.derive",
            "Derive events from the journal again, and count what would change. Writes nothing "
            "by default.",
        ),
    }


app = typer.Typer(
    add_completion=False,
    cls=_ReplayCommands,
    help=_HELP,
    epilog="""callback-bridge replay plan --from journal --since 1d --out day.plan

callback-bridge replay run --plan day.plan --to-jsonl day.jsonl

callback-bridge replay derive --since 1d --diff""",
    no_args_is_help=True,
)


@app.callback()
def replay() -> None:
    """Replay stored records: into topics, into files, or to a URL."""
