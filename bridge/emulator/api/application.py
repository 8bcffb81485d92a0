"""The REST API as an ASGI application.

1. HTTP Basic: the user is the auth id of the path, the password one of its tokens. Not documented, so
   inferred: the main account's credentials do not open the path of a subaccount.
2. Every answer has an ``api_id``; an error has ``error`` beside it.
3. More requests than 300 in 5 seconds get 429, and more lists of messages than 20 a minute.
4. With ``callback_url`` a request is asynchronous: it is answered at once, and its answer goes to the
   URL. No page gives the form of that callback. Here it has the keys of the answer, with JSON text for
   values that are no text. Only a new recording and a masking session use ``callback_url`` for
   something else.
5. A path is the same without its last slash: one method of the SDK for Node leaves it out.
"""

import base64
import binascii
from collections.abc import Mapping
from hmac import compare_digest
from http import HTTPStatus
from typing import Final, cast

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.emulator.api import (
    accounts,
    call_actions,
    calls,
    conferences,
    masking,
    messages,
    multi_party_calls,
    participants,
    recordings,
    streams,
    verify,
)
from bridge.emulator.api.answers import Answer, Json, Refused
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.limits import RequestLimit
from bridge.emulator.api.requests import ApiRequest, Endpoint
from bridge.emulator.directory import Directory
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.deliveries import Callback
from bridge.emulator.machine.fields import in_order
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.retries import UNSETTABLE
from bridge.emulator.records import Records

# A thousand destinations are some 60 kB.
BODY_BYTES_MAX: Final = 1_048_576
REQUESTS_MAX: Final = 300
MESSAGE_LISTS_MAX: Final = 20
_SPAWNED: Final = Answer(HTTPStatus.ACCEPTED, {"message": "async api spawned"})
_CALL: Final = "Call/{call_uuid}/"
_CONFERENCE: Final = "Conference/{conference_name}/"
_VERIFY: Final = "Verify/Session/{session_uuid}/"
_MASKING: Final = "Masking/Session/{session_uuid}/"
_MPC: Final = "MultiPartyCall/{mpc_id}/"
_PARTICIPANT: Final = _MPC + "Participant/{member_id}/"
_MEMBER: Final = _CONFERENCE + "Member/{member_ids}/"
ENDPOINTS: Final[tuple[tuple[str, str, Endpoint], ...]] = (
    ("GET", "", accounts.get_account),
    ("GET", "Subaccount/", accounts.list_subaccounts),
    ("GET", "Subaccount/{subaccount_id}/", accounts.get_subaccount),
    ("POST", "Call/", calls.place_calls),
    ("GET", "Call/", calls.list_calls),
    ("GET", _CALL, calls.get_call),
    ("POST", _CALL, call_actions.transfer_call),
    ("DELETE", _CALL, calls.hang_up_call),
    ("POST", _CALL + "Record/", call_actions.start_recording),
    ("DELETE", _CALL + "Record/", call_actions.stop_recording),
    ("POST", _CALL + "Play/", call_actions.start_playing),
    ("DELETE", _CALL + "Play/", call_actions.stop_sound),
    ("POST", _CALL + "Speak/", call_actions.start_speaking),
    ("DELETE", _CALL + "Speak/", call_actions.stop_sound),
    ("POST", _CALL + "DTMF/", call_actions.send_digits),
    ("POST", _CALL + "Stream/", streams.start_stream),
    ("GET", _CALL + "Stream/", streams.list_streams),
    ("DELETE", _CALL + "Stream/", streams.stop_streams),
    ("GET", _CALL + "Stream/{stream_id}/", streams.get_stream),
    ("DELETE", _CALL + "Stream/{stream_id}/", streams.stop_stream),
    ("DELETE", "Request/{request_uuid}/", calls.cancel_request),
    ("GET", "Conference/", conferences.list_conferences),
    ("DELETE", "Conference/", conferences.hang_up_conferences),
    ("GET", _CONFERENCE, conferences.get_conference),
    ("DELETE", _CONFERENCE, conferences.hang_up_conference),
    ("POST", _CONFERENCE + "Record/", conferences.start_recording),
    ("DELETE", _CONFERENCE + "Record/", conferences.stop_recording),
    ("DELETE", _MEMBER, conferences.hang_up_members),
    ("POST", _MEMBER + "Kick/", conferences.kick_members),
    ("POST", _MEMBER + "Mute/", conferences.mute_members),
    ("DELETE", _MEMBER + "Mute/", conferences.unmute_members),
    ("POST", _MEMBER + "Deaf/", conferences.deafen_members),
    ("DELETE", _MEMBER + "Deaf/", conferences.undeafen_members),
    ("POST", _MEMBER + "Play/", conferences.play_to_members),
    ("DELETE", _MEMBER + "Play/", conferences.stop_sound),
    ("POST", _MEMBER + "Speak/", conferences.speak_to_members),
    ("DELETE", _MEMBER + "Speak/", conferences.stop_sound),
    ("GET", "MultiPartyCall/", multi_party_calls.list_calls),
    ("GET", _MPC, multi_party_calls.get_call),
    ("POST", _MPC, multi_party_calls.start_call),
    ("DELETE", _MPC, multi_party_calls.end_call),
    ("POST", _MPC + "Record/", multi_party_calls.start_recording),
    ("DELETE", _MPC + "Record/", multi_party_calls.stop_recording),
    ("POST", _MPC + "Record/Pause/", multi_party_calls.pause_recording),
    ("POST", _MPC + "Record/Resume/", multi_party_calls.resume_recording),
    ("GET", _MPC + "Participant/", participants.list_participants),
    ("POST", _MPC + "Participant/", participants.add_participants),
    ("GET", _PARTICIPANT, participants.get_participant),
    ("POST", _PARTICIPANT, participants.update_participants),
    ("DELETE", _PARTICIPANT, participants.kick_participants),
    ("POST", _PARTICIPANT + "Record/", participants.record_participant),
    ("DELETE", _PARTICIPANT + "Record/", participants.stop_recording_participant),
    ("POST", _MPC + "Member/{member_id}/Play/", participants.play_to_participants),
    ("DELETE", _MPC + "Member/{member_id}/Play/", participants.stop_sound),
    ("POST", _MPC + "Member/{member_id}/Speak/", participants.speak_to_participants),
    ("DELETE", _MPC + "Member/{member_id}/Speak/", participants.stop_sound),
    ("POST", "Message/", messages.send_messages),
    ("GET", "Message/", messages.list_messages),
    ("GET", "Message/{message_uuid}/", messages.get_message),
    ("POST", "Verify/Session/", verify.begin_session),
    ("GET", "Verify/Session/", verify.list_sessions),
    ("POST", _VERIFY, verify.validate_session),
    ("GET", _VERIFY, verify.get_session),
    ("POST", "Masking/Session/", masking.begin_session),
    ("GET", "Masking/Session/", masking.list_sessions),
    ("POST", _MASKING, masking.change_session),
    ("GET", _MASKING, masking.get_session),
    ("DELETE", _MASKING, masking.end_session),
    ("GET", "Recording/", recordings.list_recordings),
    ("GET", "Recording/{recording_id}/", recordings.get_recording),
    ("DELETE", "Recording/{recording_id}/", recordings.delete_recording),
    ("GET", "Application/", accounts.list_applications),
    ("GET", "Application/{app_id}/", accounts.get_application),
    ("GET", "Number/", accounts.list_numbers),
    ("GET", "Number/{number}/", accounts.get_number),
)
"""Method, path below the account, and what answers."""
_OWN_CALLBACK: Final = frozenset({
    call_actions.start_recording,
    conferences.start_recording,
    masking.begin_session,
    masking.change_session,
})  # fmt: skip


def build_api(emulator: Emulator) -> ASGIApp:
    """Return the API of an emulator. Its base address takes the place of ``https://api.plivo.com``."""
    api = _Api(emulator)
    application = Starlette(
        routes=[_make_route(api, *one) for one in ENDPOINTS],
        exception_handlers={HTTPException: api.refuse},
    )

    async def add_slash(scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].endswith("/"):  # rule 5
            scope = {**scope, "path": scope["path"] + "/"}
        await application(scope, receive, send)

    return add_slash


def _make_route(api: "_Api", method: str, path: str, endpoint: Endpoint) -> Route:
    async def respond(request: Request) -> Response:
        return await api.respond(request, endpoint)

    return Route(f"/v1/Account/{{auth_id}}/{path}", respond, methods=[method])


class _Api:
    """State that all endpoints of one emulator share: records and the request limit."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._records = Records()
        self._limit = RequestLimit(REQUESTS_MAX, window_s=5.0)
        self._list_limit = RequestLimit(MESSAGE_LISTS_MAX, window_s=60.0)
        emulator.observe(lambda command: self._records.observe(emulator.world, command))
        emulator.on_reset(self._records.clear)
        emulator.on_reset(self._limit.clear)
        emulator.on_reset(self._list_limit.clear)

    async def respond(self, request: Request, endpoint: Endpoint) -> Response:
        """Answer a request that an endpoint has."""
        body = await _read_body(request)

        def act(machine: Machine) -> tuple[str, Answer]:
            api_id = machine.world.new_uuid()
            try:
                return api_id, self._answer(machine, endpoint, request, body, api_id)
            except Refused as refused:
                return api_id, refused.answer

        return _show(*self._emulator.do(act))

    async def refuse(self, _request: Request, error: Exception) -> Response:
        """Answer a request that no endpoint has: 404, or 405 for another method."""
        status = HTTPStatus(cast("HTTPException", error).status_code)
        api_id = self._emulator.do(lambda machine: machine.world.new_uuid())
        return _show(api_id, Refused(status, status.phrase.lower()).answer)

    def _answer(
        self,
        machine: Machine,
        endpoint: Endpoint,
        request: Request,
        body: bytes | None,
        api_id: str,
    ) -> Answer:
        directory = self._emulator.directory
        account = _authenticate(directory, request)
        limits = [self._limit]
        if endpoint is messages.list_messages:
            limits.append(self._list_limit)
        if not all(one.admit(account.main_auth_id, machine.world.now) for one in limits):
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests")
        arguments = Arguments({**request.query_params, **_parse_body(body)})
        ids = cast("Mapping[str, str]", request.path_params)
        return _answer_or_spawn(
            machine,
            endpoint,
            ApiRequest(account, arguments, ids, api_id, directory, self._records),
        )


def _answer_or_spawn(machine: Machine, endpoint: Endpoint, request: ApiRequest) -> Answer:
    """Return the answer of an endpoint, or send it to the callback URL: rule 4."""
    if "callback_url" not in request.arguments or endpoint in _OWN_CALLBACK:
        return endpoint(machine, request)
    url, method = request.arguments.read_url("callback_url", "callback_method")
    try:
        answer = endpoint(machine, request)
    except Refused as refused:
        answer = refused.answer
    parameters = {name: _show_parameter(value) for name, value in answer.body.items()}
    machine.world.deliveries.notify(
        Callback(
            "api.async_response",
            request.api_id,
            request.account.auth_id,
            url,
            method,
            in_order({"api_id": request.api_id, **parameters}),
            UNSETTABLE,
        )
    )
    return _SPAWNED


def _show_parameter(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _authenticate(directory: Directory, request: Request) -> Account:
    """Return the account of the credentials: rule 1."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        user, token = "", ""
    account = directory.accounts.get(user)
    tokens = account.auth_tokens if account else ()
    is_known = any(compare_digest(token.encode(), one.encode()) for one in tokens)
    is_own = request.path_params["auth_id"] == user
    if account is None or not is_known or not is_own or scheme.lower() != "basic":
        raise Refused(HTTPStatus.UNAUTHORIZED, "authentication failed")
    return account


async def _read_body(request: Request) -> bytes | None:
    """Return the body; None if it is too long."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _parse_body(body: bytes | None) -> Mapping[str, object]:
    """Return the arguments of a body. Raises Refused."""
    if body is None:
        raise Refused(HTTPStatus.BAD_REQUEST, f"the body has more than {BODY_BYTES_MAX} bytes")
    try:
        parsed: object = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "the body is not a JSON object")
    return cast("dict[str, object]", parsed)


def _show(api_id: str, answer: Answer) -> Response:
    """Return the HTTP answer: rule 2."""
    if answer.status is HTTPStatus.NO_CONTENT:
        return Response(status_code=answer.status)
    body = orjson.dumps({"api_id": api_id, **answer.body}, option=orjson.OPT_SORT_KEYS)
    response = Response(body, status_code=answer.status, media_type="application/json")
    if answer.status is HTTPStatus.UNAUTHORIZED:
        response.headers["www-authenticate"] = 'Basic realm="Plivo"'
    return response
