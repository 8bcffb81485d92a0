"""Arbitrary valid requests, as values by Plivo's names."""

import string
from typing import Any, Final

from hypothesis import strategies as st

from bridge.originate.destinations import identify
from bridge.originate.parameter import Group
from bridge.originate.request import list_parameters

_WORD: Final = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)
_SIP_TEXT: Final = st.text(
    [one for one in map(chr, range(0x21, 0x7F)) if one not in "@<>"], min_size=1, max_size=8
)
NUMBERS: Final = st.one_of(
    st.integers(0, 9_999).map("1415555{:04}".format),
    st.integers(0, 9_999).map("+4420718{:05}".format),
    st.integers(0, 9_999).map("91804717{:04}".format),
)
DESTINATIONS: Final = st.one_of(
    NUMBERS,
    st.builds("{}:{}@{}".format, st.sampled_from(("sip", "sips")), _SIP_TEXT, _SIP_TEXT),
)
_URLS: Final = st.builds(
    "{}://{}.example/{}{}".format,
    st.sampled_from(("http", "https")),
    _WORD,
    st.text(string.ascii_letters + "/?&=%.-+", max_size=12),
    st.sampled_from(("", "#rp=all&rc=5", "#x")),
)
_DIGITS: Final = st.builds(
    str.__add__,
    st.text("0123456789ABCDabcd*#wW", min_size=1, max_size=8),
    st.one_of(st.just(""), st.integers(0, 99_999).map("@{}".format)),
)
_HEADERS: Final = st.dictionaries(_WORD.map(str.lower), _WORD, min_size=1, max_size=4).map(
    lambda headers: ",".join(f"{name}={value}" for name, value in headers.items())
)
_OTHERS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "caller_name": st.text(max_size=50).filter(lambda text: text.isprintable()),
    "send_digits": _DIGITS,
    "parent_call_uuid": st.uuids().map(str),
    "sip_headers": _HEADERS,
    # Nothing checks it, but who calls the emulator gives it a number.
    "machine_detection_silence": st.integers(0, 1_000_000),
}


def _values_of(name: str) -> st.SearchStrategy[Any]:
    field = list_parameters()[name]
    if field.range is not None:
        numbers = st.integers(*field.range)
        return st.one_of(numbers, numbers.map(str))
    if field.is_flag:
        return st.booleans()
    if field.choices:
        return st.sampled_from(field.choices)
    return _OTHERS.get(name, _URLS)


@st.composite
def valid_values(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a valid request: required parameters, and any others that go together."""
    caller = draw(NUMBERS)
    destinations = draw(
        st.lists(
            DESTINATIONS.filter(lambda one: identify(one) != identify(caller)),
            min_size=1,
            max_size=5,
            unique_by=identify,
        )
    )
    values = {"from": caller, "to": "<".join(destinations), "answer_url": draw(_URLS)}
    optional = [name for name, field in list_parameters().items() if not field.info.is_required()]
    chosen = draw(st.sets(st.sampled_from(optional)))
    for name in optional:
        if name in chosen:
            values[name] = draw(_values_of(name))
    if len(destinations) > 1:
        values.pop("parent_call_uuid", None)
    if "call_type" in values:
        for name, field in list_parameters().items():
            if field.declared.group is Group.DETECTION and field.declared.is_checked:
                values.pop(name, None)
    return {
        name: value
        for name, value in values.items()
        if not list_parameters()[name].declared.needs
        or values.get(list_parameters()[name].declared.needs)
    }
