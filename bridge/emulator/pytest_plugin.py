"""The pytest plugin: a fixture with an emulated Plivo. It needs the package with the extra ``dev``.

1. ``plivo_emulator`` is an ``EmulatedPlivo`` without calls; the emulator itself lasts for the session.
2. What a suite returns from a fixture ``plivo_emulator_options`` of its own are the arguments of
   ``EmulatedPlivo``.
3. A failed test that used it shows the stories of its calls.

What it needs is imported when a test asks for it: pytest imports this file in every run.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bridge.emulator.testing import EmulatedPlivo

_FIXTURE = "plivo_emulator"


@pytest.fixture(scope="session")
def plivo_emulator_options() -> dict[str, Any]:
    """Arguments of the emulated Plivo: override it in your conftest.py."""
    return {}


@pytest.fixture(scope="session")
def _plivo_emulator_of_session(
    plivo_emulator_options: dict[str, Any],
) -> Iterator["EmulatedPlivo"]:
    from bridge.emulator.testing import EmulatedPlivo  # noqa: PLC0415 (slow to import)

    with EmulatedPlivo(**plivo_emulator_options) as plivo:
        yield plivo


@pytest.fixture
def plivo_emulator(_plivo_emulator_of_session: "EmulatedPlivo") -> Iterator["EmulatedPlivo"]:
    """Yield an emulated Plivo that places and receives calls, and knows what it sent."""
    _plivo_emulator_of_session.reset()
    yield _plivo_emulator_of_session
    _plivo_emulator_of_session.reset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the stories of the calls to the report of a failed test."""
    report = yield
    plivo = getattr(item, "funcargs", {}).get(_FIXTURE)
    if call.when == "call" and report.failed and plivo is not None:
        report.sections.append(("emulated calls", plivo.tell()))
    return report
