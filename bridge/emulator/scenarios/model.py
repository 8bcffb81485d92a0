"""Models of a scenario file.

``make derive`` makes the JSON Schema and the reference page from these models. What a validator checks
beyond the types, the schema says beside it.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from bridge.emulator.chaos.options import Chaos
from bridge.emulator.machine.calls import TIME_LIMIT_S_MAX
from bridge.emulator.machine.person import Phase, Pickup, Reception

Seconds = Annotated[float, Field(ge=0, le=TIME_LIMIT_S_MAX)]
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}|sip:[^\s@<>]{1,64}@[^\s@<>]{1,128}", re.ASCII)
_NUMBER_PATTERN: Final = f"^(?:{_NUMBER.pattern})$"
_DIGITS: Final = r"^[0-9*#]{0,64}$"


def _to_text(value: object) -> object:
    """YAML reads an unquoted telephone number, or digits, as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        message = (
            "must be a number such as 14155550123, or a SIP address such as sip:ann@phone.plivo.com"
        )
        raise ValueError(message)
    return text.removeprefix("+")


def _describe_text(pattern: str, least: int, most: int) -> WithJsonSchema:
    """Return the schema of a text that may also be written as a number of YAML."""
    number = {"type": "integer", "minimum": least, "maximum": most}
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": pattern}, number]})


def _describe_choice(how: str, **alternatives: Mapping[str, object]) -> ConfigDict:
    """Return the configuration of a model that needs these keys: ``oneOf`` them, or ``anyOf`` them."""
    choices: list[Any] = [
        {"type": "object", "required": [name], "properties": {name: dict(schema)}}
        for name, schema in alternatives.items()
    ]
    return ConfigDict(json_schema_extra={how: choices})


_OBJECT: Final = {"type": "object"}
_NOT_EMPTY: Final = {"type": "array", "minItems": 1}

Number = Annotated[
    str,
    BeforeValidator(_to_text),
    AfterValidator(_check_number),
    _describe_text(_NUMBER_PATTERN, 100, 10**15 - 1),
]
Digits = Annotated[
    str, BeforeValidator(_to_text), Field(pattern=_DIGITS), _describe_text(_DIGITS, 0, 10**18 - 1)
]


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    if not all(one.isascii() and one.isalnum() for pair in headers.items() for one in pair):
        message = "names and values have letters and digits only"
        raise ValueError(message)
    return headers


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputModel(_Model):
    """Input of a person, if the document asks for it. Neither digits nor speech: silence."""

    digits: Annotated[Digits, Field(description="Keys to press, one after the other.")] = ""
    speech: Annotated[str, Field(description="Words to say.", max_length=1_000)] = ""
    confidence: Annotated[
        float, Field(ge=0, le=1, description="Confidence of the speech recognition, 0 to 1.")
    ] = 0.92
    after_s: Annotated[
        Seconds, Field(description="Seconds from the question to the first key or word.")
    ] = 1.0
    digit_interval_s: Annotated[Seconds, Field(description="Seconds between two keys.")] = 0.2


class HangUpModel(_Model):
    """When a person hangs up."""

    after_s: Annotated[
        Seconds, Field(description="Seconds since the answer, or since the phase began.")
    ]
    phase: Annotated[
        Phase | None, Field(description="Count from the beginning of this phase of the call.")
    ] = None


class PersonModel(_Model):
    """A person, or a machine, at the other end of a leg."""

    pickup: Annotated[Pickup, Field(description="How the person meets the ringing phone.")] = (
        Pickup.ANSWERS
    )
    rings_after_s: Annotated[Seconds, Field(description="Seconds until the phone rings.")] = 1.2
    answers_after_s: Annotated[
        Seconds, Field(description="Seconds until the person reacts, from the placing of the call.")
    ] = 4.0
    speaks_after_s: Annotated[
        Seconds, Field(description="Seconds from the answer to the first word.")
    ] = 0.5
    is_machine: Annotated[bool, Field(description="A machine answers.")] = False
    greeting_s: Annotated[
        Seconds, Field(description="Seconds that a machine talks before its beep.")
    ] = 6.0
    inputs: Annotated[
        tuple[InputModel, ...],
        Field(description="What the person gives, for each question in turn.", max_length=1_000),
    ] = ()
    hang_up: Annotated[
        HangUpModel | None, Field(description="When the person hangs up; null: never.")
    ] = HangUpModel(after_s=60)
    records_s: Annotated[
        Seconds, Field(description="Seconds that the person talks after a beep.")
    ] = 8.0
    records_words: Annotated[
        str, Field(max_length=1_000, description="The words of a transcription.")
    ] = "Please call me back."
    records_key: Annotated[
        str,
        Field(pattern="^[0-9*#]?$", description="The key that the person presses after talking."),
    ] = ""
    receives: Annotated[
        Reception, Field(description="What becomes of a message to the person.")
    ] = Reception.DELIVERED


class MachineDetectionModel(_Model):
    """Machine detection of an outbound call."""

    action: Annotated[
        Literal["continue", "hangup"], Field(description="What happens when a machine answers.")
    ] = "continue"
    is_asynchronous: Annotated[
        bool,
        Field(description="Report a machine in a callback of its own, while the call goes on."),
    ] = False


# Keys that only a call that you place can have.
_OUTBOUND_ONLY: Final = frozenset({
    "caller_name",
    "hangup_on_ring_s",
    "machine_detection",
    "ring_timeout_s",
    "sip_headers",
    "time_limit_s",
})  # fmt: skip


class CallModel(_Model):
    """One call: its direction, its numbers, and its people."""

    direction: Annotated[
        Literal["outbound", "inbound"], Field(description="Who calls: you, or the person.")
    ] = "outbound"
    from_: Annotated[Number, Field(alias="from", description="The caller.")] = "14155550100"
    to: Annotated[Number, Field(description="Whom to call.")] = "14155550123"
    person: Annotated[
        PersonModel, Field(description="The called person; of an inbound call, the caller.")
    ] = PersonModel()
    others: Annotated[
        dict[Number, PersonModel],
        Field(
            description="Who is reached at numbers that a document dials. At any other: an answer.",
            json_schema_extra={"propertyNames": {"type": "string", "pattern": _NUMBER_PATTERN}},
        ),
    ] = Field(default_factory=dict)
    caller_name: Annotated[str, Field(max_length=50, description="The caller's name.")] = ""
    sip_headers: Annotated[
        dict[str, str],
        AfterValidator(_check_headers),
        Field(
            description="Custom SIP headers, sent as `X-PH-` parameters: letters and digits only."
        ),
    ] = Field(default_factory=dict)
    ring_timeout_s: Annotated[Seconds, Field(description="Seconds to ring at most.")] = 120
    time_limit_s: Annotated[Seconds, Field(description="Seconds to talk at most.")] = 14_400
    hangup_on_ring_s: Annotated[
        Seconds | None, Field(description="End the call so many seconds after the first ring.")
    ] = None
    machine_detection: Annotated[
        MachineDetectionModel | None, Field(description="Detect machines.")
    ] = None
    sends_hangup: Annotated[
        bool, Field(description="False: Plivo never reports the end. A gap for you to notice.")
    ] = True

    @model_validator(mode="after")
    def _check_direction(self) -> "CallModel":
        unused = sorted(_OUTBOUND_ONLY & self.model_fields_set)
        if self.direction == "inbound" and unused:
            message = f"an inbound call has no {', '.join(unused)}"
            raise ValueError(message)
        return self


class MessageModel(_Model):
    """One message, sent or received."""

    direction: Annotated[
        Literal["outbound", "inbound"], Field(description="Who sends: you, or the person.")
    ] = "inbound"
    from_: Annotated[Number, Field(alias="from", description="The sender.")] = "14155550123"
    to: Annotated[Number, Field(description="The recipient.")] = "14155550100"
    text: Annotated[str, Field(max_length=1_600, description="The text.")] = "Hello"
    status: Annotated[
        Literal["delivered", "undelivered", "failed"],
        Field(description="How the delivery of an outbound message ends."),
    ] = "delivered"


Episode = CallModel | MessageModel


class _Either(_Model):
    """Either a call or a message."""

    call: Annotated[CallModel | None, Field(description="A call.")] = None
    message: Annotated[MessageModel | None, Field(description="A message.")] = None


class MixEntry(_Either):
    """One kind of call or message in a mix: set either `call` or `message`."""

    model_config = _describe_choice("oneOf", call=_OBJECT, message=_OBJECT)

    weight: Annotated[float, Field(gt=0, description="How often, compared with the others.")] = 1.0

    @model_validator(mode="after")
    def _check_content(self) -> "MixEntry":
        if (self.call is None) == (self.message is None):
            message = "set either call or message"
            raise ValueError(message)
        return self

    @property
    def episode(self) -> Episode:
        """Return the call or message."""
        return self.call or self.message or CallModel()


class LoadModel(_Model):
    """How many, how fast: set `count`, `duration_s` or both.

    Calls begin at random instants, whether or not earlier ones have ended.
    """

    model_config = _describe_choice(
        "anyOf", count={"type": "integer"}, duration_s={"type": "number"}
    )

    count: Annotated[
        int | None, Field(ge=1, le=1_000_000, description="Calls and messages in all.")
    ] = None
    duration_s: Annotated[
        Seconds | None, Field(description="Seconds, of emulated time, to begin new ones.")
    ] = None
    rate_per_s: Annotated[
        float, Field(gt=0, le=10_000, description="How many begin in a second of emulated time.")
    ] = 1.0
    ramp_s: Annotated[Seconds, Field(description="Seconds in which the rate rises from 0.")] = 0

    @model_validator(mode="after")
    def _check_end(self) -> "LoadModel":
        if self.count is None and self.duration_s is None:
            message = "set count or duration_s: a load must end"
            raise ValueError(message)
        return self


class Scenario(_Either):
    """A scenario file: a `call`, a `message`, or a `mix` of several."""

    model_config = _describe_choice("oneOf", call=_OBJECT, message=_OBJECT, mix=_NOT_EMPTY)

    title: Annotated[str, Field(min_length=1, max_length=120, description="One line for lists.")]
    mix: Annotated[
        tuple[MixEntry, ...],
        Field(description="Several kinds, chosen by weight.", max_length=1_000),
    ] = ()
    load: Annotated[LoadModel, Field(description="How many calls, and how fast.")] = LoadModel(
        count=1
    )
    chaos: Annotated[
        Chaos | None, Field(description="What goes wrong between Plivo and you, and how often.")
    ] = None

    @model_validator(mode="after")
    def _check_content(self) -> "Scenario":
        if sum(map(bool, (self.call, self.message, self.mix))) != 1:
            message = "set one of call, message and mix"
            raise ValueError(message)
        return self

    @property
    def entries(self) -> tuple[MixEntry, ...]:
        """Return the kinds of calls with their weights."""
        return self.mix or (MixEntry(call=self.call, message=self.message),)
