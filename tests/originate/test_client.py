"""The client of the Call API places calls, against the emulated Plivo."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from bridge.emulator.testing import ACCOUNT, EmulatedPlivo
from bridge.originate.client import PlivoCalls, make_client
from bridge.originate.errors import (
    Explanation,
    RequestRefused,
)
from bridge.originate.placement import Placement, PlacementOutcome
from tests.originate.dialling import (
    CALLEE,
    OTHERS,
    TOKEN,
    Dial,
    Dialled,
    emulated,
    make_fast_pacer,
)
from tests.originate.faults import NOT_DIALLED, Fault, FaultyTransport
from tests.support.customer_application import customer_application, http_answer

ACCEPTED, REFUSED, UNKNOWN = (
    PlacementOutcome.ACCEPTED,
    PlacementOutcome.REFUSED,
    PlacementOutcome.UNKNOWN,
)
ELSEWHERE = "https://app.example.com/other"


@pytest.fixture
async def plivo() -> AsyncIterator[Dialled]:
    async with emulated() as dialled:
        yield dialled


async def test_a_call_is_placed(plivo: Dialled) -> None:
    found = await plivo.calls().place(Dial(), "ref-1")
    assert (found.outcome, found.status, found.message) == (ACCEPTED, 201, "call fired")
    assert (found.reference, found.destinations) == ("ref-1", (CALLEE,))
    assert found.api_id
    assert found.request_uuids == tuple(plivo.emulator.world.legs)
    assert plivo.requested == [CALLEE]


async def test_each_destination_of_a_bulk_request_has_its_id(plivo: Dialled) -> None:
    found = await plivo.calls().place(Dial(OTHERS), "ref")
    legs = plivo.emulator.world.legs
    assert [(one, legs[uuid or ""].callee) for one, uuid in found.pair_destinations()] == [
        (one, one) for one in OTHERS
    ]


async def test_only_a_part_of_the_destinations_is_dialled(plivo: Dialled) -> None:
    found = await plivo.calls().place(Dial(OTHERS), "ref", destinations=OTHERS[:3])
    assert found.destinations == OTHERS[:3]
    assert plivo.requested == list(OTHERS[:3])


async def test_calls_above_the_rate_of_the_account_wait_at_plivo() -> None:
    async with emulated(calls_per_s=2) as plivo:
        found = await plivo.calls().place(Dial(OTHERS[:3]), "ref")
    assert (found.outcome, found.waits, len(found.request_uuids)) == (ACCEPTED, True, 3)


async def test_an_asynchronous_request_is_accepted(plivo: Dialled) -> None:
    found = await plivo.calls().place(Dial(more=(("callback_url", ELSEWHERE),)), "ref")
    assert (found.outcome, found.code, found.status) == (ACCEPTED, "spawned", 202)


async def test_what_plivo_refuses_is_refused_in_its_words(plivo: Dialled) -> None:
    found = await plivo.calls().place(Dial(more=(("ring_timeout", "soon"),)), "ref")
    assert (found.outcome, found.code, found.status) == (REFUSED, "invalid_parameter", 400)
    assert "ring_timeout" in found.explanation
    assert plivo.requested == []


async def test_wrong_credentials_are_explained(plivo: Dialled) -> None:
    found = await plivo.calls(token="wrong").place(Dial(), "ref")
    assert (found.outcome, found.code, found.status) == (REFUSED, "credentials", 401)


async def exhaust_limit(plivo: Dialled) -> None:
    """Send as many requests as Plivo admits in its window."""
    url = f"http://plivo.test/v1/Account/{ACCOUNT.auth_id}/"
    for _ in range(300):
        answer = await plivo.client.get(url, auth=(ACCOUNT.auth_id, TOKEN))
        assert answer.status_code == 200


async def test_more_requests_than_plivo_admits_are_explained() -> None:
    async with emulated(speed=0.001) as plivo:  # the window of 5 s does not pass
        await exhaust_limit(plivo)
        slept_s = list[float]()
        calls = plivo.calls(pacer=make_fast_pacer(slept_s))
        found = await calls.place(Dial(), "ref")
        assert (found.outcome, found.code, found.status) == (REFUSED, "too_many_requests", 429)
        assert slept_s == []  # it dials, so it is not repeated
        with pytest.raises(RequestRefused) as refused:
            await calls.cancel("any")
    assert refused.value.explanation.code == "too_many_requests"
    assert slept_s == [1.0, 5.5]


# Faults on the way


@pytest.mark.parametrize("fault", Fault)
async def test_each_fault_has_its_outcome(fault: Fault) -> None:
    faulty = list[FaultyTransport]()

    def wrap(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        faulty.append(FaultyTransport(transport, iter([fault])))
        return faulty[0]

    async with emulated(wrap=wrap) as plivo:
        found = await plivo.calls().place(Dial(), "ref")
        assert len(faulty[0].attempts) == 1
        assert plivo.requested == ([] if fault in NOT_DIALLED else [CALLEE])
    if fault is Fault.NONE:
        assert found.outcome is ACCEPTED
    else:
        assert found.outcome is (REFUSED if fault in NOT_DIALLED else UNKNOWN)
        assert found.request_uuids == ()
        assert found.code in {
            "forbidden",
            "too_many_requests",
            "no_connection",
            "no_answer",
            "not_plivo",
            "server_error",
            "redirect",
        }


@pytest.mark.parametrize("given", [{}, {"transport": httpx.AsyncHTTPTransport()}])
def test_no_client_of_ours_repeats_or_follows(given: dict[str, httpx.AsyncBaseTransport]) -> None:
    client = make_client(**given)
    transport = client._transport
    assert isinstance(transport, httpx.AsyncHTTPTransport)
    assert transport._pool._retries == 0
    assert not client.follow_redirects


async def test_bytes_after_an_answer_are_not_taken_for_the_next_answer() -> None:
    def answer(uuid: str) -> bytes:
        return http_answer(b'{"request_uuid": "%s"}' % uuid.encode(), "201 Created")

    async with customer_application(answer("one") + answer("another")) as api:
        pacer = make_fast_pacer()
        async with PlivoCalls("MA", "token", api_url=api.origin, pacer=pacer) as calls:
            first = await calls.place(Dial(), "ref")
            api.answer = answer("two")
            second = await calls.place(Dial(), "ref")
    assert (first.request_uuids, second.request_uuids) == (("one",), ("two",))


class Hangs(httpx.AsyncBaseTransport):
    """Never answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError


class Drips(httpx.AsyncBaseTransport):
    """Begins to answer with a status, and never ends."""

    def __init__(self, status: int, piece: bytes = b"{") -> None:
        self._status, self._piece = status, piece

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async def drip() -> AsyncIterator[bytes]:
            while True:
                yield self._piece
                await asyncio.sleep(0)

        return httpx.Response(self._status, content=drip())


async def place_over(transport: httpx.AsyncBaseTransport, timeout_s: float) -> Placement:
    async with make_client(transport) as client:
        calls = PlivoCalls("MA", "token", client=client, timeout_s=timeout_s)
        return await calls.place(Dial(), "ref")


async def test_a_request_without_an_answer_ends_and_is_unknown() -> None:
    found = await place_over(Hangs(), 0.05)
    assert (found.outcome, found.code) == (UNKNOWN, "no_answer")


@pytest.mark.parametrize(("status", "outcome"), [(201, UNKNOWN), (400, REFUSED), (503, UNKNOWN)])
async def test_an_answer_that_does_not_end_counts_by_its_status(
    status: int, outcome: PlacementOutcome
) -> None:
    found = await place_over(Drips(status), 0.05)
    assert (found.outcome, found.status) == (outcome, status)


async def test_an_answer_that_is_too_long_is_not_read_to_its_end() -> None:
    found = await place_over(Drips(201, b"x" * 1_000_000), 30)
    assert (found.outcome, found.code) == (UNKNOWN, "not_plivo")


async def test_a_client_that_is_passed_in_stays_open() -> None:
    async with make_client(Hangs()) as client:
        async with PlivoCalls("MA", "token", client=client):
            pass
        assert not client.is_closed


# Over the network


async def test_a_call_is_placed_over_the_network(plivo_emulator: EmulatedPlivo) -> None:
    plivo_emulator.set_urls(answer="", hangup="")
    async with PlivoCalls(
        plivo_emulator.auth_id, plivo_emulator.auth_token, api_url=plivo_emulator.url + "/"
    ) as calls:
        found = await calls.place(Dial(), "ref")
        own = calls._client
    assert found.outcome is ACCEPTED
    assert own.is_closed
    assert plivo_emulator.act(lambda one: list(one.world.legs)) == list(found.request_uuids)


async def test_a_request_to_nobody_is_refused(nobody: str) -> None:
    async with PlivoCalls("MA", "token", api_url=f"http://{nobody}") as calls:
        found = await calls.place(Dial(), "ref")
    assert (found.outcome, found.status) == (REFUSED, None)
    assert found.code == "no_connection"
    assert "ConnectError" in found.explanation


@pytest.mark.parametrize("url", ["ftp://plivo.test", "http://[", "plivo.test"])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    async with PlivoCalls("MA", "token", api_url=url) as calls:
        found = await calls.place(Dial(), "ref")
    assert (found.outcome, found.code) == (REFUSED, "no_connection")


async def answer_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_a_server_that_hangs_up_leaves_the_outcome_unknown() -> None:
    server = await asyncio.start_server(answer_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with PlivoCalls("MA", "token", api_url=f"http://127.0.0.1:{port}") as calls:
            found = await calls.place(Dial(), "ref")
    assert (found.outcome, found.code, found.status) == (UNKNOWN, "no_answer", None)


@pytest.mark.parametrize("timeout_s", [0, -1, 301])
def test_a_timeout_has_bounds(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="at most 300"):
        PlivoCalls("MA", "token", timeout_s=timeout_s)


def test_an_explanation_is_one_line() -> None:
    assert Explanation("a", "it broke", "mend it").text == "it broke: mend it"
