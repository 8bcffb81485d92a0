"""The example of a Plivo application, run as a reader would run it."""

import contextlib
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

from tests.support.cli import Started, environment

FOLDER: Final = Path(__file__).parents[2] / "examples/plivo_application"


@contextlib.contextmanager
def started_application(*arguments: str) -> Generator[Started]:
    """Start the application, and wait until it listens. It is ended at the end."""
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / "app.py"), *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    application = Started(process)
    try:
        application.says("listening on")
        yield application
    finally:
        if process.poll() is None:
            process.terminate()
        application.end()


def copy_settings(folder: Path, bridge_url: str) -> Path:
    """Copy the bridge's settings and documents, for a bridge at another URL."""
    (folder / "documents").mkdir()
    for document in (FOLDER / "documents").iterdir():
        text = document.read_text()
        assert "http://" not in text.replace("http://127.0.0.1:8080/plivo", "")
        copied = folder / "documents" / document.name
        copied.write_text(text.replace("http://127.0.0.1:8080", bridge_url))
    (folder / "rules.toml").write_text((FOLDER / "rules.toml").read_text())
    settings = folder / "bridge.toml"
    text = (FOLDER / "bridge.toml").read_text()
    settings.write_text(text.replace("examples/plivo_application", str(folder)))
    return settings
