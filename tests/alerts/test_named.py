"""Every metric, label and value that a rule names is one the bridge has."""

import json
import re
from typing import Final

import pytest

from bridge.telemetry.metric_defs import METRIC_DEFS, PREFIX
from tests.alerts import promql
from tests.alerts.named import faults
from tests.alerts.rules import ALERTS, Rule, rules

ENDS: Final = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.name}-{rule.severity}")
def test_a_rule_names_existing_metrics(rule: Rule) -> None:
    assert faults(rule.expression) == []


def test_a_query_in_an_annotation_names_existing_metrics() -> None:
    asked = [
        expression
        for rule in rules()
        for text in rule.annotations.values()
        for expression in re.findall(r'query \(printf "([^"]*)"', text)
    ]
    assert asked
    for expression in asked:
        assert faults(expression.replace("%q", '"x"')) == []


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("callback_bridge_spool_bites > 0", "no metric callback_bridge_spool_bites"),
        ("rate(callbacks_total[5m]) or up", "no metric callbacks_total"),
        ('callback_bridge_in_flight{path="kafka"}', "callback_bridge_in_flight has no label path"),
        ('callback_bridge_shed_total{class="vital"}', "class is never {'vital'}"),
        (
            'callback_bridge_callbacks_total{outcome=~"published|lost"}',
            "outcome is never {'lost'}",
        ),
        ('callback_bridge_refused_total{cause="connections"}', "cause is never {'connections'}"),
        ("sum by (topic) (callback_bridge_in_flight)", "nothing in it has the label topic"),
        ("a:callback_bridge_spool:sum offset 1h", "no metric a:callback_bridge_spool:sum"),
    ],
)
def test_a_misspelt_name_is_found(expression: str, found: str) -> None:
    assert faults(expression) == [found]


def test_every_metric_is_read_by_a_rule_or_a_panel() -> None:
    """A metric that nothing reads is useless."""
    panels = json.loads((ALERTS.with_name("dashboard.json")).read_text())["panels"]
    shown = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    read = set().union(*map(promql.metrics, [*(rule.expression for rule in rules()), *shown]))
    unread = {
        name
        for name, measure in METRIC_DEFS.items()
        if not {f"{PREFIX}_{name}{end}" for end in ENDS[measure.kind]} & read
    }
    assert unread == set()


def test_functions_durations_and_texts_are_no_metrics() -> None:
    text = (
        'count(label_replace(min_over_time(up[2h] offset 6d23h) >= 20, "ago", "7d", "", "")) >= 2'
    )
    assert promql.metrics(text) == {"up"}
