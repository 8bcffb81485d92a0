#!/usr/bin/env python3
"""Build everything that a release consists of, and publish nothing.

``build_release.py [--out DIR] [--complete]`` writes to ``dist/release``. ``make release`` sets up its
tools.

1. A release is a wheel and an sdist, the schema pack, the chart, the image, an SBOM of the packages that
   the image holds (CycloneDX), and SHA256SUMS over all of them.
2. The same commit gives the same bytes, except for the image: times in archives are the commit's time,
   and names in archives are sorted.
3. A part whose tool this machine lacks is skipped, and the output says so. With ``--complete`` a skipped
   part is an error, exit code 1.
4. The directory is replaced as a whole: a release never holds files of an earlier one.
"""

import argparse
import gzip
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from bridge import __version__

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "deploy/helm/callback-bridge"
HELM: Final = ROOT / ".cache/tools/helm"
CYCLONEDX: Final = ROOT / ".cache/release/bin/cyclonedx-py"
NAME: Final = f"callback-bridge-{__version__}"
# What deploy/image/engine exits with where there is no container engine.
_NO_ENGINE: Final = 3


class Skipped(Exception):
    """A part of the release cannot be built on this machine; the text says what it needs."""


class Failed(Exception):
    """A tool failed; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What is released: a commit, its time, and whether the checkout has changes beside it."""

    revision: str
    time_s: int
    is_changed: bool


Part = Callable[[Path, Commit], None]


def run(command: Sequence[str | Path], *, skips: int | None = None) -> str:
    """Return what a command prints. Exit code ``skips`` raises Skipped, any other but 0 Failed."""
    done = subprocess.run(  # noqa: S603 - the commands of this file
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if skips is not None and done.returncode == skips:
        raise Skipped(done.stderr.strip())
    if done.returncode != 0:
        message = f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}".rstrip()
        raise Failed(message)
    return done.stdout.strip()


def commit() -> Commit:
    """Return the commit that is checked out."""
    revision, time_s = run(["git", "log", "-1", "--format=%H %ct"]).split()
    return Commit(revision, int(time_s), bool(run(["git", "status", "--porcelain"])))


def archive(target: Path, files: Mapping[str, bytes], *, time_s: int) -> None:
    """Write a ``.tar.gz`` whose bytes depend on names, contents and ``time_s`` alone: rule 2."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(files[name]), time_s, 0o644
            tar.addfile(member, BytesIO(files[name]))
    target.write_bytes(gzip.compress(packed.getvalue(), mtime=time_s))


def build_python(out: Path, released: Commit) -> None:
    """Build the wheel and the sdist."""
    build_command = [sys.executable, "-m", "hatchling", "build", "--directory", out]
    run(["env", f"SOURCE_DATE_EPOCH={released.time_s}", *build_command])


def build_schema_pack(out: Path, released: Commit) -> None:
    """Build the schema pack for consumers."""
    with tempfile.TemporaryDirectory() as folder:
        program = "from bridge.cli.main import run; run()"
        pack = Path(folder) / "pack"
        run([sys.executable, "-c", program, "schemas", "pack", "--out", pack])
        files = {
            f"{NAME}-schemas/{path.relative_to(pack)}": path.read_bytes()
            for path in pack.rglob("*")
            if path.is_file()
        }
    archive(out / f"{NAME}-schemas.tar.gz", files, time_s=released.time_s)


def build_chart(out: Path, released: Commit) -> None:
    """Package the chart. Helm writes the time of its run into the archive, so it is packed again."""
    found = shutil.which("helm")
    helm = HELM if HELM.is_file() else Path(found) if found else None
    if helm is None:
        message = "helm is needed: `make tools` builds it (needs Go)"
        raise Skipped(message)
    with tempfile.TemporaryDirectory() as folder:
        run([helm, "package", CHART, "--destination", folder])
        (packed,) = Path(folder).glob("*.tgz")
        files: dict[str, bytes] = {}
        with tarfile.open(packed) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is not None:
                    files[member.name] = content.read()
    archive(out / packed.name, files, time_s=released.time_s)


def build_sbom(out: Path, released: Commit) -> None:
    """Write the SBOM of the packages that the image holds, with licences and dependencies."""
    if not CYCLONEDX.is_file():
        message = "cyclonedx-py is needed: `make release` installs it"
        raise Skipped(message)
    target = out / f"{NAME}.cdx.json"
    # The packages are installed by pip, which not every environment has.
    python = sys.executable if importlib.util.find_spec("pip") else "python3"
    with tempfile.TemporaryDirectory() as folder:
        packages = Path(folder) / "run"
        build = Path(folder) / "build"
        run(["env", f"PYTHON={python}", "deploy/image/install", "packages", packages, build])
        command = [
            *("env", f"SOURCE_DATE_EPOCH={released.time_s}"),
            *(CYCLONEDX, "environment", "--pyproject", "pyproject.toml"),
            *("--mc-type", "application", "--output-reproducible"),
            *("--output-file", target, packages / "bin/python"),
        ]
        run(command)
    # The version is dynamic in pyproject.toml, so the tool does not know it.
    document = json.loads(target.read_text())
    document["metadata"]["component"]["version"] = __version__
    target.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")


def build_image(out: Path, _released: Commit) -> None:
    """Build the image and save it as an archive that ``docker load`` takes."""
    engine = run(["deploy/image/engine"], skips=_NO_ENGINE)
    tag = f"callback-bridge:{__version__}"
    target = out / f"{NAME}-image.tar"
    run(["deploy/image/build", tag])
    if engine == "buildah":
        run([engine, "push", tag, f"docker-archive:{target}"])
    else:
        run([engine, "save", "--output", target, tag])


PARTS: Final[Mapping[str, Part]] = {
    "wheel and sdist": build_python,
    "schema pack": build_schema_pack,
    "chart": build_chart,
    "SBOM": build_sbom,
    "image": build_image,
}


def write_checksums(out: Path) -> None:
    """Write SHA256SUMS, which ``sha256sum --check`` reads."""
    lines: list[str] = []
    for path in sorted(out.iterdir()):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    (out / "SHA256SUMS").write_text("".join(lines))


def build(out: Path, released: Commit, parts: Mapping[str, Part]) -> list[str]:
    """Build a release into ``out``; return the names of the parts that were skipped."""
    skipped: list[str] = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        unfinished = Path(folder) / "release"
        unfinished.mkdir()
        for name, part in parts.items():
            sys.stdout.write(f"{name} ...\n")
            sys.stdout.flush()
            try:
                part(unfinished, released)
            except Skipped as why:
                skipped.append(name)
                sys.stdout.write(f"  SKIPPED: {why}\n")
        write_checksums(unfinished)
        if out.exists():
            shutil.rmtree(out)
        unfinished.rename(out)
    return skipped


def main(arguments: Sequence[str], parts: Mapping[str, Part] = PARTS) -> int:
    """Build a release; return the exit code."""
    parser = argparse.ArgumentParser(description="Build a release. Nothing is published.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist/release", help="where to write it")
    parser.add_argument(
        "--complete", action="store_true", help="exit with 1 if a part had to be skipped"
    )
    options = parser.parse_args(arguments)
    try:
        released = commit()
        skipped = build(options.out, released, parts)
    except Failed as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    sys.stdout.write(f"\n{NAME}, commit {released.revision}, in {options.out}:\n")
    for path in sorted(options.out.iterdir()):
        sys.stdout.write(f"  {path.stat().st_size:>12,}  {path.name}\n")
    if released.is_changed:
        sys.stdout.write("The checkout has changes that are in no commit: do not publish this.\n")
    if skipped:
        sys.stdout.write(f"Not complete: skipped {', '.join(skipped)}.\n")
    sys.stdout.write("Nothing was published.\n")
    return 1 if options.complete and skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
