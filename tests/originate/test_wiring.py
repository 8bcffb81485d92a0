"""The URLs of a request lead to this bridge, and bring its reference back."""

from urllib.parse import urlsplit

import pytest

from bridge.core.catalogue import Catalogue
from bridge.core.parse import Parser
from bridge.originate.parameter import RequestFaults
from bridge.originate.request import CallRequest, list_parameters
from bridge.originate.wiring import wire
from tests.support.factories import raw_callback, vouched

BRIDGE = "https://callbacks.example.com/eu/"
RETRIES = "#rp=all&rc=5"


def make_request(**given: object) -> CallRequest:
    return CallRequest.model_validate({"from": "14157654321", "to": "14153464321", **given})


def wired_urls(request: CallRequest) -> dict[str, object]:
    return {name: url for name, url in request.to_body().items() if name.endswith("_url")}


def test_the_urls_of_an_ordinary_call_lead_to_the_paths_of_their_types() -> None:
    assert wired_urls(wire(make_request(), BRIDGE, "r 1")) == {
        f"{name}_url": f"https://callbacks.example.com/eu/plivo/voice/call/{name}"
        f"?bridge_reference=r+1{RETRIES}"
        for name in ("answer", "ring", "hangup", "fallback")
    }


def test_a_request_that_detects_machines_is_notified_of_them() -> None:
    request = wire(make_request(machine_detection="hangup"), BRIDGE, "r")
    assert request.machine_detection_url is not None
    assert (
        "/plivo/voice/call/machine_detection?bridge_reference=r#" in request.machine_detection_url
    )


def test_in_asynchronous_mode_the_answer_of_the_api_comes_to_the_bridge_without_retries() -> None:
    request = wire(make_request(), BRIDGE, "r", is_asynchronous=True)
    assert request.callback_url == (
        "https://callbacks.example.com/eu/plivo/api/async_response?bridge_reference=r"
    )


def test_urls_that_are_given_stay_as_they_are() -> None:
    given = {
        "answer_url": "https://example.com/answer?x=1",
        "ring_url": "https://example.com/ring#rc=2",
        "hangup_url": "",
        "callback_url": "https://example.com/api",
        "machine_detection": "true",
        "machine_detection_url": "",
    }
    wired = wire(make_request(**given), BRIDGE, "r", is_asynchronous=True)
    assert {name: getattr(wired, name) for name in given} == given
    assert "hangup_url" not in wired.to_body()
    assert wired.fallback_url is not None


def test_an_application_is_named_in_the_path() -> None:
    wired = wire(make_request(), BRIDGE, "r", application="shop")
    assert wired.answer_url == (
        "https://callbacks.example.com/eu/applications/shop/voice/call/answer"
        f"?bridge_reference=r{RETRIES}"
    )


def test_a_bridge_without_an_absolute_url_is_a_fault_of_every_url() -> None:
    with pytest.raises(RequestFaults) as caught:
        wire(make_request(), "callbacks.example.com", "r")
    assert [fault.parameter for fault in caught.value.faults] == [
        "answer_url",
        "ring_url",
        "hangup_url",
        "fallback_url",
    ]


@pytest.mark.parametrize("end", ["?a=1", "#a"])
def test_a_url_of_the_bridge_that_no_path_can_follow_is_a_fault(end: str) -> None:
    with pytest.raises(RequestFaults, match="'https://h/eu', has a query or a fragment"):
        wire(make_request(), f"https://h/eu{end}", "r")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "name", [name for name, one in list_parameters().items() if one.declared.callback]
)
def test_the_reference_comes_back_as_context(types: Catalogue, name: str, method: str) -> None:
    """Plivo adds its parameters to the query of a GET, and sends them in the body of a POST."""
    wired = wire(make_request(machine_detection="true"), BRIDGE, "r&ü=1", is_asynchronous=True)
    callback = list_parameters()[name].declared.callback
    assert callback is not None
    url = urlsplit(getattr(wired, name))
    sample = next(iter(callback.samples.values()))
    if method == "GET":
        raw = raw_callback(f"{url.query}&{sample}", method="GET")
    else:
        raw = raw_callback(url.query, sample)
    found = Parser(types).parse(vouched(raw), callback)
    assert found.type is callback
    assert found.context["bridge_reference"] == ["r&ü=1"]
    assert "bridge_reference" not in found.undeclared
