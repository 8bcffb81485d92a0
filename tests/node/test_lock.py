"""The packages the tests marked `node` need: pinned, by what they hold and not by where they are."""

import json
import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_package_is_locked_by_its_digest_and_by_no_address() -> None:
    text = (HERE / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert all(one["integrity"] for place, one in packages.items() if place)


def test_what_is_asked_for_is_one_version_each() -> None:
    asked = json.loads((HERE / "package.json").read_text())["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in asked.values())
