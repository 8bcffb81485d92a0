"""The parts of a declaration, and the fields that the ``data`` of every event has.

A declaration is a pydantic model and a CallbackType. The model has one line per parameter: Plivo's
name, our name, the type with its normaliser, and the meaning with its unit. The CallbackType states
what the fields do not show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from bridge.normalise.correlation import Correlation
from bridge.normalise.sip import SipHeaders
from bridge.normalise.time import ZoneMismatch

# The type of callbacks no declaration knows: the one type without a path.
UNRECOGNISED: Final = "unrecognised"


@dataclass(frozen=True, slots=True)
class Param:
    """The parameters of a field: ``names`` are Plivo's spellings, the documented one first.

    ``case_insensitive`` accepts the names in any case and with or without underscores. ``prefix``
    marks names that the customer continues (``X-PH-<Name>``), ``numbered`` names that continue with
    digits.
    """

    names: tuple[str, ...]
    meaning: str
    case_insensitive: bool = False
    prefix: bool = False
    numbered: bool = False

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Put the meaning and Plivo's names into the field's JSON Schema.

        The names are part of the description, because strict validators (ajv by default) reject a
        schema that has a keyword of our own.
        """
        names = ", ".join(f"`{name}`" for name in self.names)
        return {**handler(schema), "description": f"{self.meaning} Plivo: {names}."}


def param(
    *names: str,
    meaning: str,
    case_insensitive: bool = False,
    prefix: bool = False,
    numbered: bool = False,
) -> Param:
    """Return the mark that connects a field with Plivo's parameters."""
    return Param(names, meaning, case_insensitive, prefix, numbered)


class Reply(StrEnum):
    """What Plivo does with the reply to a callback."""

    ACK = "ack"
    """Plivo needs any 200 and ignores the body."""

    XML = "xml"
    """Plivo executes the body: Plivo XML."""

    SOUND = "sound"
    """Plivo executes the body: Plivo XML with Play, Speak and Wait only."""

    OPTIONAL_XML = "optional_xml"
    """Plivo executes a body of Plivo XML, and accepts an empty body."""


class Verification(TypedDict):
    """Whether the callback is verified, and by what."""

    verdict: Annotated[
        Literal["verified", "unverified"],
        Field(
            description="`verified` only if a token of one of the configured accounts signed it."
        ),
    ]
    scheme: Annotated[
        str | None, Field(description="`v3`, `v3-ma`, `v2`, `v2-ma` or `v3-agentstack`.")
    ]
    key_id: Annotated[
        str | None, Field(description="Id of the token that verified it; not the token.")
    ]
    covers: Annotated[
        list[str],
        Field(
            description="What the signature covers: `url`, `query`, `body`. For a JSON body that one "
            "of Plivo's SDKs reads in its own way, instead of `body`: `body_as_read` (every name and "
            "value, but not nesting, order, types and the spelling of numbers) or `body_in_part` (some "
            "names and values are not signed). `url` alone: nothing of the content is signed."
        ),
    ]
    fault: Annotated[str | None, Field(description="Why it is unverified.")]


class Unread(TypedDict):
    """A parameter whose text does not have the form of its field."""

    field: Annotated[
        str | None, Field(description="The field that is null because of it, if declared.")
    ]
    parameter: Annotated[str, Field(description="Plivo's name.")]
    text: Annotated[list[str], Field(description="Every text received for it.")]
    reason: Annotated[str, Field(description="A stable code of the fault.")]


class CallbackData(BaseModel):
    """The fields that the ``data`` of every event has."""

    # Serving needs no model: each one is built when something validates with it, or derives its schema.
    model_config = ConfigDict(extra="allow", populate_by_name=True, frozen=True, defer_build=True)

    received_at: Annotated[
        str,
        Field(
            description="When the bridge received it, RFC 3339 UTC.",
            pattern="Z$",
            json_schema_extra={"format": "date-time"},
        ),
    ]
    time_source: Annotated[
        str,
        Field(description="The field that the event's `time` is taken from, or `received`."),
    ]
    recognised_by: Annotated[
        Literal["path", "parameters"], Field(description="What its type was recognised by.")
    ]
    verification: Verification
    context: Annotated[
        dict[str, list[str]],
        Field(description="The customer's own query parameters of the configured URL."),
    ]
    undeclared: Annotated[
        dict[str, list[str]],
        Field(description="Parameters that no declaration knows, as received."),
    ]
    unreadable: Annotated[
        list[Unread], Field(description="Parameters that could not be parsed, as received.")
    ]
    zone_mismatch: Annotated[
        ZoneMismatch | None,
        Field(description="Set when Plivo's local times are not in the account's configured zone."),
    ] = None


class VoiceEvent(CallbackData):
    """The additional fields of every voice event."""

    correlation: Annotated[Correlation, Field(description="Ids to join it with other events.")]
    sip_headers: Annotated[
        SipHeaders | None,
        param("X-PH-", meaning="Custom SIP headers of the call, by name.", prefix=True),
    ] = None


class EventNames:
    """The names of a type of event, which follow from its name and version."""

    name: str
    version: int
    revision: int

    @cached_property
    def event_type(self) -> str:
        """Return the CloudEvents type, which includes the major version."""
        return f"com.plivo.{self.name}.v{self.version}"

    @cached_property
    def topic(self) -> str:
        """Return the topic's name, without the prefix."""
        return f"plivo.{self.name}.v{self.version}"

    @cached_property
    def schema_path(self) -> str:
        """Return the path of this version's schema below the schema base."""
        return f"{self.name}/{self.version}.{self.revision}.json"


@dataclass(frozen=True)  # without slots, for the cached properties: every event has them
class CallbackType(EventNames):
    """The part of a declaration that its fields do not show.

    ``named`` and ``recognise`` list alternatives. Each is a conjunction joined by `` & ``:
    ``Event=Ring`` (has that value), ``EventName^=MPC`` (begins with it), ``CallUUID`` (present and
    not blank), ``Digits?`` (present, blank or not), ``!Event`` (absent or blank), ``!Event=Hangup``
    (has another value). The first part must be present. In ``named`` a parameter names the kind of
    the callback; in ``recognise`` other parameters identify it. A type with neither is recognised
    by its path alone. Types are tried in ``match_order``. ``path_only`` marks a type whose
    parameters are also those of another type, so that only the path tells them apart.
    ``yields_to_path`` marks a type whose parameters do not override the path of another type.

    ``key_fields`` lists the fields that can be the event's subject and partition key; the first one
    present is used. ``anonymous`` marks a type whose documented parameters have no identifier:
    without one, the subject is the event's id. ``time_fields`` lists the fields that can hold the
    time of the event. ``can_repeat`` marks a type that can legitimately repeat with identical
    parameters, unless an alternative in ``repeats_unless`` matches; its event id then includes the
    nonce. ``shed_first`` marks a type that is refused first under load, because its loss hurts
    least: it reports progress that a later callback reports again, never an end. ``samples`` are
    bodies as Plivo would send them, by what they show.
    """

    name: str
    model: type[CallbackData]
    key_fields: tuple[str, ...]
    reply: Reply
    match_order: int
    samples: Mapping[str, str]
    named: tuple[str, ...] = ()
    recognise: tuple[str, ...] = ()
    version: int = 1
    revision: int = 0
    time_fields: tuple[str, ...] = ()
    path_only: bool = False
    yields_to_path: bool = False
    can_repeat: bool = False
    repeats_unless: tuple[str, ...] = ()
    anonymous: bool = False
    shed_first: bool = False

    @property
    def path(self) -> str:
        """Return the path of this type's own route."""
        return "/plivo/" + self.name.replace(".", "/")

    @property
    def product(self) -> str:
        """Return the Plivo product that sends it: ``voice``, ``messaging``, ..."""
        return self.name.partition(".")[0]

    @property
    def has_path(self) -> bool:
        """Return whether the type has a route of its own."""
        return self.name != UNRECOGNISED

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Return all alternatives that identify it, the naming ones first."""
        return (*self.named, *self.recognise)

    def describe_key(self, format_name: Callable[[str], str]) -> str:
        """Return a text about the event's key, with fields formatted by ``format_name``."""
        fields = [format_name(field) for field in self.key_fields]
        if self.anonymous:
            fields += ["another UUID it carries", "the event's id"]
        return " or ".join(fields)

    def describe_repeats(self, format_name: Callable[[str], str]) -> str:
        """Return a text about whether callbacks with the same parameters are separate events."""
        if not self.can_repeat:
            return "no"
        once = " or ".join(format_name(alternative) for alternative in self.repeats_unless)
        return f"yes, unless {once}" if once else "yes"

    @property
    def has_no_alternatives(self) -> bool:
        """Return whether only its path identifies this type."""
        return not self.named and not self.recognise

    @property
    def meaning(self) -> str:
        """Return the first sentence of the declaration's model."""
        return (self.model.__doc__ or "").strip().partition("\n")[0]


def list_fields(model: type[CallbackData]) -> dict[str, tuple[Any, Param, list[Any]]]:
    """Return annotation, Param and all metadata of each field that has a parameter, by data key."""
    found: dict[str, tuple[Any, Param, list[Any]]] = {}
    for name, info in model.model_fields.items():
        marks = [mark for mark in info.metadata if isinstance(mark, Param)]
        if marks:
            found[info.alias or name] = (info.annotation, marks[0], list(info.metadata))
    return found
