"""Two events are compared field by field."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.audit.compare import ABSENT, IGNORED_FIELDS, Difference, find_differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
EVENTS = st.dictionaries(st.sampled_from(["a", "b", "recordedtime"]), JSON)


def between(published: object, derived: object) -> list[tuple[str, Any, Any]]:
    found = find_differences(orjson.dumps(published), orjson.dumps(derived))
    return [(one.path, one.published, one.derived) for one in found]


@pytest.mark.parametrize(
    ("published", "derived", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": None}}}, [("a.b.c", "x", None)]),
        ({"a": 1}, {}, [("a", 1, ABSENT)]),
        ({}, {"a": None}, [("a", ABSENT, None)]),
        ({"a": True}, {"a": 1}, [("a", True, 1)]),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, [("a[1]", 2, 3), ("a[2]", ABSENT, 4)]),
        ({"a": [1]}, {"a": {"b": 1}}, [("a", [1], {"b": 1})]),
        ({"a": {"X-a.b": 1}}, {"a": {}}, [('a["X-a.b"]', 1, ABSENT)]),
        ({"recordedtime": "2026"}, {"recordedtime": "2027"}, []),
        ({"data": {"recordedtime": 1}}, {"data": {}}, [("data.recordedtime", 1, ABSENT)]),
        ([1], {}, [("value", [1], {})]),
    ],
)
def test_each_place_is_named_with_both_sides(
    published: object, derived: object, expected: list[tuple[str, Any, Any]]
) -> None:
    assert between(published, derived) == expected


def test_what_is_no_json_is_compared_as_text() -> None:
    found = find_differences(b"\xffoops", b'"fine"')
    assert found == (Difference("value", "\\xffoops", "fine"),)
    assert find_differences(b"oops", b"oops") == ()


@pytest.mark.parametrize("depth", [10, 250, 251, 252, 253, 254, 255, 600, 1000])
def test_an_event_of_any_depth_is_compared_and_its_differences_can_be_printed(depth: int) -> None:
    deep = b'{"recordedtime":1,"data":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    assert find_differences(deep, deep) == ()
    found = find_differences(deep, b"{}")
    assert len(found) == 1
    assert orjson.dumps({"differences": [one.as_json for one in found]})


@given(published=EVENTS, derived=EVENTS)
def test_there_is_a_difference_exactly_where_the_rest_of_the_json_is_not_equal(
    published: dict[str, Any], derived: dict[str, Any]
) -> None:
    sides = [
        orjson.dumps(
            {name: of for name, of in side.items() if name not in IGNORED_FIELDS},
            option=orjson.OPT_SORT_KEYS,
        )
        for side in (published, derived)
    ]
    assert bool(between(published, derived)) == (sides[0] != sides[1])


@given(published=EVENTS, derived=EVENTS)
def test_the_other_way_round_the_same_places_differ(
    published: dict[str, Any], derived: dict[str, Any]
) -> None:
    there = {(path, str(one), str(other)) for path, one, other in between(published, derived)}
    back = {(path, str(other), str(one)) for path, one, other in between(derived, published)}
    assert there == back


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("dataschema", "dataschema"),
        ("data.stir.verification", "data.stir"),
        ("data.unreadable[0].reason", "data.unreadable"),
        ('data.undeclared["A.b"]', "data.undeclared"),
        ("data.undeclared.Whatever", "data.undeclared"),
        ("data", "data"),
    ],
)
def test_the_declared_field_of_a_place_is_an_attribute_or_one_of_the_data(
    path: str, field: str
) -> None:
    assert Difference(path, 1, 2).field == field


def test_in_json_a_side_that_lacks_the_field_is_left_out() -> None:
    assert Difference("a", ABSENT, None).as_json == {"path": "a", "derived": None}
    assert Difference("a", 1, ABSENT).as_json == {"path": "a", "published": 1}
