"""Fetches of XML during a call: redirect, transfer, sounds.

They carry the base fields alone, so only the path tells them apart. On the shared path, and for
whatever else carries a ``CallUUID`` and nothing telling, there is ``voice.fetch``.
Sources: the routing and call pages; ``dialMusic``, ``confirmSound`` and ``waitSound`` on theirs.
"""

from bridge.callbacks.model import CallbackType, Reply
from bridge.callbacks.voice import VoiceCallback

# Plivo may send a hangup or a ring to a URL that was set for something else.
_ELSE = "!Event=Hangup & !Event=Ring & !Event=MachineDetection"
_FETCH = (f"CallUUID & !HangupCause & {_ELSE}", f"CallUUID & HangupCause & Event & {_ELSE}")
_BASE = (
    "ALegRequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
    "&ALegUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&BillRate=0.005&CallStatus=in-progress"
    "&CallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&Direction=outbound&From=14155550100"
    "&ParentAuthID=MAXXXXXXXXXXXXXXXXXX&RequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
    "&SessionStart=2026-03-07+14%3A13%3A37.779297&To=14155550123"
)


class Fetch(VoiceCallback):
    """Plivo asks what to do with a call, and does not say what made it ask."""


class Redirect(VoiceCallback):
    """A `<Redirect>` element sent the call on."""


class Transfer(VoiceCallback):
    """The Transfer API sent a leg on."""


class DialSound(VoiceCallback):
    """Plivo asks what a leg of a `<Dial>` is to hear: `confirmSound` or `dialMusic`."""


class ConferenceSound(VoiceCallback):
    """Plivo asks what a conference is to hear: `waitSound`, `enterSound` or `exitSound`."""


class MpcSound(VoiceCallback):
    """Plivo asks what a MultiPartyCall is to hear. It asks by GET."""


def _only_by_path(
    name: str, model: type[VoiceCallback], reply: Reply, form: str = _BASE
) -> CallbackType:
    return CallbackType(
        name=name,
        model=model,
        key=("call_uuid",),
        reply=reply,
        recognise=_FETCH,
        step=13,
        told_by_path=True,
        samples={"base fields": form},
    )


CALLBACKS = (
    CallbackType(
        name="voice.fetch",
        model=Fetch,
        key=("call_uuid",),
        reply=Reply.XML,
        recognise=_FETCH,
        step=13,
        weak=True,
        samples={"base fields": _BASE},
    ),
    _only_by_path("voice.call.redirect", Redirect, Reply.XML),
    _only_by_path("voice.call.transfer", Transfer, Reply.XML),
    _only_by_path("voice.dial.sound", DialSound, Reply.SOUND),
    _only_by_path("voice.conference.sound", ConferenceSound, Reply.SOUND),
    _only_by_path("voice.mpc.sound", MpcSound, Reply.SOUND),
)
