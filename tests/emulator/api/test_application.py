"""The API over HTTP: credentials, limits, errors and asynchronous requests."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from bridge.core.catalogue import Catalogue
from bridge.emulator.api.application import (
    BODY_BYTES_MAX,
    MESSAGE_LISTS_MAX,
    REQUESTS_MAX,
    build_api,
)
from bridge.emulator.emulator import Emulator
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.rooms import Room
from tests.emulator.api.plivo import DIRECTORY, PLACE, STRANGER, SUBACCOUNT
from tests.emulator.machines import ACCOUNT, url_of
from tests.support.factories import parsed

START = datetime(2026, 3, 7, 9, 13, 30, tzinfo=ZoneInfo("America/New_York"))
CALL = f"/v1/Account/{ACCOUNT.auth_id}/Call/"
CREDENTIALS = (ACCOUNT.auth_id, ACCOUNT.auth_tokens[0])


def answer(request: httpx.Request) -> httpx.Response:
    is_answer = request.url.path == "/answer"
    content = b"<Response><Wait length='600'/></Response>" if is_answer else b""
    return httpx.Response(200, headers={"content-type": "application/xml"}, content=content)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """An emulator whose clock stands still, so that its limits are reached at once or never."""
    transport = httpx.MockTransport(answer)
    async with Emulator(DIRECTORY, start=START, speed=1e-9, transport=transport) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build_api(emulator))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://plivo.test", auth=CREDENTIALS
    ) as client:
        yield client


def error_of(response: httpx.Response) -> tuple[int, str]:
    body: Mapping[str, Any] = response.json()
    assert set(body) == {"api_id", "error"}
    return response.status_code, body["error"]


async def test_a_call_is_placed_and_found(client: httpx.AsyncClient) -> None:
    placed = await client.post(CALL, json=PLACE)
    assert placed.status_code == HTTPStatus.CREATED
    assert placed.json()["message"] == "call fired"
    live = await client.get(CALL, params={"status": "live"})
    assert live.json()["calls"] == [placed.json()["request_uuid"]]
    assert live.json()["api_id"] != placed.json()["api_id"]


async def test_a_path_is_the_same_without_its_last_slash(client: httpx.AsyncClient) -> None:
    placed = await client.post(CALL.removesuffix("/"), json=PLACE)
    assert placed.status_code == HTTPStatus.CREATED


@pytest.mark.parametrize(
    "credentials",
    [
        (ACCOUNT.auth_id, "another-token"),
        (ACCOUNT.auth_id, ""),
        ("MAZZZZZZZZZZZZZZZZZZ", ACCOUNT.auth_tokens[0]),
        (SUBACCOUNT.auth_id, SUBACCOUNT.auth_tokens[0]),
        (STRANGER.auth_id, STRANGER.auth_tokens[0]),
    ],
)
async def test_only_the_accounts_own_credentials_are_accepted(
    client: httpx.AsyncClient, credentials: tuple[str, str]
) -> None:
    refused = await client.get(CALL, auth=credentials)
    assert error_of(refused) == (401, "authentication failed")
    assert refused.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("header", ["", "Basic", "Basic ???", "Basic /w==", "Bearer abc"])
async def test_a_header_without_credentials_is_refused(emulator: Emulator, header: str) -> None:
    transport = httpx.ASGITransport(build_api(emulator))
    async with httpx.AsyncClient(transport=transport, base_url="http://plivo.test") as client:
        refused = await client.get(CALL, headers={"authorization": header})
    assert error_of(refused) == (401, "authentication failed")


async def test_every_token_of_an_account_and_a_subaccounts_own_path_are_accepted() -> None:
    account = Account("MAXXXXXXXXXXXXXXXXXX", ("new", "old"), ZoneInfo("UTC"))
    emulator = Emulator(type(DIRECTORY)([account, SUBACCOUNT]))
    async with (
        emulator,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(build_api(emulator)), base_url="http://plivo.test"
        ) as client,
    ):
        pairs = [(account, "new"), (account, "old"), (SUBACCOUNT, "sub-token")]
        answers = [
            await client.get(f"/v1/Account/{one.auth_id}/Call/", auth=(one.auth_id, token))
            for one, token in pairs
        ]
    assert [one.status_code for one in answers] == [200, 200, 200]


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "Nothing/", 404, "not found"),
        ("PUT", "Call/", 405, "method not allowed"),
        ("POST", "Application/1/", 405, "method not allowed"),
        ("DELETE", "Number/14155550177/", 405, "method not allowed"),
        ("GET", "Call/00000000-0000-4000-8000-000000000000/", 404, "not found"),
        ("GET", "Application/9/", 404, "not found"),
        ("GET", "Number/1/", 404, "not found"),
    ],
)
async def test_what_plivo_does_not_have_is_refused(
    client: httpx.AsyncClient, method: str, path: str, status: int, error: str
) -> None:
    refused = await client.request(method, f"/v1/Account/{ACCOUNT.auth_id}/{path}")
    assert error_of(refused) == (status, error)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"from=14155550100&to=14155550123", "the body is not a JSON object"),
        (b"[]", "the body is not a JSON object"),
        (b"\xff", "the body is not a JSON object"),
        (b" " * (BODY_BYTES_MAX + 1), f"the body has more than {BODY_BYTES_MAX} bytes"),
        (b"", "from parameter is missing"),
    ],
)
async def test_a_body_is_a_json_object(
    client: httpx.AsyncClient, content: bytes, error: str
) -> None:
    assert error_of(await client.post(CALL, content=content)) == (400, error)


async def test_the_requests_of_an_account_are_limited_and_another_is_not_affected(
    client: httpx.AsyncClient,
) -> None:
    statuses = [(await client.get(CALL)).status_code for _ in range(REQUESTS_MAX + 1)]
    assert statuses == [200] * REQUESTS_MAX + [429]
    path = f"/v1/Account/{STRANGER.auth_id}/Call/"
    other = await client.get(path, auth=(STRANGER.auth_id, STRANGER.auth_tokens[0]))
    assert other.status_code == HTTPStatus.OK


async def test_lists_of_messages_have_a_limit_of_their_own(client: httpx.AsyncClient) -> None:
    path = f"/v1/Account/{ACCOUNT.auth_id}/Message/"
    statuses = [(await client.get(path)).status_code for _ in range(MESSAGE_LISTS_MAX + 1)]
    assert statuses == [200] * MESSAGE_LISTS_MAX + [429]
    assert (await client.get(CALL)).status_code == HTTPStatus.OK


async def test_an_asynchronous_request_is_answered_at_its_callback_url(
    emulator: Emulator, client: httpx.AsyncClient, types: Catalogue
) -> None:
    url, method = url_of("async")
    spawned = await client.post(
        CALL, json={**PLACE, "callback_url": url, "callback_method": method}
    )
    assert (spawned.status_code, spawned.json()["message"]) == (202, "async api spawned")
    (sent,) = emulator.history.sent()
    (uuid,) = emulator.world.legs
    assert sent.type == "api.async_response"
    assert sent.parameters == {
        "api_id": spawned.json()["api_id"],
        "message": "call fired",
        "request_uuid": uuid,
    }
    callback = parsed(types, list(sent.parameters.items()))
    assert callback.type.name == "api.async_response"


async def test_an_asynchronous_request_that_is_refused_says_so_at_its_callback_url(
    emulator: Emulator, client: httpx.AsyncClient
) -> None:
    arguments = {**PLACE, "to": "x", "callback_url": url_of("async")[0]}
    assert (await client.post(CALL, json=arguments)).json()["message"] == "async api spawned"
    (sent,) = emulator.history.sent()
    assert sent.parameters["error"].startswith("to parameter is invalid.")


async def test_the_list_of_an_asynchronous_request_is_json_text(
    emulator: Emulator, client: httpx.AsyncClient
) -> None:
    arguments = {"callback_url": url_of("async")[0], "status": "live"}
    await client.get(CALL, params=arguments)
    (sent,) = emulator.history.sent()
    assert sent.parameters["calls"] == "[]"


@pytest.mark.parametrize("more", [{"callback_url": "x"}, {"callback_method": "PUT"}])
async def test_a_callback_url_that_cannot_be_called_is_refused(
    client: httpx.AsyncClient, more: dict[str, str]
) -> None:
    refused = await client.post(CALL, json={**PLACE, "callback_url": url_of("a")[0], **more})
    status, error = error_of(refused)
    assert (status, error.split(" ")[0]) == (400, next(iter(more)))


async def test_a_reset_forgets_calls_records_and_requests(
    emulator: Emulator, client: httpx.AsyncClient
) -> None:
    uuid = (await client.post(CALL, json=PLACE)).json()["request_uuid"]
    assert (await client.delete(f"{CALL}{uuid}/")).status_code == HTTPStatus.NO_CONTENT
    for _ in range(REQUESTS_MAX):
        await client.get(CALL)
    await emulator.reset()
    listed = (await client.get(CALL)).json()
    assert listed["objects"] == []
    assert (await client.post(CALL, json=PLACE)).status_code == HTTPStatus.CREATED


async def test_an_account_reads_its_own_subaccounts(client: httpx.AsyncClient) -> None:
    path = f"/v1/Account/{ACCOUNT.auth_id}/Subaccount/"
    listed = (await client.get(path)).json()["objects"]
    assert [(one["auth_id"], one["auth_token"]) for one in listed] == [
        (SUBACCOUNT.auth_id, SUBACCOUNT.auth_tokens[0])
    ]
    shown = (await client.get(f"{path}{SUBACCOUNT.auth_id}/")).json()
    assert shown["resource_uri"] == f"{path}{SUBACCOUNT.auth_id}/"
    assert (await client.get(f"{path}{STRANGER.auth_id}/")).status_code == HTTPStatus.NOT_FOUND


async def test_a_name_in_a_path_may_have_spaces_and_letters_of_any_kind(
    emulator: Emulator, client: httpx.AsyncClient
) -> None:
    room = Room(ACCOUNT.auth_id, "Büro 2", "an-id", emulator.world.now)
    emulator.world.conferences.add(room)
    path = f"/v1/Account/{ACCOUNT.auth_id}/Conference/"
    assert (await client.get(path)).json()["conferences"] == ["Büro 2"]
    shown = await client.get(f"{path}B%C3%BCro%202/")
    assert shown.json()["conference_name"] == "Büro 2"


async def test_accounts_applications_and_numbers_can_be_read(client: httpx.AsyncClient) -> None:
    path = f"/v1/Account/{ACCOUNT.auth_id}/"
    account = (await client.get(path)).json()
    assert (account["auth_id"], account["timezone"]) == (ACCOUNT.auth_id, "America/New_York")
    application = (await client.get(f"{path}Application/2/")).json()
    assert application["app_name"] == "Surveys"
    assert application["sub_account"] == f"{path}Subaccount/{SUBACCOUNT.auth_id}/"
    number = (await client.get(f"{path}Number/14155550177/")).json()
    assert (number["application"], number["sub_account"]) == (f"{path}Application/1/", None)


@pytest.mark.parametrize(
    ("path", "query", "key", "expected"),
    [
        ("Application/", {}, "app_id", ["1", "2"]),
        ("Application/", {"app_name": "Men"}, "app_id", ["1"]),
        ("Application/", {"subaccount": SUBACCOUNT.auth_id}, "app_id", ["2"]),
        ("Number/", {"limit": "1", "offset": "1"}, "number", ["14155550178"]),
        ("Number/", {"number_startswith": "44"}, "number", ["44205550179"]),
        ("Number/", {"alias": "desk"}, "number", []),
    ],
)
async def test_applications_and_numbers_are_listed_by_filters(
    client: httpx.AsyncClient, path: str, query: dict[str, str], key: str, expected: list[str]
) -> None:
    listed = await client.get(f"/v1/Account/{ACCOUNT.auth_id}/{path}", params=query)
    assert [one[key] for one in listed.json()["objects"]] == expected
