"""Decode and verify callbacks, and build their records.

1. Callbacks that arrive in the same turn of the event loop pass the stations together: all are
   decoded, then all are verified, and so on. The code of one station fits into the processor's
   first cache, the code of the whole walk does not. So a busy bridge needs a quarter less CPU than
   with one callback after the other.
2. A callback ends at the station that decides its outcome. Its faults have no effect on others.
3. Nothing here waits.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from bridge.callbacks.model import CallbackType
from bridge.core.event import ContractNames, EventRecord, to_event
from bridge.core.journal import Asked, to_journal
from bridge.core.parameters import Parameters, collect_parameters, parse_parameters
from bridge.core.parse import Callback, NoEvent, NoEventReason, Parser
from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.core.verify import Unverified, VerificationFault, Verified, Verifier
from bridge.intake.anomalies import Anomalies, find_anomalies
from bridge.reply.chosen import Ask, Given
from bridge.reply.replies import Replies
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

Policy = Literal["enforce", "report", "off"]

_NO_PARAMETERS: Final = collect_parameters((), ())


class Prepared(NamedTuple):
    """A callback's event, its records (the journal record last), and how it is answered."""

    event: EventRecord
    records: tuple[Record, Record]
    chosen: Given | Ask
    anomalies: Anomalies


class Rejected(NamedTuple):
    """A callback that is not verified, although it has to be."""

    verdict: Unverified


class WithoutEvent(NamedTuple):
    """A callback that no event can be made of, and why."""

    verdict: Verified | Unverified
    error: NoEvent


PreparationResult = Prepared | Rejected | WithoutEvent


@dataclass(frozen=True, slots=True)
class Stations:
    """The parts and settings of the stations. ``parameters_max`` None: there is no limit."""

    verifier: Verifier
    parser: Parser
    replies: Replies
    naming: ContractNames
    policy: Policy
    parameters_max: int | None = None


class _Arrival:
    """A callback on its way through the stations. Each station sets what the next one needs."""

    __slots__ = ("callback", "parameters", "raw", "result", "route", "verdict")

    parameters: Parameters
    verdict: Verified | Unverified
    callback: Callback

    def __init__(
        self,
        raw: RawCallback,
        route: CallbackType | None,
        result: "asyncio.Future[PreparationResult]",
    ) -> None:
        self.raw = raw
        self.route = route
        self.result = result


class Preparation:
    """Prepares the callbacks of one turn of the event loop together: rules 1 to 3."""

    def __init__(
        self,
        stations: Stations,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),  # noqa: TID251 (the server reads the clock)
    ) -> None:
        self._verifier = stations.verifier
        self._parser = stations.parser
        self._replies = stations.replies
        self._naming = stations.naming
        self._policy = stations.policy
        self._parameters_max = stations.parameters_max
        self._metrics = metrics
        self._now = now
        self._arrived: list[_Arrival] = []

    def prepare(
        self, raw: RawCallback, route: CallbackType | None
    ) -> "asyncio.Future[PreparationResult]":
        """Prepare a callback in the next turn of the event loop; ``route`` is its path's type.

        The future raises TooManyParameters, before anything is verified.
        """
        if not self._arrived:
            self._loop = asyncio.get_running_loop()  # once a turn: it is a system call
            self._loop.call_soon(self._prepare_arrived)
        result: asyncio.Future[PreparationResult] = self._loop.create_future()
        self._arrived.append(_Arrival(raw, route, result))
        return result

    def _prepare_arrived(self) -> None:
        arrived, self._arrived = self._arrived, []
        self._recorded_at = self._now()
        for station in (self._decode, self._verify, self._parse, self._build):
            for arrival in arrived:
                if arrival.result.done():  # at an earlier station, or its request was cancelled
                    continue
                try:
                    station(arrival)
                except Exception as error:  # noqa: BLE001 (rule 2: it is raised where the result is awaited)
                    arrival.result.set_exception(error)

    def _decode(self, arrival: _Arrival) -> None:
        if self._policy == "enforce" and not arrival.raw.is_signed:
            # It will be rejected anyway, so spend no time on decoding it.
            arrival.parameters = _NO_PARAMETERS
        else:
            arrival.parameters = parse_parameters(arrival.raw, self._parameters_max)

    def _verify(self, arrival: _Arrival) -> None:
        raw, parameters = arrival.raw, arrival.parameters
        if self._policy == "off":
            verdict: Verified | Unverified = self._verifier.mark_unverified(
                raw, parameters, VerificationFault.NOT_CHECKED
            )
        else:
            verdict = self._verifier.verify(
                raw, parameters, may_be_voice=lambda: self._may_be_voice(arrival)
            )
        arrival.verdict = verdict
        if isinstance(verdict, Verified):
            scheme, key_id = verdict.scheme, verdict.key_id
            self._metrics.count(Metric.VERIFICATIONS_TOTAL, scheme, "verified", key_id)
            return
        self._metrics.count(Metric.VERIFICATIONS_TOTAL, "", verdict.fault, "")
        if self._policy == "enforce":
            arrival.result.set_result(Rejected(verdict))

    def _may_be_voice(self, arrival: _Arrival) -> bool:
        """Return whether a callback may be a voice callback, judged by its path and parameters.

        V2 covers the path but not the parameters. A callback of no known type counts as one of the
        product of its path; on the shared path it may be of any product.
        """
        route = arrival.route
        kind = self._parser.find_type(arrival.parameters, route)
        return kind is None or "voice" in {kind.product, route.product if route else ""}

    def _parse(self, arrival: _Arrival) -> None:
        try:
            arrival.callback = self._parser.parse(arrival.verdict, arrival.route)
        except Exception as error:  # noqa: BLE001 (see ``_to_no_event``)
            arrival.result.set_result(WithoutEvent(arrival.verdict, _to_no_event(error)))

    def _build(self, arrival: _Arrival) -> None:
        callback = arrival.callback
        try:
            rules = self._replies.rules
            chosen = rules.choose(callback)
            reply = chosen.reply if isinstance(chosen, Given) else Asked(chosen.application)
            event = to_event(callback, self._naming, self._recorded_at)
            forward_to = rules.find_forward(callback)
            journal = to_journal(callback, event, self._naming, reply, forward_to=forward_to)
            anomalies = find_anomalies(callback, arrival.route)
        except Exception as error:  # noqa: BLE001 (see ``_to_no_event``)
            arrival.result.set_result(WithoutEvent(arrival.verdict, _to_no_event(error)))
            return
        arrival.result.set_result(Prepared(event, (event.record, journal), chosen, anomalies))


def _to_no_event(error: Exception) -> NoEvent:
    """Return why there is no event: ``error`` itself, or a fault of the bridge.

    Plivo does not retry a voice callback, so a fault of ours must not lose it.
    """
    if isinstance(error, NoEvent):
        return error
    fault = NoEvent(NoEventReason.BRIDGE_FAULT)
    fault.__cause__ = error
    return fault
