"""What a contributor's tools are told: it names commands and files that exist."""

import re
import shlex
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[2]
MAKEFILE: Final = (ROOT / "Makefile").read_text()
TARGETS: Final = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
HOOKS: Final[list[dict[str, Any]]] = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
]


def test_hooks_come_from_this_checkout_and_from_no_network() -> None:
    found = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [one["repo"] for one in found["repos"]] == ["local"]
    assert {hook["language"] for hook in HOOKS} == {"system"}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_a_locked_tool_or_a_target(hook: dict[str, Any]) -> None:
    command, *arguments = shlex.split(hook["entry"])
    if command == "make":
        assert set(arguments) <= TARGETS
        return
    locked = set(
        re.findall(r"^([\w.-]+)==", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE)
    )
    tool = {".venv/bin/ruff": "ruff", ".venv/bin/lint-imports": "import-linter"}
    assert command == ".venv/bin/python" or tool[command] in locked


def test_every_pattern_of_a_hook_matches_a_file() -> None:
    files = [str(path.relative_to(ROOT)) for path in ROOT.glob("[!.]*/**/*") if path.is_file()]
    patterns = [hook["files"] for hook in HOOKS if "files" in hook]
    assert [one for one in patterns if not any(re.search(one, file) for file in files)] == []


def test_every_path_that_has_owners_exists() -> None:
    lines = (ROOT / ".github/CODEOWNERS").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    assert all(owner.startswith("@") for row in rows for owner in row[1:])
    paths = [row[0].strip("/") for row in rows if row[0] != "*"]
    assert [path for path in paths if not any(ROOT.glob(path))] == []


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml")), ids=str)
def test_a_form_asks_for_something(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    if path.name == "config.yml":
        assert form == {"blank_issues_enabled": True}
        return
    assert form["name"]
    assert form["description"]
    kinds = {one["type"] for one in form["body"]}
    assert kinds <= {"markdown", "textarea", "input", "dropdown"}
    ids = [one["id"] for one in form["body"] if one["type"] != "markdown"]
    assert len(ids) == len(set(ids))


def test_every_target_that_the_page_names_exists() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`make ([a-z-]+)", page))
    assert named - TARGETS == set()
