"""A file that is polled: a fault of ours must not end the polling."""

import threading
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from bridge.app.watched_file import WatchedFile
from bridge.telemetry.metric_defs import Metric
from tests.support.stale_gauge import StaleGauge
from tests.support.waiting import until


class Faulty:
    """A file whose reading or use fails with an error that nobody expects, for as long as it says."""

    def __init__(self, fails: str | None) -> None:
        self.fails = fails
        self.used: list[str] = []

    def read(self) -> str:
        self._fail("read")
        return "new"

    def use(self, content: str) -> Mapping[str, object]:
        self._fail("use")
        self.used.append(content)
        return {}

    def _fail(self, step: str) -> None:
        if self.fails == step:
            raise RuntimeError(step)


def watch(file: Faulty, stale: list[bool], **given: float) -> WatchedFile[str]:
    return WatchedFile(
        "example",
        reloaded="example_reloaded",
        reload_failed="example_reload_failed",
        read=file.read,
        use=file.use,
        loaded="old",
        stale=Metric.RULES_STALE,
        metrics=StaleGauge(Metric.RULES_STALE, stale),
        poll_s=0.01,
        **given,
    )


@pytest.mark.parametrize("step", ["read", "use"])
async def test_a_fault_of_ours_is_reported_and_the_next_version_is_used(step: str) -> None:
    file, stale = Faulty(step), list[bool]()
    watched = watch(file, stale)
    with capture_logs() as lines:
        watched.start()
        await until(lambda: stale == [True])
        file.fails = None
        await until(lambda: stale == [True, False])
        await watched.stop()
    assert file.used == ["new"]
    assert [line["event"] for line in lines] == ["example_reload_failed", "example_reloaded"]
    assert lines[0]["error"] == "RuntimeError"


async def test_a_file_is_read_again_after_no_thread_could_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_many(_: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    file, stale = Faulty(None), list[bool]()
    watched = watch(file, stale, read_timeout_s=0.01)
    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(threading.Thread, "start", too_many)
        watched.start()
        await until(lambda: stale == [True])
        patched.undo()
        await until(lambda: stale == [True, False])
        await watched.stop()
    assert file.used == ["new"]
    assert [line["event"] for line in lines] == ["example_reload_failed", "example_reloaded"]
