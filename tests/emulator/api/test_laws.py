"""What is true of every sequence of API requests."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.catalogue import Catalogue
from bridge.emulator.api.application import ENDPOINTS
from bridge.emulator.api.requests import Endpoint
from bridge.emulator.machine.world import Conditions
from tests.emulator.api.plivo import PLACE, SUBACCOUNT, VirtualPlivo
from tests.emulator.machines import ACCOUNT, BEGIN, CALLEE, CALLER, HOST
from tests.emulator.recognition import check_recognised

DOCUMENTS = {
    "answer": "<Conference callbackUrl='https://hooks.example.com/room'>room1</Conference>",
    "menu": "<Dial callbackUrl='https://hooks.example.com/dial'><Number>14155550199</Number></Dial>",
    "team": "<MultiPartyCall role='Agent' record='true'>team</MultiPartyCall>",
    "other": "<Wait length='60'/>",
}
URLS = tuple(f"{HOST}/{name}" for name in DOCUMENTS)
# Arguments that some endpoint reads, with values that it may accept or refuse.
ARGUMENTS: Mapping[str, st.SearchStrategy[Any]] = {
    "aleg_url": st.sampled_from(URLS),
    "answer_url": st.sampled_from(URLS),
    "bleg_url": st.sampled_from(URLS),
    "callback_url": st.just(f"{HOST}/called"),
    "code": st.just("123456"),
    "digits": st.text("0123456789*#w", max_size=3),
    "dst": st.sampled_from([CALLEE, f"{CALLEE}<nobody"]),
    "from": st.just(CALLER),
    "legs": st.sampled_from(["aleg", "bleg", "both", "?"]),
    "limit": st.integers(0, 21),
    "mute": st.booleans(),
    "otp": st.just("123456"),
    "recipient": st.just(CALLEE),
    "role": st.sampled_from(["agent", "customer"]),
    "service_url": st.just("wss://bot.example.com"),
    "src": st.just(CALLER),
    "status": st.sampled_from(["live", "queued", "active"]),
    "text": st.text(max_size=5),
    "time_limit": st.integers(0, 100),
    "to": st.sampled_from([CALLEE, f"{CALLEE}<14155550124", "sip:a@phone.plivo.com"]),
    "url": st.sampled_from(URLS),
    "urls": st.sampled_from(URLS),
}
# Most requests should find something, so the rooms have the names of the documents.
IDS: Mapping[str, st.SearchStrategy[str]] = {
    "conference_name": st.sampled_from(["room1", "room2"]),
    "member_id": st.sampled_from(["1", "2", "all"]),
    "member_ids": st.sampled_from(["1", "2", "1,2", "all"]),
    "mpc_id": st.sampled_from(["name_team", "name_other", "uuid_x"]),
}
STATUSES = {
    HTTPStatus.OK,
    HTTPStatus.CREATED,
    HTTPStatus.ACCEPTED,
    HTTPStatus.NO_CONTENT,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_FOUND,
}


@dataclass(frozen=True)
class Asked:
    """One request. ``call`` chooses the call that it is about."""

    endpoint: Endpoint
    arguments: Mapping[str, Any]
    ids: Mapping[str, str]
    call: int
    pause_s: float
    by_subaccount: bool


REQUESTS = st.builds(
    Asked,
    st.sampled_from([endpoint for _, _, endpoint in ENDPOINTS]),
    st.fixed_dictionaries({}, optional=dict(ARGUMENTS)),
    st.fixed_dictionaries(dict(IDS)),
    st.integers(0, 5),
    st.floats(0, 10),
    st.booleans(),
)


def ask_all(requests: list[Asked]) -> VirtualPlivo:
    """Place calls, ask one request after the other, and run until nothing is left to do."""
    plivo = VirtualPlivo(DOCUMENTS, conditions=Conditions(calls_per_s=2))
    for name in DOCUMENTS:
        place = next(one for method, path, one in ENDPOINTS if (method, path) == ("POST", "Call/"))
        plivo.ask(place, {**PLACE, "answer_url": f"{HOST}/{name}", "time_limit": 300})
    plivo.run(8)
    for request in requests:
        uuids = list(plivo.machine.world.legs)
        uuid = uuids[request.call % len(uuids)]
        recordings = list(plivo.machine.world.recordings)
        ids: dict[str, Any] = {
            **request.ids,
            "app_id": "1",
            "call_uuid": uuid,
            "message_uuid": uuid,
            "number": "14155550177",
            "recording_id": recordings[0] if recordings else uuid,
            "request_uuid": uuid,
            "session_uuid": next(iter(plivo.machine.verify_sessions), uuid),
            "stream_id": uuid,
            "subaccount_id": SUBACCOUNT.auth_id,
        }
        account = SUBACCOUNT if request.by_subaccount else ACCOUNT
        answer = plivo.ask(request.endpoint, request.arguments, account=account, **ids)
        assert answer.status in STATUSES
        assert bool(answer.body.get("error")) == (answer.status >= HTTPStatus.BAD_REQUEST)
        plivo.run(request.pause_s)
    plivo.driver.run(until=BEGIN + timedelta(days=3))
    return plivo


@given(st.lists(REQUESTS, max_size=12))
def test_every_request_is_answered_and_every_leg_ends_once(requests: list[Asked]) -> None:
    plivo = ask_all(requests)
    legs = plivo.machine.world.legs
    assert Counter(one.call_uuid for one in plivo.driver.ended) == Counter(legs.keys())
    assert not list(plivo.machine.world.conferences)
    assert not list(plivo.machine.world.multi_party_calls)
    assert not any(leg.api_recordings for leg in legs.values())
    assert not plivo.machine.queue.waiting


@given(st.lists(REQUESTS, max_size=6))
def test_the_bridge_recognises_every_callback(types: Catalogue, requests: list[Asked]) -> None:
    check_recognised(types, ask_all(requests).driver)


@given(st.lists(REQUESTS, max_size=6))
def test_the_same_requests_cause_the_same_callbacks(requests: list[Asked]) -> None:
    first, second = ask_all(requests).driver, ask_all(requests).driver
    assert first.requests == second.requests
    assert first.sent_at == second.sent_at
