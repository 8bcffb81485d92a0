"""``callback-bridge dev``: a bridge for development, without Kafka and without Plivo."""

import asyncio
import shlex
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Annotated, Final
from urllib.parse import urlencode

import typer
import uvloop
from rich.console import Console
from rich.text import Text

from bridge.app.rules_file import load_replies
from bridge.cli import output
from bridge.cli.dev_copies import Copies, copy_callbacks
from bridge.cli.embedded import EmbeddedBridge, embedded_bridge
from bridge.cli.layout import INDENT, column_widths, format_row
from bridge.cli.options import SettingsFile
from bridge.cli.signals import STOP_SIGNALS
from bridge.cli.timeline import print_records
from bridge.core import catalogue
from bridge.core.catalogue import SHARED_PATH
from bridge.derived.own_records import list_event_types
from bridge.derived.samples import AUTH_ID as SAMPLE_AUTH_ID
from bridge.dev.account import ACCOUNTS, AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.samples import move_times, parse_sample, renew_ids
from bridge.emulator.sign import curl_command
from bridge.ingress import server
from bridge.normalise.time import load_zone
from bridge.replay.targets.http import is_base_url
from bridge.settings.load import Settings, load
from bridge.telemetry import logs
from bridge.telemetry.masking import mask_path, mask_url

app = typer.Typer(add_completion=False)

PORT: Final = 8080
# Not Kafka's own 9092: a broker may well run there on a developer's machine.
KAFKA_PORT: Final = 19092
_TRIGGERS: Final = ("call", "call --busy", "voice.call.hangup --now")


@app.command()
def dev(
    *,
    port: Annotated[
        int,
        typer.Option(
            help="Port for callbacks, on 127.0.0.1; 0 for any free one.", min=0, max=65_535
        ),
    ] = PORT,
    kafka_port: Annotated[
        int,
        typer.Option(help="Port for Kafka, on 127.0.0.1; 0 for any free one.", min=0, max=65_535),
    ] = KAFKA_PORT,
    forward_to: Annotated[
        str | None,
        typer.Option(help="URL of your application: it gets every callback too.", metavar="URL"),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps every callback as a file.", file_okay=False),
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Run the bridge on an embedded broker and show events as they arrive, until Ctrl-C.

    Needs neither Kafka nor a Plivo account. Without BRIDGE_ACCOUNTS it uses an emulated account, and
    prints commands that send callbacks. To let Plivo call it, set BRIDGE_ACCOUNTS to your account and
    BRIDGE_PUBLIC_URL to your tunnel.

    It prints the settings that other commands, such as `tail`, need to reach the broker from a second
    terminal.
    """
    settings = load(settings_file)
    load_replies(settings.replies_file, catalogue.load_catalogue())  # before anything starts
    # The introduction says what the start's warnings say.
    logs.configure("console", "error")
    for option, wanted in (("--port", port), ("--kafka-port", kafka_port)):
        _check_port(option, wanted)
    if forward_to is not None and not is_base_url(forward_to):
        message = f"{forward_to!r} is not a URL such as http://127.0.0.1:5000"
        raise typer.BadParameter(message, param_hint="--forward-to")
    if keep is not None:
        _make_folder(keep)
    copies = Copies(keep, forward_to)
    own_accounts = bool(settings.accounts)
    uvloop.run(_run_dev(settings_file, (port, kafka_port), copies, own_accounts=own_accounts))


def _make_folder(folder: Path) -> None:
    """Create the folder of ``--keep``, unless it is there. Raises BadParameter."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot create {folder}: {error.strerror}"
        raise typer.BadParameter(message, param_hint="--keep") from error


def _check_port(option: str, port: int) -> None:
    """Raise CannotListen, naming the option, if something else listens on the port."""
    try:
        server.listen("127.0.0.1", port).close()
    except server.CannotListen as error:
        message = f"{error}; choose another port with {option}, 0 for any free one"
        raise server.CannotListen(message) from error


async def _run_dev(
    settings_file: Path | None, ports: tuple[int, int], copies: Copies, *, own_accounts: bool
) -> None:
    console = output.make_console(stderr=True, soft_wrap=True)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    accounts = None if own_accounts else ACCOUNTS
    port, kafka_port = ports
    async with embedded_bridge(settings_file, port, accounts, kafka_port=kafka_port) as embedded:
        _print_introduction(console, embedded, settings_file, own_accounts=own_accounts)
        logs.set_level("warning")
        prefix = embedded.settings.topic_prefix
        topics = [
            prefix + kind.topic for kind in list_event_types(catalogue.load_catalogue()).values()
        ]
        # From the start: the broker is new, and the first callback may come before the reader.
        reading = print_records(embedded.settings, topics, None, follow=True, from_start=True)
        tasks = [asyncio.create_task(reading, name="tail")]
        if any(copies):
            copying = copy_callbacks(embedded.settings, copies, console)
            tasks.append(asyncio.create_task(copying, name="copies"))
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in ended:
            task.result()  # raises what ended it


def _print_introduction(
    console: Console, embedded: EmbeddedBridge, settings_file: Path | None, *, own_accounts: bool
) -> None:
    """Print the URLs, the settings for other commands, and a curl command to try."""
    settings = embedded.settings
    base = settings.public_url or embedded.url
    console.print(_heading("URLs to set at Plivo", "(the part after # makes Plivo retry)"))
    calls = [
        kind for kind in catalogue.load_catalogue().types if kind.name.startswith("voice.call.")
    ]
    paths = {kind.name: kind.path for kind in calls} | {"any type": SHARED_PATH}
    rows = [
        (Text(f"  {name}"), Text(f"{mask_url(base)}{path}#rp=all&rc=5"))
        for name, path in paths.items()
    ]
    widths = column_widths(rows)
    for row in rows:
        console.print(_unbroken_row(console, row, widths))
    console.print("  all other types: `callback-bridge callbacks list`")
    for line in _notes(settings, own_accounts=own_accounts):
        console.print(f"\n{line}", soft_wrap=False)
    console.print(_heading("\nOther commands, in a second terminal"))
    for export in shell_exports(settings, settings_file):
        console.print(f"export {export}")
    # `make dev` starts it from a folder that is not on the PATH, so print the path it was started by.
    command = "callback-bridge" if shutil.which("callback-bridge") else shlex.quote(sys.argv[0])
    console.print(f"{command} tail")
    if not own_accounts:
        console.print(_heading("\nAccount", f"{AUTH_ID} in {TIMEZONE} (emulated)"))
        console.print(_heading("\nTry, in a second terminal"))
        to = "" if base == f"http://127.0.0.1:{PORT}" else f" \\\n  --to {base}"
        for what in _TRIGGERS:
            console.print(f"{command} trigger {what}{to}")
        console.print(_heading("\nor with curl"))
        console.print(example_curl(base))
    console.print("\nEvents appear below. Ctrl-C stops everything.\n")


def _heading(title: str, text: str = "") -> Text:
    return Text.assemble((title, "bold"), f"  {text}" if text else "")


def _unbroken_row(console: Console, row: tuple[Text, Text], widths: list[int]) -> Text:
    """Lay out a name and its URL. The URL is never broken, so that it can be copied."""
    if sum(widths) + INDENT < console.width:
        return format_row(console, row, widths)
    name, url = row
    return Text("\n").join([name, Text(" " * INDENT).append_text(url)])


def _notes(settings: Settings, *, own_accounts: bool) -> Iterator[str]:
    """Yield a sentence for each setting that will surprise a developer."""
    if settings.replies_file is None:
        yield (
            "Plivo gets an empty <Response/>, which ends the call. To change that, set "
            "BRIDGE_REPLIES_FILE to a file of rules."
        )
    else:
        yield (
            f"The rules of {mask_path(settings.replies_file)} answer calls. They are reloaded when they "
            "change; an error is shown here, and the rules before it stay in use."
        )
    if settings.verification != "enforce":
        yield f"Unverified callbacks are accepted: BRIDGE_VERIFICATION is {settings.verification}."
    if own_accounts and settings.public_url is None and not settings.trusted_proxies:
        yield "Behind a tunnel every signature is wrong until BRIDGE_PUBLIC_URL is the tunnel's URL."


def shell_exports(settings: Settings, settings_file: Path | None) -> Iterator[str]:
    """Yield the variables that other commands need to use this broker, quoted for a shell."""
    if settings_file is not None:
        yield f"BRIDGE_SETTINGS_FILE={shlex.quote(str(settings_file.absolute()))}"
    yield f"BRIDGE_KAFKA_BOOTSTRAP_SERVERS={settings.kafka.bootstrap_servers}"
    # The settings file, or the second terminal, may have settings for a cluster with a login.
    yield f"BRIDGE_KAFKA_SECURITY_PROTOCOL={settings.kafka.security_protocol}"
    # The broker rejects idempotent producers, the default of `deadletters redrive` and `replay run`.
    yield f"BRIDGE_KAFKA_IDEMPOTENCE={str(settings.kafka.idempotence).lower()}"
    if settings.topic_prefix:
        yield f"BRIDGE_TOPIC_PREFIX={shlex.quote(settings.topic_prefix)}"


def example_curl(base: str) -> str:
    """Return a curl command that posts one signed ring callback of the emulated account."""
    ring = catalogue.load_catalogue().by_name["voice.call.ring"]
    form = next(iter(ring.samples.values())).replace(SAMPLE_AUTH_ID, AUTH_ID)
    now = datetime.now(UTC)  # noqa: TID251 (a command reads the clock)
    parameters = renew_ids(parse_sample(form), Random())  # noqa: S311 (not a secret)
    form = urlencode(move_times(parameters, now, load_zone(TIMEZONE)))
    return curl_command(base + ring.path, form, AUTH_TOKEN)
