"""Bodies of requests to the control.

1. A name that is not known is refused, in bodies and in queries: a misspelt filter that is ignored
   would match everything.
2. Bodies are bounded. An empty body counts as ``{}``.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import Request

from bridge.emulator.control.problems import Refused
from bridge.emulator.history import Match
from bridge.emulator.machine.rooms import Control
from bridge.emulator.machine.streams import StreamEvent
from bridge.emulator.scenarios.model import Digits, Number, PersonModel
from bridge.reply.urls import is_absolute

BODY_BYTES_MAX: Final = 65_536
WAIT_S_MAX: Final = 300.0

Model = TypeVar("Model", bound=BaseModel)
Method = Literal["GET", "POST"]


def _check_url(text: str) -> str:
    if text and not is_absolute(text):
        message = "must be a URL such as http://127.0.0.1:5000/answer"
        raise ValueError(message)
    return text


Url = Annotated[str, Field(max_length=2_048), AfterValidator(_check_url)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class MatchBody(_Body):
    """Which callbacks are meant; see ``Match``."""

    type: str | None = None
    call: str | None = None
    path: str | None = None
    parameters: dict[str, str] = Field(default_factory=dict[str, str])

    def to_match(self) -> Match:
        """Return the match."""
        return Match(self.type, self.call, self.path, self.parameters)


class WaitBody(MatchBody):
    """A condition to wait for: so many callbacks that were sent, answered or failed; or ended legs.

    Legs are named by ``call`` alone.
    """

    state: Literal["sent", "answered", "failed", "ended"] = "answered"
    count: Annotated[int, Field(ge=1)] = 1
    timeout_s: Annotated[float, Field(ge=0, le=WAIT_S_MAX)] = 10.0

    @model_validator(mode="after")
    def _check_filters(self) -> Self:
        if self.state == "ended" and (self.type or self.path or self.parameters):
            message = "ended legs have no type, path and parameters: name a call, or nothing"
            raise ValueError(message)
        return self


class CallBody(_Body):
    """A call. ``others`` says who is reached at the numbers that a document dials."""

    to: Number
    person: PersonModel | None = None
    others: dict[Number, PersonModel] = Field(default_factory=dict[str, PersonModel])


class ReceiveBody(CallBody):
    """A call to a rented number."""

    from_: Annotated[Number, Field(alias="from")] = "14155550123"


class PlaceBody(CallBody):
    """A call to place. ``auth_id`` None: the first account."""

    from_: Annotated[Number, Field(alias="from")] = "14155550100"
    answer_url: Url
    answer_method: Method = "POST"
    ring_url: Url = ""
    ring_method: Method = "POST"
    hangup_url: Url = ""
    hangup_method: Method = "POST"
    fallback_url: Url = ""
    fallback_method: Method = "POST"
    auth_id: str | None = None


class MessageBody(_Body):
    """A message to a rented number."""

    from_: Annotated[Number, Field(alias="from")] = "14155550123"
    to: Number
    text: Annotated[str, Field(max_length=1_600)] = ""


class PressBody(_Body):
    """Keys to press."""

    digits: Annotated[Digits, Field(min_length=1)]


class SayBody(_Body):
    """Words to say."""

    words: Annotated[str, Field(min_length=1, max_length=1_000)]


class MemberBody(_Body):
    """Action on a leg in a conference or multi-party call."""

    control: Control


class VirtualCallBody(_Body):
    """A call of a party to the virtual number of a masking session."""

    from_: Annotated[Number, Field(alias="from")]


class StreamBody(_Body):
    """What happens to the audio stream of a leg: Plivo's word, and an error or a checkpoint's name."""

    event: StreamEvent
    detail: Annotated[str, Field(max_length=1_000)] = ""


class NothingBody(_Body):
    """No members."""


async def read_body(request: Request, model: type[Model]) -> Model:
    """Return the body of a request; raises Refused: rules 1 and 2."""
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > BODY_BYTES_MAX:
            detail = f"A body may have at most {BODY_BYTES_MAX} bytes."
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large", detail)
    try:
        return model.model_validate_json(bytes(content) or b"{}")
    except ValidationError as error:
        raise _refuse(error, "body") from error


def read_match(request: Request) -> Match:
    """Return what a query asks for; raises Refused: rule 1.

    ``parameter=Name=value`` may be repeated.
    """
    fields: dict[str, object] = {}
    parameters: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name == "parameter":
            key, _, expected = value.partition("=")
            parameters[key] = expected
        else:
            fields[name] = value
    try:
        return MatchBody.model_validate({**fields, "parameters": parameters}).to_match()
    except ValidationError as error:
        raise _refuse(error, "query") from error


def _refuse(error: ValidationError, where: str) -> Refused:
    faults = [
        f"{'.'.join(map(str, one['loc'])) or where}: {one['msg']}"
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"invalid-{where}", "; ".join(faults))


def describe_match(match: Match, state: str) -> str:
    """Return in words what a match asks for."""
    filters: Mapping[str, object] = {"type": match.type, "call": match.call, "path": match.path}
    words = [f"{name} {value}" for name, value in filters.items() if value is not None]
    words += [f"{name}={value}" for name, value in match.parameters.items()]
    return f"{state} with {', '.join(words)}" if words else state
