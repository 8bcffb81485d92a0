"""The chart's page. Needs no tool."""

import json
import re
from typing import Any, Final

import typer
from typer.core import TyperGroup, TyperOption

from bridge.cli.lazy import LazyGroup
from bridge.cli.main import app
from deploy.helm import derive_chart
from tests.chart.tools import CHART, ROOT, VERSIONS

PAGE: Final = (CHART / "README.md").read_text()
EXAMPLES: Final[list[list[dict[str, Any]]]] = [
    json.loads(text) for text in re.findall(r"-p '(\[.*?\])'", PAGE, re.DOTALL)
]


def options(arguments: list[str]) -> set[str]:
    """Return the options of the command that these arguments name."""
    command = typer.main.get_command(app)
    for word in arguments:
        if not isinstance(command, TyperGroup):
            break
        if isinstance(command, LazyGroup):
            command.load(word)
        command = command.commands[word]
    assert not isinstance(command, TyperGroup)
    of_command = (one for one in command.params if isinstance(one, TyperOption))
    return {name for one in of_command for name in (*one.opts, *one.secondary_opts)}


def test_a_replay_it_shows_keeps_its_progress_under_a_name() -> None:
    assert EXAMPLES
    for (change,) in EXAMPLES:
        arguments: list[str] = change["value"]
        assert arguments[:2] == ["replay", "run"]
        assert {word for word in arguments if word.startswith("--")} <= options(arguments)
        assert arguments[arguments.index("--progress") + 1] == "last-tuesday.progress.json"


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_it_states_the_effect_of_a_change_of_each_secret() -> None:
    values = derive_chart.flat(derive_chart.values((CHART / "values.yaml").read_text()))
    named = {one.path for one in values if one.path.lower().endswith("secretname")}
    rows = [line for line in section("Secrets").splitlines() if line.startswith("| `")]
    assert named <= set(re.findall(r"`([\w.]+)`", "".join(rows)))


def test_it_states_what_an_install_on_an_api_server_does_not_show() -> None:
    told = " ".join(section("How it is tested").split())
    assert "The kubelet only pretends" in told
    assert (CHART / "../../../tests/chart/snapshots/install.txt").is_file()


def test_it_names_the_tested_versions_of_kubernetes() -> None:
    modules = (ROOT / "deploy/tools/go.mod").read_text()
    (built,) = re.findall(r"^require k8s.io/kubernetes v(1\.\d+)\.", modules, re.MULTILINE)
    *others, last = [version.removesuffix(".0") for version in VERSIONS]
    told = " ".join(PAGE.split())
    assert f"the schemas of Kubernetes {', '.join(others)} and {last}, and" in told
    assert f"install it on the API server of {built}." in told
