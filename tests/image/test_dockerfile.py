"""The Dockerfile, read: what a lint finds, and what no lint knows."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.settings.load import Settings
from tests.image.checkout import DOCKERFILE, ROOT, context

pytestmark = pytest.mark.image

SCRIPTS = sorted((ROOT / "deploy" / "image").iterdir())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
# Anything of a known top-level domain, or with a port or a user before it; `org.opencontainers` is none.
HOST = re.compile(r"://|\b[\w-]+\.(?:ai|cloud|com|dev|gov|io|net|org)\b(?![.\w])|\blocalhost\b")


def test_a_lint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--no-color", "--failure-threshold", "style", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_sound_and_can_be_run(path: Path) -> None:
    bash = shutil.which("bash")
    assert bash
    subprocess.run([bash, "-n", path], check=True)
    assert path.stat().st_mode & 0o111 == 0o111


def test_every_stage_is_the_base_that_was_named() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert stages == ["${BASE}", "${BASE}"]


def test_the_base_is_an_official_python_which_is_built_with_profile_guided_optimisation() -> None:
    (base,) = re.findall(r"^ARG BASE=(.+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.1[3-9]-slim-\w+", base)


@pytest.mark.parametrize(
    "path", [ROOT / "Dockerfile", *SCRIPTS, *LOCKS], ids=lambda path: path.name
)
def test_nothing_names_a_host(path: Path) -> None:
    assert HOST.findall(path.read_text()) == []


@pytest.mark.parametrize("text", ["FROM registry.example.com/python", "https://x", "localhost/a:1"])
def test_a_host_would_be_found(text: str) -> None:
    assert HOST.search(text)


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        copied.update(line.split()[:-1])
    assert copied == context()


def test_the_lock_of_the_build_pins_what_pyproject_asks_for() -> None:
    asked = re.findall(
        r'^requires = \["(.+)"\]$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    pinned = re.findall(
        r"^(\S+==\S+)", (ROOT / "requirements" / "build.txt").read_text(), re.MULTILINE
    )
    assert set(asked) <= set(pinned)
    dev = (ROOT / "requirements" / "dev.txt").read_text()
    assert [one for one in pinned if f"\n{one} " not in dev] == []


def test_the_page_gives_a_container_the_time_its_end_takes() -> None:
    defaults = Settings()
    delay_s, under_way_s = defaults.shutdown_delay_s, defaults.shutdown_timeout_s
    bounds_s = 10  # of the bridge's own, which the chart gives a pod too
    page = (ROOT / "docs/image.md").read_text()
    given = re.findall(r"--stop-timeout (\d+)|give it (\d+) s", page)
    assert {int(one or other) for one, other in given} == {
        delay_s + under_way_s + defaults.kafka.flush_timeout_s + bounds_s
    }
