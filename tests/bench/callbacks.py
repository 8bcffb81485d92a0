"""The requests a benchmark sends: hangup callbacks of distinct calls, signed beforehand."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.parameters import parse_form
from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.sign import sign_headers
from bridge.normalise.time import load_zone
from tests.support.emulated_call import EmulatedCall, answered_call

# What is signed. It is the same for every server, so that all get the very same bytes.
PUBLIC_URL: Final = "https://hooks.example.com"
HANGUP_PATH: Final = "/plivo/voice/call/hangup"

# Stands where a signature will; as long as one is.
_SIGNATURE: Final = b"{" * 44
_PLACED_AT: Final = datetime(2026, 3, 7, 14, 13, 30, tzinfo=UTC)


def hangups(calls: int, *, token: str = AUTH_TOKEN) -> list[bytes]:
    """Return one whole HTTP request a call. The same ones each time, but for their nonces."""
    return [to_request(HANGUP_PATH, form, token=token) for form in hangup_forms(calls)]


def hangup_forms(calls: int) -> list[str]:
    """Return the form of a hangup for each of so many calls."""
    random = Random(1)
    return [_form(random, number) for number in range(calls)]


def _form(random: Random, number: int) -> str:
    call = EmulatedCall(
        call_uuid=UUID(int=random.getrandbits(128), version=4),
        auth_id=AUTH_ID,
        zone=load_zone(TIMEZONE),
        placed_at=_PLACED_AT + timedelta(seconds=number),
        callee=f"1415555{random.randrange(10_000):04}",
        talk_duration_s=random.randrange(1, 600),
    )
    *_, hangup = answered_call(call)
    return hangup.form


def to_request(path: str, form: str, *, token: str = AUTH_TOKEN) -> bytes:
    """Return a signed callback as Plivo sends it, with all its headers."""
    return request_bytes(path, form.encode(), sign_headers("POST", PUBLIC_URL + path, form, token))


def request_bytes(path: str, body: bytes, signatures: Mapping[str, str]) -> bytes:
    """Return a callback as it goes over the wire."""
    headers = {
        "Host": "hooks.example.com",
        "User-Agent": "python-requests/2.31.0",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        **signatures,
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {of}" for name, of in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def accounts(count: int, *, ours: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Return the setting of ``count`` accounts, ``ours`` the last of them."""
    others: list[dict[str, object]] = [
        {
            "auth_id": f"MABENCH{number:013}",
            "auth_tokens": [f"a-token-of-a-benchmark-{number:017}"],
            "timezone": TIMEZONE,
        }
        for number in range(count - len(ours))
    ]
    return [*others, *ours]


def distinct_hangups() -> Iterator[bytes]:
    """Return hangups without end, each of a new call. They are signed on the way, by V3 alone."""
    random, nonce = Random(2), "05429567804466091622"
    url, key = PUBLIC_URL + HANGUP_PATH, AUTH_TOKEN.encode()
    made = []
    for form in hangup_forms(64):
        pairs, _ = parse_form(form)
        uuid = dict(pairs)["CallUUID"].encode()
        message = signature.build_v3_message("POST", url, (), pairs, nonce)
        request = request_bytes(
            HANGUP_PATH,
            form.encode(),
            {wire.NONCE_V3: nonce, wire.SIGNATURE_V3: _SIGNATURE.decode()},
        )
        made.append((uuid, message, request))
    for uuid, message, request in itertools.cycle(made):
        fresh = str(UUID(int=random.getrandbits(128), version=4)).encode()
        signed = signature.sign(key, message.replace(uuid, fresh)).encode()
        yield request.replace(uuid, fresh).replace(_SIGNATURE, signed)
