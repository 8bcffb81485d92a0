"""A request that exists can be sent; one with faults names all of them."""

import pytest

from bridge.originate.parameter import RequestFaults
from bridge.originate.request import CallRequest, find_faults

CALLER = "14157654321"
CALLEE = "14153464321"
ANSWER_URL = "https://example.com/answer"


def read_faults(**given: object) -> list[str]:
    """Return the faults of a request that is right but for these parameters."""
    values = {"from": CALLER, "to": CALLEE, "answer_url": ANSWER_URL, **given}
    with pytest.raises(RequestFaults) as caught:
        CallRequest.model_validate(values)
    return str(caught.value).splitlines()


def test_the_body_has_what_is_given_under_the_names_of_plivo() -> None:
    request = CallRequest(
        from_="+14157654321",
        to="14157654322 < sip:john1234@phone.plivo.com",
        answer_url=ANSWER_URL,
        answer_method="GET",
        time_limit=60,
        send_digits="1w2W3@1000",
        send_on_preanswer=True,
    )
    assert request.to_body() == {
        "from": "+14157654321",
        "to": "14157654322<sip:john1234@phone.plivo.com",
        "answer_url": ANSWER_URL,
        "answer_method": "GET",
        "send_digits": "1w2W3@1000",
        "send_on_preanswer": True,
        "time_limit": 60,
    }
    assert request.destinations == ("14157654322", "sip:john1234@phone.plivo.com")


def test_all_faults_are_reported_at_once_in_the_order_of_the_page() -> None:
    assert read_faults(
        call_type="telex",
        ring_urll="https://example.com/",
        to="123<14157654322<+14157654322<",
        caller_name="x" * 51,
    ) == [
        "ring_urll: is no parameter of a call; did you mean ring_url?",
        "to: destination 1: '123' is not in E.164; write country code and number, 7 to 15 digits",
        "to: destination 3: '+14157654322' is destination 2 already; remove one of the two",
        "to: destination 4: has an empty destination; write one destination on each side of <",
        "caller_name: has 51 characters; give up to 50 characters",
        "call_type: 'telex' is not allowed; give whatsapp_voice",
    ]


def test_a_request_without_anything_lacks_both_parties() -> None:
    with pytest.raises(RequestFaults) as caught:
        CallRequest.model_validate({})
    assert [fault.parameter for fault in caught.value.faults] == ["from", "to"]


def test_only_the_body_needs_an_answer_url() -> None:
    request = CallRequest(from_=CALLER, to=CALLEE)
    with pytest.raises(RequestFaults, match="answer_url: is missing"):
        request.to_body()


def test_an_empty_url_is_not_sent() -> None:
    request = CallRequest(from_=CALLER, to=CALLEE, answer_url=ANSWER_URL, ring_url="")
    assert request.ring_url == ""
    assert "ring_url" not in request.to_body()


def test_the_faults_beside_a_parameter_that_is_read_elsewhere() -> None:
    given = {"from": "Ann", "time_limit": 0}
    assert [fault.parameter for fault in find_faults(given, but="to")] == ["from", "time_limit"]
    assert find_faults({"from": CALLER}, but="to") == ()
    assert find_faults({"from": CALLER, "to": CALLEE}) == ()
