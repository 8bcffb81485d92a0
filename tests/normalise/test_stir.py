"""STIR/SHAKEN: what Plivo states about a caller id, and what it leaves open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.catalogue import Catalogue
from bridge.normalise import fold_name
from bridge.normalise.stir import parse_stir
from tests.support.factories import UUID, parsed

VERIFICATION = ["STIRVerification", "stir_verification", "StirVerification"]
ATTESTATION = ["STIRAttestation", "stir_attestation", "StirAttestation"]


@pytest.mark.parametrize("name", VERIFICATION)
@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Verified", "verified"),
        ("Not Verified", "not_verified"),
        ("Not Applicable", "not_applicable"),
        ("NOT VERIFIED", "not_verified"),
        (" verified ", "verified"),
        ("Passed", "unknown"),
    ],
)
def test_the_verdict_is_plivos_word_in_any_spelling(name: str, text: str, verdict: str) -> None:
    found = parse_stir({name: text}, "outbound")
    assert found["verification"] == verdict
    assert found["text"] == {name: text}
    assert found["conflict"] is False


@pytest.mark.parametrize("name", ATTESTATION)
@pytest.mark.parametrize(
    ("text", "letter"),
    [("A", "A"), ("b", "B"), ("C", "C"), ("Not Applicable", None), ("D", None)],
)
def test_the_letter_is_the_one_plivo_sent_in_any_spelling(
    name: str, text: str, letter: str | None
) -> None:
    found = parse_stir({name: text}, "outbound")
    assert found["attestation"] == letter
    assert found["verification"] == "unknown"
    assert found["conflict"] is False


@pytest.mark.parametrize("name", VERIFICATION)
def test_not_verified_yields_no_attestation_letter(name: str) -> None:
    assert parse_stir({name: "Not Verified"}, "inbound")["attestation"] is None


def test_verified_alone_yields_no_attestation_letter() -> None:
    assert parse_stir({"STIRVerification": "Verified"}, "inbound")["attestation"] is None


@pytest.mark.parametrize(
    ("direction", "role"),
    [("outbound", "assigned"), ("inbound", "received"), (None, None), ("sideways", None)],
)
def test_the_direction_decides_between_assigned_and_received(
    direction: str | None, role: str | None
) -> None:
    assert parse_stir({"STIRVerification": "Verified"}, direction)["role"] == role


@pytest.mark.parametrize(
    ("verification", "attestation", "conflict"),
    [
        ("Verified", "A", False),
        ("Verified", "B", True),
        ("Verified", "C", True),
        ("Not Verified", "A", True),
        ("Not Verified", "B", False),
        ("Not Verified", "C", False),
        ("Not Applicable", "A", True),
        ("Not Applicable", "Not Applicable", False),
        ("Passed", "A", False),
    ],
)
def test_a_letter_the_verdict_excludes_is_a_conflict(
    verification: str, attestation: str, *, conflict: bool
) -> None:
    found = parse_stir(
        {"STIRVerification": verification, "STIRAttestation": attestation}, "outbound"
    )
    assert found["conflict"] is conflict


def test_spellings_that_disagree_on_the_verdict_are_a_conflict_and_unknown() -> None:
    texts = {"STIRVerification": "Verified", "stir_verification": "Not Verified"}
    found = parse_stir(texts, "outbound")
    assert found["verification"] == "unknown"
    assert found["conflict"] is True
    assert found["text"] == texts


def test_spellings_that_disagree_on_the_letter_are_a_conflict_without_a_letter() -> None:
    texts = {
        "STIRVerification": "Verified",
        "STIRAttestation": "A",
        "stir_attestation": "B",
    }
    found = parse_stir(texts, "outbound")
    assert found["verification"] == "verified"
    assert found["attestation"] is None
    assert found["conflict"] is True
    assert found["text"] == texts


def test_spellings_that_agree_are_no_conflict() -> None:
    texts = {"STIRVerification": "Verified", "stir_verification": "verified"}
    found = parse_stir(texts, "outbound")
    assert found["verification"] == "verified"
    assert found["conflict"] is False


@pytest.mark.parametrize("name", [*VERIFICATION, *ATTESTATION])
def test_every_spelling_reaches_the_event_under_one_name(types: Catalogue, name: str) -> None:
    callback = parsed(types, [("CallUUID", UUID), ("Event", "Ring"), (name, "A")])
    stir = callback.fields["stir"]
    assert isinstance(stir, dict)
    assert stir["text"] == {name: "A"}
    assert callback.undeclared == {}


@pytest.mark.parametrize("sent", [[], [("STIRVerification", ""), ("STIRAttestation", "")]])
def test_an_absent_or_blank_parameter_is_no_verdict(
    types: Catalogue, sent: list[tuple[str, str]]
) -> None:
    callback = parsed(types, [("CallUUID", UUID), ("Event", "Ring"), *sent])
    assert callback.fields.get("stir") is None


@given(
    st.dictionaries(
        st.sampled_from([*VERIFICATION, *ATTESTATION]),
        st.sampled_from(["Verified", "Not Verified", "Not Applicable", "A", "B"]) | st.text(),
        min_size=1,
    )
)
def test_a_letter_never_comes_from_anything_but_an_attestation(texts: dict[str, str]) -> None:
    found = parse_stir(texts, "outbound")
    sent = {
        text.strip().upper() for name, text in texts.items() if fold_name(name) == "stirattestation"
    }
    assert found["attestation"] is None or sent == {found["attestation"]}
    assert found["text"] == texts
