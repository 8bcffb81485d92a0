"""A release: built as a whole, the same from the same commit, and published nowhere."""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import pytest

from bridge import __version__
from bridge.emulator.scenarios.files import list_shipped
from deploy.release import build_release
from deploy.release.build_release import Commit, Failed, Skipped

COMMIT: Final = Commit("0" * 40, 1_764_288_000, is_changed=False)
NAME: Final = f"callback-bridge-{__version__}"


def write_one(out: Path, released: Commit) -> None:
    (out / "one.txt").write_text(f"{released.time_s}\n")


def skip(_out: Path, _released: Commit) -> None:
    message = "a tool is needed"
    raise Skipped(message)


def fail(_out: Path, _released: Commit) -> None:
    message = "tool --flag\nit said why"
    raise Failed(message)


def sums(out: Path) -> dict[str, str]:
    """Return the checksums of a release, by file."""
    lines = (out / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def test_checksums_cover_every_file(tmp_path: Path) -> None:
    out = tmp_path / "release"
    assert build_release.build(out, COMMIT, {"one": write_one}) == []
    digest = hashlib.sha256((out / "one.txt").read_bytes()).hexdigest()
    assert sums(out) == {"one.txt": digest}


def test_a_release_replaces_the_earlier_one(tmp_path: Path) -> None:
    out = tmp_path / "release"
    out.mkdir()
    (out / "of-an-earlier-one.txt").touch()
    build_release.build(out, COMMIT, {"one": write_one})
    assert sorted(path.name for path in out.iterdir()) == ["SHA256SUMS", "one.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


@pytest.mark.system
@pytest.mark.parametrize(("options", "code"), [([], 0), (["--complete"], 1)])
def test_a_part_without_its_tool_is_skipped_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int
) -> None:
    parts = {"one": write_one, "two": skip}
    arguments = ["--out", str(tmp_path / "release"), *options]
    assert build_release.main(arguments, parts) == code
    printed = capsys.readouterr().out
    assert "  SKIPPED: a tool is needed\n" in printed
    assert "Not complete: skipped two.\nNothing was published.\n" in printed
    assert (tmp_path / "release/one.txt").is_file()


@pytest.mark.system
def test_a_fault_of_a_tool_leaves_the_earlier_release(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "release"
    build_release.build(out, COMMIT, {"one": write_one})
    assert build_release.main(["--out", str(out)], {"one": write_one, "two": fail}) == 1
    assert capsys.readouterr().err == "tool --flag\nit said why\n"
    assert sorted(path.name for path in out.iterdir()) == ["SHA256SUMS", "one.txt"]


def test_an_archive_depends_on_names_contents_and_time_alone(tmp_path: Path) -> None:
    build_release.archive(tmp_path / "a", {"y": b"2", "x": b"1"}, time_s=5)
    build_release.archive(tmp_path / "b", {"x": b"1", "y": b"2"}, time_s=5)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with tarfile.open(tmp_path / "a") as tar:
        assert [(one.name, one.mtime, one.uid, one.mode) for one in tar] == [
            ("x", 5, 0, 0o644),
            ("y", 5, 0, 0o644),
        ]


@pytest.mark.system
def test_a_tool_that_fails_is_quoted_with_what_it_said() -> None:
    with pytest.raises(Failed, match=r"^sh -c echo why >&2; exit 4\nwhy$"):
        build_release.run(["sh", "-c", "echo why >&2; exit 4"], skips=3)
    with pytest.raises(Skipped, match=r"^no engine$"):
        build_release.run(["sh", "-c", "echo no engine >&2; exit 3"], skips=3)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist") / "release"
    parts = {name: part for name, part in build_release.PARTS.items() if name != "image"}
    skipped = build_release.build(out, COMMIT, parts)
    assert set(skipped) <= {"chart"}
    return out


@pytest.mark.image
def test_a_release_has_a_wheel_an_sdist_a_schema_pack_and_an_sbom(release: Path) -> None:
    python = f"callback_bridge-{__version__}"
    made = {f"{python}-py3-none-any.whl", f"{python}.tar.gz"}
    made |= {f"{NAME}-schemas.tar.gz", f"{NAME}.cdx.json"}
    assert set(sums(release)) - {f"{NAME}.tgz"} == made
    wheel = zipfile.ZipFile(release / f"{python}-py3-none-any.whl").namelist()
    assert "bridge/callbacks/voice/hangup.py" in wheel
    shipped = {f"bridge/emulator/scenarios/shipped/{name}.yaml" for name in list_shipped()}
    assert {one for one in wheel if one.endswith(".yaml")} == shipped


@pytest.mark.image
def test_the_same_commit_gives_the_same_bytes(release: Path, tmp_path: Path) -> None:
    # The SBOM takes half a minute; what makes it reproducible is tested by what is in it.
    names = ("wheel and sdist", "schema pack", "chart")
    again = {name: build_release.PARTS[name] for name in names}
    build_release.build(tmp_path / "release", COMMIT, again)
    first = sums(release)
    first.pop(f"{NAME}.cdx.json")
    assert sums(tmp_path / "release") == first


@pytest.mark.image
def test_the_sbom_names_the_locked_packages_and_nothing_of_this_machine(release: Path) -> None:
    text = (release / f"{NAME}.cdx.json").read_text()
    found = json.loads(text)
    assert found["bomFormat"] == "CycloneDX"
    assert found["metadata"]["component"]["version"] == __version__
    assert found["metadata"]["timestamp"].startswith("2025-11-28T00:00:00")
    assert "serialNumber" not in found
    assert "file:" not in text
    locked = (build_release.ROOT / "requirements/run.txt").read_text()
    pinned = dict(re.findall(r"^([\w.-]+)(?:\[.*\])?==([^ ;]+)", locked, re.MULTILINE))
    for component in found["components"]:
        assert pinned[re.sub("[._-]+", "-", component["name"]).lower()] == component["version"]
    assert {"aiokafka", "starlette"} <= {component["name"] for component in found["components"]}


@pytest.mark.image
def test_the_packed_chart_is_one_that_helm_takes(release: Path) -> None:
    chart = release / f"{NAME}.tgz"
    if not chart.is_file():
        pytest.skip("helm is not built here")
    helm = build_release.HELM if build_release.HELM.is_file() else shutil.which("helm")
    assert helm is not None
    done = subprocess.run(
        [helm, "show", "chart", chart], capture_output=True, text=True, check=False
    )
    assert (done.returncode, f"version: {__version__}" in done.stdout) == (0, True)
