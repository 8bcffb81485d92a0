"""Change parameters as other generations, other servers and wrong clocks of Plivo write them.

1. Every change of ``OLD_FIELDS`` is a form that a page of Plivo, an SDK or a capture shows; the comment
   names it. The type of the callback stays recognisable.
2. A wrong clock shifts all times of one callback by the same time: they are made on one server.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final

from bridge.emulator.machine.commands import Parameters

Change = Callable[[Parameters], Parameters]

_LOCAL_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)(.*)", re.DOTALL)
_EPOCH_MS: Final = re.compile(r"[0-9]{13}(\.[0-9]+)?")
_MEDIA: Final = re.compile(r"Media([0-9]+)")
_MS: Final = 1_000


def _rename(old: str, new: str) -> Change:
    def change(parameters: Parameters) -> Parameters:
        return {new if name == old else name: value for name, value in parameters.items()}

    return change


def _replace(name: str, texts: Mapping[str, str]) -> Change:
    def change(parameters: Parameters) -> Parameters:
        if name not in parameters:
            return parameters
        return {**parameters, name: texts.get(parameters[name], parameters[name])}

    return change


def _drop(*names: str) -> Change:
    def change(parameters: Parameters) -> Parameters:
        return {name: value for name, value in parameters.items() if name not in names}

    return change


def _shorten_session_start(parameters: Parameters) -> Parameters:
    text = parameters.get("SessionStart", "")
    return {**parameters, "SessionStart": text[:-1]} if "." in text else parameters


def _add_ids_of_first_leg(parameters: Parameters) -> Parameters:
    request = parameters.get("RequestUUID", "")
    return {**parameters, "ALegRequestUUID": request, "ALegUUID": request}


def _lower_sip_headers(parameters: Parameters) -> Parameters:
    return {
        name.lower() if name.startswith("X-PH-") else name: value
        for name, value in parameters.items()
    }


def _number_media_from_one(parameters: Parameters) -> Parameters:
    return {
        f"Media{int(found[1]) + 1}" if (found := _MEDIA.fullmatch(name)) else name: value
        for name, value in parameters.items()
    }


# The guide has no word for a degraded stream.
_STREAM_WORDS: Final = {
    "StartStream": "started",
    "StopStream": "stopped",
    "DroppedStream": "failed",
}

OLD_FIELDS: Final[tuple[tuple[str, Change], ...]] = (
    # The page on the Call API shows five digits after the dot.
    ("voice.", _shorten_session_start),
    # A third-party report of names in lower case.
    ("voice.", _lower_sip_headers),
    # The page on calls spells STIR in two ways; captures before 2024 have neither it nor rates.
    ("voice.call.", _rename("STIRVerification", "stir_verification")),
    ("voice.call.", _drop("STIRAttestation", "STIRVerification")),
    ("voice.call.", _drop("BillRate", "CountryCode", "RouteType")),
    # The page on calls lists them for ring; captures do not have them.
    ("voice.call.ring", _add_ids_of_first_leg),
    # The page on applications lists the parameters of hangup without it.
    ("voice.call.hangup", _drop("Event")),
    # The page on hangup causes prints the first, captures the second.
    ("voice.call.hangup", _replace("HangupSource", {"Callee": "Call recipient"})),
    # Of an inbound call: both are seen.
    ("voice.call.answer", _replace("CallStatus", {"ringing": "in-progress"})),
    # The page on machine detection has both spellings.
    ("voice.call.machine_detection", _rename("Machine", "machine")),
    # Seen in lower case on a platform with the same wire format.
    ("voice.dial.", _replace("DialDigitsPressedBy", {"ALeg": "aleg", "BLeg": "bleg"})),
    # The guide of 2026 and the older pages name the events differently.
    ("voice.stream.status", _replace("Event", _STREAM_WORDS)),
    # Two pages count media from 0, or from 1.
    ("messaging.message.inbound", _number_media_from_one),
    ("messaging.message.status", _drop("MCC", "MNC", "PartInfo", "Sequence")),
)
"""Beginning of a type, and a change of its parameters: rule 1."""


def list_old_changes(kind: str) -> list[Change]:
    """Return the changes that fit a type."""
    return [change for beginning, change in OLD_FIELDS if kind.startswith(beginning)]


def make_old(kind: str, parameters: Parameters, random: Random) -> Parameters:
    """Return parameters as another generation writes them; each change has an even chance."""
    for change in list_old_changes(kind):
        if random.random() < 0.5:  # noqa: PLR2004 (an even chance)
            parameters = change(parameters)
    return parameters


def add_undocumented(parameters: Parameters, random: Random) -> Parameters:
    """Return parameters with some that no page names: of captures, and invented ones."""
    added = {
        "ComplianceStatus": "accepted",
        "DialBLegPosition": str(random.randrange(10)),
        f"EmulatedField{random.randrange(100)}": f"{random.getrandbits(32):08x}",
        "SIPSourceIP": f"203.0.113.{random.randrange(256)}",
    }
    return dict(sorted({**added, **parameters}.items()))


def skew_times(parameters: Parameters, skew_s: float) -> Parameters:
    """Return parameters whose times are all wrong by ``skew_s``: rule 2."""
    skew = timedelta(seconds=round(skew_s))
    return {name: _skew(name, value, skew) for name, value in parameters.items()}


def _skew(name: str, value: str, skew: timedelta) -> str:
    # ``RecordingStartMs``, and ``recording_start_ms`` of a recording by the API.
    if name.lower().endswith("ms") and _EPOCH_MS.fullmatch(value):
        whole, dot, rest = value.partition(".")
        return f"{int(whole) + int(skew.total_seconds()) * _MS}{dot}{rest}"
    found = _LOCAL_TIME.fullmatch(value)
    if found is None:
        return value
    day, between, clock, rest = found.groups()
    try:
        skewed = datetime.fromisoformat(f"{day} {clock}") + skew
    except (ValueError, OverflowError):
        return value
    return f"{skewed:%Y-%m-%d}{between}{skewed:%H:%M:%S}{rest}"
