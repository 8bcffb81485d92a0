"""Files that follow from values.yaml, or must agree with it. Needs no tool."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from deploy.helm import derive_chart
from tests.chart.tools import CHART, EXAMPLES

# These read and compare files. To measure what they cover takes longer than they do.
pytestmark = pytest.mark.no_cover

# What a pod settles, so that no value does.
SETTLED = {
    "BRIDGE_ACCOUNTS": "accounts come from a Secret, as a file",
    "BRIDGE_HOST": "a pod listens on all its addresses",
    "BRIDGE_KAFKA_IDEMPOTENCE": "off is for the embedded broker alone",
    "BRIDGE_KAFKA_SASL_OAUTH_CLIENT_SECRET": "it comes from a Secret, as a file",
    "BRIDGE_KAFKA_SASL_PASSWORD": "it comes from a Secret, as a file",
    "BRIDGE_LEDGER_DIRECTORY": "a pod places no calls",
    "BRIDGE_LOG_FORMAT": "JSON lines are what clusters collect",
    "BRIDGE_PLIVO_API_URL": "a pod places no calls",
    "BRIDGE_PLIVO_CALLS_PER_S": "a pod places no calls",
}
VALUES = derive_chart.values((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())


def templates() -> str:
    found = [*CHART.glob("templates/*.yaml"), *CHART.glob("templates/*.tpl")]
    return "\n".join(path.read_text() for path in [*found, CHART / "templates/NOTES.txt"])


def sections(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if "properties" in schema and schema.get("additionalProperties") is False:
        yield path
    for name, inside in schema.get("properties", {}).items():
        yield from sections(inside, (*path, name))


def defaults() -> dict[str, Any]:
    given: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return given


def merged(values: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return values as Helm lays given ones over them."""
    both = dict(values)
    for name, one in given.items():
        inside = values.get(name)
        both[name] = merged(inside, one) if isinstance(inside, dict) else one
    return both


def test_the_derived_files_are_up_to_date() -> None:
    assert derive_chart.main(["--check"]) == 0


def test_a_stale_file_is_noticed_and_written_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = shutil.copytree(CHART, tmp_path / "chart")
    page = chart / "README.md"
    page.write_text(page.read_text().replace("`kafka.clientId`", "`kafka.client`"))
    assert derive_chart.main(["--check"], chart) == 1
    assert "README.md of the chart is stale" in capsys.readouterr().err
    assert derive_chart.main([], chart) == 0
    assert page.read_text() == (CHART / "README.md").read_text()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("replicas: 2", "replicas has no comment"),
        ("# Section.\nkafka:\n  port: 2", "kafka.port has no comment"),
        ("# Port.\n# @ setting: BRIDGE_PROT\nport: 8080", "BRIDGE_PROT is not a setting"),
        ("# Port.\n# @ setting: BRIDGE_PORT\nport: 80", "port is 80 by default, but BRIDGE_PORT"),
    ],
)
def test_a_value_that_cannot_be_is_named(text: str, fault: str) -> None:
    with pytest.raises(derive_chart.BadValues, match=fault):
        derive_chart.values(text)


def test_a_value_takes_its_bounds_from_the_setting_it_becomes() -> None:
    (value,) = derive_chart.values("# Port.\n# @ setting: BRIDGE_PORT\nport: 8080")
    assert (value.keywords["minimum"], value.keywords["maximum"]) == (1, 65_535)


def test_every_setting_of_the_bridge_is_set_by_the_chart_or_settled() -> None:
    named = set(re.findall(r"\bBRIDGE_[A-Z0-9_]+", templates()))
    known = set(derive_chart.settings())
    assert named - known == set(), "no settings of the bridge"
    assert known - named == set(SETTLED), "settings that no template sets, and those settled"


def test_every_value_is_used_by_a_template() -> None:
    text = templates()
    for value in derive_chart.flat(VALUES):
        if not value.inside:
            name = value.path.rpartition(".")[2]
            assert re.search(rf"\.{name}\b", text), value.path


def test_every_value_a_template_uses_is_declared() -> None:
    declared = {value.path for value in derive_chart.flat(VALUES)}
    used = set(re.findall(r"\.Values\.([a-zA-Z.]+)", templates()))
    assert used <= declared


def test_the_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_the_defaults_are_as_the_schema_says() -> None:
    assert not list(Draft7Validator(SCHEMA).iter_errors(defaults()))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_as_the_schema_says(example: str) -> None:
    given = yaml.safe_load((CHART / f"ci/{example}-values.yaml").read_text())
    assert not list(Draft7Validator(SCHEMA).iter_errors(merged(defaults(), given)))


@pytest.mark.parametrize("path", list(sections(SCHEMA)), ids=lambda path: ".".join(path) or "all")
def test_a_name_that_no_section_has_is_refused(path: tuple[str, ...]) -> None:
    values = defaults()
    inside = values
    for name in path:
        inside = inside[name]
    inside["misspelt"] = 1
    (error,) = Draft7Validator(SCHEMA).iter_errors(values)
    assert "misspelt" in error.message


@pytest.mark.parametrize(
    "value",
    [one for one in derive_chart.flat(VALUES) if one.default is not None],
    ids=lambda one: one.path,
)
def test_a_value_that_was_taken_away_is_missed(value: derive_chart.Value) -> None:
    values = defaults()
    *outer, name = value.path.split(".")
    inside = values
    for one in outer:
        inside = inside[one]
    del inside[name]
    (error,) = Draft7Validator(SCHEMA).iter_errors(values)
    assert error.message == f"{name!r} is a required property"


def test_no_secret_is_a_value() -> None:
    secret = re.compile(r"password|token|credential|apiKey", re.IGNORECASE)
    told = [value.path for value in derive_chart.flat(VALUES) if secret.search(value.path)]
    assert told == ["kafka.sasl.oauthTokenUrl"]  # an address, not a token
