"""The table of elements, held against what Plivo's SDK for Python builds."""

import inspect

import plivo.xml
import pytest

from bridge.callbacks.model import Reply
from bridge.reply.check import check
from bridge.reply.elements import (
    CALL_ELEMENTS,
    ELEMENTS,
    FLAG_ATTRIBUTES,
    ROOT,
    WHOLE_ATTRIBUTES,
    Element,
    page_of,
    parents_of,
)
from bridge.reply.twiml import ATTRIBUTES, FAILING_VERBS, VERBS, verb_of

BUILDERS = {
    one._name: one
    for _, one in inspect.getmembers(plivo.xml, inspect.isclass)
    if hasattr(one, "_name")
}


def test_the_table_has_every_element_that_plivos_sdk_builds() -> None:
    assert ELEMENTS.keys() - BUILDERS.keys() == {"Sip"}
    assert BUILDERS.keys() - ELEMENTS.keys() == set()


@pytest.mark.parametrize("name", BUILDERS)
def test_an_element_may_hold_what_plivos_sdk_lets_it_hold(name: str) -> None:
    extra = {"Sip"} if name == "Dial" else set()
    assert set(ELEMENTS[name].holds) - extra == set(BUILDERS[name]._nestable)


def test_what_is_a_number_or_a_flag_is_an_attribute_of_some_element() -> None:
    attributes = frozenset[str]().union(*(element.attributes for element in ELEMENTS.values()))
    assert attributes >= WHOLE_ATTRIBUTES | FLAG_ATTRIBUTES
    assert not WHOLE_ATTRIBUTES & FLAG_ATTRIBUTES


def test_every_element_but_the_root_stands_somewhere() -> None:
    assert {name for name in ELEMENTS if not parents_of(name)} == {ROOT}


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=lambda one: one.name)
def test_what_an_element_needs_and_what_is_retried_is_declared(element: Element) -> None:
    named = {*element.needs, *element.wants, *element.retried} - {""}
    assert named <= element.attributes
    assert page_of(element).startswith("https://docs.plivo.com/docs/voice/")


def test_no_word_of_twiml_is_taken_for_one_of_plivos_or_the_other_way_round() -> None:
    assert not VERBS.keys() & ELEMENTS.keys()
    assert FAILING_VERBS.issubset(VERBS)
    assert all(verb_of(verb.swapcase()) == verb for verb in VERBS)
    for (name, attribute), equivalent in ATTRIBUTES.items():
        assert attribute not in CALL_ELEMENTS[name].attributes
        first = equivalent.partition(" ")[0]
        assert first in CALL_ELEMENTS[name].attributes or "<" in equivalent


@pytest.mark.parametrize("verb", VERBS)
def test_a_document_of_twiml_is_refused_and_plivos_equivalent_named(verb: str) -> None:
    for kind in (Reply.XML, Reply.OPTIONAL_XML, Reply.SOUND):
        (finding,) = check(f"<Response><{verb}>x</{verb}></Response>".encode(), kind)
        assert finding.is_error
        assert (finding.element, finding.remedy) == (verb, VERBS[verb])


@pytest.mark.parametrize("verb", VERBS)
def test_twiml_beside_what_plivo_executes_is_named_with_its_equivalent(verb: str) -> None:
    body = f"<Response><Speak>Hello</Speak><{verb}>x</{verb}></Response>"
    (finding,) = check(body.encode())
    assert finding.is_error == (verb in FAILING_VERBS)
    assert (finding.element, finding.remedy) == (verb, VERBS[verb])
