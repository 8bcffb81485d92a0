"""Read the arguments of a request that adds participants to a multi-party call: Plivo's page on that.

1. The arguments become the attributes of the ``<MultiPartyCall>`` that a participant executes.
2. Only agents may have several destinations, up to 20. ``ring_timeout`` and ``delay_dial`` have seconds
   for each of them, joined with ``<``.
3. A call is opened by its first participant, so one may be added to a name that is not there yet.
"""

from typing import Final

from bridge.emulator.api.answers import refuse_argument, refuse_missing
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.call_orders import check_party, read_destinations
from bridge.emulator.api.multi_party_calls import find_room
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.participants import ParticipantOrder
from bridge.reply.tree import Node

CALLEES_MAX: Final = 20
_ROLES: Final = ("agent", "customer", "supervisor")
_FLAGS: Final = (
    "record",
    "record_participant_track",
    "stay_alone",
    "coach_mode",
    "mute",
    "hold",
    "start_mpc_on_enter",
    "end_mpc_on_exit",
)
_INTEGERS: Final = {
    "max_duration": (300, 28_800),
    "max_participants": (2, 10),
    "record_min_member_count": (1, 2),
}
_URLS: Final = (
    "wait_music_url",
    "agent_hold_music_url",
    "customer_hold_music_url",
    "recording_callback_url",
    "status_callback_url",
    "on_exit_action_url",
)
_SOUNDS: Final = ("enter_sound", "exit_sound", "start_recording_audio", "stop_recording_audio")
_WORDS: Final = ("status_callback_events", "record_file_format")


def read_element(machine: Machine, request: ApiRequest) -> Node:
    """Return the element that a participant executes, with the arguments as its attributes: rule 1."""
    arguments = request.arguments
    role = arguments.read_choice("role", _ROLES)
    if not role:
        raise refuse_missing("role")
    attributes = {"role": role}
    for name in _FLAGS:
        if name in arguments:
            attributes[_to_camel(name)] = "true" if arguments.read_flag(name) else "false"
    for name, (least, most) in _INTEGERS.items():
        if name in arguments:
            number = arguments.read_integer(name, least, least=least, most=most)
            attributes[_to_camel(name)] = str(number)
    for name in _URLS:
        attributes |= _read_url(arguments, name)
    for name in (*_SOUNDS, *_WORDS, *(f"{sound}_method" for sound in _SOUNDS)):
        if name in arguments:
            attributes[_to_camel(name)] = arguments.read_text(name)
    return Node("MultiPartyCall", 1, attributes, text=_find_name(machine, request))


def _read_url(arguments: Arguments, name: str) -> dict[str, str]:
    """Return the attributes of a URL. Without a method the default of the element counts."""
    method_name = name.removesuffix("url") + "method"
    url, method = arguments.read_url(name, method_name)
    if not url:
        return {}
    named = {_to_camel(method_name): method} if method_name in arguments else {}
    return {_to_camel(name): url, **named}


def _find_name(machine: Machine, request: ApiRequest) -> str:
    """Return the name of a call: rule 3."""
    kind, _, name = request.ids["mpc_id"].partition("_")
    if kind == "name" and name:
        return name
    return find_room(machine, request).name


def read_participant_order(request: ApiRequest, element: Node) -> ParticipantOrder:
    """Return whom to call, to add who answers: rule 2."""
    arguments = request.arguments
    caller = check_party("from", arguments.require_text("from"))
    callees = tuple(read_destinations(arguments.require_text("to"), caller))
    if len(callees) > 1 and element.attributes["role"] != "agent":
        raise refuse_argument("to", "Only agents can have several destinations.")
    if len(callees) > CALLEES_MAX:
        raise refuse_argument("to", f"It may have at most {CALLEES_MAX} destinations.")
    return ParticipantOrder(
        request.account,
        caller,
        callees,
        element,
        request.api_id,
        ring_timeouts_s=_read_seconds(arguments, "ring_timeout", len(callees), 45.0),
        delays_s=_read_seconds(arguments, "delay_dial", len(callees), 0.0),
        status_url=arguments.read_url("call_status_callback_url", "call_status_callback_method"),
        caller_name=arguments.read_text("caller_name", characters_max=50),
    )


def _read_seconds(arguments: Arguments, name: str, count: int, default: float) -> tuple[float, ...]:
    """Return seconds for each destination, joined with ``<``; the last one counts for the rest."""
    texts = [one.strip() for one in arguments.read_text(name).split("<")]
    if texts == [""]:
        return (default,) * count
    if len(texts) > count or not all(one.isascii() and one.isdigit() for one in texts):
        raise refuse_argument(name, "It has seconds for each destination.")
    seconds = [float(one[:6]) for one in texts]
    return tuple(seconds + seconds[-1:] * (count - len(seconds)))


def _to_camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.capitalize() for one in others)
