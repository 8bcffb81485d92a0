"""The callbacks of the load: signed ones of many concurrent calls, and forged ones among them.

1. Every callback carries a unique marker in a custom SIP header, which Plivo passes on. The marker is
   in the event and in the journal, so a record shows its callback without the id.
2. Calls are long enough to be open before, during and after a fault: the order is checked by their
   keys. Most callbacks of a call are sent one after the other, some concurrently.
3. A forged callback belongs to a call that exists, so only its signature is wrong.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from bridge.core.dead_letter import compute_covered_id
from bridge.core.event import compute_callback_id
from bridge.core.journal import DEAD_LETTER_TOPIC
from bridge.core.parameters import FORM, decode_parameters
from bridge.core.request import NONCE_V3
from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.sign import sign_headers
from bridge.normalise.time import load_zone
from tests.support.emulated_call import EmulatedCall, EmulatedCallback, answered_call

PUBLIC_URL: Final = "https://callbacks.example.com"
MARKER: Final = re.compile(rb"marker-[0-9a-f]{16}")

_HEADER: Final = "X-PH-Marker"
_NOTE: Final = "X-PH-Note"
_REPEATING: Final = ("voice.dial.digits", "voice.getdigits.action")
LONG_BYTES: Final = 3_000
_OPEN_CALLS: Final = 6
_DIGITS_MAX: Final = 12
_PLACED_AT: Final = datetime(2026, 3, 7, 14, 13, 28, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Callback:
    """One callback as it is sent, and what must become of it if it is answered 2xx.

    ``topic`` lacks its prefix. ``genuine`` is False of what no topic may hold. ``long`` ones are far
    bigger than the others.
    """

    marker: str
    identity: str
    topic: str
    key: str
    method: str
    target: str
    body: str
    headers: tuple[tuple[str, str], ...]
    genuine: bool = True
    long: bool = False


def traffic(chance: Random) -> Iterator[list[Callback]]:
    """Yield callbacks for ever; those of one list are to be sent at the same time (rule 2)."""
    calls = [_call(chance) for _ in range(_OPEN_CALLS)]
    while True:
        index = chance.randrange(_OPEN_CALLS)
        steps = next(calls[index], None)
        if steps is None:
            calls[index] = _call(chance)
            continue
        kind = chance.random()
        if kind < 0.04:
            yield [forged(steps[0], chance)]
        elif kind < 0.06:
            yield [without_event(steps[0], chance)]
        yield [genuine(step, chance) for step in steps]


def _call(chance: Random) -> Iterator[list[EmulatedCallback]]:
    """Yield the steps of one call in their order, each list's at the same time."""
    uuid = UUID(int=chance.getrandbits(128), version=4)
    placed_at = _PLACED_AT - timedelta(seconds=chance.randrange(86_400))
    ring, answer, hangup = answered_call(
        EmulatedCall(uuid, AUTH_ID, load_zone(TIMEZONE), placed_at)
    )
    yield [ring]
    yield [answer]
    for _ in range(chance.randint(2, _DIGITS_MAX)):
        yield [_digits(answer, chance) for _ in range(chance.choices([1, 2], [9, 1])[0])]
    yield [hangup]


def _digits(answer: EmulatedCallback, chance: Random) -> EmulatedCallback:
    """Return a pressed digit: a type that can legitimately have the same parameters twice."""
    kept = ("CallUUID", "Direction", "From", "ParentAuthID", "To")
    shared = {key: answer.parameters[key] for key in kept} | {"CallStatus": "in-progress"}
    digit = str(chance.randrange(10))
    if chance.random() < 0.5:
        return EmulatedCallback("/plivo/voice/getdigits/action", {**shared, "Digits": digit})
    dialled = {
        "DialAction": "digits",
        "DialDigitsMatch": digit,
        "DialDigitsPressedBy": "BLeg",
        "Event": "DialDigitsMatch",
    }
    # Now and then one is far bigger than the others.
    note = {_NOTE: "n" * LONG_BYTES} if chance.random() < 0.1 else {}
    return EmulatedCallback("/plivo/voice/dial/digits", {**shared, **dialled, **note})


def genuine(step: EmulatedCallback, chance: Random) -> Callback:
    """Return a callback as Plivo sends it."""
    sound = _signed(step, chance, topic=topic_of(step), key=step.parameters["CallUUID"])
    return replace(sound, long=_NOTE in step.parameters)


def without_event(step: EmulatedCallback, chance: Random) -> Callback:
    """Return a callback with a valid signature that yields no event: it has no identity."""
    legs = {"CallUUID", "ALegUUID"}
    parameters = {name: value for name, value in step.parameters.items() if name not in legs}
    return _signed(EmulatedCallback(step.path, parameters), chance, topic=DEAD_LETTER_TOPIC, key="")


def forged(step: EmulatedCallback, chance: Random) -> Callback:
    """Return a callback with an invalid signature: rule 3."""
    sound = genuine(step, chance)
    headers = dict(sound.headers)
    fault = chance.choice(["wrong token", "tampered", "unsigned"])
    if fault == "wrong token":
        headers |= sign_headers(sound.method, PUBLIC_URL + sound.target, sound.body, "no-token")
    if fault == "unsigned":
        headers = {name: value for name, value in headers.items() if "signature" not in name}
    added = "&Added=1" if fault == "tampered" else ""
    target = sound.target + (added if sound.method == "GET" else "")
    body = sound.body + (added if sound.method == "POST" else "")
    return replace(sound, target=target, body=body, headers=tuple(headers.items()), genuine=False)


def topic_of(step: EmulatedCallback) -> str:
    """Return the event topic of a step, without its prefix."""
    return f"plivo.{_name(step)}.v1"


def _name(step: EmulatedCallback) -> str:
    return step.path.removeprefix("/plivo/").replace("/", ".")


def _signed(step: EmulatedCallback, chance: Random, *, topic: str, key: str) -> Callback:
    marker = f"marker-{chance.getrandbits(64):016x}"
    form = urlencode({**step.parameters, _HEADER: marker})
    method = "GET" if chance.random() < 0.2 else "POST"
    target, body = (f"{step.path}?{form}", "") if method == "GET" else (step.path, form)
    headers = sign_headers(method, PUBLIC_URL + target, body, AUTH_TOKEN)
    if body:
        headers["content-type"] = FORM
    parameters = decode_parameters(form if method == "GET" else "", body.encode(), FORM, None)
    if topic == DEAD_LETTER_TOPIC:
        identity = compute_covered_id(AUTH_ID, step.path, parameters)
    else:
        nonce = headers[NONCE_V3] if _name(step) in _REPEATING else ""
        identity = compute_callback_id(AUTH_ID, f"com.plivo.{_name(step)}.v1", parameters, nonce)
    return Callback(
        marker=marker,
        identity=identity,
        topic=topic,
        key=key or identity,
        method=method,
        target=target,
        body=body,
        headers=tuple(headers.items()),
    )
