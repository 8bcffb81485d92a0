"""Send notifications on to the customer's applications, after they are durable.

1. Intake marks a notification that a rule forwards: its journal record names the application in the
   header ``forward_to``. Plivo does not wait for the rest.
2. Each application has a consumer group of its own on the journal topic, which reads past everything
   else. So an application that hangs delays no other one, and the processes share the partitions.
3. The loop adds what is read to the application's flow (``flow``), and pauses the reading while the flow
   is full. Every ``_COMMIT_EVERY_S`` it commits what is finished.
4. When Kafka is away, or the group cannot be joined, the loop begins again after a pause: from the
   committed positions.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, Protocol

import structlog

from bridge.core.event import ContractNames
from bridge.forward.flow import FlowLimits, FlowParts, NotificationFlow
from bridge.reader.group_reader import GroupReader, OpenGroup
from bridge.reader.topic_reader import CannotRead
from bridge.telemetry.logs import describe_fault
from bridge.telemetry.metric_defs import Metric

log = structlog.get_logger()

# Read at a time: a few milliseconds, in which no callback is answered.
RECORDS_MAX: Final = 100
_COMMIT_EVERY_S: Final = 1.0
_RESTART_S: Final = 5.0
# Less than Kafka waits for a member, and than the grace period of a pod.
SENDING_ENDS_S: Final = 5.0


class OpenGroupFor(Protocol):
    """Returns how to join the group of an application."""

    def __call__(self, application: str) -> OpenGroup:
        """Return how to join it."""
        ...


def group_name(application: str, naming: ContractNames) -> str:
    """Return the name of an application's consumer group."""
    return f"{naming.topic_prefix}plivo.bridge.forward.{application}"


class ApplicationNotifications:
    """The notifications of one application: its membership of the group, and its flow."""

    def __init__(
        self, application: str, parts: FlowParts, limits: FlowLimits, open_group: OpenGroup
    ) -> None:
        self._application = application
        self._metrics = parts.metrics
        self._clock = parts.clock
        self._flow = NotificationFlow(application, parts, limits)
        self._open_group = open_group
        self._reader: GroupReader | None = None
        self._stopping = asyncio.Event()
        self._committed: dict[int, int] = {}
        self._fault: str | None = None

    def set_limits(self, limits: FlowLimits) -> None:
        """Use other limits from now on."""
        self._flow.limits = limits

    def begin_stopping(self) -> None:
        """Read and begin nothing more."""
        self._stopping.set()

    async def run(self) -> None:
        """Read and send until ``begin_stopping``: rules 3 and 4."""
        while not self._stopping.is_set():
            try:
                async with self._open_group(self._give_up) as reader:
                    self._reader = reader
                    await self._read(reader)
            except CannotRead as error:
                self._report(str(error))
            except Exception as error:  # noqa: BLE001 (without the loop nothing would be sent again)
                about = describe_fault(error)
                log.error("notifications_failed", application=self._application, **about)  # noqa: TRY400
            finally:
                self._reader = None
                await self._flow.finish_sending(None, 0)
                self._flow.forget(None)
                self._committed.clear()
            await self._rest()

    async def _rest(self) -> None:
        """Wait before the next beginning; not for it when the process stops."""
        rest = asyncio.ensure_future(self._clock.sleep(_RESTART_S))
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((rest, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            rest.cancel()
            stopping.cancel()

    async def _read(self, reader: GroupReader) -> None:
        due_s = self._clock.now_s() + _COMMIT_EVERY_S
        while not self._stopping.is_set():
            if self._flow.is_full:
                reader.pause()
            else:
                reader.resume()
            fetched = await reader.fetch(max(min(RECORDS_MAX, self._flow.room), 1))
            if fetched.next_offsets:
                self._fault = None
            self._flow.add(fetched)
            if self._clock.now_s() >= due_s:
                await self._commit(reader)
                due_s = self._clock.now_s() + _COMMIT_EVERY_S
            # ``fetch`` may have returned at once, and callbacks wait for their answers.
            await asyncio.sleep(0)
        await self._flow.finish_sending(None, SENDING_ENDS_S)
        await self._commit(reader)

    async def _give_up(self, partitions: Collection[int]) -> None:
        """Finish before partitions go to another process."""
        await self._flow.finish_sending(partitions, SENDING_ENDS_S)
        try:
            if self._reader is not None:
                await self._commit(self._reader)
        finally:
            # If they come back, another process may be further than we were.
            self._flow.forget(partitions)
            for partition in partitions:
                self._committed.pop(partition, None)

    async def _commit(self, reader: GroupReader) -> None:
        positions = self._flow.list_positions()
        behind = reader.count_behind(positions)
        self._metrics.set(Metric.NOTIFICATIONS_BEHIND, behind, self._application)
        changed = {
            partition: offset
            for partition, offset in positions.items()
            if self._committed.get(partition) != offset
        }
        if changed and await reader.commit(changed):
            self._committed |= changed

    def _report(self, why: str) -> None:
        """Log why nothing can be read, once."""
        if why != self._fault:
            log.warning("notifications_not_read", application=self._application, why=why)
        self._fault = why


class Notifications:
    """The notifications of all applications that rules forward some to."""

    def __init__(self, parts: FlowParts, open_group_for: OpenGroupFor) -> None:
        self._parts = parts
        self._open_group_for = open_group_for
        self._running: dict[str, tuple[ApplicationNotifications, asyncio.Task[None]]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._stopping = False

    def update(self, limits: Mapping[str, FlowLimits]) -> None:
        """Send to these applications from now on, within their limits, and to no others.

        What an application left behind when it was removed is sent when it is back.
        """
        if self._stopping:
            return
        for name in self._running.keys() - limits.keys():
            one, task = self._running.pop(name)
            one.begin_stopping()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        for name, each in limits.items():
            if name in self._running:
                self._running[name][0].set_limits(each)
            else:
                one = ApplicationNotifications(name, self._parts, each, self._open_group_for(name))
                task = asyncio.create_task(one.run(), name=f"notifications-{name}")
                self._running[name] = one, task

    def begin_stopping(self) -> None:
        """Read and begin nothing more."""
        self._stopping = True
        for one, _ in self._running.values():
            one.begin_stopping()

    async def stop(self, timeout_s: float) -> None:
        """Finish what is being sent, commit, and leave the groups; give up after ``timeout_s``."""
        self.begin_stopping()
        tasks = [*self._ending, *(task for _, task in self._running.values())]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        await asyncio.wait(tasks)
