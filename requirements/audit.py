"""Check the locked dependencies against an advisory database: ``python -m requirements.audit``.

1. pip-audit asks OSV about requirements/*.txt; npm asks its registry about tests/node/package-lock.json.
   Nothing is installed of what is checked, and nothing is changed.
2. Where no database answers, it says so and that nothing was checked, and this is no failure.
3. Every step has a time limit: the whole takes LIMIT_S at most, and no longer than the first step that
   finds no database.

Exit codes: 0 no advisory, or nothing was checked; 1 advisories; 2 a tool failed.
"""

import json
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
LIMIT_S: Final = 300.0
UNREACHABLE: Final = "no advisory database reachable: nothing was checked"
_SOCKET_S: Final = 10
# How requests and pip-audit name it when nobody answers, or answers otherwise than a database.
_AWAY: Final = (
    "ConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "ServiceError",
    "HTTPError",
    "ProxyError",
    "SSLError",
    "Timeout",
)


class Unreachable(Exception):
    """No advisory database answers."""


class Failed(Exception):
    """A tool failed for another reason; the text is the last it said."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """One advisory about a locked package."""

    package: str
    about: str


@dataclass(frozen=True, slots=True)
class Checked:
    """So many packages were checked, and what is known of them."""

    packages: int
    advisories: Sequence[Advisory]


Run = Callable[[Sequence[str], Path, float], tuple[str, str]]


def run(command: Sequence[str], folder: Path, timeout_s: float) -> tuple[str, str]:
    """Return what a tool wrote on standard output and standard error; raises Unreachable when late."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=max(1.0, timeout_s),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unreachable from error
    return done.stdout, done.stderr


def check_python(file: Path, tool: str, timeout_s: float, run: Run = run) -> Checked:
    """Return what OSV knows of a requirements file; raises Unreachable and Failed."""
    command = [tool, "--vulnerability-service", "osv", "--disable-pip", "--require-hashes"]
    command += ["--progress-spinner", "off", "--timeout", str(_SOCKET_S), "--format", "json"]
    out, err = run([*command, "--requirement", str(file)], ROOT, timeout_s)
    found = _document(out)
    if "dependencies" not in found:
        raise _fault(err)
    packages = found["dependencies"]
    return Checked(
        len(packages),
        [
            Advisory(f"{one['name']} {one['version']}", _python_advisory(vulnerability))
            for one in packages
            for vulnerability in one.get("vulns", ())
        ],
    )


def _python_advisory(vulnerability: Mapping[str, Any]) -> str:
    fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
    return f"{vulnerability['id']}, mended in {fixed}"


def check_node(folder: Path, npm: str, timeout_s: float, run: Run = run) -> Checked:
    """Return what npm's registry knows of a lock file; raises Unreachable and Failed."""
    command = [npm, "audit", "--package-lock-only", "--json", "--fetch-retries=0"]
    out, err = run([*command, f"--fetch-timeout={_SOCKET_S * 1000}"], folder, timeout_s)
    found = _document(out)
    if "vulnerabilities" not in found:
        if "error" in found or "statusCode" in found:
            raise Unreachable
        raise _fault(err)
    return Checked(
        int(found["metadata"]["dependencies"]["total"]),
        [
            Advisory(name, f"{one['severity']}, versions {one['range']}")
            for name, one in found["vulnerabilities"].items()
        ],
    )


def _document(out: str) -> dict[str, Any]:
    try:
        found: object = json.loads(out)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _fault(err: str) -> Unreachable | Failed:
    lines = [line for line in err.splitlines() if line.strip()]
    if any(name in err for name in _AWAY):
        return Unreachable()
    return Failed(lines[-1] if lines else "it said nothing")


def pip_audit(until_s: float) -> str:
    """Return the installed pip-audit, in a venv of its own; raises Failed."""
    folder, locked = ROOT / ".cache" / "audit", ROOT / "requirements" / "audit.txt"
    stamp, tool = folder / "installed.txt", folder / "bin" / "pip-audit"
    if tool.exists() and stamp.exists() and stamp.read_text() == locked.read_text():
        return str(tool)
    sys.stdout.write("Installing pip-audit into .cache/audit (once) ...\n")
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--require-hashes", "--requirement", str(locked)]
    try:
        _, err = run(pip, ROOT, until_s - time.monotonic())
    except Unreachable:
        err = "it took too long"
    if not tool.exists():
        message = f"pip-audit could not be installed: {(err.strip().splitlines() or [''])[-1]}"
        raise Failed(message)
    stamp.write_text(locked.read_text())
    return str(tool)


def checks(until_s: float) -> Iterator[tuple[str, Callable[[], Checked]]]:
    """Yield what is to be checked, by its name."""

    def left_s() -> float:
        return until_s - time.monotonic()

    for file in sorted((ROOT / "requirements").glob("*.txt")):
        yield (
            f"requirements/{file.name}",
            lambda file=file: check_python(file, pip_audit(until_s), left_s()),
        )
    npm = shutil.which("npm")
    if npm is not None:
        folder = ROOT / "tests" / "node"
        yield "tests/node/package-lock.json", lambda: check_node(folder, npm, left_s())


def report(every: Iterator[tuple[str, Callable[[], Checked]]]) -> tuple[list[str], int]:
    """Return lines that say what was checked and found, and the exit code.

    Where a database does not answer about one file, others of the same kind are not asked about.
    """
    lines: list[str] = []
    away: set[str] = set()
    code = 0
    for name, check in every:
        kind = Path(name).suffix
        if kind in away:
            continue
        try:
            checked = check()
        except Unreachable:
            away.add(kind)
            about = "Python packages" if kind == ".txt" else "Node.js packages"
            lines.append(f"{about}: {UNREACHABLE}")
        except Failed as error:
            lines.append(f"{name}: not checked: {error}")
            away.add(kind)
            code = 2
        else:
            count = len(checked.advisories)
            lines.append(f"{name}: {checked.packages} packages checked, {count} advisories")
            lines += [f"  {one.package}: {one.about}" for one in checked.advisories]
            code = max(code, 1 if count else 0)
    return lines, code


def main() -> int:
    """Check everything, print what was found, and return the exit code."""
    lines, code = report(checks(time.monotonic() + LIMIT_S))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
