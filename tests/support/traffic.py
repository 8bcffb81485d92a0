"""Two thousand callbacks of every kind, the same at every run, and what must become of each."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from urllib.parse import urlencode
from uuid import UUID

import httpx
import orjson

from bridge.core.dead_letter import compute_covered_id
from bridge.core.event import compute_callback_id
from bridge.core.journal import DEAD_LETTER_TOPIC
from bridge.core.outcome import Outcome
from bridge.core.parameters import FORM, decode_parameters
from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.sign import sign_headers
from bridge.normalise.time import load_zone
from tests.support.emulated_call import EmulatedCall, EmulatedCallback, Parameters, answered_call

CALLBACKS: Final = 2_000
SEED: Final = 20_260_307
JSON: Final = "application/json"
PLACED_AT: Final = datetime(2026, 3, 7, 14, 13, 28, tzinfo=UTC)
Signing = Literal["right", "wrong token", "tampered", "none"]


@dataclass(frozen=True, slots=True)
class Sending:
    """One HTTP request to the bridge, and what must become of it."""

    method: str
    path: str
    query: str
    body: str
    content_type: str
    outcome: Outcome
    status: int
    signing: Signing = "right"
    topic: str | None = None
    identity: str | None = None

    async def send(self, client: httpx.AsyncClient, base: str) -> int:
        url = f"{base}{self.path}?{self.query}" if self.query else base + self.path
        token = "not-the-token" if self.signing == "wrong token" else AUTH_TOKEN
        # What Plivo signs are the parameters, whatever they travel as.
        signed = urlencode(decode_parameters("", self.body.encode(), self.content_type, None).body)
        if self.signing == "tampered":
            signed += "&Added=1"
        headers = sign_headers(self.method, url, signed, token)
        if self.signing == "none":
            headers = {}
        if self.body:
            headers["content-type"] = self.content_type
        answer = await client.request(self.method, url, content=self.body, headers=headers)
        return answer.status_code


def calls(chance: random.Random) -> Iterator[EmulatedCallback]:
    """Yield the callbacks of one call after another, for ever."""
    zone = load_zone(TIMEZONE)
    while True:
        uuid = UUID(int=chance.getrandbits(128), version=4)
        placed_at = PLACED_AT - timedelta(seconds=chance.randrange(86_400))
        yield from answered_call(EmulatedCall(uuid, AUTH_ID, zone, placed_at))


def taken(step: EmulatedCallback, method: str, content_type: str) -> Sending:
    """Return a callback the bridge can make an event of."""
    name = step.path.removeprefix("/plivo/").replace("/", ".")
    text = orjson.dumps(step.parameters).decode() if content_type == JSON else step.form
    query, body = (text, "") if method == "GET" else ("", text)
    parameters = decode_parameters(query, body.encode(), content_type, None)
    return Sending(
        method=method,
        path=step.path,
        query=query,
        body=body,
        content_type=content_type,
        outcome=Outcome.PUBLISHED,
        status=200,
        topic=f"plivo.{name}.v1",
        identity=compute_callback_id(AUTH_ID, f"com.plivo.{name}.v1", parameters),
    )


def without_event(step: EmulatedCallback, body: str, content_type: str) -> Sending:
    """Return a callback with a good signature that no event can be made of."""
    parameters = decode_parameters("", body.encode(), content_type, None)
    return Sending(
        method="POST",
        path=step.path,
        query="",
        body=body,
        content_type=content_type,
        outcome=Outcome.DEAD_LETTERED,
        status=200,
        topic=DEAD_LETTER_TOPIC,
        identity=compute_covered_id(AUTH_ID, step.path, parameters),
    )


def stopped(
    step: EmulatedCallback, outcome: Outcome, status: int, signing: Signing, body: str
) -> Sending:
    """Return a callback that must be on no topic."""
    return Sending("POST", step.path, "", body, FORM, outcome, status, signing)


def anonymous(step: EmulatedCallback, marker: int) -> Parameters:
    legs = {"CallUUID", "ALegUUID"}
    named = {key: value for key, value in step.parameters.items() if key not in legs}
    return {**named, "Marker": str(marker)}


def good(step: EmulatedCallback, chance: random.Random) -> Sending:
    """Return a callback as Plivo sends it, most often in a form."""
    return chance.choices(
        [taken(step, "POST", FORM), taken(step, "GET", FORM), taken(step, "POST", JSON)],
        weights=[50, 30, 20],
    )[0]


def malformed(step: EmulatedCallback, chance: random.Random, marker: int) -> Sending:
    """Return a callback with a good signature and nothing to make an event of."""
    return chance.choice(
        [
            without_event(step, urlencode(anonymous(step, marker)), FORM),
            # Half an object. Without a "=" in it V3 would not be taken to cover it.
            without_event(step, f'{{"CallUUID": "=", "Marker": {marker}, ', JSON),
            without_event(step, step.form, "text/plain"),
        ]
    )


def forged(step: EmulatedCallback, chance: random.Random) -> Sending:
    """Return a callback whose signature does not hold."""
    signings: list[Signing] = ["wrong token", "tampered", "none"]
    return stopped(step, Outcome.REJECTED, 403, chance.choice(signings), step.form)


def sending(step: EmulatedCallback, chance: random.Random, marker: int) -> Sending:
    kind = chance.random()
    if kind < 0.8:
        return good(step, chance)
    return malformed(step, chance, marker) if kind < 0.9 else forged(step, chance)


def story() -> list[Sending]:
    """Return the callbacks to send, the same at every run."""
    chance = random.Random(SEED)
    steps = calls(chance)
    over = [
        stopped(next(steps), Outcome.REFUSED, 413, "right", "Body=" + "x" * 262_144),
        stopped(next(steps), Outcome.REFUSED, 400, "right", "&".join(["P=1"] * 600)),
    ]
    first = [sending(next(steps), chance, marker) for marker in range(CALLBACKS - len(over) - 100)]
    # Plivo sends again what it had no answer to, and cannot know that it was taken.
    again = chance.sample([one for one in first if one.status == 200], 100)
    whole = [*first, *again, *over]
    chance.shuffle(whole)
    return whole
