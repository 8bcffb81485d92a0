"""An application of before the bridge: with the bridge in front it sees, and Plivo gets, the same.

The emulator's call runs on virtual time from one seed. So both runs have the same ids and times, and
what differs is the work of the bridge.
"""

import contextlib
import importlib.util
import re
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
import pytest
from werkzeug.serving import make_server

from bridge.core.journal import JOURNAL_TOPIC
from bridge.dev.account import AUTH_ID, AUTH_TOKEN, TIMEZONE
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Request, Response
from bridge.emulator.machine.leg import Account, CallUrls
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.person import Input, Person
from bridge.emulator.machine.world import World
from bridge.emulator.sender import to_wire
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import BEGIN, CALLEE, CALLER
from tests.support.bridge import eventually
from tests.support.cli import read_servers, started
from tests.support.kafka import read_back
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.system

FOLDER: Final = Path(__file__).parents[2] / "examples/flask_application"
PAGE: Final = (FOLDER.parents[1] / "docs/from-your-handler.md").read_text()
ACCOUNT: Final = Account(AUTH_ID, (AUTH_TOKEN,), ZoneInfo(TIMEZONE))
# Leaves a message: every path of the application is called once.
PERSON: Final = Person(inputs=(Input(digits="2"),), records_key="#", hang_up=None)
NOTIFICATIONS: Final = {"/voice/ring", "/voice/hangup"}
# What the bridge adds to a request: docs/from-your-handler.md.
ADDED: Final = {
    "ACCEPT_ENCODING",
    "X_FORWARDED_FOR",
    "X_FORWARDED_HOST",
    "X_FORWARDED_PORT",
    "X_FORWARDED_PROTO",
}


@dataclass(frozen=True)
class Seen:
    """A request as the application saw it, and the status of its answer. Headers are in WSGI's names."""

    line: str
    headers: Mapping[str, str]
    body: bytes
    status: str


@dataclass
class Recorded:
    """A WSGI application whose requests are kept, by path."""

    wsgi: Callable[..., Any]
    seen: dict[str, Seen] = field(default_factory=dict[str, Seen])

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = _Body(body)
        statuses: list[str] = []

        def note_status(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            statuses.append(status)
            return start(status, headers, *more)

        answer = list(self.wsgi(environ, note_status))
        headers = {
            name.removeprefix("HTTP_"): text
            for name, text in environ.items()
            if name.startswith(("HTTP_", "CONTENT_"))
        }
        path = environ["PATH_INFO"]
        assert path not in self.seen, f"{path} was called twice"
        line = f"{environ['REQUEST_METHOD']} {environ['REQUEST_URI']}"
        self.seen[path] = Seen(line, headers, body, statuses[0])
        return answer


class _Body:
    """The body of a request, once more."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        taken, self._body = (
            (self._body, b"") if size < 0 else (self._body[:size], self._body[size:])
        )
        return taken


@contextlib.contextmanager
def running_application() -> Generator[tuple[str, Recorded]]:
    """Run the example; yield its address, and what it sees."""
    spec = importlib.util.spec_from_file_location("flask_application", FOLDER / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recorded = Recorded(module.make_app(AUTH_TOKEN))
    server = make_server("127.0.0.1", 0, recorded, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", recorded
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run_call(host: str) -> dict[str, Response]:
    """Run a call whose URLs are at ``host``; return what Plivo got, by path."""
    answer, ring, hangup = (
        (f"http://{host}/voice/{name}", "POST") for name in ("answer", "ring", "hangup")
    )
    got: dict[str, Response] = {}
    with httpx.Client(timeout=PATIENCE_S) as client:
        driver = VirtualDriver(Machine(World(BEGIN)), partial(deliver, client, got))
        driver.do(
            lambda one: one.place(
                CallOrder(ACCOUNT, CALLER, CALLEE, CallUrls(answer, ring, hangup), person=PERSON)
            )
        )
        driver.run()
    assert driver.notes == []
    return got


def deliver(client: httpx.Client, got: dict[str, Response], request: Request) -> Response:
    """Send a request as Plivo does, and return its answer."""
    method, url, headers, body = to_wire(request, ACCOUNT, ACCOUNT)
    sent = httpx.Request(method, url, headers={**headers, "user-agent": "Plivo"}, content=body)
    answer = client.send(sent)
    response = Response(answer.status_code, answer.headers.get("content-type", ""), answer.content)
    got[sent.url.path] = response
    return response


@pytest.fixture(scope="module")
def without() -> Iterator[tuple[str, dict[str, Seen], dict[str, Response]]]:
    """A call without the bridge: the host, what the application saw, and what Plivo got."""
    with running_application() as (host, recorded):
        got = run_call(host)
        yield host, recorded.seen, got


def test_without_the_bridge_the_application_answers_its_call(
    without: tuple[str, dict[str, Seen], dict[str, Response]],
) -> None:
    _, seen, got = without
    paths = {f"/voice/{name}" for name in ("ring", "answer", "choice", "recorded", "hangup")}
    assert set(seen) == set(got) == paths
    assert {one.status for one in seen.values()} == {"200 OK"}


def test_with_the_bridge_in_front_only_the_host_is_another(
    without: tuple[str, dict[str, Seen], dict[str, Response]], tmp_path: Path
) -> None:
    old_host, old_seen, old_got = without
    port = free_port()
    with running_application() as (origin, recorded):
        rules = tmp_path / "rules.toml"
        text = (FOLDER / "rules.toml").read_text()
        rules.write_text(text.replace("127.0.0.1:5000", origin))
        with started(
            "dev", "--port", str(port), "--kafka-port", "0", replies_file=str(rules)
        ) as bridge:
            bridge.says("Events appear below.")
            host = f"127.0.0.1:{port}"
            got = run_call(host)
            eventually(lambda: set(recorded.seen) == set(old_seen))
            stored = read_back(read_servers(bridge), [JOURNAL_TOPIC])
            assert bridge.end() == 0
    for path, one in recorded.seen.items():
        assert seen_apart_from(one, host) == seen_apart_from(old_seen[path], old_host)
    # The SDK's own check of the signature has passed, else this would be 403.
    assert {one.status for one in recorded.seen.values()} == {"200 OK"}
    assert set(got) == set(old_got)
    for path, answer in got.items():
        assert got_apart_from(answer, host, path) == got_apart_from(old_got[path], old_host, path)
    callbacks = [one for one in stored if "journal_kind" not in dict(one.headers)]
    assert len(callbacks) == len(got)


def seen_apart_from(seen: Seen, host: str) -> tuple[Any, ...]:
    """Return a request without what may differ: the host, its signatures, and what the bridge adds."""
    assert seen.headers["HOST"] == host
    signatures = {
        name
        for name in seen.headers
        if name.startswith("X_PLIVO_SIGNATURE") and not name.endswith("_NONCE")
    }
    differing = {"HOST", *ADDED, *signatures}
    kept = {name: text for name, text in seen.headers.items() if name not in differing}
    return seen.line, kept, signatures, seen.body


def got_apart_from(got: Response, host: str, path: str) -> tuple[Any, ...]:
    """Return an answer with its host masked. Plivo reads no answer to a notification."""
    body = got.body.replace(host.encode(), b"HOST")
    return got.status, body, None if path in NOTIFICATIONS else got.content_type


def test_the_page_shows_the_rules_of_the_example() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    lines = [
        line.strip()
        for line in shown.splitlines()
        if line.strip().startswith(("[", "name", "application", "forward"))
    ]
    assert set(lines) <= set((FOLDER / "rules.toml").read_text().splitlines())
