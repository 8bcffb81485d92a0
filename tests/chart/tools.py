"""The tools that test the chart, and the chart as they render it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent.parent
BUILT: Final = ROOT / ".cache/tools"
CHART: Final = ROOT / "deploy/helm/callback-bridge"
SNAPSHOTS: Final = Path(__file__).with_name("snapshots")
EXAMPLES: Final = ("minimal", "extended", "gateway")
VERSIONS: Final = ("1.35.0", "1.36.0", "1.37.0")
LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Manifest = dict[str, Any]


class ToolFailed(Exception):
    """A tool did not do what was asked; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools that were built. ``environment`` is added to the machine's."""

    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, tool: str, *arguments: str, stdin: str = "") -> str:
        """Return what a tool writes; raises ToolFailed."""
        inherited = os.environ  # noqa: TID251 (what a process is started with)
        environment = {**inherited, **self.environment}
        environment["PATH"] = f"{BUILT}:{inherited['PATH']}"
        done = subprocess.run(
            [shutil.which(tool, path=environment["PATH"]) or tool, *arguments],
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode:
            raise ToolFailed(done.stdout + done.stderr)
        return done.stdout

    def template(self, example: str, *arguments: str, version: str = VERSIONS[-1]) -> str:
        """Return what the chart makes of an example's values, as Helm writes it."""
        where = ("--namespace", "telephony", "--kube-version", version)
        values = ("--values", str(CHART / f"ci/{example}-values.yaml"))
        return self.run("helm", "template", "bridge", str(CHART), *where, *values, *arguments)

    def manifests(self, example: str, *arguments: str) -> list[Manifest]:
        """Return what the chart makes of an example's values."""
        found = yaml.load_all(self.template(example, *arguments), Loader=LOADER)
        return [one for one in found if one]


def settings_of(manifests: list[Manifest]) -> dict[str, str]:
    """Return the environment the chart gives the bridge."""
    (found,) = [
        one["data"]
        for one in manifests
        if one["kind"] == "ConfigMap" and "BRIDGE_PORT" in one["data"]
    ]
    return dict(found)
