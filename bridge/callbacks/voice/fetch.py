"""Fetches of XML during a call: redirect, transfer, sounds.

They have the base fields only, so in most cases only the path identifies them. On the shared path,
a callback with a ``CallUUID`` and no other evidence of its type is a ``voice.fetch``, unless
``Event``, ``ConferenceAction`` or ``DialAction`` names its kind: an unknown value may belong to a
notification, which asks for nothing. ``EventName`` does not prevent it, because the callbacks that
have one have no ``CallUUID``; beside one it is probably the customer's own. Sources: the routing and
call pages; ``dialMusic``, ``confirmSound`` and ``waitSound`` on their own pages. That ``Event`` may be
``Redirect`` or ``DialRemoteSounds`` is known from a platform with the same wire format.
"""

from bridge.callbacks.model import CallbackType, Reply
from bridge.callbacks.voice import CALL_KEY, VoiceCallback

_NAMES_NOTHING = "!ConferenceAction & !DialAction"
_FETCH = f"CallUUID & !HangupCause & !Event & {_NAMES_NOTHING}"
# These two values only say that Plivo requests XML.
_ASKED = (
    f"CallUUID & Event=StartApp & {_NAMES_NOTHING}",
    f"CallUUID & Event=Redirect & {_NAMES_NOTHING}",
)
_BASE = (
    "ALegRequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
    "&ALegUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&BillRate=0.005&CallStatus=in-progress"
    "&CallUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01&Direction=outbound&From=14155550100"
    "&ParentAuthID=MAXXXXXXXXXXXXXXXXXX&RequestUUID=5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
    "&SessionStart=2026-03-07+14%3A13%3A37.779297&To=14155550123"
)


class Fetch(VoiceCallback):
    """Plivo requests the XML of a call, for a reason that it does not name."""


class Redirect(VoiceCallback):
    """A `<Redirect>` element redirected the call."""


class Transfer(VoiceCallback):
    """The Transfer API transferred a leg."""


class DialSound(VoiceCallback):
    """Plivo requests the sound for a leg of a `<Dial>`: `confirmSound` or `dialMusic`."""


class ConferenceSound(VoiceCallback):
    """Plivo requests the sound for a conference: `waitSound`, `enterSound` or `exitSound`."""


class MpcSound(VoiceCallback):
    """Plivo requests the sound for a MultiPartyCall, by GET."""


def _fetch(
    name: str,
    model: type[VoiceCallback],
    reply: Reply,
    *,
    named: tuple[str, ...] = (),
    family: tuple[str, ...] = (),
) -> CallbackType:
    return CallbackType(
        name=name,
        model=model,
        key_fields=CALL_KEY,
        reply=reply,
        named=named,
        recognise=(_FETCH, *_ASKED, *[f"CallUUID & {word}" for word in (*named, *family)]),
        match_order=13,
        path_only=True,
        can_repeat=True,  # a `<Redirect>` to itself, or wait music, repeats its parameters
        samples={"base fields": _BASE},
    )


CALLBACKS = (
    CallbackType(
        name="voice.fetch",
        model=Fetch,
        key_fields=CALL_KEY,
        reply=Reply.XML,
        recognise=(_FETCH,),
        match_order=13,
        yields_to_path=True,
        can_repeat=True,
        samples={"base fields": _BASE},
    ),
    _fetch("voice.call.redirect", Redirect, Reply.XML, named=("Event=Redirect",)),
    _fetch("voice.call.transfer", Transfer, Reply.XML),
    _fetch(
        "voice.dial.sound",
        DialSound,
        Reply.SOUND,
        named=("Event=DialRemoteSounds",),
        family=("Event^=Dial",),
    ),
    _fetch("voice.conference.sound", ConferenceSound, Reply.SOUND, family=("Event^=Conference",)),
    _fetch("voice.mpc.sound", MpcSound, Reply.SOUND),
)
