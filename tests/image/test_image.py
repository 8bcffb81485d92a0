"""The image itself, built and run, where an engine and a base are to be had."""

import json
from typing import Any

import pytest

from bridge import __version__
from tests.image.checkout import health_check, locked, normal
from tests.image.container import SPOOL, Image
from tests.support.bridge import eventually

pytestmark = pytest.mark.image

# What a container sees of itself.
PROBE = """
import importlib.metadata, json, os, pathlib, sysconfig

def writable(place):
    try:
        path = pathlib.Path(place, "written")
        path.write_text("")
        path.unlink()
    except OSError:
        return False
    return True

def ours(root):
    for folder, _, names in os.walk(root):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            found = os.lstat(path)
            if found.st_uid == os.getuid() or (found.st_mode & 0o022 and not os.path.islink(path)):
                yield path

print(json.dumps({
    "ids": [os.getuid(), os.getgid(), *os.getgroups()],
    "installed": [f"{one.name}=={one.version}" for one in importlib.metadata.distributions()],
    "writable": {place: writable(place) for place in PLACES},
    "ours": list(ours("/opt")),
    "configured": sysconfig.get_config_var("CONFIG_ARGS"),
}))
"""
WRITABLE = (SPOOL, "/tmp")
READ_ONLY = ("/", "/etc", "/opt/callback-bridge", "/usr/local/lib", "/var/lib/callback-bridge")
# What a build leaves behind: caches, its own folders, secrets.
LEFT_BEHIND = ("/root/.cache", "/.cache", "/src", "/opt/build", "/run/secrets/pip.conf")


@pytest.fixture(scope="module")
def seen(runnable: Image) -> dict[str, Any]:
    program = f"PLACES = {(*WRITABLE, *READ_ONLY)!r}\n{PROBE}"
    options = ("--entrypoint=python3", f"--volume={SPOOL}")
    found: dict[str, Any] = json.loads(runnable.run("-c", program, options=options))
    return found


def test_it_is_configured_to_serve_as_a_number(image: Image) -> None:
    found = image.configuration()
    assert found["User"] == "10001:10001"
    assert found["Entrypoint"] == ["callback-bridge"]
    assert found["Cmd"] == ["serve"]
    assert set(found["ExposedPorts"]) == {"8080/tcp", "9090/tcp"}
    assert found["Healthcheck"]["Test"] == ["CMD", *health_check()]
    assert not found.get("Volumes")


def test_it_says_what_it_is(image: Image) -> None:
    prefix = "org.opencontainers.image."
    labels = {
        name.removeprefix(prefix): value
        for name, value in image.configuration()["Labels"].items()
        if name.startswith(prefix)
    }
    assert labels["title"] == "callback-bridge"
    assert labels["version"] == __version__
    assert labels["licenses"] == "Apache-2.0"
    assert all(labels[name] for name in ("description", "created", "base.name"))


def test_the_command_is_the_entry_point(runnable: Image) -> None:
    assert runnable.run("--version") == f"{__version__}\n"


def test_it_runs_as_a_number_and_in_no_group(seen: dict[str, Any]) -> None:
    assert set(seen["ids"]) == {10001}


def test_it_holds_what_is_locked_and_nothing_else(seen: dict[str, Any]) -> None:
    bridge = f"callback-bridge=={__version__}"
    assert {normal(one) for one in seen["installed"]} == locked() | {bridge}


def test_it_can_write_to_the_spool_and_to_tmp_alone(seen: dict[str, Any]) -> None:
    assert seen["writable"] == dict.fromkeys(WRITABLE, True) | dict.fromkeys(READ_ONLY, False)


def test_what_it_runs_it_could_not_change(seen: dict[str, Any]) -> None:
    assert seen["ours"] == []


def test_its_interpreter_was_built_with_profile_guided_optimisation(seen: dict[str, Any]) -> None:
    assert "--enable-optimizations" in seen["configured"]


def test_nothing_of_the_build_is_left(runnable: Image) -> None:
    program = f"import os; print([one for one in {LEFT_BEHIND!r} if os.path.exists(one)])"
    # As root, from whom no folder is hidden.
    found = runnable.run("-c", program, options=("--entrypoint=python3", "--user=0:0"))
    assert found == "[]\n"


def test_serve_is_healthy_compiles_nothing_and_ends_in_order(runnable: Image) -> None:
    settings = ("KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:1", "VERIFICATION=off")
    options = [f"--env=BRIDGE_{one}" for one in settings]
    with runnable.started("--env=PYTHONVERBOSE=1", *options) as container:
        eventually(lambda: container.does(*health_check()), 60)
        assert container.stop() == 0
        lines = container.logs()
    assert any('"event":"bridge_stopped"' in line for line in lines)
    loaded = [line for line in lines if "code object from" in line]
    assert len(loaded) > 200
    assert [line for line in loaded if ".pyc'" not in line] == []
