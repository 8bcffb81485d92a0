"""How Plivo's SDKs read a JSON body: a table for each reading, and Python's SDK as a peer."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils.signature_v3 import validate_v3_signature

from bridge.core import json_readings as module
from bridge.core import signature
from bridge.core.json_object import parse_json_object
from bridge.core.json_readings import (
    DEPTH_MAX,
    DIGITS_MAX,
    ELEMENTS_MAX,
    SdkReading,
    iter_sdk_readings,
    read_as_sdk_forms,
)
from tests.support.factories import NONCE, TEXT, TOKEN

URL = "https://bridge.example.com/plivo"


def read(body: str) -> list[SdkReading]:
    return list(iter_sdk_readings(parse_json_object(body.encode())))


# A member's value; what Python, Node and Ruby add to the URL for it (None: the SDK has no reading).
READINGS: list[tuple[str, str | None, str | None, str | None]] = [
    ('"text"', "ktext", "ktext", "ktext"),
    ('""', "k", "k", "k"),
    ("7", "k7", "k7", "k7"),
    ("true", "kTrue", "ktrue", "ktrue"),
    ("false", "kFalse", "kfalse", "kfalse"),
    ("null", "kNone", "knull", "k"),
    ("0.50", "k0.5", "k0.5", "k0.5"),
    ("-1.00000", "k-1.0", "k-1", "k-1.0"),
    ("12.50", "k12.5", "k12.5", "k12.5"),
    ("1e2", "k100.0", "k100", "k100.0"),
    ("-0", "k0", "k0", "k0"),
    ("-0.0", "k-0.0", "k0", "k-0.0"),
    ("1e16", "k1e+16", "k10000000000000000", "k1.0e+16"),
    ("1e21", "k1e+21", "k1e+21", "k1.0e+21"),
    ("1.5e300", "k1.5e+300", "k1.5e+300", "k1.5e+300"),
    ("0.000001", "k1e-06", "k0.000001", "k1.0e-06"),
    ("1.25e-7", "k1.25e-07", "k1.25e-7", "k1.25e-07"),
    ("1e400", "kinf", "kInfinity", "kInfinity"),
    ("-1e400", "k-inf", "k-Infinity", "k-Infinity"),
    ("9007199254740993", "k9007199254740993", "k9007199254740992", "k9007199254740993"),
    ("[]", "", "", "k[]"),
    ('["b", "a"]', "kakb", "kakb", 'k["b", "a"]'),
    ('["a"]', "ka", "ka", 'k["a"]'),
    ("[10, 9]", "k10k9", "k10k9", "k[10, 9]"),
    ("[true, 0.50]", "k0.5kTrue", "k0.5ktrue", "k[true, 0.5]"),
    ("[null]", "kNone", "knull", "k[nil]"),
    ('[null, "a"]', None, "kaknull", 'k[nil, "a"]'),
    ('[[2, "b"], [1]]', "k['1']k['2', 'b']", "k1k2,b", 'k[[2, "b"], [1]]'),
    ("[[1, null]]", "k['1', None]", "k1,", "k[[1, nil]]"),
    ('[{"a": 1}]', "k{'a': 1}", "k[object Object]", None),
    ('[{"a": 1}, {"b": 2}]', None, "k[object Object]k[object Object]", None),
    ('{"b": 2, "a": [2, 1]}', "ka1a2b2", "k[object Object]", None),
    ('{"b": {"c": null}}', "kbcNone", "k[object Object]", None),
    ("{}", "k", "k[object Object]", None),
    ('["\\"\\\\"]', 'k"\\', 'k"\\', 'k["\\"\\\\"]'),
    ('["#{1}"]', "k#{1}", "k#{1}", None),
    ('["\\n"]', "k\n", "k\n", None),
]


@pytest.mark.parametrize(("value", "python", "node", "ruby"), READINGS)
def test_a_value_is_read_as_in_each_sdk(
    value: str, python: str | None, node: str | None, ruby: str | None
) -> None:
    expected = [text for text in (python, node, ruby) if text is not None]
    assert [one.text for one in read(f'{{"k": {value}}}')] == expected


def test_members_are_sorted_by_code_point_and_in_node_by_utf_16_unit() -> None:
    # U+10000 is the surrogate D800 in UTF-16, and so comes before U+FFFF.
    python, node, ruby = read('{"\\uffff": "1", "\\ud800\\udc00": "2", "A": "3"}')
    assert python.text == ruby.text == "A3\uffff1\U000100002"
    assert node.text == "A3\U000100002\uffff1"
    listed = read('{"k": ["\\uffff", "\\ud800\\udc00"]}')
    assert [one.text for one in listed[:2]] == ["k\uffffk\U00010000", "k\U00010000k\uffff"]


# A member's value, and what Python's, Node's and Ruby's reading covers of the body.
COVERED = [
    ('"text"', ["body_as_read"] * 3),
    ("[1, 2]", ["body_as_read"] * 3),
    ("0.50", ["body_as_read"] * 3),
    ("9007199254740993", ["body_as_read", "body_in_part", "body_as_read"]),
    ("0.1000000000000000055511", ["body_in_part"] * 3),
    ("1e400", ["body_in_part"] * 3),
    ("1e9999999999999999999", ["body_in_part"] * 3),
    ("-1e-9999999999999999999", ["body_in_part"] * 3),
    ("[]", ["body_in_part", "body_in_part", "body_as_read"]),
    ('{"a": 1}', ["body_as_read", "body_in_part"]),
    ('[{"a": 1}]', ["body_as_read", "body_in_part"]),
]


@pytest.mark.parametrize(("value", "covered"), COVERED)
def test_a_reading_that_loses_something_covers_the_body_in_part(
    value: str, covered: list[str]
) -> None:
    assert [one.covers for one in read(f'{{"k": {value}}}')] == covered


def nested(depth: int) -> str:
    return '{"k": ' + "[" * depth + "]" * depth + "}"


@pytest.mark.parametrize(
    ("body", "is_read"),
    [
        ('{"a": 1, "a": 2}', False),
        ('{"a": {"b": 1, "b": 1}}', False),
        ('{"a": [{"b": 1, "b": 1}]}', False),
        (json.dumps({"k": [1] * (ELEMENTS_MAX - 1)}), True),
        (json.dumps({"k": [1] * ELEMENTS_MAX}), False),
        (json.dumps({"k": [[1]] * (ELEMENTS_MAX // 2)}), False),
        (nested(DEPTH_MAX - 1), True),
        (nested(DEPTH_MAX), False),
        ('{"k": ' + "1" * DIGITS_MAX + "}", True),
        ('{"k": ' + "1" * (DIGITS_MAX + 1) + "}", False),
    ],
    ids=range(10),
)
def test_a_body_with_a_repeated_key_or_over_a_limit_has_no_reading(
    body: str, *, is_read: bool
) -> None:
    assert bool(read(body)) is is_read
    assert (read_as_sdk_forms(parse_json_object(body.encode())) != (None, None)) is is_read


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(TEXT, VALUES, min_size=1, max_size=5)


def python_sdk_accepts(body: dict[str, Any], message: bytes) -> bool:
    signed = signature.sign(TOKEN.encode(), message)
    return validate_v3_signature("POST", URL, NONCE, TOKEN, signed, body)


@given(BODIES)
def test_the_python_sdk_accepts_what_its_reading_signs(body: dict[str, Any]) -> None:
    text = json.dumps(body).replace("Infinity", "1e999")
    parsed = json.loads(text)
    members = parse_json_object(text.encode())
    try:
        python_sdk_accepts(parsed, b"")
    except TypeError:  # the SDK cannot sort the values of a list
        with pytest.raises(module._NoReading):
            module._read_as_python(members, module._Loss())
        return
    message = signature.join_v3_message(URL, None, read(text)[0].text, NONCE)
    assert python_sdk_accepts(parsed, message)
    assert not python_sdk_accepts(parsed, message + b"0")


@given(st.dictionaries(TEXT, TEXT | st.integers(-(2**53), 2**53), min_size=1, max_size=6))
def test_every_sdk_reads_strings_and_whole_numbers_as_a_form(body: dict[str, str | int]) -> None:
    text = "".join(f"{key}{value}" for key, value in sorted(body.items()))
    found = [one.text for one in read(json.dumps(body))]
    in_utf16_order = sorted(body) == sorted(body, key=lambda key: key.encode("utf-16-be"))
    assert found == ([text] * 3 if in_utf16_order else [text, found[1], text])


def test_agent_sdks_write_each_value_as_their_language_does() -> None:
    body = b'{"a": true, "b": null, "c": 0.50, "d": ["x", 1], "e": {"f": "g"}, "h": "i"}'
    python, node = read_as_sdk_forms(parse_json_object(body))
    assert python is not None
    assert node is not None
    assert dict(python.pairs) == {
        "a": "True",
        "b": "None",
        "c": "0.5",
        "d": "['x', 1]",
        "e": "{'f': 'g'}",
        "h": "i",
    }
    assert dict(node.pairs) == {
        "a": "true",
        "b": "null",
        "c": "0.5",
        "d": "x,1",
        "e": "[object Object]",
        "h": "i",
    }
    assert (python.covers, node.covers) == ("body_as_read", "body_in_part")
