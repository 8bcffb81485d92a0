"""Ask a customer's application while the callback is made durable, and keep its answer.

1. Both run at the same time, so that the caller waits for the slower one. If the callback cannot be
   made durable, it is refused whatever the application says, and the question is given up.
2. If the application fails, Plivo gets the rule's fallback. A fault of ours in asking counts as such a
   failure (``bridge_fault``).
3. The answer is stored after the callback, and the caller does not wait for it. At most ``PENDING_MAX``
   answers and ``PENDING_BYTES_MAX`` bytes are being stored. An answer above these limits, or one that
   neither Kafka nor the spool takes, is counted as not stored.
4. At the shutdown, the answers that are being stored are waited for.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import structlog

from bridge.callbacks.model import CallbackType
from bridge.core.answer import Answered, Failure, GivenBy, to_answer_record
from bridge.core.outcome import Outcome
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.intake.delivery import Delivery, NotDurable
from bridge.intake.outcome_log import CallbackResult
from bridge.publish import RecordRefused
from bridge.reply.applications import ApplicationFailed, Applications
from bridge.reply.chosen import Ask
from bridge.telemetry.logs import describe_fault
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

PENDING_MAX: Final = 2_000
PENDING_BYTES_MAX: Final = 16_777_216

NotStoredCause = Literal["bridge_fault", "not_durable", "refused", "stopped", "too_many"]
"""Why an answer is missing in the journal: stable codes."""

_FIRST_FAILURE_STATUS: Final = 300


class Asking:
    """Asks applications, and stores their answers."""

    def __init__(
        self,
        applications: Applications,
        delivery: Delivery,
        *,
        ack_timeout_s: float,
        metrics: Metrics,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._applications = applications
        self._delivery = delivery
        self._ack_timeout_s = ack_timeout_s
        self._metrics = metrics
        self._now_s = now_s
        self._storing: set[asyncio.Task[None]] = set()
        self._storing_bytes = 0

    async def ask_while(
        self,
        storing: Awaitable[CallbackResult],
        ask: Ask,
        raw: RawCallback,
        *,
        kind: CallbackType | None,
        journal: Record,
    ) -> CallbackResult:
        """Return the result of ``storing`` with the application's answer as its reply: rules 1 to 3.

        ``journal`` is the callback's journal record. ``kind`` None: the type is not known.
        """
        asking = asyncio.create_task(self._ask(ask, raw, kind))
        try:
            result = await storing
            answered = None if result.outcome is Outcome.REFUSED else await self._wait_for(asking)
        finally:
            await _give_up(asking)
        if answered is None:
            return result
        self._start_storing(to_answer_record(journal, answered))
        fields = {
            **result.fields,
            "application": answered.application,
            "answer_from": answered.given_by,
            "application_ms": str(answered.duration_ms),
        }
        if answered.failure is None:
            return result._replace(reply=answered.reply, fields=fields)
        fields["application_failure"] = answered.failure.code
        return result._replace(reply=answered.reply, fields=fields, notable=True)

    async def stop(self, timeout_s: float) -> None:
        """Wait for the answers that are being stored: rule 4."""
        if not self._storing:
            return
        _, late = await asyncio.wait(self._storing, timeout=timeout_s)
        for task in late:
            task.cancel()
            self._count_not_stored("stopped")

    async def _ask(self, ask: Ask, raw: RawCallback, kind: CallbackType | None) -> Answered:
        """Return the answer that Plivo gets: rule 2."""
        started_s = self._now_s()
        try:
            reply = (await self._applications.ask(ask.application, raw, kind)).reply
            failure = None
        except ApplicationFailed as error:
            reply, failure = ask.fallback, Failure(error.cause, str(error))
        except Exception as error:  # noqa: BLE001 (the callback is stored, and its caller waits)
            log.error("application_not_asked", **describe_fault(error))  # noqa: TRY400
            reply, failure = ask.fallback, Failure("bridge_fault", type(error).__name__)
        duration_s = self._now_s() - started_s
        self._metrics.observe_application(ask.application, duration_s)
        given_by: GivenBy = "application"
        if failure is not None:
            given_by = "fallback" if reply.status < _FIRST_FAILURE_STATUS else "status"
            self._metrics.count(Metric.APPLICATION_FAILURES_TOTAL, ask.application, failure.code)
        self._metrics.count(Metric.APPLICATION_ANSWERS_TOTAL, ask.application, given_by)
        return Answered(
            ask.rule, ask.application, given_by, round(duration_s * 1000), failure, reply
        )

    async def _wait_for(self, asking: asyncio.Task[Answered]) -> Answered:
        """Return the answer to a callback that is stored."""
        try:
            return await asking
        except asyncio.CancelledError:  # the callback is stored, and says that we ask
            self._count_not_stored("stopped")
            raise

    def _start_storing(self, record: Record) -> None:
        """Start to store an answer: rule 3."""
        size = len(record.value)
        if len(self._storing) >= PENDING_MAX or self._storing_bytes + size > PENDING_BYTES_MAX:
            self._count_not_stored("too_many")
            return
        self._storing_bytes += size
        task = asyncio.create_task(self._store(record))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    async def _store(self, record: Record) -> None:
        try:
            await self._delivery.deliver([record], deadline_s=self._ack_timeout_s)
        except RecordRefused as error:
            self._count_not_stored("refused", why=error.reason)
        except NotDurable as error:
            self._count_not_stored("not_durable", why=str(error))
        except Exception as error:  # noqa: BLE001 (nobody waits for the task, so nobody would see it)
            self._count_not_stored("bridge_fault", **describe_fault(error))
        finally:
            self._storing_bytes -= len(record.value)

    def _count_not_stored(self, cause: NotStoredCause, **fields: str) -> None:
        self._metrics.count(Metric.ANSWERS_NOT_STORED_TOTAL, cause)
        log.error("answer_not_stored", cause=cause, **fields)


async def _give_up(asking: asyncio.Task[Answered]) -> None:
    """End a question that has no answer yet."""
    if not asking.done():
        asking.cancel()
        await asyncio.wait([asking])
