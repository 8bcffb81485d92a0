"""Build what sends notifications on, and keep it in step with the rules."""

from functools import partial

from bridge.app.parts import make_connection, make_naming
from bridge.core.journal import FORWARD_TO, JOURNAL_TOPIC
from bridge.forward.flow import FlowLimits, FlowParts
from bridge.forward.notifications import Notifications, group_name
from bridge.publish import Publisher
from bridge.reader.group_reader import OpenGroup, open_group
from bridge.reply.applications import Applications
from bridge.reply.rules import Rules
from bridge.settings.load import Settings
from bridge.telemetry.metrics import Metrics


def make_notifications(
    settings: Settings, applications: Applications, publisher: Publisher, metrics: Metrics
) -> Notifications:
    """Return what sends notifications on. It sends none until ``update``."""
    naming = make_naming(settings)
    connection = make_connection(settings)

    def open_group_for(application: str) -> OpenGroup:
        return partial(
            open_group,
            connection,
            naming.topic_prefix + JOURNAL_TOPIC,
            group_name(application, naming),
            (FORWARD_TO, application.encode()),
        )

    return Notifications(FlowParts(applications, publisher, naming, metrics), open_group_for)


def find_limits(rules: Rules) -> dict[str, FlowLimits]:
    """Return the applications that rules send notifications on to, and their limits."""
    return {name: FlowLimits(one.retry_for_s) for name, one in rules.notified.items()}
