"""Nothing tells anybody to install the project by its name: no index has it, and anybody may take it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# What people read: pages, messages, help, and the files that images and charts are made by.
READ = sorted(
    path
    for pattern in ("*.md", "Dockerfile", "Makefile", "bridge/**/*.py", "docs/**/*.md",
                    "deploy/**/*", "examples/**/*")
    for path in ROOT.glob(pattern)
    if path.is_file() and path.suffix not in {".tgz", ".png"}
)  # fmt: skip
# A tool that installs packages, and the project's name as what to install: by itself or with extras.
BY_NAME = re.compile(
    r"(?:pip3?|pipx|uvx?|poetry|pdm|conda)\b[^\n`]*?\b(?:install|add|run|tool)\b[^\n`]*?"
    r"(?<![\w/.])callback[-_]bridge(?![\w/.])"
)


@pytest.mark.parametrize(
    ("text", "is_by_name"),
    [
        ("pip install 'callback-bridge[export]'", True),
        ("pip install callback-bridge", True),
        ("python -m pip install --quiet callback_bridge==0.1", True),
        ("uv tool install callback-bridge", True),
        ("pip install '.[export]' in a checkout of the project", False),
        ("pip install ./callback-bridge", False),
        ("helm install callback-bridge deploy/helm/callback-bridge", False),
        ("pip install . and then `callback-bridge serve`", False),
    ],
)
def test_an_installation_by_name_is_told_from_one_of_a_checkout(
    text: str, *, is_by_name: bool
) -> None:
    assert (BY_NAME.search(text) is not None) is is_by_name


def test_no_page_and_no_message_tells_to_install_the_project_by_its_name() -> None:
    assert len(READ) > 200
    assert [str(path) for path in READ if BY_NAME.search(path.read_text(errors="replace"))] == []


def test_the_extras_that_messages_name_are_there() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    named = {
        extra
        for path in READ
        for extra in re.findall(r"pip install '\.\\?\[(\w+)\]'", path.read_text(errors="replace"))
    }
    assert named == {"dev", "export"}
    assert [extra for extra in named if f"\n{extra} = [" not in project] == []
