"""The image and containers of it, on the engine of this machine."""

import contextlib
import json
import re
import subprocess
import uuid
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.image.checkout import DOCKERFILE, ENVIRONMENT, script

SPOOL: Final = "/var/lib/callback-bridge/spool"
# The narrowest a container gets: what it must live with anywhere.
NARROW: Final = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)


class NoImage(Exception):
    """There is no engine here, or no base; the text says which."""


def _base(engine: str) -> str:
    """Return the base of the build, got if need be; raises NoImage."""
    (default,) = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    base = ENVIRONMENT.get("BASE") or default
    look = ["inspect", "--type=image"] if engine == "buildah" else ["image", "inspect"]
    for words in (look, ["pull", "--quiet"]):
        with contextlib.suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
            subprocess.run([engine, *words, base], capture_output=True, timeout=300, check=True)
            return base
    message = f"{engine} cannot get the base {base}"
    raise NoImage(message)


def built(tag: str) -> "Image":
    """Return the image, built by deploy/image/build; raises NoImage."""
    found = script("engine")
    if found.returncode != 0:
        raise NoImage(found.stderr.strip())
    engine = found.stdout.strip()
    done = script("build", tag, environment={"BASE": _base(engine)})
    assert done.returncode == 0, done.stdout + done.stderr
    return Image(engine, tag)


@dataclass(frozen=True, slots=True)
class Image:
    """An image by its tag, and the engine that has it."""

    engine: str
    tag: str

    def engine_says(self, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [self.engine, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0 or not check, (words, done.stdout, done.stderr)
        return done

    def configuration(self) -> dict[str, Any]:
        """Return the image's configuration, as Docker spells it."""
        if self.engine == "buildah":
            found = json.loads(self.engine_says("inspect", "--type=image", self.tag).stdout)
            return dict(found["Docker"]["config"])
        (one,) = json.loads(self.engine_says("image", "inspect", self.tag).stdout)
        return {"Healthcheck": one.get("Healthcheck", one.get("HealthCheck")), **one["Config"]}

    def run(self, *arguments: str, options: Sequence[str] = (), network: str = "none") -> str:
        """Return what a narrow container prints to its end, with ``options`` on top."""
        given = [*NARROW, f"--network={network}", *options]
        return self.engine_says("run", "--rm", *given, self.tag, *arguments).stdout

    @contextlib.contextmanager
    def started(self, *options: str, network: str = "none") -> Generator["Container"]:
        """Start a narrow container, with a volume for its spool; both go in the end."""
        name = f"callback-bridge-{uuid.uuid4().hex[:12]}"
        self.engine_says("volume", "create", name)
        given = [*NARROW, f"--network={network}", f"--volume={name}:{SPOOL}", *options]
        try:
            self.engine_says("run", "--detach", f"--name={name}", *given, self.tag)
            yield Container(self, name)
        finally:
            self.engine_says("rm", "--force", name, check=False)
            self.engine_says("volume", "rm", name, check=False)


@dataclass(frozen=True, slots=True)
class Container:
    """A container that was started."""

    image: Image
    name: str

    def does(self, *command: str) -> bool:
        """Return whether a command inside ends with 0."""
        done = self.image.engine_says("exec", self.name, *command, check=False)
        return done.returncode == 0

    def logs(self) -> list[str]:
        done = self.image.engine_says("logs", self.name)
        return (done.stdout + done.stderr).splitlines()

    def state(self, of: str) -> str:
        """Return one word of the container's state: Pid, ExitCode."""
        return self.image.engine_says(
            "inspect", f"--format={{{{.State.{of}}}}}", self.name
        ).stdout.strip()

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code."""
        self.image.engine_says("stop", "--time=30", self.name)
        return int(self.state("ExitCode"))
