"""The image's install steps, in a fresh environment: what is in it, and that ``serve`` runs from it."""

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Generator
from importlib.util import cache_from_source
from pathlib import Path

import httpx
import pytest

from bridge import __version__
from tests.image.checkout import (
    Installed,
    copy_context,
    health_check,
    locked,
    normal,
    script,
)
from tests.support.bridge import wait_for_port
from tests.support.cli import Started, environment
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.image

DISTRIBUTIONS = """
import importlib.metadata, json
print(json.dumps([f"{one.name}=={one.version}" for one in importlib.metadata.distributions()]))
"""


def output(*command: str | Path) -> str:
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@contextlib.contextmanager
def serving(installed: Installed, spool: Path, **more: str) -> Generator[tuple[Started, str]]:
    """Run ``serve`` from the fresh environment, without Kafka; yields it and its management port."""
    port = str(free_port())
    given = environment(
        host="127.0.0.1",
        port=str(free_port()),
        management_port=port,
        kafka_bootstrap_servers=f"127.0.0.1:{free_port()}",
        spool_directory=str(spool),
        verification="off",
    )
    process = subprocess.Popen(
        [installed.run / "bin" / "callback-bridge", "serve"],
        env=given | more,
        cwd=spool,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = Started(process)
    try:
        yield started, port
    finally:
        if process.poll() is None:
            process.kill()
        started.end()


def test_it_holds_what_is_locked_and_nothing_else(installed: Installed) -> None:
    found = json.loads(output(installed.run / "bin" / "python", "-c", DISTRIBUTIONS))
    assert {normal(one) for one in found} == locked() | {f"callback-bridge=={__version__}"}


def test_the_entry_point_answers(installed: Installed) -> None:
    command = installed.run / "bin" / "callback-bridge"
    assert output(command, "--version") == f"{__version__}\n"


def test_every_module_has_bytecode_that_is_never_held_against_its_source(
    installed: Installed,
) -> None:
    sources = list(installed.run.rglob("lib/**/*.py"))
    assert len(sources) > 500
    # PEP 552: flags 1 is by hash and unchecked; 0 would be by the time of the source.
    flags = {Path(cache_from_source(str(one))).read_bytes()[4:8] for one in sources}
    assert flags == {b"\x01\x00\x00\x00"}


def test_serve_starts_without_kafka_and_passes_the_health_check(
    installed: Installed, tmp_path: Path
) -> None:
    check = health_check()
    python = installed.run / "bin" / check[0]
    with serving(installed, tmp_path) as (bridge, port):
        bridge.says("bridge_started")
        wait_for_port(int(port))
        assert httpx.get(f"http://127.0.0.1:{port}/livez", timeout=PATIENCE_S).status_code == 200
        # A proxy that is set for the bridge is none for the check.
        asked = environment(management_port=port) | {"http_proxy": "http://127.0.0.1:9"}
        assert subprocess.run([python, *check[1:]], env=asked, check=False).returncode == 0
        assert bridge.end() == 0
        bridge.says("bridge_stopped")
    gone = subprocess.run([python, *check[1:]], env=asked, stderr=subprocess.PIPE, check=False)
    assert gone.returncode != 0


def test_starting_compiles_no_module_of_it(installed: Installed, tmp_path: Path) -> None:
    with serving(installed, tmp_path, PYTHONVERBOSE="1") as (bridge, port):
        bridge.says("bridge_started")
        wait_for_port(int(port))
        bridge.end()
    loaded = [line for line in bridge.err if "code object from" in line]
    of_ours = [line for line in loaded if str(installed.run) in line]
    assert len(of_ours) > 200
    assert [line for line in of_ours if ".pyc'" not in line] == []


def test_a_package_that_is_not_as_locked_is_not_installed(tmp_path: Path) -> None:
    context = copy_context(tmp_path / "context")
    lock = context / "requirements" / "run.txt"
    (name,) = re.findall(r"^annotated-doc==\S+", lock.read_text(), re.MULTILINE)
    lock.write_text(f"{name} --hash=sha256:{'0' * 64}\n")
    done = script(
        "install",
        "packages",
        str(tmp_path / "run"),
        str(tmp_path / "build"),
        environment={"PYTHON": sys.executable},
        root=context,
    )
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert list(tmp_path.glob("run/lib/*/site-packages/*")) == []
