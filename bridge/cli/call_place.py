"""``callback-bridge call place``: place calls, to one destination or to many.

1. The command reports all faults of a request at once, before it asks and before it sends anything.
2. Nobody dials by accident: on a terminal the command asks, anywhere else it needs ``--yes``.
3. Kafka must be reachable and have the topics before the command dials, because the events say what was
   requested. With ``--without-kafka`` their records wait in the ledger, for the next command.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from uuid import uuid4

import typer
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from bridge import __version__
from bridge.app.parts import make_connection, make_naming
from bridge.cli import output
from bridge.cli.api_account import ApiAccount, choose_account, connect
from bridge.cli.call_place_output import print_dry_run, print_placed, to_exit_code
from bridge.cli.destinations import read_destinations
from bridge.cli.exit_codes import EXIT_DIFFERS, EXIT_UNKNOWN, EXIT_USAGE
from bridge.cli.kafka import open_publisher
from bridge.cli.options import AccountOption, BridgeUrl, SettingsFile, confirm_on_terminal
from bridge.cli.output import JsonOption
from bridge.cli.request import show_request
from bridge.cli.request_options import RequestCommand, describe_faults, with_request_options
from bridge.core.journal import JOURNAL_TOPIC
from bridge.core.requested import REQUESTED
from bridge.originate.destinations import DESTINATIONS_MAX, join_destinations
from bridge.originate.entry import AlreadyRequested
from bridge.originate.ledger import RequestLedger
from bridge.originate.originator import Originator, OriginatorRules, PlacedCalls
from bridge.originate.parameter import RequestFaults
from bridge.originate.placement import PlacementOutcome
from bridge.originate.request import CallRequest, find_faults
from bridge.originate.wiring import wire
from bridge.publish import Publisher, PublishRules, Unavailable
from bridge.reader.topic_reader import CannotRead, find_missing_topics
from bridge.reply.application_paths import is_application_name
from bridge.settings.load import Need, Settings, find_ledger_directory, load
from bridge.telemetry import logs

app = typer.Typer(add_completion=False)

# Paragraphs, because typer joins the lines of one.
_EXAMPLES: Final = """
callback-bridge call place --from 14157654321 --to 14155550123 --dry-run

callback-bridge call place --from 14157654321 --to @numbers.txt --yes --follow
"""
_FLUSH_S: Final = 10.0


def _check_application(name: str | None) -> str | None:
    """Return the name of an application. Raises BadParameter: callbacks to its path would be lost."""
    if name is not None and not is_application_name(name):
        message = f"{name!r} is not the name of an application: letters, digits, - and _"
        raise typer.BadParameter(message)
    return name


def _check_key(key: str | None) -> str | None:
    if key is not None and not key.strip():
        message = "is empty; leave the option out, or name what you order, such as order-17"
        raise typer.BadParameter(message)
    return key


@app.command("place", cls=RequestCommand, epilog=_EXAMPLES)
@with_request_options
def place(  # noqa: PLR0913 (options)
    given: dict[str, Any],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent, and send nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before dialling.")] = False,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            help="Refuse this request if an earlier one had the same key, and say how that ended.",
            metavar="TEXT",
            callback=_check_key,
        ),
    ] = None,
    per_request: Annotated[
        int,
        typer.Option(
            "--destinations-per-request",
            min=1,
            max=DESTINATIONS_MAX,
            help="Most destinations in one request to Plivo; more are sent in several requests.",
        ),
    ] = DESTINATIONS_MAX,
    asynchronous: Annotated[
        bool,
        typer.Option("--asynchronous", help="Plivo sends the API's answer to this bridge."),
    ] = False,
    application: Annotated[
        str | None,
        typer.Option(
            help="The application whose rules answer the calls.",
            metavar="NAME",
            callback=_check_application,
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Then show the calls until all have ended.")
    ] = False,
    without_kafka: Annotated[
        bool,
        typer.Option(
            "--without-kafka",
            help="Keep the events in the ledger; the next command publishes them.",
        ),
    ] = False,
    bridge_url: BridgeUrl = None,
    account: AccountOption = None,
    settings_file: SettingsFile = None,
    json: JsonOption = False,
) -> None:
    """Place calls, to one destination or to many.

    URLs that you do not give lead to this bridge, which publishes every callback. A request is never
    sent twice: if Plivo's answer is lost, its outcome is unknown until its callbacks arrive. The ledger
    of requests is in BRIDGE_LEDGER_DIRECTORY.

    Exit codes: 0 Plivo took all calls; 1 it refused some, the idempotency key was used before, or
    --follow did not see all of them end; 2 wrong usage; 3 cannot use Kafka or the disk, nothing was
    sent; 4 it is unknown whether Plivo took them.
    """
    needs_kafka = not (dry_run or without_kafka)
    settings = load(settings_file, Need.KAFKA if needs_kafka else Need.NOTHING)
    if follow and without_kafka:
        message = "needs Kafka: remove --without-kafka"
        raise typer.BadParameter(message, param_hint="--follow")
    chosen = choose_account(settings, account)
    rules = OriginatorRules(
        bridge_url or settings.public_url or "",
        make_naming(settings),
        client=f"callback-bridge/{__version__}",
        destinations_per_request=per_request,
        application=application,
        is_asynchronous=asynchronous,
        ack_timeout_s=settings.kafka.ack_timeout_s,
    )
    reference = str(uuid4())
    request = _build_request(given, rules, reference)
    as_json = output.wants_json(json)
    if dry_run:
        url = f"{settings.plivo_api_url}/v1/Account/{chosen.auth_id}/Call/"
        print_dry_run(url, _split(request, per_request), as_json=as_json)
        return
    if not yes:
        _ask(request, chosen)
    order = _Order(chosen, request, reference, idempotency_key)
    # Our own messages say what Kafka's library would log.
    logs.configure("console", "critical")
    try:
        placed = asyncio.run(_place(settings, order, rules, with_kafka=needs_kafka))
    except AlreadyRequested as error:
        output.print_stderr(f"nothing was placed: {error}", style="red")
        output.print_stderr(
            f"`callback-bridge request show {error.entry.reference}` shows these calls; for other calls "
            "choose another --idempotency-key"
        )
        is_unknown = bool(error.entry.list_destinations("unknown"))
        raise typer.Exit(EXIT_UNKNOWN if is_unknown else EXIT_DIFFERS) from None
    except KeyboardInterrupt:
        output.print_stderr(
            f"stopped: calls may have been placed; `callback-bridge request show {reference}` shows "
            "which",
            style="yellow",
        )
        raise
    print_placed(placed, as_json=as_json)
    code = to_exit_code(placed.placements)
    if follow and any(one.outcome is not PlacementOutcome.REFUSED for one in placed.placements):
        followed = _follow(placed.reference, json=json, settings_file=settings_file)
        code = code or followed
    raise typer.Exit(code)


def _follow(reference: str, *, json: bool, settings_file: Path | None) -> int:
    """Show the calls until all have ended, and return the exit code.

    The calls are placed, so no fault may end the command with a code that says that nothing was sent.
    """
    try:
        show_request(reference, follow=True, json=json, settings_file=settings_file)
    except typer.Exit as ended:
        return ended.exit_code
    except CannotRead as error:
        output.print_stderr(f"the calls cannot be followed: {error}", style="red")
        return EXIT_DIFFERS
    return 0


def _build_request(given: dict[str, Any], rules: OriginatorRules, reference: str) -> CallRequest:
    """Return the request with all URLs. Prints every fault, and ends the command: rule 1."""
    lines: list[str] = []
    if not rules.bridge_url:
        lines.append(
            "--bridge-url: is needed, or BRIDGE_PUBLIC_URL: the URL that Plivo calls this bridge by"
        )
    try:
        request = _read_request(given)
        if not lines:
            return wire(
                request,
                rules.bridge_url,
                reference,
                application=rules.application,
                is_asynchronous=rules.is_asynchronous,
            )
    except RequestFaults as error:
        lines = [*describe_faults(error), *lines]
    output.print_stderr(*lines, style="red")
    raise typer.Exit(EXIT_USAGE)


def _read_request(given: dict[str, Any]) -> CallRequest:
    """Return the request. Raises RequestFaults, also with those of lines in files: rule 1."""
    values = dict(given)
    try:
        if "to" in given:
            values["to"] = read_destinations(given["to"])
    except RequestFaults as error:
        del values["to"]
        raise RequestFaults((*error.faults, *find_faults(values, but="to"))) from None
    return CallRequest(**values)


def _ask(request: CallRequest, account: ApiAccount) -> None:
    """Ask before anybody is called: rule 2. Raises Abort and BadParameter."""
    count = len(request.destinations)
    whom = request.destinations[0] if count == 1 else f"{count:,} destinations"
    output.print_stderr(f"Answer URL: {request.answer_url}")
    confirm_on_terminal(
        f"Call {whom} from {request.from_} with account {account.auth_id}?",
        "--yes",
        instead="--yes",
    )


class _Order(NamedTuple):
    """A request to place, and the account that places it."""

    account: ApiAccount
    request: CallRequest
    reference: str
    idempotency_key: str | None


async def _place(
    settings: Settings, order: _Order, rules: OriginatorRules, *, with_kafka: bool
) -> PlacedCalls:
    """Place the calls, and publish what was requested: rule 3. Raises Unavailable before it dials."""
    async with contextlib.AsyncExitStack() as stack:
        publisher = None
        if with_kafka:
            publisher = await stack.enter_async_context(_open_kafka(settings))
        ledger = stack.enter_context(RequestLedger(find_ledger_directory(settings)))
        plivo = await stack.enter_async_context(connect(settings, order.account))
        originator = Originator(plivo, ledger, publisher, rules=rules)
        advance = stack.enter_context(_show_progress(len(order.request.destinations)))
        return await originator.place(
            order.request,
            idempotency_key=order.idempotency_key,
            reference=order.reference,
            on_part=lambda placement: advance(len(placement.destinations)),
        )


@contextlib.asynccontextmanager
async def _open_kafka(settings: Settings) -> AsyncGenerator[Publisher]:
    """Run a publisher for the topics of requests. Raises Unavailable if it cannot: rule 3."""
    connection = make_connection(settings)
    names = make_naming(settings)
    topics = [names.topic_prefix + topic for topic in (REQUESTED.topic, JOURNAL_TOPIC)]
    rules = PublishRules(
        settings.kafka.idempotence, settings.kafka.ack_timeout_s, linger_s=0.0, topics=topics
    )
    # First, because a broker may create a topic that a publisher asks for.
    try:
        missing = await find_missing_topics(connection, topics)
    except CannotRead as error:
        message = (
            f"nothing was placed, because Kafka cannot be used: {error}: check "
            "BRIDGE_KAFKA_BOOTSTRAP_SERVERS, or pass --without-kafka"
        )
        raise Unavailable(message) from error
    if missing:
        message = (
            f"nothing was placed, because Kafka lacks {' and '.join(missing)}: run "
            "`callback-bridge topics apply`, or pass --without-kafka"
        )
        raise Unavailable(message)
    async with open_publisher(connection, rules, flush_timeout_s=_FLUSH_S) as publisher:
        yield publisher


@contextlib.contextmanager
def _show_progress(total: int) -> Generator[Callable[[int], None]]:
    """Show a bar on a terminal while several requests are sent."""
    bar = output.make_progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,}"),
        TimeRemainingColumn(),
        transient=True,
    )
    with bar:
        task = bar.add_task("Placing calls", total=total)
        yield lambda count: bar.advance(task, count)


def _split(request: CallRequest, size: int) -> Iterator[dict[str, object]]:
    """Yield the body of each request to Plivo."""
    called = request.destinations
    for start in range(0, len(called), size):
        yield {**request.to_body(), "to": join_destinations(called[start : start + size])}
