"""What of this checkout the image is made from."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
ENVIRONMENT: Final = os.environ  # noqa: TID251 (the engine's and pip's settings are the machine's)


@dataclass(frozen=True, slots=True)
class Installed:
    """The environments that deploy/image/install made, from what a build of the image sees."""

    context: Path
    run: Path
    build: Path


def context() -> set[str]:
    """Return the paths that .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def copy_context(to: Path) -> Path:
    """Return ``to``, holding what a build sees of this checkout and nothing else."""
    without_bytecode = shutil.ignore_patterns("__pycache__")
    for name in context():
        source, copy = ROOT / name, to / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=without_bytecode)
        else:
            shutil.copy(source, copy)
    return to


def health_check() -> list[str]:
    """Return the command of the Dockerfile's HEALTHCHECK."""
    (text,) = re.findall(r"^HEALTHCHECK (?:.*\\\n)*.*CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    command: list[str] = json.loads(text)
    return command


def locked() -> set[str]:
    """Return what requirements/run.txt locks for Linux, as ``name==version``."""
    text = (ROOT / "requirements" / "run.txt").read_text()
    pinned = re.findall(r"^(\S+==\S+)(.*)\\$", text, re.MULTILINE)
    return {one for one, marker in pinned if "sys_platform == 'win32'" not in marker}


def normal(name: str) -> str:
    """Return a distribution as package indexes spell it."""
    return re.sub(r"[-_.]+(?=.*==)", "-", name).lower()


def script(
    name: str, *arguments: str, environment: dict[str, str] | None = None, root: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a script of deploy/image to its end; ``environment`` comes on top of the machine's."""
    return subprocess.run(
        [root / "deploy" / "image" / name, *arguments],
        env={**ENVIRONMENT, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
