"""Plivo's official SDK for Python, unchanged, with an emulator as its Plivo."""

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any, TypeVar

import httpx
import pytest
from plivo.exceptions import (
    AuthenticationError,
    InvalidRequestError,
    ResourceNotFoundError,
    ValidationError,
)

from bridge.emulator.api.application import build_api
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.person import Person, Phase
from bridge.emulator.machine.world import Conditions
from bridge.emulator.server import serve
from tests.emulator.api.plivo import DIRECTORY, SUBACCOUNT
from tests.emulator.api.sdk import make_client
from tests.emulator.machines import ACCOUNT, CALLEE, CALLER, HOST
from tests.support.waiting import PATIENCE_S

T = TypeVar("T")
DOCUMENTS = {
    "/answer": "<Wait length='14000'/>",
    "/menu": "<Speak>Goodbye</Speak>",
    "/room": "<Conference>room1</Conference>",
    "/team": "<MultiPartyCall role='Agent' startMpcOnEnter='false'>team</MultiPartyCall>",
}
SLOW = "14155550199"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def answer(request: httpx.Request) -> httpx.Response:
    elements = DOCUMENTS.get(request.url.path, "")
    return httpx.Response(
        200,
        headers={"content-type": "application/xml"},
        content=f"<Response>{elements}</Response>".encode(),
    )


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """An emulator whose hour takes 36 seconds. People never hang up; one takes long to answer."""

    def find_person(number: str, _random: Random) -> Person:
        return Person(answers_after_s=10_000 if number == SLOW else 4, hang_up=None)

    async with Emulator(
        DIRECTORY,
        speed=100,
        find_person=find_person,
        conditions=Conditions(calls_per_s=1_000),
        transport=httpx.MockTransport(answer),
    ) as emulator:
        yield emulator


@pytest.fixture
async def url(emulator: Emulator) -> AsyncIterator[str]:
    async with serve(build_api(emulator)) as url:
        yield url


@pytest.fixture
def client(url: str) -> Any:
    return make_client(ACCOUNT.auth_id, ACCOUNT.auth_tokens[0], url)


async def ask(act: Callable[[], T]) -> T:
    """Return what a blocking call of the SDK returns."""
    return await asyncio.to_thread(act)


async def wait_for_document(emulator: Emulator, uuid: str) -> None:
    """Wait until a call executes the document of its answer URL."""
    assert await emulator.wait_until(
        lambda: emulator.world.legs[uuid].phase is Phase.WAIT, PATIENCE_S
    )


async def wait_for_end(emulator: Emulator, uuid: str) -> None:
    assert await emulator.wait_until(lambda: emulator.world.legs[uuid].ended.is_set, PATIENCE_S)


async def create(client: Any, **more: Any) -> str:
    made = await ask(lambda: client.calls.create(CALLER, CALLEE, f"{HOST}/answer", **more))
    assert made.message == "call fired"
    uuid: str = made.request_uuid
    return uuid


async def test_the_sdk_places_finds_transfers_and_ends_calls(
    emulator: Emulator, client: Any
) -> None:
    uuid = await create(client, answer_method="GET", hangup_url=f"{HOST}/hangup")
    await wait_for_document(emulator, uuid)
    live = await ask(client.live_calls.list_ids)
    assert live.calls == [uuid]
    shown = await ask(lambda: client.live_calls.get(uuid))
    assert (shown.call_status, shown.direction) == ("in-progress", "outbound")
    moved = await ask(lambda: client.calls.transfer(uuid, legs="aleg", aleg_url=f"{HOST}/menu"))
    assert moved.message == "call transferred"
    await wait_for_end(emulator, uuid)
    record = await ask(lambda: client.calls.get(uuid))
    assert (record.hangup_cause_code, record.call_direction) == (4010, "outbound")

    other = await create(client)
    await wait_for_document(emulator, other)
    assert await ask(lambda: client.calls.hangup(other)) is None
    await wait_for_end(emulator, other)
    listed = await ask(lambda: client.calls.list(limit=1))
    assert [one.call_uuid for one in listed.objects] == [other]
    assert listed.meta.total_count == 2
    assert [one.call_uuid for one in await ask(lambda: list(client.calls))] == [other, uuid]
    types = [one.type for one in emulator.history.sent() if one.subject == uuid]
    assert types == ["voice.call.answer", "voice.call.transfer", "voice.call.hangup"]


async def test_the_sdk_acts_on_a_call(emulator: Emulator, client: Any) -> None:
    uuid = await create(client)
    await wait_for_document(emulator, uuid)
    recorded = await ask(
        lambda: client.calls.record(uuid, time_limit=86_400, callback_url=f"{HOST}/recorded")
    )
    assert recorded.message == "call recording started"
    assert recorded.recording_id in recorded.url
    acts: list[tuple[Callable[[], Any], str]] = [
        (lambda: client.calls.play(uuid, f"{HOST}/a.mp3"), "play started"),
        (lambda: client.calls.speak(uuid, "Hello", loop=True), "speak started"),
        (lambda: client.calls.send_digits(uuid, "12"), "digits sent"),
    ]
    for act, message in acts:
        assert (await ask(act)).message == message
    stream = await ask(lambda: client.calls.start_stream(uuid, "wss://bot.example.com/audio"))
    assert (await ask(lambda: client.calls.get_all_streams(uuid))).meta.count == 1
    await ask(lambda: client.calls.delete_specific_stream(uuid, stream.stream_id))
    await ask(lambda: client.calls.play_stop(uuid))
    await ask(lambda: client.calls.speak_stop(uuid))
    await ask(lambda: client.calls.record_stop(uuid))


async def test_the_sdk_places_calls_to_several_destinations(client: Any) -> None:
    to = f"{CALLEE}<14155550124<sip:john@phone.plivo.com"
    made = await ask(lambda: client.calls.create(CALLER, to, f"{HOST}/answer"))
    assert len(set(made.request_uuid)) == 3


async def test_the_sdk_cancels_a_request_that_rings(emulator: Emulator, client: Any) -> None:
    made = await ask(
        lambda: client.calls.create(CALLER, SLOW, f"{HOST}/answer", ring_timeout=20_000)
    )
    assert await ask(lambda: client.calls.cancel(made.request_uuid)) is None
    assert emulator.world.legs[made.request_uuid].status == "cancel"


async def test_the_sdk_asks_asynchronously(emulator: Emulator, client: Any) -> None:
    made = await ask(
        lambda: client.calls.create(CALLER, CALLEE, f"{HOST}/answer", callback_url=f"{HOST}/async")
    )
    assert made.message == "async api spawned"
    (sent,) = [one for one in emulator.history.sent() if one.type == "api.async_response"]
    assert sent.parameters["api_id"] == made.api_id


async def test_the_sdk_raises_its_own_errors(url: str, client: Any) -> None:
    with pytest.raises(ValidationError, match="time_limit parameter is invalid"):
        await create(client, time_limit=0)
    with pytest.raises(ResourceNotFoundError, match="not found"):
        await ask(lambda: client.calls.get(UNKNOWN))
    with pytest.raises(InvalidRequestError, match="method not allowed"):
        await ask(lambda: client.applications.delete("1"))
    stranger = make_client(ACCOUNT.auth_id, "another-token", url)
    with pytest.raises(AuthenticationError, match="authentication failed"):
        await create(stranger)


async def test_the_sdk_works_with_a_subaccount(url: str, emulator: Emulator) -> None:
    client = make_client(SUBACCOUNT.auth_id, SUBACCOUNT.auth_tokens[0], url)
    uuid = await create(client)
    assert emulator.world.legs[uuid].account is SUBACCOUNT


async def test_the_sdk_reads_account_applications_and_numbers(client: Any) -> None:
    assert (await ask(client.account.get)).timezone == "America/New_York"
    applications = await ask(lambda: client.applications.list(limit=1))
    assert [one.app_name for one in applications.objects] == ["Menu"]
    assert (await ask(lambda: client.applications.get("2"))).app_name == "Surveys"
    numbers = await ask(lambda: client.numbers.list(number_startswith="44"))
    assert [one.number for one in numbers.objects] == ["44205550179"]
    assert (await ask(lambda: client.numbers.get("14155550177"))).application.endswith("/1/")


async def test_the_sdk_sends_and_finds_messages(emulator: Emulator, client: Any) -> None:
    sent = await ask(
        lambda: client.messages.create(
            src=CALLER, dst=f"{CALLEE}<{SLOW}", text="Hello", url=f"{HOST}/status"
        )
    )
    assert sent.message == "message(s) queued"
    uuid, other = sent.message_uuid
    messages = emulator.world.messages
    assert await emulator.wait_until(
        lambda: messages[uuid].state == messages[other].state == "delivered", PATIENCE_S
    )
    assert (await ask(lambda: client.messages.get(uuid))).message_state == "delivered"
    listed = await ask(lambda: client.messages.list(to_number=SLOW))
    assert [one.message_uuid for one in listed.objects] == [other]


async def test_the_sdk_begins_and_validates_a_verify_session(
    emulator: Emulator, client: Any
) -> None:
    begun = await ask(
        lambda: client.verify_session.create(recipient=CALLEE, url=f"{HOST}/verify", channel="sms")
    )
    uuid = begun.session_uuid
    code = emulator.do(lambda machine: machine.verify_sessions[uuid].code)
    with pytest.raises(ValidationError):
        await ask(lambda: client.verify_session.validate(session_uuid=uuid, otp="x" + code))
    right = await ask(lambda: client.verify_session.validate(session_uuid=uuid, otp=code))
    assert right.message == "session validated successfully."
    shown = await ask(lambda: client.verify_session.get(uuid))
    assert (shown.status, shown.recipient) == ("verified", CALLEE)
    listed = await ask(lambda: client.verify_session.list(limit=5))
    assert [one.session_uuid for one in listed.sessions] == [uuid]


async def test_the_sdk_begins_changes_and_ends_a_masking_session(client: Any) -> None:
    sessions = client.masking_sessions
    begun = await ask(
        lambda: sessions.create_masking_session(
            first_party=CALLEE, second_party="14155550124", callback_url=f"{HOST}/masking"
        )
    )
    uuid = begun.session_uuid
    assert begun.virtual_number == "+14155550177"
    changed = await ask(lambda: sessions.update_masking_session(uuid, record=True))
    assert changed.session.record is True
    shown = await ask(lambda: sessions.get_masking_session(uuid))
    assert (shown.response.status, shown.response.first_party) == ("active", CALLEE)
    listed = await ask(lambda: sessions.list_masking_session(status="active"))
    assert [one.session_uuid for one in listed.response.objects] == [uuid]
    ended = await ask(lambda: sessions.delete_masking_session(uuid))
    assert ended.message == "Session Deleted"


async def place_in_room(emulator: Emulator, client: Any, path: str, phase: Phase) -> str:
    """Place a call, and wait until it is in the room of its document."""
    made = await ask(lambda: client.calls.create(CALLER, CALLEE, HOST + path))
    leg = emulator.world.legs[made.request_uuid]
    assert await emulator.wait_until(lambda: leg.phase is phase, PATIENCE_S)
    return leg.uuid


async def test_the_sdk_changes_a_conference(emulator: Emulator, client: Any) -> None:
    uuid = await place_in_room(emulator, client, "/room", Phase.CONFERENCE)
    assert (await ask(client.conferences.list)).conferences == ["room1"]
    (member,) = (await ask(lambda: client.conferences.get("room1"))).members
    assert member.call_uuid == uuid
    muted = await ask(lambda: client.conferences.member_mute("room1", member.member_id))
    assert (muted.message, muted.member_id) == ("muted", member.member_id)
    recorded = await ask(lambda: client.conferences.record("room1"))
    assert recorded.message == "conference recording started"
    await ask(lambda: client.conferences.delete("room1"))
    await wait_for_end(emulator, uuid)


async def test_the_sdk_changes_a_multi_party_call(emulator: Emulator, client: Any) -> None:
    uuid = await place_in_room(emulator, client, "/team", Phase.MULTIPARTY)
    mpcs = client.multi_party_calls
    assert await ask(lambda: mpcs.start(friendly_name="team")) is None
    added = await ask(
        lambda: mpcs.add_participant(
            friendly_name="team", role="Agent", from_=CALLER, to_="14155550124"
        )
    )
    other = emulator.world.legs[added.calls[0].call_uuid]
    assert await emulator.wait_until(lambda: other.phase is Phase.MULTIPARTY, PATIENCE_S)
    listed = await ask(lambda: mpcs.list_participants(friendly_name="team"))
    assert [one.call_uuid for one in listed.objects] == [uuid, other.uuid]
    updated = await ask(
        lambda: mpcs.update_participant(
            listed.objects[1].member_id, friendly_name="team", mute=True
        )
    )
    assert "mute" in updated.message
    await ask(lambda: mpcs.stop(friendly_name="team"))
    await wait_for_end(emulator, other.uuid)
