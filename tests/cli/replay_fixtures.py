"""The fixtures of ``replay``. A test file that needs one names this file a plugin."""

import sys
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bridge.cli import main
from bridge.derived.topics import plan
from tests.cli.replaying import Auditor, Command, store_calls
from tests.support.cli import environment
from tests.support.kafka import Kafka, make_topics
from tests.support.stored_calls import SIZING, TYPES, make_some_topics

_STORED: dict[str, str] = {}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command's own entry point in this process: the same, and ten times as fast."""

    def called(*arguments: str, **settings: str) -> CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["callback-bridge", *arguments])
        for name, value in environment(**settings).items():
            monkeypatch.setenv(name, value)
        code = 0
        try:
            main.run()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        return CompletedProcess(arguments, code, captured.out, captured.err)

    return called


@pytest.fixture
async def auditor(command: Command, kafka: Kafka, prefix: str, tmp_path: Path) -> Auditor:
    """An auditor of topics that all tests share, because none writes to them."""
    if kafka.address not in _STORED:
        _STORED[kafka.address] = prefix
        topics = plan(TYPES, prefix, replace(SIZING, partitions=3))
        await make_topics(kafka.connection, *topics)
        await store_calls(kafka, prefix)
    return Auditor(command, kafka, _STORED[kafka.address], tmp_path)


@pytest.fixture
async def owner(command: Command, kafka: Kafka, prefix: str, tmp_path: Path) -> Auditor:
    """An auditor of topics of his own, that he may write to."""
    await make_some_topics(kafka, prefix)
    await store_calls(kafka, prefix)
    return Auditor(command, kafka, prefix, tmp_path)
