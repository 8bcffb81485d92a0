"""The schema of scenario files and the reference pages follow from the declarations."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.derived.files import OF_THE_EMULATOR
from bridge.emulator import reference
from bridge.emulator.behaviours import BEHAVIOURS
from bridge.emulator.behaviours.behaviour import Confidence
from bridge.emulator.reference import build_schema, main
from bridge.emulator.scenarios.files import list_shipped, read_shipped
from bridge.emulator.scenarios.model import Scenario

ROOT: Final = Path(__file__).parents[2]
CHECK: Final = jsonschema.Draft202012Validator(build_schema())
SHIPPED: Final = {name: yaml.safe_load(read_shipped(name)) for name in list_shipped()}
CALL: Final[dict[str, Any]] = {"title": "x", "call": {}}


def loads(document: object) -> bool:
    try:
        Scenario.model_validate(document)
    except ValidationError:
        return False
    return True


def test_the_committed_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["--check"]), capsys.readouterr().err) == (0, "")


def test_the_command_writes_what_its_check_misses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1
    assert "docs/reference/scenarios.md is stale" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    written = capsys.readouterr().out.split()
    assert {Path(one) for one in written} == OF_THE_EMULATOR
    assert main(["--check"], tmp_path) == 0
    (tmp_path / written[0]).write_text("old")
    assert main(["--check"], tmp_path) == 1


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_scenario_is_valid_by_the_schema(name: str) -> None:
    assert [error.message for error in CHECK.iter_errors(SHIPPED[name])] == []


@pytest.mark.parametrize(
    ("document", "is_valid"),
    [
        ({"title": "x"}, False),
        ({"call": {}}, False),
        (CALL, True),
        ({**CALL, "message": {}}, False),
        ({**CALL, "message": None, "mix": []}, True),
        ({**CALL, "mix": [{"call": {}}]}, False),
        ({"title": "x", "mix": [{"call": {}}]}, True),
        ({"title": "x", "mix": [{"call": {}, "message": {}}]}, False),
        ({"title": "x", "mix": [{"weight": 1}]}, False),
        ({"title": "x", "mix": [{"weight": 0, "call": {}}]}, False),
        ({**CALL, "load": {}}, False),
        ({**CALL, "load": {"count": None}}, False),
        ({**CALL, "load": {"duration_s": 5, "count": None}}, True),
        ({"title": "x", "call": {"to": 14155550123, "from": "+14155550100"}}, True),
        ({"title": "x", "call": {"to": "sip:ann@phone.plivo.com"}}, True),
        ({"title": "x", "call": {"to": "somebody"}}, False),
        ({"title": "x", "call": {"to": True}}, False),
        ({"title": "x", "call": {"others": {"somebody": {}}}}, False),
        ({"title": "x", "call": {"others": {"+14155550177": {"pickup": "busy"}}}}, True),
        ({"title": "x", "call": {"person": {"inputs": [{"digits": 1}]}}}, True),
        ({"title": "x", "call": {"person": {"inputs": [{"digits": "1a"}]}}}, False),
        ({"title": "x", "call": {"person": {"hang_up": None}}}, True),
        ({"title": "x", "call": {"persn": {}}}, False),
    ],
)
def test_the_schema_and_the_loader_agree(document: object, *, is_valid: bool) -> None:
    assert (CHECK.is_valid(document), loads(document)) == (is_valid, is_valid)


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value of a document."""
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


JUNK: Final = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**6), st.floats(0, 1), st.text(max_size=5),
    st.sampled_from(["busy", "14155550100", "input", "hangup", {}, [], {"after_s": 1}, {"call": {}}]),
)  # fmt: skip


@given(st.sampled_from(sorted(SHIPPED)), st.data())
def test_what_is_valid_by_the_schema_loads(name: str, data: st.DataObject) -> None:
    document = json.loads(json.dumps(SHIPPED[name]))
    *way, last = data.draw(st.sampled_from(list(places(document))))
    parent = document
    for key in way:
        parent = parent[key]
    parent[last] = data.draw(JUNK)
    assert loads(document) or not CHECK.is_valid(document)


def test_an_unquoted_number_may_be_dialled() -> None:
    text = "title: x\ncall: {others: {14155550177: {pickup: busy}, +14155550188: {}}}"
    call = Scenario.model_validate(yaml.safe_load(text)).call
    assert call is not None
    assert list(call.others) == ["14155550177", "14155550188"]


def test_every_key_has_a_section_and_a_row() -> None:
    page = reference.render_scenarios()
    schema = build_schema()
    mappings = [schema, *(one for one in schema["$defs"].values() if "properties" in one)]
    assert page.count("| key | value |") == len(mappings)
    for mapping in mappings:
        for key, field in mapping["properties"].items():
            assert re.search(
                rf"^\| `{key}` \|.*\| {re.escape(field['description'])} \|$", page, re.MULTILINE
            )


def test_every_behaviour_and_every_confidence_is_on_the_page() -> None:
    page = reference.render_behaviours()
    for one in BEHAVIOURS:
        assert f"| {one.text} | {one.confidence} | {one.source} |\n" in page
    for word in Confidence:
        assert f"\n| {word} | " in page.partition("\n## ")[0]
