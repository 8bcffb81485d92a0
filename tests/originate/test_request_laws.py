"""Laws of requests: what one gives, Plivo takes; nothing else than a request or its faults comes out."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.call_orders import read_call_orders
from bridge.originate.destinations import identify
from bridge.originate.parameter import RequestFault, RequestFaults
from bridge.originate.request import CallRequest, list_parameters
from bridge.originate.wiring import wire
from tests.emulator.machines import ACCOUNT
from tests.originate.valid_requests import valid_values

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=3,
)


@settings(max_examples=50)
@given(valid_values())
def test_plivo_takes_the_body_of_a_request(values: dict[str, Any]) -> None:
    request = CallRequest.model_validate(values)
    body = json.loads(json.dumps(request.to_body()))
    orders = read_call_orders(ACCOUNT, Arguments(body))
    assert [order.callee for order in orders] == [
        one.removeprefix("+") for one in request.destinations
    ]
    for order in orders:
        assert order.urls.answer == (request.answer_url, request.answer_method or "POST")
        assert order.caller == identify(request.from_)


@settings(max_examples=50)
@given(valid_values(), st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_plivo_takes_a_wired_request_and_the_rest_of_it_is_unchanged(
    values: dict[str, Any], reference: str
) -> None:
    request = CallRequest.model_validate(values)
    wired = wire(request, "https://callbacks.example.com", reference, is_asynchronous=True)
    body = wired.to_body()
    assert read_call_orders(ACCOUNT, Arguments(body))
    given_body = request.to_body()
    assert {name: body[name] for name in given_body} == given_body
    assert all(name.endswith("_url") for name in body.keys() - given_body.keys())


@settings(max_examples=50)
@given(valid_values())
def test_a_request_read_again_from_its_body_is_the_same(values: dict[str, Any]) -> None:
    request = CallRequest.model_validate(values)
    assert CallRequest.model_validate(request.to_body()).to_body() == request.to_body()


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([*list_parameters()]) | st.text(), JSON))
def test_any_other_values_have_faults_with_a_remedy_each(values: dict[str, object]) -> None:
    faults: tuple[RequestFault, ...] = ()
    try:
        CallRequest.model_validate(values)
    except RequestFaults as error:
        faults = error.faults
    assert all(fault.fault and fault.remedy for fault in faults)
    assert bool(faults) or bool(values["from"] and values["to"])
