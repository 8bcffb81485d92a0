"""Every metric, label and value that a rule names is one the bridge has."""

import re

import pytest

from tests.alerts import promql
from tests.alerts.named import faults
from tests.alerts.rules import Rule, rules


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: f"{rule.name}-{rule.severity}")
def test_a_rule_names_what_there_is(rule: Rule) -> None:
    assert faults(rule.expression) == []


def test_an_annotation_that_asks_names_what_there_is() -> None:
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
        ("sum by (topic) (callback_bridge_in_flight)", "nothing in it has the label topic"),
        ("a:callback_bridge_spool:sum offset 1h", "no metric a:callback_bridge_spool:sum"),
    ],
)
def test_what_is_misspelt_is_found(expression: str, found: str) -> None:
    assert faults(expression) == [found]


def test_functions_durations_and_texts_are_no_metrics() -> None:
    text = (
        'count(label_replace(min_over_time(up[2h] offset 6d23h) >= 20, "ago", "7d", "", "")) >= 2'
    )
    assert promql.metrics(text) == {"up"}
