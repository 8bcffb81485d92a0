"""The routes of the control.

1. Only clients on a loopback address may use it, unless it is allowed from anywhere: it knows
   everything about all calls and has no password. A browser on this machine is one as well, so a
   request of a web page from elsewhere (``Origin``) is refused too.
2. Times are the machine's; timeouts are real seconds.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.emulator.control import bodies
from bridge.emulator.control.problems import (
    Refused,
    answer_http_error,
    answer_json,
    answer_problem,
    answer_refused,
)
from bridge.emulator.control.views import view_callback, view_leg, view_message, view_note
from bridge.emulator.emulator import Emulator, NoApplication
from bridge.emulator.history import Match, SentCallback
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.leg import CallUrls, Leg
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.person import Person
from bridge.emulator.scenarios.begin import to_person
from bridge.emulator.stories import tell_callback, tell_calls

PREFIX: Final = "/_emulator"
# How many callbacks a problem of a wait tells.
_TOLD_MAX: Final = 20


class LoopbackOnly:
    """ASGI middleware that refuses clients and web pages from elsewhere: rule 1."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or refuse it."""
        client = scope.get("client")
        origin = Headers(scope=scope).get("origin")
        is_here = client is not None and _is_loopback(client[0])
        if is_here and (origin is None or _is_loopback_origin(origin)):
            await self._app(scope, receive, send)
            return
        detail = "The emulator's control is for clients on this machine only."
        problem = answer_problem(HTTPStatus.FORBIDDEN, "not-on-loopback", detail)
        await problem(scope, receive, send)


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _is_loopback_origin(origin: str) -> bool:
    """Return whether a web page came from this machine. ``null`` may come from anywhere."""
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return host == "localhost" or _is_loopback(host)


def make_control(emulator: Emulator, *, from_anywhere: bool = False) -> Starlette:
    """Return the control of an emulator, to be mounted under ``PREFIX``: rule 1."""
    control = _Control(emulator)
    return Starlette(
        routes=[
            Route("/", control.show_status),
            Route("/sent", control.list_sent),
            Route("/answered", control.list_answered),
            Route("/unanswered", control.list_unanswered),
            Route("/notes", control.list_notes),
            Route("/wait", control.wait, methods=["POST"]),
            Route("/reset", control.reset, methods=["POST"]),
            Route("/calls", control.list_calls, methods=["GET"]),
            Route("/calls/place", control.place, methods=["POST"]),
            Route("/calls/receive", control.receive, methods=["POST"]),
            Route("/messages", control.list_messages, methods=["GET"]),
            Route("/messages/receive", control.receive_message, methods=["POST"]),
            Route("/masking/{session}/call", control.call_virtual_number, methods=["POST"]),
            Route("/calls/{call}", control.show_call, methods=["GET"]),
            Route("/calls/{call}/press", control.press, methods=["POST"]),
            Route("/calls/{call}/say", control.say, methods=["POST"]),
            Route("/calls/{call}/member", control.control_member, methods=["POST"]),
            Route("/calls/{call}/stream", control.stream, methods=["POST"]),
            Route("/calls/{call}/hang-up", control.hang_up, methods=["POST"]),
        ],
        middleware=[] if from_anywhere else [Middleware(LoopbackOnly)],
        exception_handlers={Refused: answer_refused, HTTPException: answer_http_error},
    )


def _refuse_number(number: str) -> Refused:
    detail = f"No application answers {number}: rent the number, with an application."
    return Refused(HTTPStatus.NOT_FOUND, "no-application", detail)


class _Control:
    """The endpoints of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def show_status(self, _request: Request) -> Response:
        history, legs = self._emulator.history, self._emulator.world.legs
        return answer_json({
            "now": self._emulator.now.isoformat().replace("+00:00", "Z"),
            "speed": self._emulator.speed,
            "seed": self._emulator.seed,
            "calls": len(legs),
            "calls_in_progress": sum(not leg.ended.is_set for leg in legs.values()),
            "sent": len(history.sent()),
            "unanswered": len(history.unanswered()),
            "dropped": history.dropped,
        })  # fmt: skip

    async def list_sent(self, request: Request) -> Response:
        return self._list(self._emulator.history.sent(bodies.read_match(request)))

    async def list_answered(self, request: Request) -> Response:
        return self._list(self._emulator.history.answered(bodies.read_match(request)))

    async def list_unanswered(self, request: Request) -> Response:
        return self._list(self._emulator.history.unanswered(bodies.read_match(request)))

    async def list_notes(self, _request: Request) -> Response:
        notes = self._emulator.history.notes()
        return answer_json({"notes": [view_note(one) for one in notes]})

    async def wait(self, request: Request) -> Response:
        body = await bodies.read_body(request, bodies.WaitBody)
        match = body.to_match()
        find = self._finders(match)[body.state]

        def holds() -> bool:
            return len(find()) >= body.count

        if not await self._emulator.wait_until(holds, body.timeout_s):
            raise self._time_out(body, match, len(find()))
        if body.state == "ended":
            return answer_json({"calls": [view_leg(leg) for leg in self._find_ended(match)]})
        return self._list([one for one in find() if isinstance(one, SentCallback)])

    async def reset(self, request: Request) -> Response:
        await bodies.read_body(request, bodies.NothingBody)
        await self._emulator.reset()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def list_calls(self, _request: Request) -> Response:
        legs = self._emulator.world.legs.values()
        return answer_json({"calls": [view_leg(leg) for leg in legs]})

    async def show_call(self, request: Request) -> Response:
        leg = self._find_leg(request)
        first = leg.a_leg or leg
        stories = tell_calls(self._emulator.history, self._emulator.world.legs.values())
        return answer_json({**view_leg(leg), "story": stories[first.uuid]})

    async def place(self, request: Request) -> Response:
        body = await bodies.read_body(request, bodies.PlaceBody)
        accounts = self._emulator.directory.accounts
        account = accounts.get(body.auth_id or next(iter(accounts), ""))
        if account is None:
            raise Refused(HTTPStatus.NOT_FOUND, "no-account", "There is no such account.")
        urls = CallUrls(
            (body.answer_url, body.answer_method),
            (body.ring_url, body.ring_method),
            (body.hangup_url, body.hangup_method),
            (body.fallback_url, body.fallback_method),
        )
        order = CallOrder(account, body.from_, body.to, urls, person=self._set_people(body))
        leg = self._emulator.place_call(order)
        return answer_json(view_leg(leg), HTTPStatus.CREATED)

    async def receive(self, request: Request) -> Response:
        body = await bodies.read_body(request, bodies.ReceiveBody)
        person = self._set_people(body)
        try:
            leg = self._emulator.receive_call(body.from_, body.to, person)
        except NoApplication as error:
            raise _refuse_number(body.to) from error
        return answer_json(view_leg(leg), HTTPStatus.CREATED)

    async def list_messages(self, _request: Request) -> Response:
        messages = self._emulator.world.messages.values()
        return answer_json({"messages": [view_message(one) for one in messages]})

    async def receive_message(self, request: Request) -> Response:
        body = await bodies.read_body(request, bodies.MessageBody)
        try:
            message = self._emulator.receive_message(body.from_, body.to, body.text)
        except NoApplication as error:
            raise _refuse_number(body.to) from error
        return answer_json(view_message(message), HTTPStatus.CREATED)

    async def call_virtual_number(self, request: Request) -> Response:
        body = await bodies.read_body(request, bodies.VirtualCallBody)
        session = request.path_params["session"]

        def act(machine: Machine) -> bool:
            if session not in machine.masking_sessions:
                raise Refused(HTTPStatus.NOT_FOUND, "no-session", "There is no such session.")
            return machine.call_virtual_number(session, body.from_)

        if not self._emulator.do(act):
            detail = "The session has expired, or the caller is none of its parties."
            raise Refused(HTTPStatus.CONFLICT, "not-connected", detail)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def press(self, request: Request) -> Response:
        body = await bodies.read_body(request, bodies.PressBody)
        return self._act(request, lambda machine, call: machine.press(call, body.digits))

    async def say(self, request: Request) -> Response:
        body = await bodies.read_body(request, bodies.SayBody)
        return self._act(request, lambda machine, call: machine.say(call, body.words))

    async def control_member(self, request: Request) -> Response:
        body = await bodies.read_body(request, bodies.MemberBody)

        def act(machine: Machine, call: str) -> None:
            if not machine.control(call, body.control):
                detail = "The call is in no conference and no multi-party call."
                raise Refused(HTTPStatus.CONFLICT, "not-a-member", detail)

        return self._act(request, act)

    async def stream(self, request: Request) -> Response:
        body = await bodies.read_body(request, bodies.StreamBody)

        def act(machine: Machine, call: str) -> None:
            if not machine.stream(call, body.event, body.detail):
                raise Refused(HTTPStatus.CONFLICT, "no-stream", "The call has no audio stream.")

        return self._act(request, act)

    async def hang_up(self, request: Request) -> Response:
        await bodies.read_body(request, bodies.NothingBody)
        return self._act(request, lambda machine, call: machine.hang_up(call))

    def _set_people(self, body: bodies.CallBody) -> Person | None:
        """Say who is reached at other numbers; return the first leg's person."""
        for number, other in body.others.items():
            self._emulator.set_person(number, to_person(other))
        return to_person(body.person) if body.person else None

    def _act(self, request: Request, act: Callable[[Machine, str], None]) -> Response:
        leg = self._find_leg(request)
        if leg.ended.is_set:
            raise Refused(HTTPStatus.CONFLICT, "call-ended", "The call has ended.")
        self._emulator.do(lambda machine: act(machine, leg.uuid))
        return answer_json(view_leg(leg))

    def _list(self, callbacks: list[SentCallback]) -> Response:
        dropped = self._emulator.history.dropped
        return answer_json({
            "callbacks": [view_callback(one) for one in callbacks],
            "dropped": dropped,
        })  # fmt: skip

    def _find_leg(self, request: Request) -> Leg:
        leg = self._emulator.world.legs.get(request.path_params["call"])
        if leg is None:
            raise Refused(HTTPStatus.NOT_FOUND, "no-call", "There is no such call.")
        return leg

    def _find_ended(self, match: Match) -> list[Leg]:
        legs = self._emulator.world.legs.values()
        return [leg for leg in legs if leg.ended.is_set and match.call in {None, leg.uuid}]

    def _finders(self, match: Match) -> Mapping[str, Callable[[], list[SentCallback] | list[Leg]]]:
        # The history is another one after a reset, so it is asked for each time.
        return {
            "sent": lambda: self._emulator.history.sent(match),
            "answered": lambda: self._emulator.history.answered(match),
            "failed": lambda: self._emulator.history.failed(match),
            "ended": lambda: self._find_ended(match),
        }

    def _time_out(self, body: bodies.WaitBody, match: Match, found: int) -> Refused:
        told = [tell_callback(one) for one in self._emulator.history.sent()[-_TOLD_MAX:]]
        detail = (
            f"{found} of {body.count} {bodies.describe_match(match, body.state)} "
            f"in {body.timeout_s:g} s. Sent so far: {'; '.join(told) or 'nothing'}"
        )
        return Refused(HTTPStatus.REQUEST_TIMEOUT, "wait-timed-out", detail)
