"""The words declarations are written in, and what every event's ``data`` has.

A declaration is a pydantic model with one line a parameter (Plivo's name, our name, type with its
normaliser, meaning with unit) and a CallbackType that says what cannot be seen from the fields.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
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
    """The parameters a field is read from: ``names`` are Plivo's spellings, the documented one first.

    ``folded`` accepts the names in any case and with or without underscores. ``prefix`` is for names
    that go on as the customer likes (``X-PH-<Name>``), ``numbered`` for those that go on with digits.
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

        The names are words of the description, because strict validators (ajv by default) refuse a
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
    """Return the mark that ties a field to Plivo's parameters."""
    return Param(names, meaning, case_insensitive, prefix, numbered)


class Reply(StrEnum):
    """What Plivo does with the answer to a callback."""

    ACK = "ack"
    """Any 200; the body is ignored."""

    XML = "xml"
    """The body is executed: Plivo XML."""

    SOUND = "sound"
    """The body is executed: Plivo XML of Play, Speak and Wait alone."""

    OPTIONAL_XML = "optional_xml"
    """A body of Plivo XML is executed, none is fine."""


class Verification(TypedDict):
    """How much the callback can be believed."""

    verdict: Annotated[
        Literal["verified", "unverified"],
        Field(description="`verified` only when a signature of one of our accounts' keys holds."),
    ]
    scheme: Annotated[
        str | None, Field(description="`v3`, `v3-ma`, `v2`, `v2-ma` or `v3-agentstack`.")
    ]
    key_id: Annotated[str | None, Field(description="Which token verified it: its id, not it.")]
    covers: Annotated[
        list[str],
        Field(
            description="What the signature covers: `url`, `query`, `body`. Of a JSON body in one of "
            "the readings of Plivo's SDKs, instead of `body`: `body_as_read` (every name and value, "
            "but not nesting, order, types and the spelling of numbers) or `body_in_part` (some names "
            "and values are not signed). `url` alone: nothing of the content is signed."
        ),
    ]
    fault: Annotated[str | None, Field(description="Why it is unverified.")]


class Unread(TypedDict):
    """A parameter whose text does not have the form of its field."""

    field: Annotated[str | None, Field(description="The field that is null for it, if declared.")]
    parameter: Annotated[str, Field(description="Plivo's name.")]
    text: Annotated[list[str], Field(description="What came, every repetition.")]
    reason: Annotated[str, Field(description="A stable word for what is wrong.")]


class CallbackData(BaseModel):
    """What the ``data`` of every event has, whatever its type."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, frozen=True)

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
        Field(description="The field the event's `time` is from, or `received`."),
    ]
    recognised_by: Annotated[
        Literal["path", "parameters"], Field(description="What told the type apart.")
    ]
    verification: Verification
    context: Annotated[
        dict[str, list[str]],
        Field(description="The customer's own query parameters of the configured URL."),
    ]
    undeclared: Annotated[
        dict[str, list[str]],
        Field(description="Parameters of Plivo's that no declaration knows, as they came."),
    ]
    unreadable: Annotated[
        list[Unread], Field(description="Parameters that could not be read, as they came.")
    ]
    zone_mismatch: Annotated[
        ZoneMismatch | None,
        Field(description="Set when Plivo's local times are not in the account's configured zone."),
    ] = None


class VoiceEvent(CallbackData):
    """What the ``data`` of every voice event has beside that."""

    correlation: Annotated[
        Correlation, Field(description="What it can be joined with other events by.")
    ]
    sip_headers: Annotated[
        SipHeaders | None,
        param("X-PH-", meaning="Custom SIP headers of the call, by name.", prefix=True),
    ] = None


@dataclass(frozen=True, slots=True)
class CallbackType:
    """What a declaration says beside its fields.

    ``named`` and ``recognise`` list alternatives. Each is a conjunction joined by `` & ``:
    ``Event=Ring`` (has that value), ``EventName^=MPC`` (begins with it), ``CallUUID`` (present and not
    blank), ``Digits?`` (present, blank or not), ``!Event`` (absent or blank), ``!Event=Hangup`` (has
    another value). ``named`` are those in which the callback itself names its kind, ``recognise``
    those in which other parameters show it. A type with neither is recognised by its path alone.
    ``step`` is its place in the order in which types are tried. ``path_only`` marks a type whose
    parameters are also another's; ``weak`` one whose parameters do not contradict another's path.

    ``key`` lists the fields that can be the event's subject and partition key; the first one present
    is used. ``anonymous`` marks a type whose documented parameters hold no identifier: without one,
    the subject is the event's id. ``happened`` lists the fields that can hold when it happened.
    ``repeats`` marks a type whose callbacks can legitimately repeat with identical parameters, unless
    one of the alternatives in ``once`` holds; its event id then includes the nonce.
    ``shed_first`` marks a type whose loss hurts least: it reports progress that a later callback
    reports again, never an end, and is shed first under load. ``samples`` are bodies as Plivo would
    send them, by what they show.
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
        """Return Plivo's product that sends it: ``voice``, ``messaging``, ..."""
        return self.name.partition(".")[0]

    @property
    def has_path(self) -> bool:
        """Say whether the type has a route of its own."""
        return self.name != UNRECOGNISED

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Return everything it is recognised by, its own words first."""
        return (*self.named, *self.recognise)

    def describe_key(self, format_name: Callable[[str], str]) -> str:
        """Return in words what the event is keyed by, fields as ``shown`` writes them."""
        fields = [format_name(field) for field in self.key_fields]
        if self.anonymous:
            fields += ["another UUID it carries", "the event's id"]
        return " or ".join(fields)

    def describe_repeats(self, format_name: Callable[[str], str]) -> str:
        """Return in words whether callbacks with the same parameters are events of their own."""
        if not self.can_repeat:
            return "no"
        once = " or ".join(format_name(alternative) for alternative in self.repeats_unless)
        return f"yes, unless {once}" if once else "yes"

    @property
    def has_no_alternatives(self) -> bool:
        """Say whether nothing but its path shows this type."""
        return not self.alternatives

    @property
    def event_type(self) -> str:
        """Return the CloudEvents type: the major version is part of it."""
        return f"com.plivo.{self.name}.v{self.version}"

    @property
    def topic(self) -> str:
        """Return the topic's name, without the prefix."""
        return f"plivo.{self.name}.v{self.version}"

    @property
    def schema_path(self) -> str:
        """Return where the schema of this very version is, below the schema base."""
        return f"{self.name}/{self.version}.{self.revision}.json"

    @property
    def meaning(self) -> str:
        """Return the declaration's own sentence."""
        return (self.model.__doc__ or "").strip().partition("\n")[0]


def list_fields(model: type[CallbackData]) -> dict[str, tuple[Any, Param, list[Any]]]:
    """Return each parameter's field: annotation, its Param, and its other metadata, by data key."""
    found: dict[str, tuple[Any, Param, list[Any]]] = {}
    for name, info in model.model_fields.items():
        marks = [mark for mark in info.metadata if isinstance(mark, Param)]
        if marks:
            found[info.alias or name] = (info.annotation, marks[0], list(info.metadata))
    return found
