"""The table of elements, held against what Plivo's SDK for Python builds."""

import inspect

import plivo.xml
import pytest

from bridge.callbacks.model import Reply
from bridge.reply.check import check_document
from bridge.reply.elements import (
    BOOLEAN_ATTRIBUTES,
    CALL_ELEMENTS,
    ELEMENTS,
    INTEGER_ATTRIBUTES,
    ROOT,
    Element,
    allowed_parents,
)
from bridge.reply.twiml import ATTRIBUTE_EQUIVALENTS, FAILING_VERBS, PLIVO_EQUIVALENTS, find_verb

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
    assert set(ELEMENTS[name].children) - extra == set(BUILDERS[name]._nestable)  # type: ignore[attr-defined]


def test_what_is_a_number_or_a_flag_is_an_attribute_of_some_element() -> None:
    attributes = frozenset[str]().union(*(element.attributes for element in ELEMENTS.values()))
    assert attributes >= INTEGER_ATTRIBUTES | BOOLEAN_ATTRIBUTES
    assert not INTEGER_ATTRIBUTES & BOOLEAN_ATTRIBUTES


def test_every_element_but_the_root_stands_somewhere() -> None:
    assert {name for name in ELEMENTS if not allowed_parents(name)} == {ROOT}


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=lambda one: one.name)
def test_what_an_element_needs_and_what_is_retried_is_declared(element: Element) -> None:
    named = {
        *element.required_attributes,
        *element.recommended_attributes,
        *element.retry_attributes,
    } - {""}
    assert named <= element.attributes
    assert element.page


def test_no_word_of_twiml_is_taken_for_one_of_plivos_or_the_other_way_round() -> None:
    assert not PLIVO_EQUIVALENTS.keys() & ELEMENTS.keys()
    assert FAILING_VERBS.issubset(PLIVO_EQUIVALENTS)
    assert all(find_verb(verb.swapcase()) == verb for verb in PLIVO_EQUIVALENTS)
    for (name, attribute), equivalent in ATTRIBUTE_EQUIVALENTS.items():
        assert attribute not in CALL_ELEMENTS[name].attributes
        first = equivalent.partition(" ")[0]
        assert first in CALL_ELEMENTS[name].attributes or "<" in equivalent


@pytest.mark.parametrize("verb", PLIVO_EQUIVALENTS)
def test_a_document_of_twiml_is_refused_and_plivos_equivalent_named(verb: str) -> None:
    for kind in (Reply.XML, Reply.OPTIONAL_XML, Reply.SOUND):
        (finding,) = check_document(f"<Response><{verb}>x</{verb}></Response>".encode(), kind)
        assert finding.is_error
        assert (finding.element, finding.remedy) == (verb, PLIVO_EQUIVALENTS[verb])


@pytest.mark.parametrize("verb", PLIVO_EQUIVALENTS)
def test_twiml_beside_what_plivo_executes_is_named_with_its_equivalent(verb: str) -> None:
    body = f"<Response><Speak>Hello</Speak><{verb}>x</{verb}></Response>"
    (finding,) = check_document(body.encode())
    assert finding.is_error == (verb in FAILING_VERBS)
    assert (finding.element, finding.remedy) == (verb, PLIVO_EQUIVALENTS[verb])
