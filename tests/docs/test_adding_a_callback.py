"""``docs/adding-a-callback.md``, followed to the letter in a copy of the project."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = "docs/adding-a-callback.md"
NAME = "voice.call.hold"

# What stands behind the page's commands, in a copy without a virtual environment of its own.
COMMANDS = {
    "make": '[ "$*" = derive ] && exec {python} -m bridge.derived',
    "callback-bridge": 'exec {python} -c "from bridge.cli.main import run; run()" "$@"',
}
# The bridge of the copy, on which the page's curl is let loose.
POST = """
import asyncio, itertools, json, shlex, sys, time
import httpx
from bridge.app.build import make_application
from bridge.dev.account import ACCOUNTS
from bridge.intake.delivery import Delivery
from bridge.telemetry.metrics import Metrics
from bridge.publish.health import CircuitBreaker
from bridge.publish.memory import MemoryPublisher
from bridge.settings.load import load
from bridge.spool import NoSpool

async def post(words):
    publisher = MemoryPublisher()
    url = next(word for word in words if word.startswith("http"))
    pairs = list(itertools.pairwise(words))
    headers = dict(of.split(": ", 1) for option, of in pairs if option == "-H")
    headers["content-type"] = "application/x-www-form-urlencoded"
    body = "&".join(of for option, of in pairs if option == "-d")
    breaker, metrics = CircuitBreaker(time.monotonic), Metrics("test")
    delivery = Delivery(publisher, NoSpool(), breaker=breaker, metrics=metrics)
    app = make_application(load(None, accounts=ACCOUNTS), delivery, metrics)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        status = (await client.post(url, content=body, headers=headers)).status_code
    records = [[one.topic, json.loads(one.value)] for one in publisher.records]
    print(json.dumps({"status": status, "records": records}))

asyncio.run(post(shlex.split(sys.stdin.read().replace("\\\\\\n", " "))))
"""


def page() -> str:
    return (ROOT / PAGE).read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page(), re.DOTALL | re.MULTILINE)


def declared_file() -> tuple[Path, str]:
    """Return the file the page has one write: its path and its text."""
    found = re.findall(
        r"^`(bridge/\S+\.py)`:\n\n```python\n(.*?)^```$", page(), re.DOTALL | re.MULTILINE
    )
    ((path, text),) = found
    return Path(path), text


@dataclass(frozen=True)
class Project:
    """A copy of the project."""

    root: Path
    bin: Path

    def run(self, line: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        inherited = os.environ  # noqa: TID251 (what a process is started with)
        kept = {name: of for name, of in inherited.items() if not name.startswith("BRIDGE_")}
        path = f"{self.bin}:{inherited['PATH']}"
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self.root,
            env={**kept, "PATH": path, "PYTHONPATH": str(self.root)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The copy, with the page's file in it and `make derive` done."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("bridge", "schemas", "docs"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    commands = root / "bin"
    commands.mkdir()
    for name, script in COMMANDS.items():
        command = commands / name
        command.write_text("#!/bin/sh\n" + script.format(python=shlex.quote(sys.executable)) + "\n")
        command.chmod(0o755)
    made = Project(root, commands)
    path, text = declared_file()
    assert not (root / path).exists()
    (root / path).write_text(text)
    done = made.run("make derive")
    assert done.returncode == 0, done.stderr
    assert f"schemas/{NAME}/1.0.json" in done.stdout
    return made


@pytest.fixture(scope="module")
def sent(project: Project) -> dict[str, Any]:
    """What became of the page's curl."""
    (line,) = [line for line in "\n".join(blocks("sh")).splitlines() if line.endswith("| sh")]
    curl = project.run(line.removesuffix("| sh"))
    assert curl.returncode == 0, curl.stderr
    (project.root / "post.py").write_text(POST)
    done = project.run(f"{shlex.quote(sys.executable)} post.py", curl.stdout)
    assert done.returncode == 0, done.stderr
    # The other lines are the log's.
    (line,) = [one for one in done.stdout.splitlines() if one.startswith("{")]
    answer: dict[str, Any] = json.loads(line)
    return answer


LINES = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.mark.system
@pytest.mark.parametrize("line", [line for line in LINES if not line.endswith("| sh")])
def test_every_command_of_the_page_does_what_it_should(project: Project, line: str) -> None:
    done = project.run(line)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stdout + done.stderr


@pytest.mark.system
def test_schema_examples_and_reference_follow_from_the_one_file(project: Project) -> None:
    schema = json.loads((project.root / f"schemas/{NAME}/1.0.json").read_text())
    assert schema["title"] == f"com.plivo.{NAME}.v1"
    assert "held_s" in schema["properties"]["data"]["properties"]
    example = json.loads((project.root / f"schemas/{NAME}/examples/resumed.json").read_text())
    assert example["data"]["held_s"] == 12
    reference = (project.root / "docs/reference/callbacks.md").read_text()
    assert f"## {NAME}\n\nA call leg was put on hold, or taken off it." in reference
    assert f"`plivo.{NAME}.v1`" in (project.root / "docs/reference/topics.md").read_text()


@pytest.mark.system
def test_the_derived_files_are_then_what_the_check_wants(project: Project) -> None:
    done = project.run(f"{shlex.quote(sys.executable)} -m bridge.derived --check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.system
def test_its_topic_is_planned_and_its_route_is_listed(project: Project) -> None:
    planned = project.run("callback-bridge topics plan").stdout.splitlines()
    assert f"plivo.{NAME}.v1" in [json.loads(line)["name"] for line in planned]
    listed = project.run("callback-bridge callbacks list").stdout.splitlines()
    (row,) = [row for row in map(json.loads, listed) if row["name"] == NAME]
    assert row["path"] == "/plivo/voice/call/hold"


@pytest.mark.system
def test_a_signed_callback_of_the_new_type_is_published_on_its_topic(sent: dict[str, Any]) -> None:
    assert sent["status"] == 200
    ((topic, event), (journal, _)) = sent["records"]
    assert (topic, journal) == (f"plivo.{NAME}.v1", "plivo.journal.v1")
    assert event["data"]["verification"]["verdict"] == "verified"
    assert (event["data"]["hold_state"], event["data"]["held_s"]) == ("resumed", 12)
    assert event["time"] == "2026-03-07T14:13:40Z"


@pytest.mark.system
def test_the_pages_file_is_formatted_and_linted_as_the_project_is(project: Project) -> None:
    path, text = declared_file()
    ruff = Path(sys.executable).with_name("ruff")
    for verb in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [ruff, *verb, "--config", ROOT / "pyproject.toml", project.root / path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    assert (project.root / path).read_text() == text


@pytest.mark.parametrize("page_that_links", ["README.md", "CONTRIBUTING.md"])
def test_the_page_is_linked(page_that_links: str) -> None:
    assert f"]({PAGE})" in (ROOT / page_that_links).read_text()


def test_the_pages_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page())
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
