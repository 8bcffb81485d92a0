"""The dashboard queries existing metrics, and is readable."""

import itertools
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.alerts.conftest import Promtool
from tests.alerts.named import faults, labels_in
from tests.alerts.rules import ROOT

TEXT: Final = (ROOT / "deploy/helm/callback-bridge/files/dashboard.json").read_text()
DASHBOARD: Final[dict[str, Any]] = json.loads(TEXT)
PANELS: Final[list[dict[str, Any]]] = DASHBOARD["panels"]
GRAPHS: Final = [panel for panel in PANELS if panel["type"] != "row"]
QUERIES: Final = [
    pytest.param(target["expr"], target["legendFormat"], id=f"{panel['title']} {target['refId']}")
    for panel in GRAPHS
    for target in panel["targets"]
]
SELECTION: Final = 'namespace=~"$namespace",job=~"$job",pod=~"$pod"'


def filled_in(expression: str) -> str:
    """Return an expression with what Grafana would put in the place of variables."""
    for variable, text in {
        "$__rate_interval": "2m",
        "$__range": "6h",
        "$namespace": ".*",
        "$job": ".*",
        "$pod": ".*",
    }.items():
        expression = expression.replace(variable, text)
    return expression


def test_it_is_of_a_schema_that_grafana_still_reads() -> None:
    assert DASHBOARD["schemaVersion"] >= 39
    assert DASHBOARD["uid"] == "callback-bridge"


def test_the_most_important_rows_come_first() -> None:
    rows = [panel["title"] for panel in PANELS if panel["type"] == "row"]
    assert rows == [
        "Is anything lost?",
        "Traffic",
        "Verification",
        "Latency",
        "Spool and breaker",
        "Dead letters",
        "Overload",
        "Applications",
        "Process",
        "Notifications",
    ]


@pytest.mark.parametrize(("expression", "legend"), QUERIES)
def test_a_query_names_existing_metrics(expression: str, legend: str) -> None:
    assert faults(filled_in(expression)) == []
    assert set(re.findall(r"{{(\w+)}}", legend)) <= labels_in(filled_in(expression))


@pytest.mark.parametrize(("expression", "legend"), QUERIES)
def test_a_query_keeps_to_the_chosen_pods(expression: str, legend: str) -> None:
    assert "$" not in filled_in(expression)
    selectors = re.findall(r"\{([^}]*)\}", expression)
    assert selectors
    assert all(one.startswith(SELECTION) for one in selectors)
    assert "$" not in legend


@pytest.mark.chart
def test_prometheus_takes_every_query(promtool: Promtool, tmp_path: Path) -> None:
    queries = [filled_in(target["expr"]) for panel in GRAPHS for target in panel["targets"]]
    recorded = [{"record": f"a{number}", "expr": one} for number, one in enumerate(queries)]
    rules = tmp_path / "dashboard.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
    assert f"SUCCESS: {len(queries)} rules" in promtool("check", "rules", rules)


def test_every_panel_queries_the_chosen_data_source() -> None:
    sources = [panel["datasource"] for panel in GRAPHS]
    sources += [target["datasource"] for panel in GRAPHS for target in panel["targets"]]
    assert all(one == {"type": "prometheus", "uid": "${datasource}"} for one in sources)
    names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "namespace", "job", "pod"]


def test_panels_have_numbers_of_their_own_and_do_not_lie_upon_each_other() -> None:
    numbers = [panel["id"] for panel in PANELS]
    assert len(numbers) == len(set(numbers))
    taken = [
        place
        for panel in PANELS
        for position in [panel["gridPos"]]
        for place in itertools.product(
            range(position["x"], position["x"] + position["w"]),
            range(position["y"], position["y"] + position["h"]),
        )
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
