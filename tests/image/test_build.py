"""``deploy/image/build`` on machines with one engine or another: each a program that notes its call."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge import __version__
from tests.image.checkout import script

pytestmark = pytest.mark.image

TOOLS = ("bash", "date", "dirname", "env", "git", "mktemp", "rm", "sed")

# An engine: it answers, or its server doesn't; a build is written down with its secrets.
ENGINE = """#!{python}
import json, os, pathlib, sys
name, arguments, here = pathlib.Path(sys.argv[0]).name, sys.argv[1:], pathlib.Path({here!r})
if arguments[0] != "build":
    sys.exit(0 if name in {answering!r} else 1)
sources = dict(one.removeprefix("id=").split(",src=") for one in arguments if one.startswith("id="))
secrets = {{id: pathlib.Path(source).read_text() for id, source in sources.items()}}
noted = {{"engine": name, "arguments": arguments, "sources": sources, "secrets": secrets}}
noted |= {{"format": os.environ.get("BUILDAH_FORMAT"), "directory": os.getcwd()}}
(here / "noted.json").write_text(json.dumps(noted))
sys.exit({code})
"""


@dataclass
class Machine:
    """A machine whose PATH has the tools a script needs, and the engines a test gives it."""

    here: Path

    def __post_init__(self) -> None:
        for name in TOOLS:
            found = shutil.which(name)
            assert found, name
            (self.here / name).symlink_to(found)
        python = self.here / "python3"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)

    def has(self, *engines: str, answering: tuple[str, ...] | None = None, code: int = 0) -> None:
        for name in engines:
            text = ENGINE.format(
                python=sys.executable,
                here=str(self.here),
                answering=engines if answering is None else answering,
                code=code,
            )
            (self.here / name).write_text(text)
            (self.here / name).chmod(0o755)

    def build(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        # Neither pip's settings here nor those of its files are the test's.
        empty = ("INDEX_URL", "EXTRA_INDEX_URL", "TRUSTED_HOST", "PROXY", "TIMEOUT", "CERT")
        given = {f"PIP_{name}": "" for name in empty} | {"PIP_CONFIG_FILE": "/dev/null", "BASE": ""}
        done = script(
            "build", *arguments, environment={**given, **variables, "PATH": str(self.here)}
        )
        return done.returncode, done.stdout, done.stderr

    @property
    def noted(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads((self.here / "noted.json").read_bytes())
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_an_engine_it_is_one_sentence_and_exit_code_3(machine: Machine) -> None:
    code, out, err = machine.build()
    assert (code, out) == (3, "")
    (line,) = err.splitlines()
    assert line == (
        "There is no container engine here: "
        "docker with a server that answers, podman or buildah is needed."
    )


@pytest.mark.parametrize(
    ("there", "answering", "used"),
    [
        (("docker", "podman", "buildah"), ("docker", "podman", "buildah"), "docker"),
        (("docker", "podman"), ("podman",), "podman"),
        (("docker", "buildah"), ("buildah",), "buildah"),
        (("buildah",), ("buildah",), "buildah"),
        (("docker",), ("docker",), "docker"),
    ],
)
def test_it_takes_the_first_engine_that_answers(
    machine: Machine, there: tuple[str, ...], answering: tuple[str, ...], used: str
) -> None:
    machine.has(*there, answering=answering)
    code, out, err = machine.build()
    assert (code, err, machine.noted["engine"]) == (0, "", used)
    assert out == f"callback-bridge:{__version__}, built with {used}\n"


def test_an_engine_that_does_not_answer_is_none(machine: Machine) -> None:
    machine.has("docker", answering=())
    assert machine.build()[0] == 3


def test_a_build_that_fails_is_the_engines_exit_code(machine: Machine) -> None:
    machine.has("podman", code=125)
    code, out, _ = machine.build()
    assert (code, out) == (125, "")
    assert [one for one in machine.noted["sources"].values() if Path(one).exists()] == []


def test_the_image_is_labelled_with_its_version_and_keeps_its_health_check(
    machine: Machine,
) -> None:
    machine.has("podman")
    machine.build()
    arguments = machine.noted["arguments"]
    assert f"VERSION={__version__}" in arguments
    assert any(one.startswith("REVISION=") for one in arguments)
    assert any(one.startswith("CREATED=20") for one in arguments)
    assert machine.noted["format"] == "docker"
    assert (Path(machine.noted["directory"]) / "Dockerfile").is_file()


def test_tag_and_base_may_be_named(machine: Machine) -> None:
    machine.has("docker")
    _, out, _ = machine.build("bridge:mine", BASE="python:3.13-slim")
    arguments = machine.noted["arguments"]
    assert arguments[arguments.index("--tag") + 1] == "bridge:mine"
    assert "BASE=python:3.13-slim" in arguments
    assert out == "bridge:mine, built with docker\n"


def test_without_a_base_the_dockerfile_decides(machine: Machine) -> None:
    machine.has("docker")
    machine.build()
    assert not any(one.startswith("BASE=") for one in machine.noted["arguments"])


def test_pips_settings_hold_for_the_build_and_are_gone_after_it(
    machine: Machine, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("certificates")
    files = tmp_path / "pip.conf"
    files.write_text(
        "[global]\ntimeout = 77\nextra-index-url = https://a.test/x\n    https://b.test/x\n"
    )
    machine.has("buildah")
    machine.build(
        PIP_INDEX_URL="https://user:secret@packages.test/simple",
        PIP_CERT=str(bundle),
        PIP_CONFIG_FILE=str(files),
    )
    assert machine.noted["secrets"] == {
        "ca.pem": "certificates",
        "pip.conf": "[global]\n"
        "index-url = https://user:secret@packages.test/simple\n"
        "extra-index-url = https://a.test/x https://b.test/x\n"
        "timeout = 77\n"
        "cert = /run/secrets/ca.pem\n",
    }
    assert not Path(machine.noted["sources"]["pip.conf"]).exists()
    assert "secret@" not in str(machine.noted["arguments"])
