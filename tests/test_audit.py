"""`make audit`: what it says of advisories, of their absence, and of a database that is away."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from requirements.audit import (
    UNREACHABLE,
    Advisory,
    Checked,
    Failed,
    Unreachable,
    check_node,
    check_python,
    report,
    run,
)
from tests.test_requirements import ROOT

FILE = ROOT / "requirements" / "build.txt"
OSV_AWAY = (
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='osv.example', port=443): "
    "Max retries exceeded with url: /v1/query"
)


def says(out: object = "", err: str = "") -> object:
    """Return a tool that writes this, and keeps what it was called with."""
    text = out if isinstance(out, str) else json.dumps(out)

    def tool(command: Sequence[str], folder: Path, timeout_s: float) -> tuple[str, str]:
        assert "--timeout" in command or any("fetch-timeout" in one for one in command)
        assert folder.is_dir()
        assert timeout_s == 9
        return text, err

    return tool


PYTHON = {
    "dependencies": [
        {"name": "sound", "version": "1.0", "vulns": []},
        {
            "name": "hurt",
            "version": "2.0",
            "vulns": [
                {"id": "GHSA-1", "fix_versions": ["2.1", "3.0"]},
                {"id": "GHSA-2", "fix_versions": []},
            ],
        },
    ]
}
NODE = {
    "vulnerabilities": {"hurt": {"severity": "high", "range": "<2.1"}},
    "metadata": {"dependencies": {"total": 41}},
}


def test_advisories_of_python_packages_are_named_with_what_mends_them() -> None:
    checked = check_python(FILE, "pip-audit", 9, says(PYTHON))  # type: ignore[arg-type]
    assert checked == Checked(
        2,
        [
            Advisory("hurt 2.0", "GHSA-1, mended in 2.1, 3.0"),
            Advisory("hurt 2.0", "GHSA-2, mended in no version yet"),
        ],
    )


def test_advisories_of_node_packages_are_named() -> None:
    checked = check_node(ROOT / "tests/node", "npm", 9, says(NODE))  # type: ignore[arg-type]
    assert checked == Checked(41, [Advisory("hurt", "high, versions <2.1")])


@pytest.mark.parametrize(
    ("out", "err"),
    [("", OSV_AWAY), ("", "pip_audit._service.interface.ServiceError: 503"), ("[]", "ReadTimeout")],
)
def test_a_database_that_is_away_is_no_failure_of_the_tool(out: str, err: str) -> None:
    with pytest.raises(Unreachable):
        check_python(FILE, "pip-audit", 9, says(out, err))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "out", [{"statusCode": 405, "message": "no"}, {"error": {"code": "ENOTFOUND"}}]
)
def test_a_registry_without_advisories_is_away(out: object) -> None:
    with pytest.raises(Unreachable):
        check_node(ROOT / "tests/node", "npm", 9, says(out))  # type: ignore[arg-type]


def test_another_fault_of_a_tool_is_told() -> None:
    with pytest.raises(Failed, match="no such option"):
        check_python(FILE, "pip-audit", 9, says("", "usage\nno such option\n"))  # type: ignore[arg-type]
    with pytest.raises(Failed, match="it said nothing"):
        check_node(ROOT / "tests/node", "npm", 9, says("{}"))  # type: ignore[arg-type]


@pytest.mark.system
def test_a_tool_that_hangs_is_ended() -> None:
    begun_s = time.monotonic()
    with pytest.raises(Unreachable):
        run([sys.executable, "-c", "import time; time.sleep(60)"], ROOT, 0)
    assert time.monotonic() - begun_s < 30


def fails(error: Exception) -> object:
    def check() -> Checked:
        raise error

    return check


def test_what_was_not_checked_is_said_once_and_is_no_failure() -> None:
    away = fails(Unreachable())
    every = [("requirements/a.txt", away), ("requirements/b.txt", away), ("lock.json", away)]
    assert report(iter(every)) == (  # type: ignore[arg-type]
        [f"Python packages: {UNREACHABLE}", f"Node.js packages: {UNREACHABLE}"],
        0,
    )


@pytest.mark.parametrize(
    ("check", "line", "code"),
    [
        (lambda: Checked(7, []), "a.txt: 7 packages checked, 0 advisories", 0),
        (lambda: Checked(7, [Advisory("x 1", "Y")]), "  x 1: Y", 1),
        (fails(Failed("no")), "a.txt: not checked: no", 2),
    ],
)
def test_the_exit_code_says_what_was_found(check: object, line: str, code: int) -> None:
    lines, found = report(iter([("a.txt", check)]))  # type: ignore[list-item]
    assert (lines[-1], found) == (line, code)
