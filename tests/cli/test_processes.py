"""Each command as a separate process. Other tests run the commands in the process of the tests."""

import pytest

from tests.support.cli import run_process

pytestmark = pytest.mark.system

CALL = "a39290d0-2b5c-4c0e-9a34-5e7e2c0d1f00"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("topics plan", 0),
        ("callbacks list", 0),
        ("schemas list", 0),
        ("replies check -", 1),
        ("serve --check", 2),
        ("tail", 2),
        ("spool status", 2),
        ("deadletters list", 2),
        (f"call show {CALL}", 2),
        ("replay plan", 2),
        ("replay derive", 2),
        ("dev --nonsense", 2),
        ("demo --nonsense", 2),
    ],
)
def test_a_command_exits_with_its_code_and_writes_results_to_standard_output_alone(
    arguments: str, code: int
) -> None:
    done = run_process(*arguments.split())
    assert done.returncode == code
    assert bool(done.stdout) == (code < 2)
    assert done.stderr or code == 0
    assert "Traceback" not in done.stderr
