"""Parse parameters into fields: the type, the customer's own parameters, the values."""

import pytest

from bridge.callbacks.model import CallbackType, list_fields
from bridge.core.catalogue import Catalogue
from bridge.core.parameters import BodyFault, Pair, decode_parameters
from bridge.core.parse import REFERENCE_PARAMETER, Callback, NoEvent, NoEventReason, Parser
from bridge.core.verify import Unverified, VerificationFault
from tests.support.factories import UUID, parsed, raw_callback, samples, vouched

ANSWER = "voice.call.answer"
FALLBACK = "voice.call.fallback"
HANGUP = "voice.call.hangup"
RING = [("CallUUID", UUID), ("Event", "Ring")]
ENDED = [("CallUUID", UUID), ("Event", "Hangup")]
START = "CallUUID=x&Event=StartApp"


def read(
    types: Catalogue,
    query: str = "",
    body: bytes | str = b"",
    *,
    method: str = "POST",
    context_names: tuple[str, ...] = (),
    route: CallbackType | None = None,
) -> Callback:
    raw = raw_callback(query, body, method=method)
    return Parser(types, context_names).parse(vouched(raw), route)


def unread(callback: Callback) -> list[tuple[str | None, str, list[str], str]]:
    return [
        (one["field"], one["parameter"], one["text"], one["reason"]) for one in callback.unreadable
    ]


def test_every_sample_is_parsed_completely(types: Catalogue) -> None:
    for kind, pairs in samples(types):
        callback = parsed(types, pairs, route=kind)
        assert callback.type is kind
        assert callback.unreadable == []
        assert callback.zone_mismatch is None
        assert not callback.undeclared or not list_fields(kind.model)


# The path of the route, the form, the recognised type, and what decided.
TOLD = [
    (ANSWER, START, ANSWER, "path"),
    (FALLBACK, START, FALLBACK, "path"),
    (None, START, ANSWER, "parameters"),
    (HANGUP, START, ANSWER, "parameters"),
    (ANSWER, "CallUUID=x&Event=Hangup", HANGUP, "parameters"),
    (ANSWER, "CallUUID=x&HangupCause=NORMAL_CLEARING", HANGUP, "parameters"),
    (None, "CallUUID=x&HangupCause=NORMAL_CLEARING", HANGUP, "parameters"),
    (HANGUP, "CallUUID=x", HANGUP, "path"),
    (None, "CallUUID=x", "voice.fetch", "parameters"),
]


@pytest.mark.parametrize(("route", "form", "name", "told_by"), TOLD)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_type_is_decided_by_parameters_and_else_by_the_path(
    types: Catalogue, route: str | None, form: str, method: str, *, name: str, told_by: str
) -> None:
    query, body = ("", form) if method == "POST" else (form, "")
    on = types.by_name[route] if route else None
    callback = read(types, query, body, method=method, route=on)
    assert (callback.type.name, callback.recognised_by) == (name, told_by)
    assert callback.subject == "x"


def test_a_blank_parameter_is_absent(types: Catalogue) -> None:
    pairs = [*ENDED, ("CallerName", ""), ("Duration", ""), ("AnswerTime", ""), ("X-PH-A", "")]
    callback = parsed(types, pairs)
    assert callback.fields.keys() == {"call_uuid", "event", "correlation"}
    assert callback.unreadable == []
    assert callback.undeclared == {}


def test_an_undeclared_blank_parameter_is_kept(types: Catalogue) -> None:
    assert parsed(types, [*RING, ("New", "")]).undeclared == {"New": [""]}


@pytest.mark.parametrize(
    ("texts", "value"),
    [(["66", "66"], 66), (["", "66"], 66), (["66", "", "66"], 66), (["", ""], None)],
)
def test_a_parameter_repeated_with_one_value_has_that_value(
    types: Catalogue, texts: list[str], value: int | None
) -> None:
    callback = parsed(types, [*ENDED, *(("Duration", text) for text in texts)])
    assert callback.fields.get("duration_s") == value
    assert callback.unreadable == []


def test_a_parameter_repeated_with_several_values_is_unreadable(types: Catalogue) -> None:
    callback = parsed(types, [*ENDED, ("Duration", "66"), ("Duration", "67"), ("Duration", "")])
    assert callback.fields["duration_s"] is None
    assert unread(callback) == [("duration_s", "Duration", ["66", "67", ""], "repeated")]


@pytest.mark.parametrize("texts", [["", "Hangup"], ["Hangup", "Hangup"]])
def test_a_type_is_recognised_by_a_repeated_parameter_with_one_value(
    types: Catalogue, texts: list[str]
) -> None:
    pairs = [("CallUUID", UUID), *(("Event", text) for text in texts)]
    assert parsed(types, pairs).type.name == HANGUP


@pytest.mark.parametrize(
    ("name", "text", "field", "reason"),
    [
        ("Duration", "-1", "duration_s", "not_a_count"),
        ("TotalCost", "free", "total_cost", "not_a_decimal"),
        ("CarrierFailoverTriggered", "maybe", "carrier_failover_triggered", "not_a_flag"),
        ("EndTime", "yesterday", "ended_at", "not_a_time"),
        ("SessionStart", "2026-02-30 00:00:00", "session_started_at", "no_such_time"),
    ],
)
def test_an_unreadable_field_is_null_with_its_text_and_the_reason(
    types: Catalogue, name: str, text: str, *, field: str, reason: str
) -> None:
    callback = parsed(types, [*ENDED, (name, text)])
    assert callback.fields[field] is None
    assert unread(callback) == [(field, name, [text], reason)]
    assert callback.happened_at is None


def test_bytes_that_are_not_utf_8_are_kept_as_escapes(types: Catalogue) -> None:
    body = b"CallUUID=x&Event=Ring&CallerName=%FFa&X-PH-A=b\xfe&New=%FF&%FD=1&STIRVerification=%FC"
    callback = read(types, "team=%FB", body)
    assert callback.fields["caller_name"] is None
    assert "sip_headers" not in callback.fields or callback.fields["sip_headers"] is None
    assert callback.undeclared == {}
    assert callback.context == {"team": ["\\xfb"]}
    assert unread(callback) == [
        ("caller_name", "CallerName", ["\\xffa"], "not_utf8"),
        (None, "X-PH-A", ["b\\xfe"], "not_utf8"),
        (None, "New", ["\\xff"], "not_utf8"),
        (None, "\\xfd", ["1"], "not_utf8"),
        (None, "STIRVerification", ["\\xfc"], "not_utf8"),
    ]


def test_custom_sip_headers_are_kept_by_name(types: Catalogue) -> None:
    pairs = [*RING, ("X-PH-Campaign", "spring"), ("X-PH-Shift", "2"), ("x-ph-lower", "3")]
    callback = parsed(types, pairs)
    assert callback.fields["sip_headers"] == {"Campaign": "spring", "Shift": "2", "lower": "3"}
    assert callback.undeclared == {}


def test_a_custom_sip_header_repeated_with_several_values_is_unreadable(types: Catalogue) -> None:
    callback = parsed(types, [*RING, ("X-PH-A", "1"), ("X-PH-A", "2")])
    assert "sip_headers" not in callback.fields
    assert unread(callback) == [(None, "X-PH-A", ["1", "2"], "repeated")]


@pytest.mark.parametrize("name", ["Machine", "machine", "MACHINE"])
def test_the_machine_flag_is_read_in_any_case(types: Catalogue, name: str) -> None:
    machine = parsed(types, [*RING, (name, "true")]).fields["machine"]
    assert machine == {"detected": True, "text": "true"}


def test_spellings_that_disagree_are_unreadable_and_both_are_kept(types: Catalogue) -> None:
    callback = parsed(types, [*RING, ("Machine", "true"), ("machine", "false")])
    assert callback.fields["machine"] is None
    assert {one["reason"] for one in callback.unreadable} == {"spellings_disagree"}
    kept = {one["parameter"]: one["text"] for one in callback.unreadable}
    assert kept == {"Machine": ["true"], "machine": ["false"]}


def test_a_third_spelling_does_not_resolve_a_disagreement(types: Catalogue) -> None:
    pairs = [*RING, ("Machine", "true"), ("machine", "false"), ("MACHINE", "true")]
    callback = parsed(types, pairs)
    assert callback.fields["machine"] is None
    assert [one["parameter"] for one in callback.unreadable] == ["Machine", "machine", "MACHINE"]


def test_spellings_that_agree_are_read(types: Catalogue) -> None:
    callback = parsed(types, [*RING, ("Machine", "true"), ("machine", "true")])
    assert callback.fields["machine"] == {"detected": True, "text": "true"}
    assert callback.unreadable == []


@pytest.mark.parametrize(
    ("kind", "utc"),
    [("voice.mpc.recording", None), ("masking.session.recording", "2026-03-07T14:11:40Z")],
)
def test_the_time_of_a_recording_is_utc_without_an_offset_only_where_plivo_says_so(
    types: Catalogue, kind: str, utc: str | None
) -> None:
    pairs = [("MPCUUID", "x"), ("SessionUUID", "x"), ("RecordingStartTime", "2026-03-07 14:11:40")]
    moment = parsed(types, pairs, route=types.by_name[kind]).fields["recording_began_at"]
    assert isinstance(moment, dict)
    assert moment["utc"] == utc


def test_a_query_beside_a_body_is_the_customers_own(types: Catalogue) -> None:
    callback = read(types, "team=blue&team=red&Event=Hangup&to=x", "CallUUID=x&Event=Ring")
    assert callback.type.name == "voice.call.ring"
    assert callback.context == {"team": ["blue", "red"], "Event": ["Hangup"], "to": ["x"]}
    assert callback.undeclared == {}


def test_an_echo_of_the_query_in_the_body_is_context(types: Catalogue) -> None:
    callback = read(types, "team=blue&shift=2", "CallUUID=x&Event=Ring&team=blue&shift=3")
    assert callback.context == {"team": ["blue"], "shift": ["2"]}
    assert callback.undeclared == {"shift": ["3"]}


def test_in_a_get_the_configured_names_are_the_customers(types: Catalogue) -> None:
    query = "CallUUID=x&Event=Ring&team=blue&Direction=outbound&direction=back&New=1"
    callback = read(types, query, method="GET", context_names=("team", "direction", "absent"))
    assert callback.type.name == "voice.call.ring"
    assert callback.fields["direction"] == "outbound"
    assert callback.context == {"team": ["blue"], "direction": ["back"]}
    assert callback.undeclared == {"New": ["1"]}


def test_in_a_get_the_reference_of_our_request_is_context_without_being_configured(
    types: Catalogue,
) -> None:
    query = "CallUUID=x&Event=Ring&bridge_reference=r-1"
    callback = read(types, query, method="GET")
    assert callback.context == {REFERENCE_PARAMETER: ["r-1"]}
    assert callback.undeclared == {}


def test_in_a_get_a_customers_name_does_not_decide_the_type(types: Catalogue) -> None:
    query = "CallUUID=x&HangupCause=NORMAL_CLEARING&Event=mine"
    assert read(types, query, method="GET").type is types.unrecognised
    callback = read(types, query, method="GET", context_names=("Event",))
    assert callback.type.name == HANGUP


@pytest.mark.parametrize("identity", [[], [("CallUUID", "")]])
@pytest.mark.parametrize("event", ["Ring", "StartApp", "Hangup", "MachineDetection"])
def test_without_a_call_there_is_no_event(
    types: Catalogue, identity: list[Pair], event: str
) -> None:
    with pytest.raises(NoEvent) as no_event:
        parsed(types, [*identity, ("Event", event)])
    assert no_event.value.reason is NoEventReason.NO_IDENTITY


@pytest.mark.parametrize("form", ["CallUUID=%FF&Event=Ring", "CallUUID=x&CallUUID=y&Event=Ring"])
def test_with_an_unreadable_call_there_is_no_event(types: Catalogue, form: str) -> None:
    with pytest.raises(NoEvent) as no_event:
        read(types, "", form)
    assert no_event.value.reason is NoEventReason.NO_IDENTITY


@pytest.mark.parametrize(
    ("body", "content_type", "content_encoding", "fault"),
    [
        (b"CallUUID=x&Event=Ring", "text/plain", None, BodyFault.CONTENT_TYPE),
        (b"CallUUID=x&Event=Ring", None, "gzip", BodyFault.CONTENT_ENCODING),
        (b"CallUUID=x&Event=Ring", "application/json", None, BodyFault.MALFORMED_JSON),
    ],
)
def test_a_body_that_cannot_be_decoded_makes_no_event_and_its_fault_is_the_reason(
    types: Catalogue,
    body: bytes,
    content_type: str | None,
    *,
    content_encoding: str | None,
    fault: BodyFault,
) -> None:
    raw = raw_callback("", body)
    parameters = decode_parameters("", body, content_type, content_encoding)
    verdict = Unverified(raw, parameters, None, None, VerificationFault.NOT_CHECKED)
    with pytest.raises(NoEvent) as no_event:
        Parser(types).parse(verdict, None)
    assert no_event.value.reason.value == fault.value
