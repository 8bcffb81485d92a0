"""The signatures of the emulator, by the validators of Plivo's SDK for Node."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.emulator.signed_requests import list_questions

pytestmark = pytest.mark.node

PROGRAM = Path(__file__).parent / "signatures.mjs"


def test_the_sdk_for_node_validates_every_header_of_every_request() -> None:
    node = shutil.which("node")
    assert node is not None
    questions = list(list_questions())
    done = subprocess.run(
        [node, PROGRAM],
        input="\n".join(json.dumps(one.to_json()) for one in questions),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    wanted = [str(one.holds).lower() for one in questions]
    answers = done.stdout.splitlines()
    assert len(answers) == len(wanted)
    assert [q for q, got, want in zip(questions, answers, wanted, strict=True) if got != want] == []
