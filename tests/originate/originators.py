"""Originators for an emulated Plivo, and what they published."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import orjson

from bridge.core.event import ContractNames
from bridge.core.requested import REQUESTED
from bridge.originate.ledger import RequestLedger
from bridge.originate.originator import Originator, OriginatorRules
from bridge.originate.request import CallRequest
from bridge.publish.memory import MemoryPublisher
from tests.originate.dialling import CALLEE, CALLER, Dialled
from tests.originate.faults import Fault, FaultyTransport

BRIDGE: Final = "https://bridge.example.com"
NAMING: Final = ContractNames("", "urn:schemas:")


class Office(NamedTuple):
    """An originator with its parts."""

    plivo: Dialled
    ledger: RequestLedger
    publisher: MemoryPublisher
    originator: Originator

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the events that were published, in order."""
        return [
            orjson.loads(one.value)
            for one in self.publisher.records
            if one.topic == REQUESTED.topic
        ]

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """Return destination and outcome of each event that was published."""
        return [(one["data"]["to"]["text"], one["data"]["outcome"]) for one in self.events]


def make_request(*destinations: str, **more: object) -> CallRequest:
    to = "<".join(destinations or (CALLEE,))
    return CallRequest.model_validate({"from": CALLER, "to": to, **more})


def open_office(
    plivo: Dialled,
    directory: Path,
    *,
    publisher: MemoryPublisher | None = None,
    destinations_per_request: int | None = None,
    later_by: timedelta = timedelta(),
) -> Office:
    ledger = plivo.stack.enter_context(RequestLedger(directory))
    memory = publisher or MemoryPublisher()
    rules = OriginatorRules(BRIDGE, NAMING, "tests/1", destinations_per_request)
    originator = Originator(
        plivo.calls(), ledger, memory, rules=rules, now=lambda: plivo.emulator.now + later_by
    )
    return Office(plivo, ledger, memory, originator)


class Wrapped:
    """Puts faults between the emulator and its clients, and keeps the transport."""

    def __init__(self, *faults: Fault) -> None:
        self._faults: Iterator[Fault] = iter(faults)
        self.transport: FaultyTransport

    def __call__(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        self.transport = FaultyTransport(transport, self._faults)
        return self.transport
