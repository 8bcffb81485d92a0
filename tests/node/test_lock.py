"""The packages of the tests marked `node` are pinned by digest, not by address."""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_package_is_locked_by_its_digest_and_without_an_address() -> None:
    text = (HERE / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert all(one["integrity"] for place, one in packages.items() if place)


def test_every_dependency_is_pinned_to_one_version() -> None:
    asked = json.loads((HERE / "package.json").read_text())["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())
