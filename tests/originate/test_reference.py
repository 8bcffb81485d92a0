"""The page and the JSON Schema about a request follow from its declarations."""

import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.derived.files import OF_REQUESTS
from bridge.originate.parameter import RequestFaults
from bridge.originate.reference import build_schema, main, render_page
from bridge.originate.request import CallRequest, list_parameters
from tests.originate.test_page import EACH, FIELDS
from tests.originate.valid_requests import valid_values

ROOT: Final = Path(__file__).parents[2]
CHECK: Final = jsonschema.Draft202012Validator(build_schema())
_TEST: Final = re.compile(r"`(tests/[\w/]+\.py)::([^`]+)`")


def test_the_committed_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["--check"]), capsys.readouterr().err) == (0, "")


def test_the_command_writes_what_its_check_misses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], tmp_path) == 1
    assert main([], tmp_path) == 0
    assert {Path(one) for one in capsys.readouterr().out.split()} == OF_REQUESTS
    assert main(["--check"], tmp_path) == 0


def test_every_test_that_the_page_names_exists(request: pytest.FixtureRequest) -> None:
    named = _TEST.findall(render_page())
    assert len(named) > len(list_parameters()) + len(EACH)
    existing: set[str] = set()
    for path in {path for path, _ in named}:
        module: Any = pytest.Module.from_parent(request.session, path=ROOT / path)
        names = [item.name for item in request.session.genitems(module)]
        existing |= {f"{path}::{one}" for name in names for one in (name, name.partition("[")[0])}
    assert {"::".join(one) for one in named} - existing == set()


def test_every_parameter_has_a_row_in_both_tables() -> None:
    page = render_page()
    for name in list_parameters():
        assert len(re.findall(rf"^\| `{name}` \|", page, re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Ring", "voice.call.ring"),
        ("StartApp", "voice.call.answer"),
        ("Hangup", "voice.call.hangup"),
    ],
)
def test_every_field_of_the_page_has_its_row_in_its_order(title: str, kind: str) -> None:
    section = render_page().partition(f"### {title}\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", section, re.MULTILINE)
    assert rows == [(name, field) for name, (_, field, _) in FIELDS[kind].items()]


def is_refused(values: dict[str, Any]) -> bool:
    try:
        CallRequest.model_validate(values)
    except RequestFaults:
        return True
    return False


@settings(max_examples=50)
@given(valid_values())
def test_what_a_request_gives_is_valid_by_the_schema(values: dict[str, Any]) -> None:
    body = json.loads(json.dumps(CallRequest.model_validate(values).to_body()))
    assert [error.message for error in CHECK.iter_errors(body)] == []


@settings(max_examples=50)
@given(valid_values(), st.data())
def test_what_a_request_refuses_is_refused_by_the_schema(
    values: dict[str, Any], data: st.DataObject
) -> None:
    """The schema cannot say whether a number exists, nor what occurs twice."""
    document: dict[str, Any] = {**CallRequest.model_validate(values).to_body()}
    name = data.draw(st.sampled_from([*list_parameters()]))
    document[name] = data.draw(
        st.sampled_from(
            ["", "x y", "GET", "true", True, 1, 5_000, 10**9, None, "1w2", "a=1", [], "u"]
        )
    )
    if is_refused(document):
        assert not CHECK.is_valid(document)
