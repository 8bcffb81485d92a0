"""A request of Plivo's Make-a-call API: every parameter, declared once.

1. A ``CallRequest`` that exists can be sent, except that only the wiring may know its ``answer_url``.
   To make one raises RequestFaults, with every fault of every parameter.
2. None is a parameter that is not sent. An empty text as a URL is not sent either, and the wiring
   leaves it so: Plivo makes no such callback.
3. A parameter that would have no effect is refused, because whoever gives it expects one.
4. What Plivo's page does not say is not checked: it breaks off at ``machine_detection_silence``.
5. ``machine_detection=hangup`` goes with detection in both modes: the callback of the asynchronous one
   says ``IfMachine=hangup``. WhatsApp calls have no machine detection.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from bridge.callbacks.api import async_response
from bridge.callbacks.model import CallbackType
from bridge.callbacks.voice import answer, fallback, hangup, ring
from bridge.callbacks.voice import machine_detection as detection
from bridge.originate.destinations import (
    DESTINATION_PATTERN,
    DESTINATIONS_MAX,
    NUMBER_PATTERN,
    split_destinations,
)
from bridge.originate.fields import RequestField, list_fields, read_values
from bridge.originate.parameter import Group, Parameter, RequestFault, RequestFaults, Source
from bridge.originate.values import (
    Method,
    Url,
    WholeNumber,
    check_caller,
    check_destinations,
    check_sip_headers,
    fold_word,
)

CALLER_NAME_CHARACTERS_MAX: Final = 50
# Plivo disconnects every call after 24 hours, so that more seconds would be a promise it does not keep.
CALL_S_MAX: Final = 86_400
_DESTINATIONS_PATTERN: Final = (
    f"^({DESTINATION_PATTERN})(<({DESTINATION_PATTERN})){{0,{DESTINATIONS_MAX - 1}}}$"
)
_ID_CHARACTERS_MAX: Final = 64

BodyValue = str | int | bool


ABSOLUTE: Final = "an absolute URL"


def _url(
    meaning: str,
    callback: CallbackType,
    *,
    needs: str = "",
    limits: str = ABSOLUTE,
    is_required: bool = False,
) -> Parameter:
    return Parameter(
        meaning,
        Group.DETECTION if needs else Group.URLS,
        limits=limits,
        needs=needs,
        example="https://example.com/calls",
        callback=callback,
        is_required=is_required,
        is_retried=True,
    )


def _method(url: str, *, needs: str = "") -> Parameter:
    group = Group.DETECTION if needs else Group.URLS
    return Parameter(f"Method of the request to `{url}`.", group, default="POST", needs=needs)


def _detection(meaning: str, unit: str, default: str) -> Parameter:
    return Parameter(
        meaning, Group.DETECTION, unit=unit, default=default, needs="machine_detection"
    )


class CallRequest(BaseModel):
    """A request to place calls, by Plivo's names. Raises RequestFaults if it has faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: Annotated[
        str,
        Field(alias="from", json_schema_extra={"pattern": f"^{NUMBER_PATTERN}$"}),
        AfterValidator(check_caller),
        Parameter(
            "Caller ID: the number that the callee sees.",
            Group.PARTIES,
            limits="a number in E.164, with or without `+`",
            example="14157654321",
            is_required=True,
        ),
    ]
    to: Annotated[
        str,
        Field(json_schema_extra={"pattern": _DESTINATIONS_PATTERN}),
        AfterValidator(check_destinations),
        Parameter(
            "The destinations; several are joined with `<`.",
            Group.PARTIES,
            limits=f"numbers in E.164 and SIP URIs; 1 to {DESTINATIONS_MAX:,}, each once, and not the "
            "caller",
            example="14157654321<sip:john1234@phone.plivo.com",
            is_required=True,
        ),
    ]
    answer_url: Annotated[
        Url | None,
        _url(
            "Plivo requests it when the call is answered, and executes the Plivo XML that it returns.",
            answer.CALLBACK,
            is_required=True,
        ),
    ] = None
    answer_method: Annotated[Method | None, _method("answer_url")] = None
    ring_url: Annotated[
        Url | None, _url("Plivo notifies it when the call starts to ring.", ring.CALLBACK)
    ] = None
    ring_method: Annotated[Method | None, _method("ring_url")] = None
    hangup_url: Annotated[
        Url | None, _url("Plivo notifies it when the call has ended.", hangup.CALLBACK)
    ] = None
    hangup_method: Annotated[Method | None, _method("hangup_url")] = None
    fallback_url: Annotated[
        Url | None,
        _url(
            "Plivo requests it if `answer_url` fails after 3 retries or 60 s.",
            fallback.CALLBACK,
        ),
    ] = None
    fallback_method: Annotated[Method | None, _method("fallback_url")] = None
    caller_name: Annotated[
        str | None,
        Field(max_length=CALLER_NAME_CHARACTERS_MAX),
        Parameter(
            "Name of the caller.",
            Group.PARTIES,
            limits=f"up to {CALLER_NAME_CHARACTERS_MAX} characters",
            default="the caller's name",
        ),
    ] = None
    send_digits: Annotated[
        str | None,
        Field(pattern=r"^[0-9A-Da-d*#wW]+(@[0-9]{1,5})?$"),
        Parameter(
            "DTMF digits that Plivo sends when the call is connected.",
            Group.CALL,
            limits="digits, A to D, `*`, `#`; `w` waits 0.5 s, `W` waits 1 s; at the end `@` and the "
            "length of a tone in ms",
            example="1w2W3@500",
        ),
    ] = None
    send_on_preanswer: Annotated[
        bool | None,
        BeforeValidator(fold_word),
        Parameter(
            "Send the digits in early media, before the call is answered.",
            Group.CALL,
            default="false",
            needs="send_digits",
        ),
    ] = None
    time_limit: Annotated[
        WholeNumber | None,
        Field(ge=1, le=CALL_S_MAX),
        Parameter(
            "Maximum duration of the call once it is answered.", Group.CALL, "s", "", "14400"
        ),
    ] = None
    hangup_on_ring: Annotated[
        WholeNumber | None,
        Field(ge=0, le=CALL_S_MAX),
        Parameter("Plivo hangs up this long after the call starts to ring.", Group.CALL, unit="s"),
    ] = None
    machine_detection: Annotated[
        Literal["true", "hangup"] | None,
        BeforeValidator(fold_word),
        Parameter(
            "Detect whether a machine answers. If so, `true` continues the call, `hangup` ends it.",
            Group.DETECTION,
            default="no detection",
        ),
    ] = None
    machine_detection_time: Annotated[
        WholeNumber | None,
        Field(ge=2_000, le=10_000),
        _detection("Time limit of the detection.", "ms", "5000"),
    ] = None
    machine_detection_url: Annotated[
        Url | None,
        _url(
            "Plivo notifies it if a machine answers; the call goes on meanwhile.",
            detection.CALLBACK,
            needs="machine_detection",
            limits=f"{ABSOLUTE}; empty: the call waits for the detection",
        ),
    ] = None
    machine_detection_method: Annotated[
        Method | None, _method("machine_detection_url", needs="machine_detection")
    ] = None
    machine_detection_maximum_speech_length: Annotated[
        WholeNumber | None,
        Field(ge=1_000, le=6_000),
        _detection("Maximum duration of speech that counts as a person's.", "ms", "5000"),
    ] = None
    machine_detection_initial_silence: Annotated[
        WholeNumber | None,
        Field(ge=2_000, le=10_000),
        _detection("Maximum silence after the answer.", "ms", "4500"),
    ] = None
    machine_detection_maximum_words: Annotated[
        WholeNumber | None,
        Field(ge=2, le=10),
        _detection("Maximum number of sentences that count as a person's.", "sentences", "3"),
    ] = None
    machine_detection_initial_greeting: Annotated[
        WholeNumber | None,
        Field(ge=1_000, le=5_000),
        _detection("Maximum duration of a greeting that counts as a person's.", "ms", "1500"),
    ] = None
    machine_detection_silence: Annotated[
        int | str | None,
        Parameter(
            "Silence after the greeting. Sent as it is, unchecked: Plivo's page breaks off before its "
            "range.",
            Group.DETECTION,
            unit="ms",
            is_checked=False,
        ),
    ] = None
    sip_headers: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9]+=[A-Za-z0-9]+(,[A-Za-z0-9]+=[A-Za-z0-9]+)*$"),
        AfterValidator(check_sip_headers),
        Parameter(
            "SIP headers of the call. `NAME` comes back as `X-PH-NAME` in its callbacks.",
            Group.CALL,
            limits="NAME=VALUE, joined with commas; letters and digits only; each name once",
            example="Campaign=summer,Row=17",
            source=Source.LEGACY_PAGE,
        ),
    ] = None
    ring_timeout: Annotated[
        WholeNumber | None,
        Field(ge=1, le=CALL_S_MAX),
        Parameter(
            "Maximum duration of ringing.",
            Group.CALL,
            unit="s",
            default="120",
            source=Source.LEGACY_PAGE,
        ),
    ] = None
    parent_call_uuid: Annotated[
        str | None,
        Field(min_length=1, max_length=_ID_CHARACTERS_MAX),
        Parameter(
            "The call that the new call belongs to.",
            Group.CALL,
            limits=f"1 to {_ID_CHARACTERS_MAX} characters; only with a single destination",
            source=Source.LEGACY_PAGE,
        ),
    ] = None
    error_if_parent_not_found: Annotated[
        bool | None,
        BeforeValidator(fold_word),
        Parameter(
            "Refuse the request if there is no such parent call.",
            Group.CALL,
            default="false",
            needs="parent_call_uuid",
            source=Source.LEGACY_PAGE,
        ),
    ] = None
    callback_url: Annotated[
        Url | None,
        Parameter(
            "Asynchronous mode: Plivo sends the answer of the API to this URL.",
            Group.ASYNCHRONOUS,
            limits=ABSOLUTE,
            default="the answer comes at once",
            example="https://example.com/answers",
            callback=async_response.CALLBACK,
            source=Source.LEGACY_PAGE,
        ),
    ] = None
    callback_method: Annotated[
        Method | None,
        Parameter(
            "Method of the request to `callback_url`.",
            Group.ASYNCHRONOUS,
            default="POST",
            source=Source.LEGACY_PAGE,
        ),
    ] = None
    call_type: Annotated[
        Literal["whatsapp_voice"] | None,
        BeforeValidator(fold_word),
        Parameter(
            "`whatsapp_voice`: a call by WhatsApp.",
            Group.CALL,
            default="an ordinary call",
            source=Source.TOOL,
        ),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:  # noqa: ANN401 (pydantic's signature)
        """Return the values by name. Raises RequestFaults: rule 1."""
        if not isinstance(given, Mapping):
            return given
        return read_values(list_fields(cls), cast("Mapping[str, object]", given))

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the destinations, in the order of the request."""
        return split_destinations(self.to)

    def to_body(self) -> dict[str, BodyValue]:
        """Return the JSON body for Plivo, with the parameters that have a value.

        Raises RequestFaults if there is no ``answer_url``, which Plivo requires.
        """
        if not self.answer_url:
            raise RequestFaults([list_parameters()["answer_url"].miss()])
        values = self.model_dump(by_alias=True, exclude_none=True)
        return {name: value for name, value in values.items() if value != ""}


def list_parameters() -> Mapping[str, RequestField]:
    """Return every parameter by Plivo's name, in the order of Plivo's page."""
    return list_fields(CallRequest)


def find_faults(given: Mapping[str, object], *, but: str = "") -> tuple[RequestFault, ...]:
    """Return the faults of a request with these values, except those of the parameter ``but``.

    It is for a parameter that is read elsewhere, such as a file of destinations with faults of its own.
    """
    try:
        CallRequest.model_validate(given)
    except RequestFaults as error:
        return tuple(fault for fault in error.faults if fault.parameter != but)
    return ()
