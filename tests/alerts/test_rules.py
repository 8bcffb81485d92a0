"""The alert rules, evaluated by Prometheus: each fires, and does not fire in a similar case."""

import re
from pathlib import Path

import pytest

from tests.alerts.conftest import Promtool
from tests.alerts.rules import ALERTS, CASES, Rule, alerts, expectations, rules

by_name_and_severity = pytest.mark.parametrize(
    "rule", alerts(), ids=lambda rule: f"{rule.name}-{rule.severity}"
)


@pytest.mark.chart
def test_prometheus_takes_the_rules(promtool: Promtool) -> None:
    assert f"SUCCESS: {len(rules())} rules" in promtool("check", "rules", ALERTS)


@pytest.mark.chart
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_alerts_fire_when_they_should_and_not_when_it_was_close(
    promtool: Promtool, case: Path
) -> None:
    assert "SUCCESS" in promtool("test", "rules", case)


@by_name_and_severity
def test_a_case_makes_the_alert_fire(rule: Rule) -> None:
    severities = {
        labels["severity"]
        for expected in expectations()
        if expected.alert == rule.name
        for labels in expected.firing
        if labels["alertstate"] == "firing"
    }
    assert rule.severity in severities


@by_name_and_severity
def test_a_case_leaves_the_alert_quiet(rule: Rule) -> None:
    assert any(
        rule.severity not in {labels["severity"] for labels in expected.firing}
        for expected in expectations()
        if expected.alert == rule.name
    )


@by_name_and_severity
def test_an_alert_states_the_problem_the_first_step_and_its_runbook(rule: Rule) -> None:
    assert rule.name.startswith("CallbackBridge")
    assert rule.severity in {"critical", "warning", "info"}
    assert set(rule.annotations) == {"summary", "description", "runbook"}
    assert rule.annotations["summary"].endswith(".")
    assert re.search(r"\b(first|look)\b", rule.annotations["description"].lower())


@by_name_and_severity
def test_an_alert_has_the_labels_that_its_text_uses(rule: Rule) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule.annotations.values())))
    for expected in expectations():
        for labels in expected.firing:
            if expected.alert == rule.name and labels["severity"] == rule.severity:
                assert named <= set(labels)


def test_a_name_has_each_severity_once() -> None:
    pairs = [(rule.name, rule.severity) for rule in alerts()]
    assert len(pairs) == len(set(pairs))


def test_another_rule_reads_each_recorded_series() -> None:
    recorded = {rule.name for rule in rules() if not rule.is_alert}
    unread = {name for name in recorded if not any(name in rule.expression for rule in rules())}
    assert unread == set()
