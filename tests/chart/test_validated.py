"""The chart's objects against the schemas of three Kubernetes versions and of custom resources."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.tools import CHART, EXAMPLES, VERSIONS, Manifest, ToolFailed, Tools

pytestmark = pytest.mark.chart

CUSTOM = {"ServiceMonitor", "PrometheusRule", "HTTPRoute"}


def conforming(
    tools: Tools, schemas: Path, version: str, manifests: list[Manifest]
) -> dict[str, Any]:
    """Return kubeconform's report; raises ToolFailed with it if anything is not as it should be."""
    own = "{{.NormalizedKubernetesVersion}}{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json"
    custom = "custom/{{.Group}}_{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
    told = tools.run(
        "kubeconform",
        *("-strict", "-summary", "-verbose", "-output", "json", "-kubernetes-version", version),
        *("-schema-location", f"{schemas}/{own}", "-schema-location", f"{schemas}/{custom}"),
        stdin=yaml.safe_dump_all(manifests),
    )
    report: dict[str, Any] = json.loads(told)
    return report


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_every_object_is_as_its_schema_says(
    tools: Tools, schemas: Path, version: str, example: str
) -> None:
    manifests = tools.manifests(example)
    summary = conforming(tools, schemas, version, manifests)["summary"]
    assert summary == {"valid": len(manifests), "invalid": 0, "errors": 0, "skipped": 0}


def test_the_examples_make_every_kind_of_custom_resource(tools: Tools) -> None:
    kinds = {one["kind"] for example in EXAMPLES for one in tools.manifests(example)}
    assert kinds >= CUSTOM


def test_the_examples_render_every_template(tools: Tools) -> None:
    made = {
        line.rpartition("/")[2]
        for example in EXAMPLES
        for line in tools.template(example).splitlines()
        if line.startswith("# Source: ")
    }
    templates = {path.name for path in CHART.glob("templates/*.yaml")}
    assert made == templates - {"contradictions.yaml"}


def test_a_field_that_no_schema_has_is_found_in_every_kind(tools: Tools, schemas: Path) -> None:
    kinds: dict[str, Manifest] = {}
    for example in EXAMPLES:
        for one in tools.manifests(example):
            place = one.get("spec", one)
            place["misspelt"] = True
            kinds[one["kind"]] = one
    with pytest.raises(ToolFailed) as failed:
        conforming(tools, schemas, VERSIONS[0], list(kinds.values()))
    report = json.loads(str(failed.value))
    refused = {one["kind"] for one in report["resources"] if one["status"] == "statusInvalid"}
    assert refused == kinds.keys()
