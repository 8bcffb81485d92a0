"""``serve`` as a process whose spool is removed: callbacks answered 200 survive a kill."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bridge.dev.account import AUTH_TOKEN
from bridge.spool import inspect
from tests.support.bridge import eventually, wait_for_port
from tests.support.cli import serving, started
from tests.support.plivo import HANGUP, PATHS, Plivo, sample
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.system

REPLACED = "callback_bridge_spool_files_replaced_total 1.0"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE_S) as client:
        yield client


def all_files(directory: Path) -> None:
    for one in directory.iterdir():
        one.unlink()


def whole_directory(directory: Path) -> None:
    shutil.rmtree(directory)


def moved_away(directory: Path) -> None:
    directory.rename(directory.with_name("moved"))


@pytest.mark.parametrize("slip", [all_files, whole_directory, moved_away])
def test_nothing_answered_200_is_lost_when_the_spool_is_removed_and_the_process_killed(
    nobody: str, client: httpx.Client, tmp_path: Path, slip: Callable[[Path], None]
) -> None:
    spool = tmp_path / "spool"
    given = serving(
        nobody,
        spool_enabled="true",
        spool_directory=str(spool),
        kafka_ack_timeout_s="0.2",
        kafka_control_ack_timeout_s="0.2",
    )
    management = f"http://127.0.0.1:{given['management_port']}"
    with started("serve", **given) as bridge:
        bridge.says("bridge_started")
        wait_for_port(int(given["port"]))
        plivo = Plivo(client, f"http://127.0.0.1:{given['port']}", AUTH_TOKEN)

        def answers(count: int) -> list[int]:
            form = sample(HANGUP)
            return [
                plivo.post(
                    PATHS[HANGUP], {**form, "CallUUID": f"{slip.__name__}-{number}"}
                ).status_code
                for number in range(count)
            ]

        assert answers(3) == [200] * 3
        slip(spool)
        assert answers(4) == [200] * 4
        eventually(lambda: REPLACED in client.get(management + "/metrics").text)
        # It is ready once it has tried to reach Kafka as long as a callback would wait.
        eventually(lambda: client.get(management + "/readyz").status_code == 200)
        ready = client.get(management + "/readyz")
        assert "warning: the open spool file was removed or replaced" in ready.text
        bridge.process.kill()
        bridge.end()
        assert "spool_file_replaced" in bridge.written
    assert sum(one.callbacks for one in inspect.list_files(spool)) == 7
