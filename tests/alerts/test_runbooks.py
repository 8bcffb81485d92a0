"""The runbooks: a page for every alert, which names only what exists."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest
import typer
import yaml
from pydantic import BaseModel
from typer.core import TyperGroup, TyperOption

from bridge.cli.lazy import LazyGroup
from bridge.cli.main import app
from bridge.settings import load
from bridge.settings.kafka import PREFIX as SETTING
from bridge.telemetry.metric_defs import METRIC_DEFS
from tests.alerts.rules import ROOT, Rule, alerts, page_of

RUNBOOKS: Final = ROOT / "docs/runbooks"
PAGES: Final = sorted(set(RUNBOOKS.glob("*.md")) - {RUNBOOKS / "README.md"})
SECTIONS: Final = ("Is anything lost now?", "Look", "Do", "Do not", "When it ends")
CHART: Final = ROOT / "deploy/helm/callback-bridge"

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: f"{rule.name}-{rule.severity}")
def test_an_alert_names_its_page(rule: Rule) -> None:
    assert rule.annotations["runbook"] == str(page_of(rule.name))
    assert (ROOT / rule.annotations["runbook"]).is_file()


def test_a_page_is_of_an_alert() -> None:
    assert {page.relative_to(ROOT) for page in PAGES} == {page_of(rule.name) for rule in alerts()}


@each_page
def test_a_page_answers_the_same_questions_in_the_same_order(page: Path) -> None:
    text = page.read_text()
    heading = text.partition("\n")[0].removeprefix("# ")
    assert page_of(heading) == page.relative_to(ROOT)
    assert tuple(re.findall(r"^## (.*)$", text, re.MULTILINE)) == SECTIONS
    lost = text.partition(f"## {SECTIONS[0]}\n\n")[2]
    assert re.match(r"\*\*(Yes|No|Not yet|Perhaps|Most likely)\b", lost)


def test_the_index_has_every_alert_in_the_order_of_the_rules() -> None:
    severities: defaultdict[str, list[str]] = defaultdict(list)
    for rule in alerts():
        severities[rule.name].append(rule.severity)
    rows = re.findall(r"^\| \[(\w+)\]\(([\w-]+\.md)\) \| ([\w, ]+) \|", index(), re.MULTILINE)
    assert rows == [(name, page_of(name).name, ", ".join(of)) for name, of in severities.items()]


def index() -> str:
    return (RUNBOOKS / "README.md").read_text()


def told() -> str:
    """Return what all pages and all annotations say."""
    pages = [page.read_text() for page in RUNBOOKS.glob("*.md")]
    return "\n".join([*pages, *(text for rule in alerts() for text in rule.annotations.values())])


def commands() -> set[str]:
    """Return what stands behind ``callback-bridge``: in code to its end, in an alert two words."""
    fenced = re.findall(r"^```sh\n(.*?)^```$", told(), re.DOTALL | re.MULTILINE)
    lines = [line for block in fenced for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", told())
    typed = [line.partition("callback-bridge ")[2].partition(" | ")[0] for line in lines]
    annotations = " ".join(text for rule in alerts() for text in rule.annotations.values())
    return {*filter(None, typed), *re.findall(r"callback-bridge (\w+ \w+)", annotations)}


@pytest.mark.parametrize("written", sorted(commands()))
def test_a_command_on_a_page_is_one(written: str) -> None:
    command = typer.main.get_command(app)
    for word in written.split():
        if isinstance(command, TyperGroup):
            assert word in command.commands
            if isinstance(command, LazyGroup):
                command.load(word)
            command = command.commands[word]
        elif word.startswith("--"):
            names = {
                name
                for one in command.params
                if isinstance(one, TyperOption)
                for name in (*one.opts, *one.secondary_opts)
            }
            assert word in names
    assert not isinstance(command, TyperGroup)


def test_settings_on_the_pages_are_settings() -> None:
    models: dict[str, type[BaseModel]] = {SETTING: load.Settings}
    models |= {f"{SETTING}{group.upper()}_": model for group, model in load.GROUPS.items()}
    known = {f"{prefix}{name.upper()}" for prefix, of in models.items() for name in of.model_fields}
    assert set(re.findall(r"\bBRIDGE_[A-Z_]+[A-Z]", told())) <= known


def test_metrics_on_the_pages_are_metrics() -> None:
    named = set(re.findall(r"callback_bridge_(\w+_total)\b", told()))
    assert named
    assert named <= set(METRIC_DEFS)


def test_values_of_the_chart_on_the_pages_are_values() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    sections = "|".join(name for name, of in values.items() if isinstance(of, dict))
    named = set(re.findall(rf"`((?:{sections})\.\w+(?:\.\w+)?)`", told()))
    assert named
    for name in named:
        inside = values
        for part in name.split("."):
            assert part in inside, name
            inside = inside[part]


@pytest.mark.parametrize("page", [*PAGES, RUNBOOKS / "README.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
