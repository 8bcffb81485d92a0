"""The audio stream of a leg: what a WebSocket service, or the API, does to it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from bridge.emulator.machine.tasks import Queue, Signal


class StreamEvent(StrEnum):
    """Events of a stream. The values are Plivo's words in ``Event``."""

    STOPPED = "StopStream"
    """The service or the API stopped it."""
    DROPPED = "DroppedStream"
    """The service cannot be reached, or the connection broke off."""
    DEGRADED = "DegradedStream"
    PLAYED = "PlayedStream"
    """The audio before a checkpoint was played."""


class StreamInput(NamedTuple):
    """An event, and its detail: the error of a drop, or the name of a checkpoint."""

    event: StreamEvent
    detail: str = ""


@dataclass(slots=True, eq=False)
class AudioStream:
    """A stream that goes on."""

    id: str
    service_url: str
    started_at: datetime
    status_url: str = ""
    inputs: Queue[StreamInput] = field(default_factory=Queue[StreamInput])
    over: Signal[None] = field(default_factory=Signal[None])
