"""The parameters of a callback are decoded, and none is dropped."""

import json
import re
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core import json_object as json_module
from bridge.core import parameters as parameters_module
from bridge.core.json_object import parse_json_object
from bridge.core.parameters import (
    FORM,
    BodyFault,
    Parameters,
    TooManyParameters,
    collect_parameters,
    decode_parameters,
    json_to_pairs,
    parse_form,
    parse_parameters,
)
from bridge.core.signature import build_v3_message
from tests.support.factories import PAIRS, TEXT, raw_callback

JSON = "application/json"
# The characters that matter to a form, and some that do not.
FORM_TEXT = st.text("&=+%;#?2Bb3Aa0cC fé\udcff\0") | st.text(st.characters(codec="utf-8"))


@settings(max_examples=300)
@given(PAIRS)
def test_an_encoded_form_is_decoded_to_the_same_pairs(pairs: list[tuple[str, str]]) -> None:
    assert parse_form(urlencode(pairs)) == (tuple(pairs), False)


@settings(max_examples=300)
@given(FORM_TEXT)
@example("%2B%2b%3A%3a%252B%%2B2%2%2B")
@example("=&==&=a&a=&a&&")
def test_a_form_is_read_as_the_standard_library_reads_it(text: str) -> None:
    pairs, _ = parse_form(text)
    expected = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
    assert list(pairs) == expected


# Pieces that matter to a form, and any other bytes.
FORM_BYTES = st.lists(
    st.sampled_from([b"&", b"=", b"%", b"+", b"%3A", b"%2b", b"%26", b"%C3", b"\xa9", b"a", b"4"])
    | st.binary(max_size=3),
    max_size=20,
).map(b"".join)


@settings(max_examples=300)
@given(FORM_BYTES)
@example(b"%C3\xa9=%\xc3%A9&%4\xff=%%41&a&=&&=b")
def test_arbitrary_bytes_are_read_as_the_standard_library_reads_them(octets: bytes) -> None:
    # The standard library decodes an escape and an unescaped byte beside it apart, so that "%C3" and
    # the byte A9 are no "é". All bytes beyond ASCII are therefore escaped for it.
    escaped = re.sub(rb"[\x80-\xff]", lambda found: b"%%%02X" % found[0][0], octets).decode("ascii")
    expected = parse_qsl(escaped, keep_blank_values=True, errors="surrogateescape")
    parameters = decode_parameters("", octets, FORM, None)
    assert list(parameters.body) == expected
    assert parse_form(octets.decode("utf-8", "surrogateescape"))[0] == parameters.body
    # Each piece without "=" is a bare name, unless it is empty.
    assert parameters.has_bare_name is any(
        piece and b"=" not in piece for piece in octets.split(b"&")
    )


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("&&", []),
        ("a=1", [("a", "1")]),
        ("a=", [("a", "")]),
        ("a=1&a=2&a=1", [("a", "1"), ("a", "2"), ("a", "1")]),
        ("a=b=c", [("a", "b=c")]),
        ("=1", [("", "1")]),
        ("a+b=c+d", [("a b", "c d")]),
        ("a%2Bb=c%2bd", [("a+b", "c+d")]),
        ("a=%", [("a", "%")]),
        ("a=%zz", [("a", "%zz")]),
        ("a=%C3%A9", [("a", "é")]),
        ("a=é", [("a", "é")]),
        ("a=1;b=2", [("a", "1;b=2")]),
        ("To=a", [("To", "a")]),
    ],
)
def test_a_form_keeps_order_blanks_and_repetitions(text: str, pairs: list[tuple[str, str]]) -> None:
    assert parse_form(text) == (tuple(pairs), False)


@pytest.mark.parametrize(
    ("text", "bare"),
    [("a", True), ("a=1&b", True), ("a&b=1", True), ("a=1&&b=2&", False), ("=", False)],
)
def test_a_piece_without_equals_is_a_bare_name(text: str, *, bare: bool) -> None:
    assert parse_form(text)[1] is bare
    assert decode_parameters("", text.encode(), FORM, None).has_bare_name is bare
    assert decode_parameters(text, b"a=1", FORM, None).has_bare_name is False


@settings(max_examples=300)
@given(st.binary(max_size=20), st.booleans())
def test_the_signed_message_has_the_received_bytes_of_a_value(
    value: bytes,
    escaped: bool,  # noqa: FBT001 (drawn)
) -> None:
    sent = quote_plus(value).encode() if escaped else value.translate(None, b"&=+%")
    meant = value if escaped else sent
    parameters = decode_parameters("", b"a=" + sent, FORM, None)
    message = build_v3_message("POST", "https://x", (), parameters.body, "0")
    assert message == b"https://x?a" + meant + b".0"


@settings(max_examples=300)
@given(FORM_TEXT, st.binary(max_size=30) | PAIRS.map(lambda pairs: urlencode(pairs).encode()))
def test_no_more_parameters_are_decoded_than_are_allowed(query: str, body: bytes) -> None:
    parameters = decode_parameters(query, body, FORM, None)
    count = len(parameters.query) + len(parameters.body)
    if count:
        with pytest.raises(TooManyParameters):
            decode_parameters(query, body, FORM, None, parameters_max=count - 1)


# The query, the body, its type and how many parameters that is.
COUNTED = [
    ("", b"", FORM, 0),
    ("a=1", b"", FORM, 1),
    ("", b"a=1", FORM, 1),
    ("a&b", b"c&d&e", FORM, 5),
    ("a=1&&", b"&b=2", FORM, 5),
    ("a=1", b"a=1&b=2", "text/plain", 3),
    ("a=%41", b"a=%41%zz%4", FORM, 4),
    ("a=%%41", b"", FORM, 2),
    ("a=1", b'{"a": 1, "b": "x&y&z"}', JSON, 3),
    ("", b'{"a": [1, [2, {"b": 3}], {}]}', JSON, 7),
    ("", b'{"a": {"b": {"c": {"d": [[[]]]}}}}', JSON, 6),
    ("", b"{}", JSON, 0),
    ("", b"[1, 2, 3]", JSON, 1),  # no object, so a form of one piece
    ("", b"a=1&b=2&", JSON, 3),
    ("", b'{"a": "\\ud800", "b": "&"}', JSON, 2),
    ("", b'{"a": 1&', JSON, 2),
]


@pytest.mark.parametrize(("query", "body", "content_type", "count"), COUNTED)
def test_parameters_are_counted_as_what_they_are_decoded_as(
    query: str, body: bytes, content_type: str, count: int
) -> None:
    assert decode_parameters(
        query, body, content_type, None, parameters_max=count
    ) == decode_parameters(query, body, content_type, None)
    if count:
        with pytest.raises(TooManyParameters):
            decode_parameters(query, body, content_type, None, parameters_max=count - 1)


# Bodies of a quarter of a megabyte, each with many times what is allowed.
MANY = [
    (b"a=&" * 87_381, JSON),
    (b"a=&" * 87_381, FORM),
    (b"a=&" * 87_381, "text/plain"),
    (b"a=&" * 87_381, f"{FORM},{JSON}"),  # two lines
    (b"&" * 262_144, FORM),
    (b"a=" + b"%" * 262_142, FORM),
    (b"a=" + b"%" * 262_142, JSON),
    (b'{"a":[' + b"1," * 131_000 + b"1]}", JSON),
    (b'{"a":[' + b"[]," * 87_000 + b"1]}", JSON),
    (b'{"a":{' + b'"":[],' * 43_000 + b'"":[]}}', JSON),
    (b'{"a":[' + (b"[" * 400 + b"]" * 400 + b",") * 326 + b"1]}", JSON),
    (b'{"a":' * 40_000, JSON),
]


@pytest.mark.parametrize(("body", "content_type"), MANY, ids=range(len(MANY)))
def test_a_large_body_is_decoded_only_up_to_the_limit(
    body: bytes, content_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[object] = []

    def counted(*given: object) -> object:
        decoded.append(given)
        return scalar(*given)  # type: ignore[arg-type]

    scalar = json_module._scalar
    monkeypatch.setattr(json_module, "_scalar", counted)
    monkeypatch.setattr(parameters_module, "_unescape", counted)
    with pytest.raises(TooManyParameters):
        decode_parameters("", body, content_type, None, parameters_max=512)
    assert len(decoded) <= 2 * 512 + 1  # a name and a value each


def test_the_body_of_a_get_is_not_counted() -> None:
    raw = raw_callback("a=1", b"a=&" * 600, method="GET")
    assert parse_parameters(raw, 1) == collect_parameters((("a", "1"),), ())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@settings(max_examples=300)
@given(
    st.dictionaries(st.text(), JSON_VALUES).map(json.dumps)
    | st.text('{}[]":,\\u8019eE.-+ntrf \n').map(lambda text: '{"a":' + text + "}")
)
@example('{"a":[1,]}')
@example('{"a":[,1]}')
@example('{"a":1,}')
@example('{,"a":1}')
@example('{"a":[1 2]}')
@example('{"a":[[1][2]]}')
@example('{"a":{"b":1]}')
@example('{"a":1}}')
@example('{"a":1')
@example('{"a" 1}')
@example("{1:1}")
@example("")
def test_the_same_texts_are_json_as_in_the_standard_library(text: str) -> None:
    def refused(name: str) -> None:
        raise ValueError(name)

    pairs = {"object_pairs_hook": list, "parse_int": str, "parse_float": str}
    try:
        expected = json.loads(text, **pairs, parse_constant=refused)  # type: ignore[arg-type]
    except ValueError:
        expected = None
    try:
        found: object = parse_json_object(text.encode())
    except ValueError:
        found = None
    assert found == (expected if text.startswith("{") else None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"text"', "text"),
        ('"\\u00e9\\ud83d\\ude00"', "é😀"),
        ('""', ""),
        ("null", ""),
        ("true", "true"),
        ("false", "false"),
        ("0", "0"),
        ("-0", "-0"),
        ("1.50", "1.50"),
        ("1E+3", "1E+3"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("9" * 5000, "9" * 5000),
        ("[]", "[]"),
        ("{}", "{}"),
        ('[1.0, "é", null, true, {"a": 2.50}]', '[1.0,"é",null,true,{"a":2.50}]'),
        ('{"b": 1, "a": [1e2], "b": 2}', '{"b":1,"a":[1e2],"b":2}'),
    ],
)
def test_a_json_member_is_the_text_it_was_written_with(text: str, value: str) -> None:
    assert json_to_pairs(parse_json_object(f' {{"key": {text}}} '.encode())) == (("key", value),)


def test_a_json_object_keeps_order_and_repetitions() -> None:
    body = b'{"b": 1, "a": 2, "b": 1, "b": null}'
    assert json_to_pairs(parse_json_object(body)) == (("b", "1"), ("a", "2"), ("b", "1"), ("b", ""))


@given(st.dictionaries(TEXT, TEXT, max_size=6))
def test_a_json_object_of_texts_is_read_as_a_form_would_be(members: dict[str, str]) -> None:
    pairs = tuple(members.items())
    assert json_to_pairs(parse_json_object(json.dumps(members).encode())) == pairs
    assert (
        json_to_pairs(parse_json_object(json.dumps(members, ensure_ascii=False).encode())) == pairs
    )


MALFORMED = [
    b"{",
    b"nonsense",
    b"[]",
    b'"text"',
    b"1",
    b"null",
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": [Infinity]}',
    b'{"a": 1} {"b": 2}',
    b'{"a": 01}',
    b"{'a': 1}",
    b'\xef\xbb\xbf{"a": 1}',
    b'{"a": "\xff"}',
    b'{"a": "\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"a": ["\\ud800"]}',
    b'{"a": {"\\ud800": 1}}',
    b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"a": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_anything_but_a_json_object_of_text_is_malformed(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        json_to_pairs(parse_json_object(body))
    assert decode_parameters("", body, JSON, None).body_fault is BodyFault.MALFORMED_JSON


@given(st.binary() | st.text('{}[]":,\\ud8019eE.-ntrf ').map(str.encode))
def test_any_body_is_decoded_or_a_fault(body: bytes) -> None:
    for content_type in (JSON, FORM, "text/plain", None):
        parameters = decode_parameters("", body, content_type, None)
        assert all(isinstance(text, str) for pair in parameters.pairs for text in pair)


@pytest.mark.parametrize(
    ("content_type", "content_encoding", "fault"),
    [
        (None, None, None),
        ("", None, None),
        (FORM, None, None),
        (FORM + "; charset=UTF-8", None, None),
        (" Application/X-WWW-Form-Urlencoded ;charset=utf-8", None, None),
        (FORM, "", None),
        (FORM, "identity", None),
        (FORM, " Identity ", None),
        (FORM, "gzip", BodyFault.CONTENT_ENCODING),
        (JSON, "br", BodyFault.CONTENT_ENCODING),
        (JSON, None, BodyFault.MALFORMED_JSON),
        ("Application/JSON; charset=utf-8", None, BodyFault.MALFORMED_JSON),
        ("text/plain", None, BodyFault.CONTENT_TYPE),
        ("multipart/form-data; boundary=x", None, BodyFault.CONTENT_TYPE),
        ("text/plain", "gzip", BodyFault.CONTENT_ENCODING),
    ],
)
def test_an_undecodable_body_has_a_fault_and_is_still_decoded_for_the_signature(
    content_type: str | None, content_encoding: str | None, fault: BodyFault | None
) -> None:
    parameters = decode_parameters("q=1", b"a=1&b=%FF", content_type, content_encoding)
    assert parameters.body_fault == fault
    assert parameters.query == (("q", "1"),)
    assert parameters.body == (("a", "1"), ("b", "\udcff"))


def test_json_in_a_json_body_is_read_without_fault() -> None:
    body = b'{"a": 1.0}'
    assert decode_parameters("q=1", body, JSON, None) == collect_parameters(
        query=(("q", "1"),), body=(("a", "1.0"),), json=parse_json_object(body)
    )


@pytest.mark.parametrize("content_type", [JSON, "text/plain", FORM, None])
def test_an_empty_body_has_no_fault(content_type: str | None) -> None:
    assert decode_parameters("q=1", b"", content_type, "gzip") == collect_parameters(
        (("q", "1"),), ()
    )


def test_plivos_pairs_are_the_bodys_or_without_a_body_the_querys() -> None:
    assert decode_parameters("q=1", b"a=1", FORM, None).pairs == (("a", "1"),)
    assert decode_parameters("q=1", b"", FORM, None).pairs == (("q", "1"),)


# The method, query and body, and what is read as the query's and the body's.
READ = [
    ("POST", "a=1", "a=2&b=3", collect_parameters((("a", "1"),), (("a", "2"), ("b", "3")))),
    ("GET", "a=1", "", collect_parameters((("a", "1"),), ())),
    ("GET", "a=1", "a=2", collect_parameters((("a", "1"),), ())),
    ("GET", "a=1", "a=2&b=3&b", collect_parameters((("a", "1"),), ())),
    ("GET", "", "b=3", collect_parameters((), ())),
]


@pytest.mark.parametrize(("method", "query", "body", "expected"), READ)
def test_the_body_of_a_get_is_ignored(
    method: str, query: str, body: str, expected: Parameters
) -> None:
    assert parse_parameters(raw_callback(query, body, method=method)) == expected
