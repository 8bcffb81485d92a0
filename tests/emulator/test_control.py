"""The control of an emulator over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bridge.emulator.control.routes import make_control
from bridge.emulator.directory import Application, Directory, Number
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.masking import MaskingOrder
from bridge.emulator.machine.person import Pickup
from bridge.emulator.server import CannotListen, make_app, serve
from tests.emulator.machines import ACCOUNT, CALLEE, CALLER, HOST, URLS, url_of

NUMBER = "14155550177"
DIRECTORY = Directory(
    [ACCOUNT],
    [Application("1", ACCOUNT.auth_id, URLS, url_of("message"))],
    [Number(NUMBER, ACCOUNT.auth_id, "1")],
)
DOCUMENT = b"<Response><Say>x</Say><GetDigits/><Wait length='80000'/></Response>"
PLACE = {"from": CALLER, "to": CALLEE, "answer_url": f"{HOST}/answer", "ring_url": f"{HOST}/ring"}


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/ring":
        return httpx.Response(500)
    return httpx.Response(200, headers={"content-type": "application/xml"}, content=DOCUMENT)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    transport = httpx.MockTransport(answer)
    async with Emulator(DIRECTORY, speed=100, transport=transport) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(make_app(emulator)) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def post(client: httpx.AsyncClient, path: str, **body: Any) -> Any:
    """Post a body to a path of the control; return the answer's, which is no problem."""
    response = await client.post(f"/_emulator{path}", json=body)
    assert response.is_success, response.text
    return response.json() if response.content else None


async def get(client: httpx.AsyncClient, path: str) -> Any:
    response = await client.get(f"/_emulator{path}")
    assert response.is_success, response.text
    return response.json()


def problem_of(response: httpx.Response) -> tuple[int, str, str]:
    """Return status, name and detail of a problem document."""
    document = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert sorted(document) == ["detail", "status", "title", "type"]
    assert document["status"] == response.status_code
    name = document["type"].removeprefix("urn:callback-bridge:problem:")
    return response.status_code, name, document["detail"]


async def test_a_call_is_placed_driven_and_told(client: httpx.AsyncClient) -> None:
    placed = await post(client, "/calls/place", **PLACE, person={"hang_up": None})
    call = placed["call"]
    assert (placed["status"], placed["from"], placed["to"]) == ("ringing", CALLER, CALLEE)
    await post(client, "/wait", type="answer", call=call)
    await post(client, f"/calls/{call}/press", digits="12#")
    await post(client, f"/calls/{call}/say", words="hello")
    ended = await post(client, f"/calls/{call}/hang-up")
    assert (ended["status"], ended["hangup_source"]) == ("completed", "Callee")
    assert await post(client, "/wait", state="ended", call=call) == {"calls": [ended]}
    shown = await get(client, f"/calls/{call}")
    assert shown.pop("story")[0].startswith(f"outbound call {call}")
    assert shown == ended
    assert (await get(client, "/calls"))["calls"] == [ended]


async def test_members_and_streams_of_a_call_are_controlled() -> None:
    content = (
        f"<Response><Stream statusCallbackUrl='{HOST}/stream'>wss://bot.example.com/ws</Stream>"
        f"<Conference floorEvent='true' muted='true' callbackUrl='{HOST}/room'>room1</Conference>"
        "<Wait length='80000'/></Response>"
    ).encode()
    headers = {"content-type": "application/xml"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=content))
    async with (
        Emulator(DIRECTORY, speed=100, transport=transport) as emulator,
        serve(make_app(emulator)) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        placed = await post(client, "/calls/place", **PLACE, person={"hang_up": None})
        call = f"/calls/{placed['call']}"
        await post(client, "/wait", type="conference.enter")
        await post(client, f"{call}/stream", event="PlayedStream", detail="greeting")
        await post(client, f"{call}/stream", event="StopStream")
        await post(client, f"{call}/member", control="unmute")
        await post(client, f"{call}/member", control="talk")
        await post(client, f"{call}/member", control="kick")
        await post(client, "/wait", type="conference.exit")
        sent = (await get(client, "/sent"))["callbacks"]
        played = [one["parameters"].get("Name") for one in sent if one["type"].endswith("status")]
        assert played == [None, "greeting", None]
        assert "voice.conference.floor" in [one["type"] for one in sent]
        for name, body, problem in (
            ("member", {"control": "kick"}, "not-a-member"),
            ("stream", {"event": "StopStream"}, "no-stream"),
        ):
            response = await client.post(f"/_emulator{call}/{name}", json=body)
            assert problem_of(response)[:2] == (409, problem)
        response = await client.post(f"/_emulator{call}/member", json={"control": "sing"})
        assert problem_of(response)[:2] == (422, "invalid-body")


async def test_a_call_is_received_by_the_application_of_its_number(
    client: httpx.AsyncClient,
) -> None:
    received = await post(client, "/calls/receive", to="+" + NUMBER, person={"hang_up": None})
    assert (received["direction"], received["to"]) == ("inbound", NUMBER)
    assert received["from"] == "14155550123"
    (callback,) = (await post(client, "/wait", type="answer"))["callbacks"]
    assert callback["call"] == received["call"]


@pytest.mark.parametrize("path", ["/calls/receive", "/calls/place"])
async def test_a_call_says_who_is_reached_at_other_numbers(
    client: httpx.AsyncClient, emulator: Emulator, path: str
) -> None:
    body = PLACE if path.endswith("place") else {"to": NUMBER}
    await post(client, path, **body, others={"+14155550199": {"pickup": "busy"}})
    assert emulator.world.people["14155550199"].pickup is Pickup.BUSY


async def test_callbacks_are_listed_with_their_tries_and_answers(
    client: httpx.AsyncClient,
) -> None:
    call = (await post(client, "/calls/place", **PLACE, person={"hang_up": None}))["call"]
    await post(client, "/wait", type="answer", call=call)
    (answered,) = (await get(client, f"/answered?type=answer&call={call}"))["callbacks"]
    (ring,) = (await get(client, "/unanswered"))["callbacks"]
    assert (answered["type"], ring["type"]) == ("voice.call.answer", "voice.call.ring")
    assert answered["parameters"]["CallUUID"] == call
    (first,) = answered["tries"]
    assert (first["status"], first["body"], first["body_bytes"]) == (
        200,
        DOCUMENT.decode(),
        len(DOCUMENT),
    )
    assert [one["status"] for one in ring["tries"]] == [500]
    both = (await get(client, "/sent"))["callbacks"]
    assert [one["id"] for one in both] == [ring["id"], answered["id"]]
    by_parameter = await get(client, "/sent?parameter=Event=Ring&path=/ring")
    assert by_parameter["callbacks"] == [ring]
    assert (await get(client, "/sent?parameter=Event=Hangup"))["callbacks"] == []


async def test_a_message_is_received_and_listed(client: httpx.AsyncClient) -> None:
    received = await post(client, "/messages/receive", to=NUMBER, text="hello")
    assert (received["direction"], received["text"], received["units"]) == ("inbound", "hello", 1)
    (sent,) = (await post(client, "/wait", type="message.inbound"))["callbacks"]
    assert (sent["call"], sent["parameters"]["Text"]) == (received["message"], "hello")
    (listed,) = (await get(client, "/messages"))["messages"]
    assert listed == {**received, "state": "delivered"}


async def test_a_wait_finds_what_failed(client: httpx.AsyncClient) -> None:
    await post(client, "/calls/place", **PLACE)
    (callback,) = (await post(client, "/wait", state="failed"))["callbacks"]
    assert callback["type"] == "voice.call.ring"


async def test_notes_say_what_was_skipped(client: httpx.AsyncClient) -> None:
    call = (await post(client, "/calls/place", **PLACE))["call"]
    await post(client, "/wait", state="ended", call=call)
    notes = (await get(client, "/notes"))["notes"]
    assert "line 1: <Say> is skipped" in [one["text"] for one in notes if one["call"] == call]


async def test_a_reset_forgets_everything(client: httpx.AsyncClient) -> None:
    await post(client, "/calls/place", **PLACE)
    await post(client, "/wait", type="answer")
    assert (await get(client, "/"))["calls"] == 1
    await post(client, "/reset")
    status = await get(client, "/")
    assert (status["calls"], status["sent"], status["unanswered"]) == (0, 0, 0)
    assert (await get(client, "/calls"))["calls"] == []


async def test_a_wait_that_runs_out_says_what_was_sent(client: httpx.AsyncClient) -> None:
    await post(client, "/calls/place", **PLACE, person={"hang_up": None})
    await post(client, "/wait", type="answer")
    body = {"type": "hangup", "parameters": {"CallStatus": "busy"}, "timeout_s": 0.01}
    status, name, detail = problem_of(await client.post("/_emulator/wait", json=body))
    assert (status, name) == (408, "wait-timed-out")
    assert detail == (
        "0 of 1 answered with type hangup, CallStatus=busy in 0.01 s. Sent so far: "
        "voice.call.ring -> 500; voice.call.answer -> 200 application/xml"
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "problem"),
    [
        ("/wait", b"{", 422, ("invalid-body", "Invalid JSON")),
        ("/wait", b"[]", 422, ("invalid-body", "body: ")),
        ("/wait", b'{"tpye": "ring"}', 422, ("invalid-body", "tpye: Extra inputs")),
        (
            "/wait",
            b'{"state": "ended", "type": "hangup"}',
            422,
            ("invalid-body", "ended legs have no type"),
        ),
        (
            "/calls/place",
            b'{"to": "14155550123", "answer_url": "u"}',
            422,
            ("invalid-body", "answer_url: Value error, must be a URL"),
        ),
        ("/wait", b'{"count": 0}', 422, ("invalid-body", "count: ")),
        ("/wait", b'{"timeout_s": 1e9}', 422, ("invalid-body", "timeout_s: ")),
        ("/wait", b" " * 70_000, 413, ("body-too-large", "65536 bytes")),
        ("/reset", b'{"seed": 1}', 422, ("invalid-body", "seed: ")),
        ("/calls/place", b"{}", 422, ("invalid-body", "answer_url: Field required")),
        (
            "/calls/place",
            b'{"to": "1415", "answer_url": "u", "person": {"inputs": [{"digits": "x"}]}}',
            422,
            ("invalid-body", "person.inputs.0.digits: "),
        ),
        (
            "/calls/place",
            b'{"to": "1415", "answer_url": "http://a/", "auth_id": "MAOTHER"}',
            404,
            ("no-account", "no such account"),
        ),
        ("/calls/receive", b'{"to": "14155550199"}', 404, ("no-application", "14155550199")),
        ("/messages/receive", b'{"to": "14155550199"}', 404, ("no-application", "14155550199")),
        ("/calls/receive", b'{"to": "who"}', 422, ("invalid-body", "to: ")),
        ("/calls/unknown/press", b'{"digits": "1"}', 404, ("no-call", "no such call")),
        ("/calls/unknown/press", b'{"digits": ""}', 422, ("invalid-body", "digits: ")),
        ("/calls/unknown/say", b'{"words": ""}', 422, ("invalid-body", "words: ")),
        ("/calls/unknown/hang-up", b"", 404, ("no-call", "no such call")),
        ("/nowhere", b"", 404, ("not-found", "")),
        ("/sent", b"", 405, ("method-not-allowed", "")),
    ],
)
async def test_a_bad_request_is_refused_with_a_problem(
    client: httpx.AsyncClient, path: str, body: bytes, status: int, problem: tuple[str, str]
) -> None:
    response = await client.post(f"/_emulator{path}", content=body)
    name, part = problem
    assert problem_of(response)[:2] == (status, name)
    assert part in problem_of(response)[2]


async def test_the_status_is_found_without_the_last_slash(client: httpx.AsyncClient) -> None:
    response = await client.get("/_emulator", follow_redirects=True)
    assert response.json()["calls"] == 0


async def test_a_party_calls_the_virtual_number_of_a_masking_session(
    emulator: Emulator, client: httpx.AsyncClient
) -> None:
    order = MaskingOrder(ACCOUNT, CALLEE, "14155550124", NUMBER, url_of("masking"))
    session = emulator.do(lambda machine: machine.mask(order))
    path = f"/masking/{session.uuid}/call"
    assert await post(client, path, **{"from": CALLEE}) is None
    found = await post(client, "/wait", type="masking.session.status", count=3, state="sent")
    assert [one["parameters"]["EventName"] for one in found["callbacks"][:3]] == [
        "SessionVirtualNumberAnswer",
        "SessionSecondPartyInitiated",
        "SessionSecondPartyRing",
    ]
    stranger = await client.post(f"/_emulator{path}", json={"from": CALLER})
    assert problem_of(stranger)[:2] == (409, "not-connected")
    nowhere = await client.post("/_emulator/masking/none/call", json={"from": CALLEE})
    assert problem_of(nowhere)[:2] == (404, "no-session")


async def test_an_unknown_filter_is_refused(client: httpx.AsyncClient) -> None:
    status, name, detail = problem_of(await client.get("/_emulator/sent?tpye=ring"))
    assert (status, name) == (422, "invalid-query")
    assert "tpye" in detail


async def test_a_call_that_has_ended_cannot_act(client: httpx.AsyncClient) -> None:
    call = (await post(client, "/calls/place", **PLACE, person={"pickup": "busy"}))["call"]
    await post(client, "/wait", state="ended", call=call)
    response = await client.post(f"/_emulator/calls/{call}/hang-up")
    assert problem_of(response)[:2] == (409, "call-ended")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("127.9.9.9", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("10.0.0.1", 403),
        ("::ffff:10.0.0.1", 403),
        ("2001:db8::1", 403),
        ("testclient", 403),
    ],
)
async def test_only_this_machine_may_use_the_control(
    emulator: Emulator, address: str, status: int
) -> None:
    for from_anywhere in (False, True):
        app = make_control(emulator, from_anywhere=from_anywhere)
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            response = await client.get("/")
        assert response.status_code == (200 if from_anywhere else status)
        if response.status_code == 403:
            assert problem_of(response)[1] == "not-on-loopback"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:3000", 204),
        ("http://localhost:3000", 204),
        ("http://[::1]:3000", 204),
        ("https://example.com", 403),
        ("https://127.0.0.1.example.com", 403),
        ("http://[::1", 403),
        ("null", 403),
    ],
)
async def test_a_web_page_from_elsewhere_may_not_use_the_control(
    client: httpx.AsyncClient, origin: str, status: int
) -> None:
    response = await client.post("/_emulator/reset", headers={"origin": origin})
    assert response.status_code == status


async def test_a_port_in_use_is_an_error_that_says_so(emulator: Emulator) -> None:
    app = make_app(emulator)
    async with serve(app) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{port}"):
            await serve(app, port=port).__aenter__()
