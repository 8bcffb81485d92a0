"""The rules of the chart, and the cases that promtool tests them with."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent.parent
ALERTS: Final = ROOT / "deploy/helm/callback-bridge/files/alerts.yaml"
CASES: Final = sorted((Path(__file__).parent / "cases").glob("*.yaml"))

_NAMED: Final = re.compile(r'ALERTS\{alertname=(~?)"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``name`` is an alert's or that of the series that is recorded."""

    name: str
    expression: str
    severity: str
    annotations: dict[str, str]

    @property
    def is_alert(self) -> bool:
        return bool(self.severity)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case expects of one alert: the labels of those that fire; none where it is quiet."""

    alert: str
    firing: tuple[dict[str, str], ...]


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule of the chart."""
    groups: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"]
    return tuple(
        Rule(
            name=rule.get("alert") or rule["record"],
            expression=rule["expr"],
            severity=rule.get("labels", {}).get("severity", ""),
            annotations=rule.get("annotations", {}),
        )
        for group in groups
        for rule in group["rules"]
    )


def alerts() -> tuple[Rule, ...]:
    """Return the rules that are alerts; one name may have two, of different severity."""
    return tuple(rule for rule in rules() if rule.is_alert)


@cache
def expectations() -> tuple[Expected, ...]:
    """Return what all cases expect."""
    found: list[Expected] = []
    for case in CASES:
        for test in yaml.safe_load(case.read_text())["tests"]:
            for one in test["promql_expr_test"]:
                found += _expected(one["expr"], one["exp_samples"])
    return tuple(found)


def _expected(expression: str, samples: list[dict[str, Any]]) -> list[Expected]:
    firing = [dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"])) for sample in samples]
    named = _NAMED.search(expression)
    assert named is not None, expression
    names = {rule.name for rule in alerts()}
    meant = [name for name in names if re.fullmatch(named[2], name)] if named[1] else [named[2]]
    return [
        Expected(name, tuple(labels for labels in firing if labels["alertname"] == name))
        for name in meant
    ]


def page_of(alert: str) -> Path:
    """Return the page an alert should have, from the project's root: its name in lower case."""
    words = re.findall(r"[A-Z][a-z]+", alert.removeprefix("CallbackBridge"))
    return Path("docs/runbooks") / ("-".join(words).lower() + ".md")
