"""The requests a benchmark sends: hangup callbacks of distinct calls, signed beforehand."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.call import EmulatedCall, answered_call
from bridge.emulator.sign import sign_headers
from bridge.normalise.time import load_zone

# What is signed. It is the same for every server, so that all get the very same bytes.
PUBLIC_URL = "https://hooks.example.com"

_PLACED_AT = datetime(2026, 3, 7, 14, 13, 30, tzinfo=UTC)


def hangups(calls: int) -> list[bytes]:
    """Return one whole HTTP request a call. The same ones each time, but for their nonces."""
    random = Random(1)
    return [_request(random, number) for number in range(calls)]


def _request(random: Random, number: int) -> bytes:
    call = EmulatedCall(
        call_uuid=UUID(int=random.getrandbits(128), version=4),
        auth_id=AUTH_ID,
        zone=load_zone(TIMEZONE),
        placed_at=_PLACED_AT + timedelta(seconds=number),
        callee=f"1415555{random.randrange(10_000):04}",
        talk_duration_s=random.randrange(1, 600),
    )
    *_, hangup = answered_call(call)
    body = hangup.form.encode()
    headers = {
        "Host": "hooks.example.com",
        "User-Agent": "python-requests/2.31.0",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        **sign_headers("POST", PUBLIC_URL + hangup.path, hangup.form, AUTH_TOKEN),
    }
    lines = [f"POST {hangup.path} HTTP/1.1", *(f"{name}: {of}" for name, of in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
