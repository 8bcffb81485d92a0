"""A menu, a colleague, and voicemail: a Plivo application, built on Plivo's SDK and Starlette.

1. Every request is checked with the SDK's validator of V3 signatures, and refused with 403.
2. A signature covers the URL that Plivo called, so an application that is behind something else has to
   know its public address.
3. The paths are those of the callback bridge, so that the bridge can stand in front: then the
   application gets a copy of every callback, and its answers go nowhere.
4. It keeps nothing between requests: what it says of a call is in the callback.
"""

import argparse
import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import plivo
import requests
import uvicorn
from plivo import plivoxml
from plivo.utils import validate_v3_signature
from requests.adapters import HTTPAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PLIVO = "https://api.plivo.com"
EMULATOR = "http://127.0.0.1:8811"
# The account of `callback-bridge emulate`.
AUTH_ID, AUTH_TOKEN = "MAEMULATEDACCOUNT001", "emulated-token-not-a-secret"
NUMBER = "14155550100"
COLLEAGUE = "14155550177"

ANSWER = "/plivo/voice/call/answer"
RING = "/plivo/voice/call/ring"
HANGUP = "/plivo/voice/call/hangup"
CHOICE = "/plivo/voice/getdigits/action"
DIALLED = "/plivo/voice/dial/action"
RECORDED = "/plivo/voice/record/action"
VOICEMAIL = "/plivo/voice/record/completed"
OTHERS = "/plivo"


@dataclass(frozen=True)
class Site:
    """What the application knows of itself: its public address, and its account's token."""

    public_url: str
    auth_token: str


@dataclass(frozen=True)
class Callback:
    """A request of Plivo's whose signature holds."""

    site: Site
    fields: dict[str, list[str]]

    def __getitem__(self, name: str) -> str:
        """Return a field's first value, empty if it is absent."""
        return self.fields.get(name, [""])[0]

    def say(self, text: str) -> None:
        """Print what happened on the call."""
        print(f"{self['CallUUID'][:8]} {text}", flush=True)

    def url(self, path: str) -> str:
        """Return a URL of the application, with Plivo's settings for retries."""
        return f"{self.site.public_url}{path}#rp=all&rc=2"


# What the application does


def answer(callback: Callback) -> plivoxml.ResponseElement:
    """Offer the menu."""
    callback.say(f"answered, from {callback['From']} to {callback['To']}")
    return offer_menu(callback, "Hello.")


def choose(callback: Callback) -> plivoxml.ResponseElement:
    """Do what the person has chosen."""
    callback.say(f"pressed {callback['Digits']}")
    match callback["Digits"]:
        case "1":
            dial = plivoxml.DialElement(action=callback.url(DIALLED), timeout=20)
            return plivoxml.ResponseElement().add(dial.add(plivoxml.NumberElement(COLLEAGUE)))
        case "2":
            return record_voicemail(callback, "Please speak after the tone.")
        case _:
            return offer_menu(callback, "Sorry?")


def finish_dial(callback: Callback) -> plivoxml.ResponseElement:
    """End the call, or take a message if nobody was there."""
    callback.say(f"the colleague's leg: {callback['DialStatus']}")
    if callback["DialStatus"] == "completed":
        return say_goodbye("Thank you. Goodbye.")
    return record_voicemail(callback, "Nobody is there. Please speak after the tone.")


def finish_recording(_callback: Callback) -> plivoxml.ResponseElement:
    """Say goodbye after the message. Plivo does not ask if the person has hung up."""
    return say_goodbye("We will call you back. Goodbye.")


def keep_voicemail(callback: Callback) -> None:
    """Print where the message is."""
    callback.say(f"voicemail of {callback['RecordingDuration']} s: {callback['RecordUrl']}")


def summarise(callback: Callback) -> None:
    """Print how the call was."""
    cause = f"{callback['HangupCauseName']} ({callback['HangupSource']})"
    callback.say(f"ended after {callback['Duration']} s: {cause}, costs {callback['TotalCost']}")


def note_ring(callback: Callback) -> None:
    """Print that it rings."""
    callback.say(f"rings at {callback['To']}")


def note_event(callback: Callback) -> None:
    """Print another event, for example of the colleague's leg."""
    callback.say(f"event {callback['Event']}")


def offer_menu(callback: Callback, greeting: str) -> plivoxml.ResponseElement:
    """Return the menu. Who presses nothing, hears it twice, and then the rest of the document."""
    menu = plivoxml.GetDigitsElement(
        action=callback.url(CHOICE), num_digits=1, timeout=5, retries=2
    )
    prompt = f"{greeting} Press 1 to talk to a colleague, or 2 to leave a message."
    menu.add(plivoxml.SpeakElement(prompt))
    goodbye = plivoxml.SpeakElement("Goodbye.")
    return plivoxml.ResponseElement().add(menu).add(goodbye)


def record_voicemail(callback: Callback, prompt: str) -> plivoxml.ResponseElement:
    """Return a document that records a message."""
    record = plivoxml.RecordElement(
        action=callback.url(RECORDED),
        callback_url=callback.url(VOICEMAIL),
        max_length=60,
        finish_on_key="#",
    )
    return plivoxml.ResponseElement().add(plivoxml.SpeakElement(prompt)).add(record)


def say_goodbye(text: str) -> plivoxml.ResponseElement:
    """Return a document that ends the call."""
    return plivoxml.ResponseElement().add(plivoxml.SpeakElement(text)).add(plivoxml.HangupElement())


# How requests come in

Act = Callable[[Callback], plivoxml.ResponseElement | None]

ROUTES: dict[str, Act] = {
    ANSWER: answer,
    CHOICE: choose,
    DIALLED: finish_dial,
    RECORDED: finish_recording,
    VOICEMAIL: keep_voicemail,
    RING: note_ring,
    HANGUP: summarise,
    OTHERS: note_event,
}


def make_app(site: Site) -> Starlette:
    """Return the application."""
    return Starlette(
        routes=[
            Route(path, partial(receive, site, act), methods=["POST"])
            for path, act in ROUTES.items()
        ]
    )


async def receive(site: Site, act: Act, request: Request) -> Response:
    """Check a request, and answer it."""
    fields = parse_qs((await request.body()).decode(), keep_blank_values=True)
    query = f"?{request.url.query}" if request.url.query else ""
    is_signed = validate_v3_signature(
        request.method,
        site.public_url + request.url.path + query,
        request.headers.get("x-plivo-signature-v3-nonce", ""),
        site.auth_token,
        request.headers.get("x-plivo-signature-v3", ""),
        fields,
    )
    if not is_signed:
        return Response("the signature does not hold\n", 403)
    document = act(Callback(site, fields))
    return Response(document.to_string() if document else "", media_type="application/xml")


# How a call is placed


class Elsewhere(HTTPAdapter):
    """Sends what is for Plivo to another address: the SDK has Plivo's in its code."""

    def __init__(self, url: str) -> None:
        """Take the address."""
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:  # noqa: ANN401 (as in requests)
        """Send one request."""
        request.url = self._url + (request.url or "").removeprefix(PLIVO)
        return super().send(request, *args, **more)


def place_call(asked: argparse.Namespace, site: Site) -> None:
    """Place a call."""
    client = plivo.RestClient(asked.auth_id, site.auth_token)
    if asked.plivo != PLIVO:
        client.session.mount(PLIVO, Elsewhere(asked.plivo))
    made = client.calls.create(
        from_=asked.number,
        to_=asked.call,
        answer_url=f"{site.public_url}{ANSWER}#rp=all&rc=2",
        ring_url=site.public_url + RING,
        hangup_url=f"{site.public_url}{HANGUP}#rp=all&rc=2",
    )
    print(f"{made.request_uuid[:8]} {made.message}", flush=True)


async def run(asked: argparse.Namespace) -> None:
    """Serve until Ctrl-C; place a call if one was asked for."""
    public_url = (asked.public_url or f"http://127.0.0.1:{asked.port}").rstrip("/")
    site = Site(public_url, os.environ.get("PLIVO_AUTH_TOKEN", AUTH_TOKEN))  # noqa: TID251 (a program's start)
    config = uvicorn.Config(make_app(site), port=asked.port, log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 (nothing tells when)
        await asyncio.sleep(0.05)
    if server.started:
        print(f"listening on http://127.0.0.1:{asked.port}, called as {public_url}", flush=True)
        if asked.call:
            await asyncio.to_thread(place_call, asked, site)
    await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--call", metavar="NUMBER", help="place a call to this number")
    parser.add_argument("--from", metavar="NUMBER", dest="number", default=NUMBER)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--public-url", metavar="URL", help="what Plivo calls; default: this port")
    parser.add_argument("--plivo", metavar="URL", default=EMULATOR, help=f"or {PLIVO}")
    parser.add_argument("--auth-id", default=AUTH_ID, help="token: PLIVO_AUTH_TOKEN")
    asyncio.run(run(parser.parse_args()))
