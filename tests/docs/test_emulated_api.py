"""The page on Plivo's API of the emulator names every endpoint, and its snippets work."""

import asyncio
import re
from pathlib import Path
from typing import Any, Final

from bridge.emulator.api.application import ENDPOINTS, build_api
from bridge.emulator.emulator import Emulator
from bridge.emulator.server import serve
from tests.emulator.api.plivo import DIRECTORY, PLACE
from tests.emulator.machines import ACCOUNT, CALLEE, CALLER

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/emulated-api.md").read_text()
_ROW: Final = re.compile(r"^\| (?:`(.*)`|\(the account itself\)) \| ([A-Z, ]+) \|$", re.MULTILINE)


def find_snippet(kind: str) -> str:
    (snippet,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(snippet)


def test_the_page_names_every_endpoint() -> None:
    listed = {
        (method, path) for path, methods in _ROW.findall(PAGE) for method in methods.split(", ")
    }
    assert listed == {(method, path) for method, path, _ in ENDPOINTS}


async def test_the_client_for_python_places_a_call() -> None:
    names: dict[str, Any] = {}
    exec(find_snippet("python"), names)
    async with Emulator(DIRECTORY) as emulator, serve(build_api(emulator)) as url:
        client = names["make_client"](ACCOUNT.auth_id, ACCOUNT.auth_tokens[0], url)
        made = await asyncio.to_thread(
            lambda: client.calls.create(CALLER, CALLEE, PLACE["answer_url"])
        )
        assert made.message == "call fired"


def test_the_test_of_the_sdk_for_node_has_the_lines_of_the_page() -> None:
    program = (ROOT / "tests/node/plivo_calls.mjs").read_text()
    assert find_snippet("js") in program
