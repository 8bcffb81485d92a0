"""The code on the page about consuming works as documented."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.core.record import Record
from tests.support.sample_events import changed, sample

PAGE = Path(__file__).parent.parent.parent / "docs/consuming.md"

Handle = Callable[[bytes, list[tuple[str, bytes]], float], str]


@pytest.fixture
def handle() -> Handle:
    """The function that the page shows."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names["handle"]


def record(name: str) -> Record:
    return sample(name).event.record


def test_the_code_on_the_page_works_as_documented(handle: Handle) -> None:
    hangup, message = record("voice.call.hangup"), record("messaging.message.status")
    headers = list(hangup.headers)
    newer = changed(
        "voice.call.hangup",
        lambda event: event.update(id="0" * 32, type="com.plivo.voice.call.hangup.v2"),
    )
    said = [
        handle(hangup.value, headers, 0.0),
        handle(hangup.value, headers, 1.0),
        handle(newer, headers, 2.0),
        handle(b"", headers, 3.0),
        handle(message.value, list(message.headers), 4.0),
        handle(record("voice.call.ring").value, headers, 5.0),
    ]
    assert said == [
        "64d3290a-87a6-46b4-a6e2-20f5f4e07a02 took 66 s",
        "duplicate",
        "newer than this package: unknown_version",
        "not an event of the bridge: not_json",
        "skipped without parsing",
        "some other com.plivo.voice.call.ring.v1",
    ]
