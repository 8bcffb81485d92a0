"""Act on a call that goes on: Plivo's pages on transfer, recording, sounds, speech and digits.

1. ``legs`` of a transfer is ``aleg`` (the call of the path), ``bleg`` (the one that it is connected
   with), or ``both``. Not documented, so inferred: a call that rings cannot be transferred, and neither
   can the second leg of a call that has none; both are refused with 404.
2. The ``callback_url`` of a new recording gets the recording, not the answer to the request.
3. A request that starts something is answered 202, one that stops it 204. A 204 has no body, although
   the pages show one.
"""

from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import Answer, refuse_argument, refuse_missing, refuse_unknown
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.machine import api_actions
from bridge.emulator.machine.api_actions import RecordingOrder
from bridge.emulator.machine.machine import Machine
from bridge.reply.urls import is_absolute

_STOPPED: Final = Answer(HTTPStatus.NO_CONTENT, {})
_LEGS: Final = ("aleg", "bleg", "both")
_KEYS: Final = frozenset("0123456789*#wWABCDabcd")


def transfer_call(machine: Machine, request: ApiRequest) -> Answer:
    """Let one leg of a call, or both, execute another document: rule 1."""
    arguments = request.arguments
    leg = request.find_live_leg(machine)
    legs = arguments.read_choice("legs", _LEGS, "aleg")
    names = ("aleg", "bleg") if legs == "both" else (legs,)
    urls = {
        name: arguments.read_url(f"{name}_url", f"{name}_method", required=True) for name in names
    }
    targets = {"aleg": leg, "bleg": leg.bridged}
    chosen = [(targets[name], url) for name, url in urls.items()]
    if not all(one is not None and api_actions.can_transfer(one) for one, _ in chosen):
        raise refuse_unknown()
    for one, url in chosen:
        if one is not None:
            api_actions.transfer(machine.world, one, url)
    return Answer(HTTPStatus.ACCEPTED, {"message": "call transferred"})


def start_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Record a call: rule 2."""
    leg = request.find_live_leg(machine)
    recording = api_actions.start_recording(machine.world, leg, read_recording_order(request))
    return Answer(
        HTTPStatus.ACCEPTED,
        {
            "message": "call recording started",
            "recording_id": recording.id,
            "url": recording.url,
        },
    )


def stop_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Stop the recording with the ``URL``, or all recordings of the call."""
    leg = request.find_live_leg(machine)
    # The page has "URL"; the SDK for Node makes lower case of it.
    arguments = request.arguments
    url = arguments.read_text("URL") or arguments.read_text("url")
    if not api_actions.stop_recordings(leg.api_recordings, url):
        raise refuse_unknown()
    return _STOPPED


def read_recording_order(request: ApiRequest) -> RecordingOrder:
    """Return what to record: the arguments of Plivo's page on recording a call."""
    arguments = request.arguments
    return RecordingOrder(
        api_id=request.api_id,
        callback=arguments.read_url("callback_url", "callback_method"),
        transcription=arguments.read_url("transcription_url", "transcription_method"),
        limit_s=arguments.read_integer("time_limit", 60, least=1),
        file_format=arguments.read_choice("file_format", ("mp3", "wav"), "mp3"),
    )


def start_playing(machine: Machine, request: ApiRequest) -> Answer:
    """Play sound files to a call."""
    arguments = request.arguments
    leg = request.find_live_leg(machine)
    urls = arguments.require_text("urls")
    if not all(is_absolute(url) for url in urls.split(",")):
        raise refuse_argument("urls", "Each must be an absolute URL.")
    _read_sound_arguments(arguments)
    machine.world.note(leg.uuid, f"{urls} is played")
    return Answer(HTTPStatus.ACCEPTED, {"message": "play started"})


def start_speaking(machine: Machine, request: ApiRequest) -> Answer:
    """Read a text to a call."""
    arguments = request.arguments
    leg = request.find_live_leg(machine)
    text = arguments.require_text("text")
    _read_sound_arguments(arguments)
    machine.world.note(leg.uuid, f"{text!r} is spoken")
    return Answer(HTTPStatus.ACCEPTED, {"message": "speak started"})


def stop_sound(machine: Machine, request: ApiRequest) -> Answer:
    """Stop what is played or spoken to a call."""
    request.find_live_leg(machine)
    return _STOPPED


def send_digits(machine: Machine, request: ApiRequest) -> Answer:
    """Send digits to a leg of a call."""
    arguments = request.arguments
    leg = request.find_live_leg(machine)
    digits = arguments.read_text("digits")
    if not digits:
        raise refuse_missing("digits")
    if not _KEYS.issuperset(digits):
        raise refuse_argument("digits", "It may have digits, *, #, w and W.")
    arguments.read_choice("leg", ("aleg", "bleg"), "aleg")
    machine.world.note(leg.uuid, f"the digits {digits} are sent")
    return Answer(HTTPStatus.ACCEPTED, {"message": "digits sent"})


def _read_sound_arguments(arguments: Arguments) -> None:
    """Check the arguments of sounds that change nothing here."""
    arguments.read_choice("legs", _LEGS)
    arguments.read_flag("loop")
    arguments.read_flag("mix")
    arguments.read_integer("length", 0)
