"""Rooms that several legs share: conferences and multi-party calls.

1. A room has a name in its account, and exists while it has members. The next one of this name is
   another room.
2. A leg is a member of at most one room. Member ids count upwards over all rooms of one kind.
3. What others do to a member (an API request, a test, a person who begins to talk) is a ``Control``. The
   element that keeps the leg in the room acts on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bridge.emulator.machine.leg import ApiRecording, Leg, Recording
from bridge.emulator.machine.tasks import Queue, Signal, Task


class Control(StrEnum):
    """Actions of others on a member, or on its room: rule 3."""

    MUTE = "mute"
    UNMUTE = "unmute"
    HOLD = "hold"
    UNHOLD = "unhold"
    COACH = "coach"
    UNCOACH = "uncoach"
    TALK = "talk"
    HUSH = "hush"
    KICK = "kick"
    START_ROOM = "start_room"
    END_ROOM = "end_room"
    PAUSE_RECORDING = "pause_recording"
    RESUME_RECORDING = "resume_recording"


class Departure(StrEnum):
    """Why a member leaves a room while its leg goes on."""

    BY_ITSELF = "by_itself"
    KICKED = "kicked"
    ROOM_ENDED = "room_ended"


@dataclass(slots=True)
class Track:
    """A recording of a room or of a member. ``callbacks`` counts those that were sent about it."""

    recording: Recording
    callbacks: int = 0
    paused_at: datetime | None = None
    paused_ms: int = 0


@dataclass(slots=True, eq=False)
class Member:
    """A leg in a room. ``departs`` is set when it must leave."""

    leg: Leg
    id: str
    joined_at: datetime
    is_muted: bool = False
    is_deaf: bool = False
    is_on_hold: bool = False
    is_coaching: bool = False
    is_talking: bool = False
    stays_alone: bool = True
    role: str = ""
    is_recorded: bool = False
    track: Track | None = None
    controls: Queue[Control] = field(default_factory=Queue[Control])
    departs: Signal[Departure] = field(default_factory=Signal[Departure])


@dataclass(slots=True, eq=False)
class Room:
    """A room with its members, in the order in which they entered.

    ``started_at`` is None while the members wait. ``floor`` is the member that talks. ``limit`` ends the
    room. ``closed`` is set when it is empty. ``settings`` are attributes that count for the whole room.
    """

    auth_id: str
    name: str
    uuid: str
    opened_at: datetime
    members: list[Member] = field(default_factory=list[Member])
    started_at: datetime | None = None
    closed: Signal[None] = field(default_factory=Signal[None])
    floor: Member | None = None
    track: Track | None = None
    limit: Task[Any] | None = None
    api_recordings: list[ApiRecording] = field(default_factory=list[ApiRecording])
    settings: dict[str, str] = field(default_factory=dict[str, str])

    def end(self) -> None:
        """Let all members leave."""
        for member in self.members:
            member.departs.set(Departure.ROOM_ENDED)


class Rooms:
    """All rooms of one kind, by account and name."""

    def __init__(self) -> None:
        self._rooms: dict[tuple[str, str], Room] = {}
        self._members: dict[str, tuple[Room, Member]] = {}
        self._entered = 0

    def __iter__(self) -> Iterator[Room]:
        """Return the open rooms, in the order in which they were opened."""
        return iter(tuple(self._rooms.values()))

    def find(self, auth_id: str, name: str) -> Room | None:
        """Return the open room of a name."""
        return self._rooms.get((auth_id, name))

    def find_member(self, call_uuid: str) -> tuple[Room, Member] | None:
        """Return a leg's room, and what it is there."""
        return self._members.get(call_uuid)

    def add(self, room: Room) -> Room:
        """Open a room."""
        self._rooms[room.auth_id, room.name] = room
        return room

    def enter(self, room: Room, leg: Leg, at: datetime) -> Member:
        """Add a leg to a room."""
        self._entered += 1
        member = Member(leg, str(self._entered), at)
        room.members.append(member)
        self._members[leg.uuid] = (room, member)
        return member

    def leave(self, room: Room, member: Member) -> None:
        """Remove a member; without members the room is closed."""
        room.members.remove(member)
        del self._members[member.leg.uuid]
        if not room.members:
            del self._rooms[room.auth_id, room.name]
            room.closed.set(None)
