"""Every law for every type and every sample of it."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from bridge.callbacks.model import list_fields
from bridge.core.request import index_headers
from bridge.core.verify import Verified
from bridge.reader.journal import to_raw_callback
from tests.support.conformance import NAMES, PARSER, SAMPLES, TYPES, Sample, assert_valid, through
from tests.support.factories import RECORDED, signed, verdict_on, with_headers
from tests.support.parameter_loss import lost

every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=NAMES)
both_methods = pytest.mark.parametrize("method", ["POST", "GET"])


def test_every_type_has_samples_and_every_form_of_it_is_told_apart() -> None:
    assert {sample.kind.name for sample in SAMPLES} == set(TYPES.by_name)
    assert len(set(NAMES)) == len(NAMES)


@both_methods
@every_sample
def test_a_sample_is_of_its_type_on_its_own_path(sample: Sample, method: str) -> None:
    callback = through(sample.sent(method=method), sample.route).callback
    assert callback.type is sample.kind
    assert callback.recognised_by == ("path" if sample.kind.has_path else "parameters")
    assert callback.unreadable == []
    assert not callback.undeclared or not list_fields(sample.kind.model)


@both_methods
@every_sample
def test_a_samples_event_is_as_its_schema_and_model_say(sample: Sample, method: str) -> None:
    assert_valid(through(sample.sent(method=method), sample.route))


@both_methods
@every_sample
def test_a_samples_parameters_are_all_found_again(sample: Sample, method: str) -> None:
    assert lost(through(sample.sent(method=method), sample.route).callback) == []


@every_sample
def test_a_samples_subject_is_what_its_key_names(sample: Sample) -> None:
    taken = through(sample.sent(), sample.route)
    if sample.kind.key_fields:
        named = [taken.callback.fields.get(field) for field in sample.kind.key_fields]
        assert taken.value["subject"] == next(filter(None, named))
    assert taken.value["subject"] == taken.value["partitionkey"]
    assert taken.event.record.key == taken.value["partitionkey"].encode() == taken.journal.key


@every_sample
def test_a_sample_happened_when_its_declaration_says(sample: Sample) -> None:
    taken = through(sample.sent(), sample.route)
    moments: dict[str, Any] = {
        one: taken.callback.fields.get(one) for one in sample.kind.time_fields
    }
    known = [one for one, moment in moments.items() if moment and moment["utc"]]
    if known:
        assert taken.value["time"] == moments[known[0]]["utc"]
        assert taken.value["data"]["time_source"] == known[0]
    else:
        assert taken.value["time"] == taken.value["data"]["received_at"]
        assert taken.value["data"]["time_source"] == "received"


@both_methods
@every_sample
def test_from_its_journal_alone_a_sample_is_verified_and_derived_again(
    sample: Sample, method: str
) -> None:
    first = through(sample.sent(method=method), sample.route)
    again = to_raw_callback(orjson.loads(first.journal.value))
    assert again == sample.sent(method=method)
    assert isinstance(verdict_on(again), Verified)
    later = RECORDED + timedelta(days=365)
    derived = through(again, sample.route, at=later)
    assert derived.event.id == first.event.id
    assert derived.event.record.key == first.event.record.key
    assert derived.event.record.topic == first.event.record.topic
    assert derived.event.record.timestamp_ms == first.event.record.timestamp_ms
    assert derived.value == {**first.value, "recordedtime": derived.value["recordedtime"]}
    assert derived.value["recordedtime"] != first.value["recordedtime"]


@both_methods
@every_sample
def test_the_same_delivery_again_has_the_same_id(sample: Sample, method: str) -> None:
    first = sample.sent(method=method)
    again = first._replace(received_at=first.received_at + timedelta(seconds=60))
    again = with_headers(again, ("x-request-id", "2"))
    assert through(again, sample.route).event.id == through(first, sample.route).event.id


@both_methods
@every_sample
def test_another_nonce_is_another_event_only_where_the_parameters_may_truthfully_repeat(
    sample: Sample, method: str
) -> None:
    taken = [through(sample.sent(nonce, method=method), sample.route) for nonce in ("1", "2")]
    repeats = {one.callback.recognition.can_repeat for one in taken}
    assert len({one.event.id for one in taken}) == (2 if repeats == {True} else 1)
    if not sample.kind.repeats_unless:
        assert repeats == {sample.kind.can_repeat}


@every_sample
def test_a_changed_parameter_is_another_event(sample: Sample) -> None:
    bare = sample.sent()
    unsigned = bare._replace(
        headers=index_headers(bare.headers.lines[:1]), body=bare.body + b"&Added=1"
    )
    added = through(signed(unsigned), sample.route)
    assert added.event.id != through(bare, sample.route).event.id
    assert added.value["data"]["undeclared"]["Added"] == ["1"]


@every_sample
def test_a_sample_nobody_signed_is_read_alike_and_says_so(sample: Sample) -> None:
    raw = sample.sent()
    unsigned = raw._replace(headers=index_headers(raw.headers.lines[:1]))
    callback = PARSER.parse(verdict_on(unsigned), sample.route)
    assert callback.type is sample.kind
    taken = through(unsigned, sample.route)
    assert taken.value["data"]["verification"]["verdict"] == "unverified"
    assert_valid(taken)
