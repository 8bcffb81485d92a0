"""The page on Plivo's API of the emulator names every endpoint, and its test passes."""

import re
from pathlib import Path
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

from bridge.emulator.api.application import ENDPOINTS
from bridge.emulator.testing import EmulatedPlivo

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/emulated-api.md").read_text()
_ROW: Final = re.compile(r"^\| (?:`(.*)`|\(the account itself\)) \| ([A-Z, ]+) \|$", re.MULTILINE)


def find_snippet() -> str:
    (snippet,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(snippet)


def answer(_environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/xml")])
    return [b"<Response/>"]


def test_the_page_names_every_endpoint() -> None:
    listed = {
        (method, path) for path, methods in _ROW.findall(PAGE) for method in methods.split(", ")
    }
    assert listed == {(method, path) for method, path, _ in ENDPOINTS}


def test_the_test_of_the_page_places_a_call() -> None:
    names: dict[str, Any] = {}
    exec(find_snippet(), names)
    with EmulatedPlivo(wsgi=answer) as plivo:
        names["test_a_call_is_placed"](plivo)
        assert [one.answer for one in plivo.sent("call.answer")] == ["<Response/>"]
