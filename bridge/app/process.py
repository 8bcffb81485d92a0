"""A bridge: its parts, and the order in which they start and stop."""

import time
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
from starlette.applications import Starlette

from bridge import __version__
from bridge.app.accounts_file import AccountsFile
from bridge.app.build import (
    make_accounts,
    make_application,
    make_connection,
    make_naming,
    make_sizing,
)
from bridge.core import catalogue
from bridge.core.dead_letter import Stage, to_publish_dead_letter
from bridge.core.keyring import Keyring
from bridge.core.record import Record
from bridge.derived.topics import plan
from bridge.ingress.health import make_management_app
from bridge.intake.delivery import Delivery
from bridge.publish.breaker import CircuitBreaker
from bridge.publish.publisher import KafkaPublisher
from bridge.settings.load import Settings
from bridge.spool.absent import NoSpool
from bridge.spool.accounting import SpoolState
from bridge.spool.drain import Drain
from bridge.spool.locking import other_writers
from bridge.spool.spool import DiskSpool
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

# An earlier clock is wrong: this code did not exist then. Records with such timestamps would be deleted
# by retention at once.
CLOCK_EARLIEST: Final = datetime(2026, 11, 1, tzinfo=UTC)
# How long a stopping drain waits for the records that it has sent.
_DRAIN_END_S: Final = 2.0


class Bridge:
    """The parts of one process. They are not started yet."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics(__version__)
        self.publisher = self._make_publisher(settings)
        self.breaker = CircuitBreaker(time.monotonic, self._on_breaker)
        self.spool = self._make_spool(settings)
        self.delivery = Delivery(
            self.publisher,
            self.spool or NoSpool(),
            breaker=self.breaker,
            metrics=self.metrics,
        )
        self._drain = self._make_drain(settings)
        self._spool_files_replaced = 0
        self._flush_timeout_s = settings.kafka.flush_timeout_s
        self._ack_timeout_s = settings.kafka.ack_timeout_s
        self._first_contact_by_s: float | None = None
        self._starting = True
        self._stopping = False
        keyring = Keyring(make_accounts(settings.accounts))
        self._accounts_file = (
            AccountsFile(
                settings.accounts_file,
                keyring,
                on_stale=lambda stale: self.metrics.set("accounts_stale", int(stale)),
            )
            if settings.accounts_file
            else None
        )
        self.app: Starlette = make_application(settings, self.delivery, self.metrics, keyring)
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
        if self._first_contact_by_s is not None and time.monotonic() < self._first_contact_by_s:
            return "kafka has not been reached yet"
        return self.delivery.fault

    def warnings(self) -> list[str]:
        """Return what an operator should look at although the bridge is ready."""
        if not self._spool_files_replaced:
            return []
        times = f"{self._spool_files_replaced} time(s)"
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
        self._starting = False

    def begin_stopping(self) -> None:
        """Make the readiness probe fail."""
        self._stopping = True

    async def stop(self) -> None:
        """Publish what is in flight, and close the spool."""
        if self._accounts_file is not None:
            await self._accounts_file.stop()
        if self._drain is not None:
            await self._drain.stop(_DRAIN_END_S)
        # Every callback is answered by now, so unacknowledged records are in the spool too. If Kafka is
        # away, waiting for it is useless.
        await self.publisher.stop(self._flush_timeout_s if self.breaker.closed else 0)
        if self.spool is not None:
            await self.spool.close()

    def _make_publisher(self, settings: Settings) -> KafkaPublisher:
        topics = plan(catalogue.load_catalogue(), settings.topic_prefix, make_sizing(settings))
        return KafkaPublisher(
            make_connection(settings),
            idempotence=settings.kafka.idempotence,
            ack_timeout_s=settings.kafka.ack_timeout_s,
            topics=[topic.name for topic in topics],
            on_available=self._on_available,
            on_acknowledged=self._on_acknowledged,
            on_late=self._on_late,
        )

    def _make_spool(self, settings: Settings) -> DiskSpool | None:
        chosen = settings.spool
        if not chosen.enabled or chosen.directory is None:
            return None
        others = other_writers(chosen.directory)
        if (
            others is not None
        ):  # only possible at the root of a mount: start-up refuses it elsewhere
            log.warning(
                "spool_directory_not_private",
                directory=str(chosen.directory),
                meaning=f"{others} can remove callbacks and forge some; chmod o-w it if others see it",
            )
        spool = DiskSpool(
            chosen.directory,
            bytes_max=chosen.bytes_max,
            records_max=chosen.records_max,
            append_timeout_s=chosen.append_timeout_s,
            on_replaced=self._on_spool_file_replaced,
        )
        self.metrics.set("spool_bytes_max", chosen.bytes_max)
        self.metrics.set("spool_records_max", chosen.records_max)
        self._watch_spool(spool)
        return spool

    def _watch_spool(self, spool: DiskSpool) -> None:
        """Have the gauges read the state of the spool at each scrape."""

        def age_s(state: SpoolState) -> float:
            now_ms = time.time_ns() // 1_000_000
            oldest_at_ms = state.oldest_at_ms
            return 0 if oldest_at_ms is None else max(0, now_ms - oldest_at_ms) / 1000

        self.metrics.watch("spool_callbacks", lambda: spool.state.callbacks)
        self.metrics.watch("spool_records", lambda: spool.state.records)
        self.metrics.watch("spool_bytes", lambda: spool.state.bytes)
        self.metrics.watch("spool_parked", lambda: spool.state.parked)
        self.metrics.watch("spool_damaged", lambda: spool.state.damaged)
        self.metrics.watch("spool_writable", lambda: int(spool.state.writable))
        self.metrics.watch("spool_oldest_age_seconds", lambda: age_s(spool.state))

    def _make_drain(self, settings: Settings) -> Drain | None:
        if self.spool is None:
            return None
        return Drain(
            self.spool,
            self.publisher,
            breaker=self.breaker,
            dead_letter=partial(to_publish_dead_letter, naming=make_naming(settings)),
            on_drained=lambda callbacks: self.metrics.count("drained_total", by=callbacks),
            on_dead_letter=lambda reason: self.metrics.count(
                "dead_letters_total", Stage.PUBLISH, reason
            ),
        )

    def _on_breaker(self, closed: bool) -> None:  # noqa: FBT001 (the one thing it is told)
        self.metrics.set("breaker_open", int(not closed))
        if closed:
            log.info("breaker_closed")
        else:
            log.warning(
                "breaker_open", meaning="callbacks go to the spool until Kafka acknowledges"
            )
        if self._drain is not None:
            self._drain.wake()

    def _on_spool_file_replaced(self) -> None:
        self._spool_files_replaced += 1
        self.metrics.count("spool_files_replaced_total")

    def _on_available(self, available: bool) -> None:  # noqa: FBT001 (the one thing it is told)
        self._first_contact_by_s = None
        self.metrics.set("kafka_available", int(available))

    def _on_acknowledged(self, record: Record) -> None:
        self.metrics.count("records_total", record.topic)
        self.metrics.count("record_bytes_total", record.topic, by=len(record.value))

    def _on_late(self) -> None:
        self.metrics.count("late_acknowledgements_total")
        self.breaker.record_success()
