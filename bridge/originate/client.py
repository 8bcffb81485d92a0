"""The client of Plivo's Call API.

1. A request that dials is sent once, whatever happens: it is not repeated, redirects are not followed,
   and there is no authentication that would send it twice.
2. Other requests are repeated in two cases only, because Plivo did nothing then: no connection was made,
   or the answer is 429.
3. A request is ``NotSent`` only if no connection was made, or none became free. Anything that happens
   after that may have happened after the first byte left.
4. The status of an answer counts even if its body breaks off. The body is bounded, and so is the whole
   exchange.
5. Each request has a connection of its own. A kept one may be closed by the server at the same time,
   which would make the outcome of the next request unknown; and bytes after an answer would be taken for
   the next answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Final, Literal, Self, TypeVar, cast, get_origin
from urllib.parse import quote

import httpx
import orjson

from bridge import __version__
from bridge.originate.actions import Recording, RecordOptions, Transfer
from bridge.originate.errors import (
    NO_ANSWER,
    NO_CONNECTION,
    NOT_PLIVO,
    ApiAnswer,
    Explanation,
    NotSent,
    OutcomeUnknown,
    RequestRefused,
    explain_refusal,
    explain_unknown,
    parse_answer,
)
from bridge.originate.listed import (
    CallsWanted,
    IncompleteList,
    ListedCall,
    read_ended_call,
    read_ongoing_call,
)
from bridge.originate.pace import Pacer
from bridge.originate.placement import (
    DialRequest,
    Placement,
    PlacementOutcome,
    Sent,
    place_from_answer,
    place_without_answer,
)

T = TypeVar("T")
API_URL: Final = "https://api.plivo.com"
ANSWER_BYTES_MAX: Final = 1_048_576
PAGES_MAX: Final = 500
# A request is given up for good after a multiple of it: see the originator.
TIMEOUT_MAX_S: Final = 300.0
_PAGE_CALLS: Final = 20
_CONNECT_TIMEOUT_S: Final = 5.0
_CONNECTIONS_MAX: Final = 20
# Rule 2. The second pause is longer than Plivo's window of 5 s.
_PAUSES_S: Final = (1.0, 5.5)
# The classes that httpx has for requests that were not written: rule 3. A proxy that refuses the tunnel,
# or the handshake of SOCKS, has not seen the request either.
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

_AS_USUAL: Final = RecordOptions()
_ANY: Final = CallsWanted()


def make_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return an HTTP client for Plivo's API: rules 1 and 5. ``transport`` None: the network."""
    limits = httpx.Limits(max_connections=_CONNECTIONS_MAX, max_keepalive_connections=0)
    return httpx.AsyncClient(
        # ``retries`` are those of connecting; ours wait in between.
        transport=transport,
        limits=limits,
        follow_redirects=False,
        trust_env=True,  # HTTPS_PROXY is how many networks let requests out
    )


def _read_utc() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (the client's clock)


class PlivoCalls:
    """Plivo's Call API for one account. Use it as an asynchronous context manager.

    ``client`` is used and not closed; None: one of its own. Its transport must neither repeat requests
    nor keep connections. One exchange takes at most ``timeout_s`` seconds. Methods other than ``place``
    raise NotSent, RequestRefused or OutcomeUnknown, all of them a PlivoError.
    """

    def __init__(  # noqa: PLR0913 (most by keyword, each with a default)
        self,
        auth_id: str,
        auth_token: str,
        *,
        api_url: str = API_URL,
        client: httpx.AsyncClient | None = None,
        pacer: Pacer | None = None,
        timeout_s: float = 30.0,
        now: Callable[[], datetime] = _read_utc,
    ) -> None:
        if not 0 < timeout_s <= TIMEOUT_MAX_S:
            message = (
                f"timeout_s must be more than 0 and at most {TIMEOUT_MAX_S:g}, not {timeout_s}"
            )
            raise ValueError(message)
        self.auth_id = auth_id
        self._auth = httpx.BasicAuth(auth_id, auth_token)
        self._path = f"{api_url.rstrip('/')}/v1/Account/{quote(auth_id, safe='')}/"
        self._own = make_client() if client is None else None
        self._client = client or cast("httpx.AsyncClient", self._own)
        self._pacer = pacer or Pacer()
        self._timeout_s, self._now = timeout_s, now

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, unless the client was passed in."""
        if self._own is not None:
            await self._own.aclose()

    # Requests that dial

    async def place(
        self,
        request: DialRequest,
        reference: str,
        *,
        destinations: tuple[str, ...] = (),
        on_turn: Callable[[datetime], Awaitable[object]] | None = None,
    ) -> Placement:
        """Send one request that dials, and return its outcome: rule 1.

        ``destinations`` are a part of the request's; empty: all of them. ``on_turn`` is awaited
        immediately before the request is sent; if it raises, nothing is sent. A failure is an outcome,
        not an exception. If it is cancelled, or the process dies, the outcome is unknown.
        """
        called = destinations or request.destinations
        body = {**request.to_body(), "to": "<".join(called)}
        await self._pacer.wait_to_dial(len(called))
        sent = Sent(reference, called, self._now())
        if on_turn is not None:
            await on_turn(sent.at)
        try:
            answer = await self._exchange("POST", "Call/", body=body)
        except NotSent as fault:
            return place_without_answer(sent, PlacementOutcome.REFUSED, fault.explanation)
        except OutcomeUnknown as fault:
            return place_without_answer(sent, PlacementOutcome.UNKNOWN, fault.explanation)
        return place_from_answer(sent, answer)

    # Requests on calls

    async def hang_up(self, call_uuid: str) -> None:
        """End a call, or take it from the queue."""
        await self._request("DELETE", f"Call/{_quote(call_uuid)}/")

    async def transfer(self, call_uuid: str, transfer: Transfer) -> None:
        """Let one leg of a call, or both, execute another document."""
        await self._request("POST", f"Call/{_quote(call_uuid)}/", body=transfer.to_body())

    async def record(
        self,
        call_uuid: str,
        options: RecordOptions = _AS_USUAL,
    ) -> Recording:
        """Begin to record a call."""
        path = f"Call/{_quote(call_uuid)}/Record/"
        answer = await self._request("POST", path, body=options.to_body())
        body = answer.body or {}
        return Recording(str(body.get("recording_id") or ""), str(body.get("url") or ""))

    async def stop_recording(self, call_uuid: str, url: str = "") -> None:
        """Stop the recording with a URL, or all recordings of the call."""
        body: dict[str, object] = {"URL": url} if url else {}
        await self._request("DELETE", f"Call/{_quote(call_uuid)}/Record/", body=body)

    async def play_digits(
        self, call_uuid: str, digits: str, *, leg: Literal["aleg", "bleg"] = "aleg"
    ) -> None:
        """Send digits to a leg of a call; ``w`` waits half a second, ``W`` one second."""
        body: dict[str, object] = {"digits": digits, "leg": leg}
        await self._request("POST", f"Call/{_quote(call_uuid)}/DTMF/", body=body)

    async def cancel(self, request_uuid: str) -> None:
        """Cancel a request whose call waits, or was not answered yet."""
        await self._request("DELETE", f"Request/{_quote(request_uuid)}/")

    # Lists

    async def list_calls(
        self,
        wanted: CallsWanted = _ANY,
        *,
        pages_max: int = PAGES_MAX,
    ) -> AsyncIterator[ListedCall]:
        """Yield calls that have ended, newest first, from at most so many pages of 20.

        Raises IncompleteList after the last page if there are more.
        """
        for page in range(pages_max):
            query = {"limit": str(_PAGE_CALLS), "offset": str(page * _PAGE_CALLS)}
            answer = await self._request("GET", "Call/", query=query | wanted.to_query())
            for one in _read_list(answer, "objects", dict[str, object]):
                yield read_ended_call(one)
            meta = (answer.body or {}).get("meta")
            if not isinstance(meta, dict) or not cast("dict[str, object]", meta).get("next"):
                return
        raise IncompleteList(pages_max * _PAGE_CALLS)

    async def list_ongoing_calls(
        self, state: Literal["live", "queued"], *, from_number: str = "", to_number: str = ""
    ) -> AsyncIterator[ListedCall]:
        """Yield calls that go on, or that wait for their turn. Each takes a request of its own."""
        query: dict[str, str] = {"status": state}
        query |= {"from_number": from_number} if from_number else {}
        query |= {"to_number": to_number} if to_number else {}
        answer = await self._request("GET", "Call/", query=query)
        for uuid in _read_list(answer, "calls", str):
            try:
                found = await self._request("GET", f"Call/{_quote(uuid)}/", query={"status": state})
            except RequestRefused as refused:
                if refused.explanation.code != "not_found":
                    raise
                continue  # it ended, or began, in between
            yield read_ongoing_call(found.body or {}, state)

    # HTTP

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> ApiAnswer:
        """Return the answer to a request that does not dial, if Plivo did what it asks: rule 2."""
        for pause_s in _PAUSES_S:
            await self._pacer.wait()
            with contextlib.suppress(NotSent):
                answer = await self._exchange(method, path, body=body, query=query)
                if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                    return _require_success(answer)
            await self._pacer.pause(pause_s)
        await self._pacer.wait()
        return _require_success(await self._exchange(method, path, body=body, query=query))

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> ApiAnswer:
        """Send one request once, and return its answer. Raises NotSent and OutcomeUnknown: rule 3."""
        answer: ApiAnswer | None = None
        headers = {"user-agent": f"callback-bridge/{__version__}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream(
                    method,
                    self._path + path,
                    params=query,
                    content=None if body is None else orjson.dumps(body),
                    headers=headers,
                    auth=self._auth,
                    follow_redirects=False,
                    timeout=httpx.Timeout(self._timeout_s, connect=_CONNECT_TIMEOUT_S),
                ) as response,
            ):
                answer = ApiAnswer(response.status_code, None)
                answer = parse_answer(response.status_code, await _read_body(response))
        except (*_NEVER_SENT, httpx.InvalidURL) as error:
            raise NotSent(_describe(NO_CONNECTION, error)) from error
        except (httpx.HTTPError, OSError) as error:
            if answer is None:
                raise OutcomeUnknown(_describe(NO_ANSWER, error)) from error
        return answer


def _require_success(answer: ApiAnswer) -> ApiAnswer:
    if answer.is_success:
        if answer.body is None and answer.status != HTTPStatus.NO_CONTENT:
            raise OutcomeUnknown(NOT_PLIVO, answer)
        return answer
    if answer.is_refusal:
        raise RequestRefused(explain_refusal(answer), answer)
    raise OutcomeUnknown(explain_unknown(answer), answer)


async def _read_body(response: httpx.Response) -> bytes | None:
    """Return the body; None if it is too long: rule 4."""
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > ANSWER_BYTES_MAX:
            return None
    return bytes(content)


def _describe(explanation: Explanation, error: Exception) -> Explanation:
    """Return an explanation with the name of the error, whose text may have an address in it."""
    return explanation._replace(problem=f"{explanation.problem} ({type(error).__name__})")


def _quote(uuid: str) -> str:
    if not uuid:
        message = "an empty id names no call"
        raise ValueError(message)
    return quote(uuid, safe="")


def _read_list(answer: ApiAnswer, name: str, kind: type[T]) -> list[T]:
    """Return the list of this name in an answer, empty if it has none.

    Raises OutcomeUnknown if anything in it is of another kind, or empty: Plivo lists no such thing.
    """
    found = (answer.body or {}).get(name)
    values = cast("list[object]", found) if isinstance(found, list) else []
    if not all(isinstance(one, get_origin(kind) or kind) and one for one in values):
        raise OutcomeUnknown(NOT_PLIVO, answer)
    return cast("list[T]", values)
