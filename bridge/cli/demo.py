"""``callback-bridge demo``: two calls, from Plivo's side to a Kafka consumer."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import httpx
import orjson
import typer
import uvloop
from rich.console import Console

from bridge.app.parts import make_connection
from bridge.cli import output
from bridge.cli.embedded import embedded_bridge
from bridge.cli.timeline import Timeline
from bridge.core import catalogue
from bridge.core.journal import JOURNAL_TOPIC
from bridge.core.parameters import parse_form
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.call import EmulatedCall, answered_call
from bridge.emulator.deliver import CallbackSender
from bridge.normalise.time import load_zone
from bridge.reader.topic_reader import read_topics
from bridge.settings.load import Settings
from bridge.telemetry import logs

app = typer.Typer(add_completion=False)

CallbackName = tuple[str, str]

EXPECTED: Final = 6
_READ_S = 20.0
_PAUSE_S = 0.3
# An emulated call rings for 4 s and lasts 65 s. Dated later, its hangup would arrive before its end.
_AGE_S: Final = 72


@app.command()
def demo() -> None:
    """Place two emulated calls and watch their callbacks become events, then exit.

    It starts an embedded broker that speaks Kafka's protocol, and the bridge, both on free loopback
    ports. It sends the signed callbacks of one call by POST and of one by GET, as Plivo does, and reads
    events and journal records back with a plain Kafka consumer.

    Each line starts with the time, UTC, when the bridge received the callback. Exit code 1 if anything
    is missing.
    """
    logs.configure("console", "error")
    if not uvloop.run(_run_demo(output.make_console(soft_wrap=True))):
        raise typer.Exit(1)


async def _run_demo(console: Console) -> bool:
    async with embedded_bridge(None, 0, ACCOUNTS) as embedded:
        servers = embedded.settings.kafka.bootstrap_servers
        console.print(f"bridge on {embedded.url}, kafka on {servers}")
        console.print(f"account {AUTH_ID} in {TIMEZONE}")
        console.print(f"calls dated {_AGE_S} s back, so that they have ended\n")
        reading = asyncio.create_task(_read_back(console, embedded.settings))
        acknowledged = await _place_calls(console, embedded.url)
        events, journalled = await reading
    lost = len(acknowledged - events) + len(acknowledged - journalled)
    console.print(
        f"\ndemo: {len(acknowledged)} callbacks, {len(events)} events, "
        f"{len(journalled)} journal records, {lost} lost"
    )
    return lost == 0 and len(acknowledged) == EXPECTED


async def _place_calls(console: Console, url: str) -> set[CallbackName]:
    """Send the callbacks of two calls. Return the ones that got a 2xx."""
    acknowledged: set[CallbackName] = set()
    async with httpx.AsyncClient() as client:
        sender = CallbackSender(client, url, AUTH_TOKEN)
        for send in (sender.post, sender.get):
            placed_at = datetime.now(UTC) - timedelta(seconds=_AGE_S)  # noqa: TID251 (a command reads the clock)
            call = EmulatedCall(uuid4(), AUTH_ID, load_zone(TIMEZONE), placed_at)
            for step in answered_call(call):
                response = await send(step)
                if response.is_success:
                    acknowledged.add((step.parameters["CallUUID"], step.parameters["Event"]))
                else:
                    console.print(f"{step.path} answered {response.status_code}", style="red")
                await asyncio.sleep(_PAUSE_S)
    return acknowledged


async def _read_back(
    console: Console, settings: Settings
) -> tuple[set[CallbackName], set[CallbackName]]:
    """Print records until every callback has its event and its journal record, or time runs out."""
    topics = [settings.topic_prefix + kind.topic for kind in catalogue.load_catalogue().all_types]
    topics.append(settings.topic_prefix + JOURNAL_TOPIC)
    events: set[CallbackName] = set()
    journalled: set[CallbackName] = set()
    timeline = Timeline(console)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_READ_S):
            stream = read_topics(
                make_connection(settings), topics, since=None, from_start=True, follow=True
            )
            async for stored in stream:
                timeline.show(stored)
                name = _callback_name(orjson.loads(stored.value))
                (journalled if stored.topic == topics[-1] else events).add(name)
                if len(events) == len(journalled) == EXPECTED:
                    break
    return events, journalled


def _callback_name(value: dict[str, Any]) -> CallbackName:
    """Return the callback that an event or a journal record belongs to."""
    data = value.get("data")
    if data is not None:
        return data["call_uuid"], data["event"]
    pairs, _ = parse_form(value.get("body") or value["query"])
    parameters = dict(pairs)
    return parameters["CallUUID"], parameters["Event"]
