"""Callbacks on the paths of the customer's applications."""

import contextlib
from collections.abc import Iterator
from unittest.mock import patch

import httpx
import pytest

from bridge.ingress.load import Load
from bridge.reply.application_paths import ApplicationPath, ApplicationPaths
from bridge.reply.replies import Replies
from tests.support.bridge import Running, running_bridge
from tests.support.plivo import (
    ANSWER,
    HANGUP,
    PATHS,
    RING,
    SHARED,
    Plivo,
    assert_problem,
    encoded,
    exchange,
    sample,
    status_of,
)

V2 = ("x-plivo-signature-v2", "x-plivo-signature-v2-nonce")


class Applications:
    """The paths of applications, which a test may change while the bridge runs."""

    def __init__(self) -> None:
        self.paths = ApplicationPaths({"pbx": ["/"]})
        self.searched: list[str] = []

    def find(self, path: str) -> ApplicationPath | None:
        self.searched.append(path)
        return self.paths.find(path)


@pytest.fixture
def applications() -> Applications:
    return Applications()


@contextlib.contextmanager
def running_with(applications: Applications, **settings: object) -> Iterator[Running]:
    def find(_: Replies, path: str) -> ApplicationPath | None:
        return applications.find(path)

    with (
        patch.object(Replies, "find_application", find),
        running_bridge(**settings) as running,  # type: ignore[arg-type]
    ):
        yield running


@pytest.fixture
def bridge(applications: Applications) -> Iterator[Running]:
    with running_with(applications) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "kind", "recognised_by"),
    [
        ("/applications/pbx/voice/call/answer", ANSWER, "path"),
        ("/applications/pbx/voice/call/answer/", ANSWER, "path"),
        ("/applications/pbx/my/answer.php", ANSWER, "parameters"),
        ("/applications/pbx", HANGUP, "parameters"),
        ("/applications/pbx/", HANGUP, "parameters"),
        ("/my/%61nswer", RING, "parameters"),
        ("/voice/call/ring", RING, "path"),
    ],
)
def test_the_rest_of_the_path_decides_the_type_as_after_plivo(
    bridge: Running, plivo: Plivo, path: str, kind: str, recognised_by: str
) -> None:
    form = sample(kind)
    assert plivo.post(path, form).status_code == 200
    event = bridge.event(form["CallUUID"])
    assert event["type"] == f"com.plivo.{kind}.v1"
    assert event["data"]["recognised_by"] == recognised_by
    (journal,) = bridge.values(form["CallUUID"])["plivo.journal.v1"]
    assert journal["path"] == path


def test_a_hangup_on_the_answer_path_of_an_application_is_a_hangup(
    bridge: Running, plivo: Plivo
) -> None:
    form = sample(HANGUP)
    assert plivo.get("/applications/pbx/voice/call/answer", encoded(form)).content == b""
    assert bridge.event(form["CallUUID"])["type"] == "com.plivo.voice.call.hangup.v1"


def test_dots_in_a_path_are_part_of_it(bridge: Running, plivo: Plivo) -> None:
    form, path = sample(RING), "/mine/../plivo"
    answer = exchange(bridge.address, plivo.request(path, form, connection="close"))
    assert status_of(answer) == 200
    assert bridge.event(form["CallUUID"])["data"]["recognised_by"] == "parameters"
    (journal,) = bridge.values(form["CallUUID"])["plivo.journal.v1"]
    assert journal["path"] == path


@pytest.mark.parametrize("path", ["/plivo/none", "/%70livo/none"])
def test_nothing_below_the_callback_paths_belongs_to_an_application(
    bridge: Running, plivo: Plivo, path: str
) -> None:
    assert_problem(plivo.post(path, sample(RING)), 404, "not-found")


def test_paths_follow_a_reload(bridge: Running, plivo: Plivo, applications: Applications) -> None:
    applications.paths = ApplicationPaths({"crm": ["/voice"]})
    for path, status in [("/voice/x", 200), ("/voicemail", 404), ("/applications/pbx", 404)]:
        assert plivo.post(path, sample(RING)).status_code == status
    applications.paths = ApplicationPaths({})
    assert plivo.post("/voice/x", sample(RING)).status_code == 404
    assert bridge.metrics.value("unknown_paths_total") == 3


def test_a_usual_path_is_found_without_a_search(plivo: Plivo, applications: Applications) -> None:
    for path in (SHARED, PATHS[RING], PATHS[RING] + "/"):
        assert plivo.post(path, sample(RING)).status_code == 200
    assert applications.searched == []


def test_other_methods_and_unsigned_requests_are_refused_there_too(
    bridge: Running, client: httpx.Client
) -> None:
    url = bridge.url + "/applications/pbx/voice/call/answer"
    assert_problem(client.put(url), 405, "method-not-allowed")
    assert_problem(client.post(url, data=sample(ANSWER)), 403, "not-verified")


def test_v2_verifies_no_voice_callback_there_either(
    applications: Applications, client: httpx.Client
) -> None:
    with running_with(applications, accept_v2="except_voice") as bridge:
        plivo = Plivo(client, bridge.url)
        for path, kind, status in [
            ("/applications/pbx/mine", RING, 403),
            ("/applications/pbx/messaging/message/status", "messaging.message.status", 200),
            ("/mine", "messaging.message.status", 200),
        ]:
            form = sample(kind)
            signed = plivo.headers("POST", path, encoded(form))
            headers = {name: text for name, text in signed.items() if name.lower() in V2}
            answer = client.post(bridge.url + path, data=form, headers=headers)
            assert answer.status_code == status


def test_an_unknown_application_is_noted(
    bridge: Running, client: httpx.Client, applications: Applications
) -> None:
    applications.paths = ApplicationPaths({"pbx": []})
    answer = client.post(bridge.url + "/applications/crm/voice/call/ring")
    assert_problem(answer, 404, "not-found")
    assert bridge.metrics.value("unknown_paths_total", mismatch="none") == 1


def test_a_callback_is_shed_as_on_the_same_path_below_plivo(
    applications: Applications, client: httpx.Client
) -> None:
    # Of one place informational callbacks may use three quarters: none.
    load = Load(callbacks_max=1, bytes_max=1_000_000)
    with (
        patch("bridge.app.build.Load", return_value=load),
        running_with(applications) as bridge,
    ):
        plivo = Plivo(client, bridge.url)
        for path, status in [
            (PATHS[RING], 429),
            ("/applications/pbx/voice/call/ring", 429),
            ("/applications/pbx/ring", 200),
            ("/ring", 200),
        ]:
            assert plivo.post(path, sample(RING)).status_code == status
        assert bridge.metrics.value("shed_total", **{"class": "informational"}) == 2
