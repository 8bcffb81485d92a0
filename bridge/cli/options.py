"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        envvar="BRIDGE_SETTINGS_FILE",
        help="TOML file with settings. BRIDGE_… variables override it.",
        dir_okay=False,
    ),
]
