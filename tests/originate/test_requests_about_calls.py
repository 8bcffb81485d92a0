"""Requests about calls: hang up, transfer, record, digits, cancel, lists; the emulator answers."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from bridge.originate.actions import RecordOptions, Transfer
from bridge.originate.client import PlivoCalls, make_client
from bridge.originate.errors import (
    NotSent,
    OutcomeUnknown,
    PlivoError,
    RequestRefused,
)
from bridge.originate.listed import CallsWanted, IncompleteList
from bridge.originate.placement import PlacementOutcome
from tests.originate.dialling import (
    CALLER,
    OTHERS,
    Dial,
    Dialled,
    emulated,
)

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


async def place_one(plivo: Dialled) -> str:
    (uuid,) = (await plivo.calls().place(Dial(), "ref")).request_uuids
    return uuid


async def answered_one(plivo: Dialled) -> str:
    uuid = await place_one(plivo)
    leg = plivo.emulator.world.legs[uuid]
    assert await plivo.emulator.wait_until(lambda: leg.answered_at is not None, 5)
    return uuid


async def test_a_call_is_hung_up(plivo: Dialled) -> None:
    uuid = await place_one(plivo)
    await plivo.calls().hang_up(uuid)
    assert plivo.emulator.world.legs[uuid].ended.is_set


async def test_a_request_is_cancelled_while_its_call_waits() -> None:
    async with emulated(calls_per_s=1, speed=0.001) as plivo:
        placed = await plivo.calls().place(Dial(OTHERS[:2]), "ref")
        await plivo.calls().cancel(placed.request_uuids[1])
        assert plivo.requested == [OTHERS[0]]


async def test_a_call_is_transferred(plivo: Dialled) -> None:
    uuid = await answered_one(plivo)
    await plivo.calls().transfer(uuid, Transfer(aleg_url=ELSEWHERE, aleg_method="GET"))
    history = plivo.emulator.history
    assert await plivo.emulator.wait_until(
        lambda: any(one.request.url == ELSEWHERE for one in history.sent()), 5
    )


async def test_a_call_is_recorded(plivo: Dialled) -> None:
    uuid = await answered_one(plivo)
    calls = plivo.calls()
    options = RecordOptions(time_limit_s=3_000, callback_url=ELSEWHERE, transcription_url=ELSEWHERE)
    recording = await calls.record(uuid, options)
    found = plivo.emulator.world.recordings[recording.recording_id]
    assert (found.url, found.file_format) == (recording.url, "mp3")
    await calls.stop_recording(uuid, recording.url)
    with pytest.raises(RequestRefused, match="no such call"):
        await calls.stop_recording(uuid)


async def test_digits_are_sent(plivo: Dialled) -> None:
    uuid = await answered_one(plivo)
    await plivo.calls().play_digits(uuid, "1w2#")
    assert "the digits 1w2# are sent" in [one.note.text for one in plivo.emulator.history.notes()]


@pytest.mark.parametrize(
    ("transfer", "legs"),
    [
        (Transfer(aleg_url=ELSEWHERE), "aleg"),
        (Transfer(bleg_url=ELSEWHERE), "bleg"),
        (Transfer(aleg_url=ELSEWHERE, bleg_url=ELSEWHERE), "both"),
    ],
)
def test_a_transfer_names_the_legs_that_have_a_url(transfer: Transfer, legs: str) -> None:
    body = transfer.to_body()
    assert body["legs"] == legs
    assert [name in body for name in ("aleg_url", "bleg_url")] == [
        bool(transfer.aleg_url),
        bool(transfer.bleg_url),
    ]


def test_a_transfer_of_no_leg_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="aleg_url, bleg_url"):
        Transfer().to_body()


async def test_a_call_that_is_not_there_is_explained(plivo: Dialled) -> None:
    with pytest.raises(RequestRefused) as refused:
        await plivo.calls().hang_up("../nothing")
    assert refused.value.explanation.code == "not_found"
    with pytest.raises(ValueError, match="empty"):
        await plivo.calls().hang_up("")


# Repetition of requests that do not dial


class FailsFirst(httpx.AsyncBaseTransport):
    """Fails so often, and then asks the emulator."""

    def __init__(self, transport: httpx.AsyncBaseTransport, fault: Exception, times: int) -> None:
        self._transport, self._fault, self._times = transport, fault, times
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.requests <= self._times:
            raise self._fault
        return await self._transport.handle_async_request(request)


@pytest.mark.parametrize(
    ("fault", "times", "expected", "requests"),
    [
        (httpx.ConnectError("no"), 2, None, 3),
        (httpx.ConnectError("no"), 3, NotSent, 3),
        (httpx.ReadTimeout("late"), 1, OutcomeUnknown, 1),
        (httpx.RemoteProtocolError("cut"), 1, OutcomeUnknown, 1),
    ],
)
async def test_only_requests_that_never_left_are_repeated(
    fault: Exception, times: int, expected: type[PlivoError] | None, requests: int
) -> None:
    failing = list[FailsFirst]()

    def wrap(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        failing.append(FailsFirst(transport, fault, times))
        return failing[0]

    async with emulated(wrap=wrap) as plivo:
        found: type[PlivoError] | None = None
        try:
            assert [one async for one in plivo.calls().list_calls()] == []
        except PlivoError as error:
            found = type(error)
    assert (found, failing[0].requests) == (expected, requests)


# Lists


async def test_calls_that_ended_are_listed_over_all_pages(plivo: Dialled) -> None:
    calls = plivo.calls()
    begun_at = plivo.emulator.now
    placed = await calls.place(Dial(OTHERS), "ref")
    for uuid in placed.request_uuids:
        await calls.hang_up(uuid)
    minute = timedelta(minutes=1)
    wanted = CallsWanted(
        from_number="+" + CALLER,
        direction="outbound",
        ended_from=begun_at - minute,
        ended_before=plivo.emulator.now + minute,
    )
    found = [one async for one in calls.list_calls(wanted)]
    assert sorted(one.call_uuid for one in found) == sorted(placed.request_uuids)
    first = found[-1]
    assert (first.state, first.caller, first.callee) == ("ended", "+" + CALLER, OTHERS[0])
    assert first.began_at is not None
    assert first.ended_at is not None
    assert (first.direction, first.duration_s) == ("outbound", 0)
    assert [one async for one in calls.list_calls(wanted._replace(to_number=OTHERS[1]))] == [
        one for one in found if one.callee == OTHERS[1]
    ]
    later = wanted._replace(ended_from=plivo.emulator.now + timedelta(days=1), ended_before=None)
    assert [one async for one in calls.list_calls(later)] == []
    with pytest.raises(IncompleteList, match="more than 20 calls"):
        async for _ in calls.list_calls(wanted, pages_max=1):
            pass


async def test_calls_that_go_on_or_wait_are_listed() -> None:
    async with emulated(calls_per_s=1, speed=0.001) as plivo:
        calls = plivo.calls()
        placed = await calls.place(Dial(OTHERS[:3]), "ref")
        first, *others = placed.request_uuids
        (live,) = [one async for one in calls.list_ongoing_calls("live", from_number=CALLER)]
        assert (live.call_uuid, live.state, live.callee) == (first, "live", OTHERS[0])
        assert live.caller.removeprefix("+") == CALLER
        assert live.began_at is not None
        waiting = [one async for one in calls.list_ongoing_calls("queued")]
        assert [(one.call_uuid, one.state) for one in waiting] == [
            (uuid, "queued") for uuid in others
        ]
        nobody = [one async for one in calls.list_ongoing_calls("live", to_number="49")]
        assert nobody == []


class HangsUpListed(httpx.AsyncBaseTransport):
    """Hangs up the first listed call, just before the client requests its details."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.hung_up: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "GET" and not path.endswith("/Call/") and not self.hung_up:
            self.hung_up.append(path)
            own = httpx.Request("DELETE", request.url.copy_with(query=b""), headers=request.headers)
            assert (await self._transport.handle_async_request(own)).status_code == 204
        return await self._transport.handle_async_request(request)


async def test_a_call_that_ends_while_calls_are_listed_is_left_out() -> None:
    async with emulated(wrap=HangsUpListed) as plivo:
        placed = await plivo.calls().place(Dial(OTHERS[:2]), "ref")
        found = [one.call_uuid async for one in plivo.calls().list_ongoing_calls("live")]
    assert found == [placed.request_uuids[1]]


class Answers(httpx.AsyncBaseTransport):
    """Stands between a client and Plivo, and answers in its own words."""

    def __init__(self, status: int, content: bytes) -> None:
        self._status, self._content = status, content

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self._status, content=self._content)


@pytest.mark.parametrize(
    ("status", "content", "error", "code"),
    [
        (200, b"<html>sign in</html>", OutcomeUnknown, "not_plivo"),
        (302, b"", OutcomeUnknown, "redirect"),
        (503, b"<html>busy</html>", OutcomeUnknown, "server_error"),
        (408, b"", OutcomeUnknown, "server_error"),
        (405, b'{"error": "no"}', RequestRefused, "method"),
    ],
)
async def test_what_is_no_answer_to_a_request_is_an_error(
    status: int, content: bytes, error: type[PlivoError], code: str
) -> None:
    async with make_client(Answers(status, content)) as client:
        calls = PlivoCalls("MA", "token", client=client)
        with pytest.raises(error) as raised:
            await calls.list_ongoing_calls("live").__anext__()
    assert raised.value.explanation.code == code
    assert raised.value.answer is not None
    assert raised.value.answer.status == status


@pytest.mark.parametrize(
    "content",
    [b'{"objects": [null]}', b'{"objects": ["call"]}', b'{"calls": [""]}', b'{"calls": [7]}'],
)
async def test_a_list_of_other_things_than_calls_is_not_plivos(content: bytes) -> None:
    async with make_client(Answers(200, content)) as client:
        calls = PlivoCalls("MA", "token", client=client)
        listed = calls.list_calls() if b"objects" in content else calls.list_ongoing_calls("live")
        with pytest.raises(OutcomeUnknown) as raised:
            await listed.__anext__()
    assert raised.value.explanation.code == "not_plivo"
