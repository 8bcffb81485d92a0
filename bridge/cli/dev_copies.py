"""What ``dev`` does with each callback besides showing its event: keep it, and forward it.

1. Both read the journal, so a callback is durable before; neither delays the answer to Plivo.
2. A kept callback is its journal record, as one JSON file: ``0001-voice.call.ring.json``. Numbers go on
   after those that the folder has.
3. A callback is forwarded once, as it came: method, path, query, headers with the signature, body.
   Only ``host`` is that of the application. An application that does not answer gets the next one all
   the same.
"""

import re
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from rich.console import Console
from rich.text import Text

from bridge.app.parts import make_connection
from bridge.core.journal import JOURNAL_TOPIC
from bridge.reader.journal import NotAJournalRecord, is_callback
from bridge.reader.topic_reader import StoredRecord, read_topics
from bridge.replay.targets.http import create_client, parse_request
from bridge.settings.load import Settings
from bridge.telemetry.masking import mask_url

_KEPT: Final = re.compile(r"(\d{4,})-.*\.json")


class KeptCallbacks:
    """A folder of callbacks, which is there: rule 2."""

    def __init__(self, folder: Path, console: Console) -> None:
        self._folder = folder
        self._console = console
        found = [_KEPT.fullmatch(one.name) for one in folder.iterdir()]
        self._last = max((int(one[1]) for one in found if one), default=0)

    def keep(self, record: StoredRecord) -> None:
        """Write one callback to a file of its own."""
        self._last += 1
        path = self._folder / f"{self._last:04}-{_type_of(record)}.json"
        try:
            path.write_bytes(record.value + b"\n")
        except OSError as error:
            self._console.print(Text(f"{path.name} is not kept: {error.strerror}", style="red"))


class ForwardedCallbacks:
    """An application that gets every callback: rule 3."""

    def __init__(self, client: httpx.AsyncClient, url: str, console: Console) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._path = httpx.URL(self._url).raw_path.rstrip(b"/")
        self._console = console

    async def forward(self, record: StoredRecord) -> None:
        """Send one callback, and print the answer."""
        try:
            request = parse_request(record.value)
            answer = await self._client.request(
                request.method,
                self._url,
                headers=list(request.headers),
                content=request.body,
                # As bytes, because httpx would normalise the escapes that the signature covers.
                extensions={"target": self._path + request.target},
            )
        except NotAJournalRecord:
            return
        except httpx.HTTPError as error:
            self._say(record, f"no answer ({error or type(error).__name__})", "red")
        else:
            style = "green" if answer.is_success else "red"
            self._say(record, f"{answer.status_code} {answer.reason_phrase}", style)

    def _say(self, record: StoredRecord, outcome: str, style: str) -> None:
        line = Text(f"{_type_of(record)} forwarded to {mask_url(self._url)}: ")
        self._console.print(line.append(outcome, style=style))


class Copies(NamedTuple):
    """Where callbacks are copied to: a folder, and the URL of an application."""

    folder: Path | None
    url: str | None


async def copy_callbacks(settings: Settings, copies: Copies, console: Console) -> None:
    """Keep and forward each callback, until it is cancelled."""
    kept = KeptCallbacks(copies.folder, console) if copies.folder else None
    async with create_client() as client:
        forwarded = ForwardedCallbacks(client, copies.url, console) if copies.url else None
        topics = [settings.topic_prefix + JOURNAL_TOPIC]
        stream = read_topics(
            make_connection(settings), topics, since=None, from_start=True, follow=True
        )
        async for record in stream:
            if not is_callback(record):
                continue
            if kept is not None:
                kept.keep(record)
            if forwarded is not None:
                await forwarded.forward(record)


def _type_of(record: StoredRecord) -> str:
    """Return the callback's type; ``no-event`` for a dead letter."""
    return record.headers.get("callback_type", b"").decode("ascii", "replace") or "no-event"
