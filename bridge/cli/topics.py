"""``callback-bridge topics``: plan, create and check the topics that the bridge needs."""

import asyncio
from collections.abc import Sequence

import typer
from rich.text import Text

from bridge.app.parts import make_connection, make_sizing
from bridge.cli import output
from bridge.cli.options import SettingsFile
from bridge.cli.output import JsonOption
from bridge.core import catalogue
from bridge.derived.topics import PlannedTopic, plan
from bridge.publish.topics import Provisioner, ProvisioningRefused, TooFewBrokers, TopicState
from bridge.settings.kafka import PREFIX
from bridge.settings.load import Need, Settings, load

app = typer.Typer(
    add_completion=False,
    help="Show, create and check the topics, with partitions, retention and replicas.",
    no_args_is_help=True,
)

_STYLES = {"ok": "green", "missing": "red", "differs": "yellow"}


def _plan_topics(settings: Settings) -> list[PlannedTopic]:
    return plan(catalogue.load_catalogue(), settings.topic_prefix, make_sizing(settings))


def _print_size(topics: Sequence[PlannedTopic]) -> None:
    """Print the number of replicas the brokers will hold, and the settings that decide it."""
    partitions = sum(topic.partitions for topic in topics)
    replicas = sum(topic.partitions * topic.replication_factor for topic in topics)
    output.print_stderr(
        f"{len(topics)} topics, {partitions:,} partitions, {replicas:,} replicas in all; set by "
        f"{PREFIX}TOPICS_PARTITIONS and {PREFIX}TOPICS_REPLICATION_FACTOR"
    )


def _retention_text(topic: PlannedTopic) -> str:
    retention_ms = int(topic.configs["retention.ms"])
    return "for ever" if retention_ms < 0 else f"{retention_ms // 86_400_000} d"


@app.command("plan")
def show_plan(settings_file: SettingsFile = None, *, json: JsonOption = False) -> None:
    """Show the topics that the bridge needs. Does not connect to Kafka."""
    topics = _plan_topics(load(settings_file))
    _print_size(topics)
    if output.wants_json(json):
        output.emit_json_lines(topics)
        return
    rows = [
        (
            topic.name,
            topic.holds,
            str(topic.partitions),
            str(topic.replication_factor),
            topic.configs["min.insync.replicas"],
            _retention_text(topic),
        )
        for topic in topics
    ]
    head = ("topic", "holds", "partitions", "replicas", "in sync", "kept")
    output.show(output.make_table(head, rows))


@app.command("apply")
def apply(settings_file: SettingsFile = None, *, json: JsonOption = False) -> None:
    """Create missing topics and correct wrong settings. Running it twice changes nothing.

    It adds partitions, but never removes any, and does not move replicas. It reports such differences,
    because only you can decide about them, with exit code 1.
    """
    settings = load(settings_file, Need.KAFKA)
    _report(asyncio.run(_apply(settings, _plan_topics(settings))), as_json=json)


@app.command("check")
def check(settings_file: SettingsFile = None, *, json: JsonOption = False) -> None:
    """Compare the cluster's topics with the plan. Exit code 1 if one is missing or differs."""
    settings = load(settings_file, Need.KAFKA)
    _report(asyncio.run(_compare(settings, _plan_topics(settings))), as_json=json)


async def _apply(settings: Settings, topics: Sequence[PlannedTopic]) -> list[TopicState]:
    async with Provisioner(make_connection(settings)) as provisioner:
        _print_size(topics)
        try:
            return await provisioner.apply(topics)
        except TooFewBrokers as error:
            replicas = settings.topics.replication_factor
            message = (
                f"{error}: the cluster has fewer brokers than the {replicas} replicas of "
                f"{PREFIX}TOPICS_REPLICATION_FACTOR; set that and "
                f"{PREFIX}TOPICS_MIN_INSYNC_REPLICAS to fit: both to 1 for one broker"
            )
            raise ProvisioningRefused(message) from error


async def _compare(settings: Settings, topics: Sequence[PlannedTopic]) -> list[TopicState]:
    async with Provisioner(make_connection(settings)) as provisioner:
        return await provisioner.compare(topics)


def _report(states: Sequence[TopicState], *, as_json: bool) -> None:
    if output.wants_json(as_json):
        output.emit_json_lines(
            {"topic": one.topic.name, "state": one.status, "differences": one.differences}
            for one in states
        )
    else:
        rows = [
            (
                one.topic.name,
                Text(one.status, style=_STYLES[one.status]),
                "; ".join(one.differences),
            )
            for one in states
        ]
        output.show(output.make_table(("topic", "state", "difference"), rows))
    if any(state.status != "ok" for state in states):
        raise typer.Exit(1)
