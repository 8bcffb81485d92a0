"""A bridge: its parts, and the order in which they start and stop."""

import time
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from bridge import __version__
from bridge.app.accounts_file import watch_accounts
from bridge.app.applications import LateApplications
from bridge.app.build import make_application, make_asking
from bridge.app.notifications import find_limits, make_notifications
from bridge.app.parts import make_accounts, make_connection, make_naming, make_sizing
from bridge.app.rules_file import load_replies, watch_rules
from bridge.core import catalogue
from bridge.core.dead_letter import to_publish_dead_letter
from bridge.core.keyring import Keyring
from bridge.derived.topics import plan
from bridge.ingress.health import make_management_app
from bridge.intake.delivery import Delivery
from bridge.publish import PublishRules
from bridge.publish.health import KafkaHealth
from bridge.publish.publisher import KafkaPublisher
from bridge.reply.rules import Rules
from bridge.settings.load import Settings
from bridge.spool import NoSpool
from bridge.spool.directory import other_writers
from bridge.spool.drain import Drain
from bridge.spool.spool import DiskSpool, SpoolLimits
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

# An earlier clock is wrong: this code did not exist then. Records with such timestamps would be deleted
# by retention at once.
CLOCK_EARLIEST: Final = datetime(2026, 11, 1, tzinfo=UTC)
# How long a stopping drain waits for the records that it has sent.
_DRAIN_END_S: Final = 2.0
# How long applications have to take the notifications that are being sent when the bridge stops.
_NOTIFICATIONS_END_S: Final = 5.0


class Bridge:
    """The parts of one process. They are not started yet.

    With ``single_records`` every record is a batch of its own, as the embedded broker needs it.
    """

    def __init__(self, settings: Settings, *, single_records: bool = False) -> None:
        self._single_records = single_records
        self.metrics = Metrics(__version__)
        self.health = KafkaHealth(metrics=self.metrics)
        self.publisher = self._make_publisher(settings)
        self.spool = self._make_spool(settings)
        self.delivery = Delivery(
            self.publisher,
            self.spool or NoSpool(),
            breaker=self.health.cluster,
            metrics=self.metrics,
        )
        self._drain = self._make_drain(settings)
        self._flush_timeout_s = settings.kafka.flush_timeout_s
        self._ack_timeout_s = settings.kafka.ack_timeout_s
        self._first_contact_by_s = 0.0
        self._starting = True
        self._stopping = False
        keyring = Keyring(make_accounts(settings.accounts))
        self._accounts_file = (
            watch_accounts(
                settings.accounts_file, keyring, in_use=settings.accounts, metrics=self.metrics
            )
            if settings.accounts_file
            else None
        )
        types = catalogue.load_catalogue()
        loaded = load_replies(settings.replies_file, types)
        self._replies = loaded.replies
        self._applications = LateApplications(settings, loaded.replies)
        self._notifications = make_notifications(
            settings, self._applications, self.publisher, self.metrics
        )
        self._rules_file = (
            watch_rules(settings.replies_file, loaded, types, metrics=self.metrics)
            if settings.replies_file
            else None
        )
        self._asking = make_asking(settings, self._applications, self.delivery, self.metrics)
        self.app = make_application(
            settings,
            self.delivery,
            self.metrics,
            keyring=keyring,
            asking=self._asking,
            loaded=loaded,
        )
        self.management_app = make_management_app(
            ready=self.not_ready, warnings=self.warnings, metrics=self.metrics
        )

    def not_ready(self) -> str | None:
        """Return why the readiness probe must fail, or None."""
        if self._stopping:
            return "stopping"
        if datetime.now(UTC) < CLOCK_EARLIEST:  # noqa: TID251 (the check is of this very clock)
            return f"the clock is wrong: it is before {CLOCK_EARLIEST:%Y-%m-%d}"
        if self._starting:
            return "starting"
        if not self.publisher.available and time.monotonic() < self._first_contact_by_s:
            return "kafka has not been reached yet"
        return self.delivery.fault

    def warnings(self) -> list[str]:
        """Return what an operator should look at although the bridge is ready."""
        if self.spool is None or not self.spool.files_replaced:
            return []
        times = f"{self.spool.files_replaced} time(s)"
        return [f"the open spool file was removed or replaced {times}; its content was copied"]

    async def start(self) -> None:
        """Open the spool, whose callbacks are published first, and then connect to Kafka."""
        if self.spool is not None:
            await self.spool.open()
        # If the bridge were ready before Kafka has answered, it would spool callbacks for no reason. It
        # waits as long as a callback would.
        self._first_contact_by_s = time.monotonic() + self._ack_timeout_s
        self.publisher.start()
        if self._drain is not None:
            self._drain.start()
        if self._accounts_file is not None:
            self._accounts_file.start()
        if self._rules_file is not None:
            self._rules_file.start()
        self._forward_notifications(self._replies.rules)
        self._replies.follow(self._forward_notifications)
        self._starting = False

    def _forward_notifications(self, rules: Rules) -> None:
        self._notifications.update(find_limits(rules))

    def begin_stopping(self) -> None:
        """Make the readiness probe fail, and begin to send no more notifications."""
        self._stopping = True
        self._notifications.begin_stopping()

    async def stop(self) -> None:
        """Publish what is in flight, and close the spool."""
        if self._accounts_file is not None:
            await self._accounts_file.stop()
        if self._rules_file is not None:
            await self._rules_file.stop()
        await self._notifications.stop(_NOTIFICATIONS_END_S)
        flush_by_s = time.monotonic() + self._flush_timeout_s
        await self._asking.stop(self._flush_timeout_s)
        await self._applications.close()
        if self._drain is not None:
            await self._drain.stop(_DRAIN_END_S)
        # Every callback is answered by now, so unacknowledged records are in the spool too. If Kafka is
        # away, waiting for it is useless.
        left_s = max(0.0, flush_by_s - time.monotonic()) if self.health.cluster.closed else 0.0
        await self.publisher.stop(left_s)
        if self.spool is not None:
            await self.spool.close()

    def _make_publisher(self, settings: Settings) -> KafkaPublisher:
        topics = plan(catalogue.load_catalogue(), settings.topic_prefix, make_sizing(settings))
        return KafkaPublisher(
            make_connection(settings),
            PublishRules(
                idempotence=settings.kafka.idempotence,
                ack_timeout_s=settings.kafka.ack_timeout_s,
                linger_s=settings.kafka.linger_ms / 1000,
                topics=[topic.name for topic in topics],
                single_records=self._single_records,
            ),
            health=self.health,
            metrics=self.metrics,
        )

    def _make_spool(self, settings: Settings) -> DiskSpool | None:
        chosen = settings.spool
        if not chosen.enabled or chosen.directory is None:
            return None
        others = other_writers(chosen.directory)
        if others is not None:
            # Only possible at the root of a mount: start-up refuses any other such directory.
            log.warning(
                "spool_directory_not_private",
                directory=str(chosen.directory),
                meaning=f"{others} can remove callbacks and forge some; chmod o-w it if others see it",
            )
        limits = SpoolLimits(
            bytes_max=chosen.bytes_max,
            records_max=chosen.records_max,
            append_timeout_s=chosen.append_timeout_s,
        )
        return DiskSpool(chosen.directory, limits, metrics=self.metrics)

    def _make_drain(self, settings: Settings) -> Drain | None:
        if self.spool is None:
            return None
        return Drain(
            self.spool,
            self.publisher,
            health=self.health,
            dead_letter=partial(to_publish_dead_letter, naming=make_naming(settings)),
            metrics=self.metrics,
        )
