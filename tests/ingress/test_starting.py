"""How a bridge starts: with a large spool it takes long, and its connections leave files for others."""

import asyncio
import resource
import socket
import threading

import httpx
import pytest
from structlog.testing import capture_logs

from bridge.ingress.server import fit_connections_max
from tests.support.bridge import eventually, running_bridge
from tests.support.plivo import HANGUP, PATHS, Plivo, sample
from tests.support.waiting import PATIENCE_S


class Start:
    """A start that lasts until a test ends it."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.was_given_up = False

    async def __call__(self) -> None:
        try:
            while not self.may_end.is_set():  # noqa: ASYNC110 (the test is another thread)
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.was_given_up = True
            raise


def test_probes_are_answered_while_it_starts_and_callbacks_wait_until_it_has(
    client: httpx.Client,
) -> None:
    start = Start()
    with running_bridge(before_begin=start) as bridge:
        assert client.get(bridge.management_url + "/livez").status_code == 200
        answers: list[int] = []
        plivo = Plivo(client, bridge.url)
        sending = threading.Thread(
            target=lambda: answers.append(plivo.post(PATHS[HANGUP], sample(HANGUP)).status_code)
        )
        sending.start()
        with socket.create_connection(bridge.address, timeout=0.2) as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            with pytest.raises(TimeoutError):
                waiting.recv(1)
        assert answers == []
        start.may_end.set()
        sending.join(PATIENCE_S)
    assert answers == [200]


def test_a_stop_that_is_asked_for_meanwhile_gives_the_start_up(client: httpx.Client) -> None:
    start = Start()
    with running_bridge(before_begin=start) as bridge:
        assert client.get(bridge.management_url + "/livez").status_code == 200
        bridge.stop_soon()
        eventually(lambda: not bridge.thread.is_alive())
    assert start.was_given_up
    assert bridge.flushed_at is not None


def test_a_start_that_fails_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, client: httpx.Client
) -> None:
    failed: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: failed.append(args.exc_value))

    start = Start()

    async def faulty() -> None:
        await start()
        raise ArithmeticError

    with running_bridge(before_begin=faulty) as bridge:
        assert client.get(bridge.management_url + "/livez").status_code == 200
        start.may_end.set()
        eventually(lambda: not bridge.thread.is_alive())
    assert [type(error) for error in failed] == [ArithmeticError]


INFINITE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "fitting", "raised_to"),
    [
        (1_024, 1_048_576, 10_000, 10_256),
        (1_048_576, 1_048_576, 10_000, None),
        (INFINITE, INFINITE, 10_000, None),
        (1_024, INFINITE, 10_000, 10_256),
        (1_024, 4_096, 3_840, 4_096),
        (4_096, 4_096, 3_840, None),
        (64, 64, 1, None),
    ],
)
def test_clients_never_use_the_files_that_kafka_and_the_spool_need(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, fitting: int, raised_to: int | None
) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    with capture_logs() as lines:
        assert fit_connections_max(10_000) == fitting
    assert raised == ([(raised_to, hard)] if raised_to else [])
    assert [line["event"] for line in lines] == ["connections_limited"] * (fitting < 10_000)
