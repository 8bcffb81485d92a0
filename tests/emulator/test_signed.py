"""The signatures of the emulator, by the validators of Plivo's SDK for Python."""

from collections import Counter

import pytest
from plivo.utils import validate_signature, validate_v3_signature

from tests.emulator.signed_requests import MAIN, SUB, Question, list_questions, send_calls


def is_valid(one: Question) -> bool:
    if one.scheme == "v2":
        return bool(validate_signature(one.url, one.nonce, one.signature, one.token))
    return bool(
        validate_v3_signature(
            one.method, one.url, one.nonce, one.token, one.signature, dict(one.parameters)
        )
    )


def test_the_sdk_for_python_validates_every_header_of_every_request() -> None:
    questions = list(list_questions())
    assert [one for one in questions if is_valid(one) is not one.holds] == []
    of_kind = Counter((one.scheme, one.method, one.holds) for one in questions)
    assert len(of_kind) == 8
    assert min(of_kind.values()) > 10


@pytest.mark.parametrize("account", [MAIN, SUB])
def test_the_fragment_of_a_url_is_never_sent(account: object) -> None:
    assert not any("#" in one.url for one in send_calls(account))  # type: ignore[arg-type]
