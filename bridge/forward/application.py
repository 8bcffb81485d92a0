"""Ask the customer's applications over HTTP.

1. Only the origins that the operator configured are called. The path and the query are those that Plivo
   called, byte for byte; a redirect is not followed, no cookie is kept, and no proxy of the environment
   is used: the transport below httpx's client does nothing of this, at half the cost.
2. The application gets the body's bytes, the signature headers and the ``Host`` that Plivo called, so
   that its own signature check passes. Of the other headers it gets those that the bridge keeps
   (``KEPT_HEADERS``). None of them is hop-by-hop, so neither ``Connection`` nor a header that only
   ``Connection`` knows is sent on (RFC 9110, section 7.6.1). Of the answer's headers only the content
   type is used.
3. ``X-Forwarded-For`` ends with the peer of the bridge. The addresses before it are kept only if it is
   a trusted proxy: anyone else can write them. ``X-Forwarded-Proto``, ``-Host``, ``-Port`` and
   ``-Prefix`` say which URL Plivo called, once each. ``Forwarded`` is not sent on, because it would
   contradict them.
4. One time budget covers everything: connecting, sending, waiting and reading. Plivo gives up after 15
   seconds (its XML overview), so no budget is longer than ``TIMEOUT_MAX_S``.
5. An answer is read up to its limit of bytes. The request asks for no compression, and a compressed
   answer is not decompressed: a few bytes could become gigabytes.
6. An application is asked about at most ``asked_max`` callbacks at once. Above that it fails without
   being asked, so that a hanging one cannot use up the connections and the places of the others. Nor do
   lookups of its host delay theirs: see ``lookup``.
7. An answer is usable if its status is 2xx and Plivo can execute it: where it needs XML, a well-formed
   document with the root ``Response``. Plivo always gets status 200 then: of other 2xx its pages say
   both that they are successes and that they are retried. It gets a document under an XML content type,
   which it requires: ``text/html`` is the default of many frameworks.
8. An application that announces too short a ``Content-Length`` (characters instead of bytes, for
   example) sends more than its answer. httpcore would take the rest for the answer to the next request
   on the connection, so that a caller would hear what another one was answered. Such a connection is
   closed.
"""

import asyncio
import contextlib
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final, cast

import httpx

from bridge.callbacks.model import CallbackType, Reply
from bridge.core.journal import SentReply
from bridge.core.origins import DEFAULT_PORTS, split_origin
from bridge.core.request import KEPT_HEADERS, RawCallback
from bridge.forward.lookup import SeparateLookups
from bridge.reply.applications import ApplicationAnswer, ApplicationFailed
from bridge.reply.document import XML_CONTENT_TYPE, XML_TYPES
from bridge.reply.rules import Application
from bridge.reply.tree import NotWellFormed, parse_tree

TIMEOUT_MAX_S: Final = 14.0
ASKED_MAX: Final = 256

_FORWARDED_FOR: Final = "x-forwarded-for"
# Set anew, or dropped: rules 2 and 3.
_NOT_SENT_ON: Final = frozenset(
    {
        "forwarded",
        "host",
        _FORWARDED_FOR,
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
    }
)
_SENT_ON: Final = KEPT_HEADERS - _NOT_SENT_ON

# Shorter than servers keep an idle connection by default (Gunicorn 2 s; Node and Uvicorn 5 s). A request
# that meets a server's closing of its connection would fail.
_KEEPALIVE_S: Final = 1.5
_CONTENT_TYPE_CHARACTERS_MAX: Final = 200
# One timer covers everything: rule 4.
_NO_TIMEOUT: Final = httpx.Timeout(None).as_dict()
_IDENTITY: Final = frozenset({"", "identity"})
_NEEDS_XML: Final = (Reply.XML, Reply.SOUND, Reply.OPTIONAL_XML)


class HttpApplications:
    """The applications at their origins (a ``reply.applications.Applications``).

    ``find`` returns the application of a name as the rules in use declare it, None if there is none any
    more. ``is_trusted_proxy`` says whether forwarded headers from an address are trusted.
    """

    def __init__(
        self,
        find: Callable[[str], Application | None],
        *,
        is_trusted_proxy: Callable[[str], bool],
        asked_max: int = ASKED_MAX,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._is_trusted_proxy = is_trusted_proxy
        self._asked_max = asked_max
        self._now_s = now_s
        self._in_flight: Counter[str] = Counter()
        self._transport = _create_transport()
        self._keeps_connections = True

    async def ask(
        self, application: str, raw: RawCallback, kind: CallbackType | None
    ) -> ApplicationAnswer:
        """Return the application's answer: rules 1 to 7. Raises ApplicationFailed."""
        declared = self._find(application)
        if declared is None or declared.origin is None:
            message = "it has no origin, or the rules no longer name it"
            raise ApplicationFailed("not_configured", message)
        if self._in_flight[application] >= self._asked_max:
            message = f"{self._asked_max} callbacks wait for its answers already"
            raise ApplicationFailed("busy", message)
        timeout_s = min(declared.timeout_s, TIMEOUT_MAX_S)
        started_s = self._now_s()
        self._in_flight[application] += 1
        try:
            async with asyncio.timeout(timeout_s):
                reply = await self._exchange(declared.origin, declared.answer_bytes_max, raw, kind)
        except (TimeoutError, httpx.TimeoutException) as error:
            message = f"no whole answer in {timeout_s:g} s"
            raise ApplicationFailed("timeout", message) from error
        except httpx.ConnectError as error:
            message = f"no connection: {error}"
            raise ApplicationFailed("refused_connection", message) from error
        except httpx.HTTPError as error:
            message = f"the answer broke off: {type(error).__name__} {error}".rstrip()
            raise ApplicationFailed("cut_off", message) from error
        finally:
            self._in_flight[application] -= 1
        return ApplicationAnswer(reply, round((self._now_s() - started_s) * 1000))

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _exchange(
        self, origin: str, bytes_max: int, raw: RawCallback, kind: CallbackType | None
    ) -> SentReply:
        trusts_peer = self._is_trusted_proxy(raw.remote_address)
        request = httpx.Request(
            raw.method,
            _parse_origin(origin),
            headers=[*_list_headers(raw, trusts_peer=trusts_peer), *self._list_own_headers()],
            content=raw.body,
            # As bytes, because httpx would normalise the escapes of a URL: rule 1.
            extensions={"target": raw.target.encode("ascii"), "timeout": _NO_TIMEOUT},
        )
        response = await self._transport.handle_async_request(request)
        try:
            _check_head(response)
            body = await _read_body(response, bytes_max)
            self._give_up_with_rest(response)
        finally:
            await response.aclose()
        if kind is not None and kind.reply in _NEEDS_XML:
            _check_document(body, kind.reply)
        return SentReply(200, _find_content_type(response, body, kind), body)

    def _list_own_headers(self) -> list[tuple[bytes, bytes]]:
        return [] if self._keeps_connections else [(b"connection", b"close")]

    def _give_up_with_rest(self, response: httpx.Response) -> None:
        """Have the connection closed if more than the answer came: rule 8."""
        state = _find_http_state(response)
        if state is None:
            self._keeps_connections = False
        elif state.trailing_data[0] or _has_more_in_tls(response):
            state.send_failed()


def _find_http_state(response: httpx.Response) -> Any:  # noqa: ANN401 (of h11, httpcore's own library)
    """Return the state of an answer's connection; None if this version of httpcore has it elsewhere."""
    stream: Any = response.stream
    with contextlib.suppress(AttributeError):
        return stream._httpcore_stream._stream._connection._h11_state  # noqa: SLF001 (rule 8)
    return None


def _has_more_in_tls(response: httpx.Response) -> bool:
    """Return whether TLS has more bytes of the connection than were read, or its end: rule 8.

    It reads one TLS record at a time. What it has got besides is neither in h11's buffer nor in the
    socket, where httpcore would see it before it uses the connection again.
    """
    tls: ssl.SSLObject | None = response.extensions["network_stream"].get_extra_info("ssl_object")
    if tls is None:
        return False
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True


@lru_cache(maxsize=128)
def _parse_origin(origin: str) -> httpx.URL:
    return httpx.URL(origin)


def _create_transport() -> httpx.AsyncHTTPTransport:
    if find_spec("sniffio") is None:
        # httpcore tries to import it several times for each request, to see whether the loop is Trio's.
        # To search for it in all folders each time takes a third of the request's CPU.
        sys.modules["sniffio"] = None  # type: ignore[assignment]  # that is how an absence is noted
    transport = httpx.AsyncHTTPTransport(
        verify=ssl.create_default_context(),
        trust_env=False,
        http1=True,
        http2=False,
        retries=0,
        limits=httpx.Limits(
            # Rule 6 limits each application, so that none waits for a connection of another.
            max_connections=None,
            max_keepalive_connections=None,
            keepalive_expiry=_KEEPALIVE_S,
        ),
    )
    pooling: Any = transport  # httpx has no option for what follows
    # With a version that has it elsewhere only the separate lookups are missing.
    with contextlib.suppress(AttributeError):
        pool = pooling._pool  # noqa: SLF001
        pool._network_backend = SeparateLookups(pool._network_backend)  # noqa: SLF001
    return transport


def _list_headers(raw: RawCallback, *, trusts_peer: bool) -> Iterator[tuple[bytes, bytes]]:
    """Yield the headers of the request: rules 2, 3 and 5."""
    scheme, host, port, prefix = split_origin(raw.public_origin)
    authority = host.rpartition("@")[2] + port  # without the user of a URL that Plivo logs in with
    yield b"host", authority.encode("latin-1")
    for name, value in raw.headers.lines:
        if name in _SENT_ON:
            yield name.encode("ascii"), value.encode("latin-1")
    yield b"accept-encoding", b"identity"
    before = raw.headers.values.get(_FORWARDED_FOR, "") if trusts_peer else ""
    peers = [one for one in (before, raw.remote_address) if one]
    yield b"x-forwarded-for", ", ".join(peers).encode("latin-1")
    yield b"x-forwarded-proto", scheme.encode("ascii")
    yield b"x-forwarded-host", authority.encode("latin-1")
    shown_port = port if len(port) > 1 else DEFAULT_PORTS.get(scheme.lower(), "")
    yield b"x-forwarded-port", shown_port.removeprefix(":").encode("ascii")
    if prefix:
        yield b"x-forwarded-prefix", prefix.encode("ascii")


def _check_head(response: httpx.Response) -> None:
    """Raise ApplicationFailed unless an answer with this head may be usable: rules 5 and 7."""
    if response.is_redirect:
        message = f"it answered {response.status_code}, and redirects are not followed"
        raise ApplicationFailed("redirect", message)
    if not response.is_success:
        message = f"it answered {response.status_code}"
        raise ApplicationFailed("status", message, status=response.status_code)
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _IDENTITY:
        message = (
            f"it is compressed ({encoding[:20]}), although the request asked for no compression"
        )
        raise ApplicationFailed("not_xml", message)


async def _read_body(response: httpx.Response, bytes_max: int) -> bytes:
    """Return the body as sent. Raises ApplicationFailed as soon as it is over its limit: rule 5."""
    read = bytearray()
    # Not ``aiter_raw``, which would give the connection back before rule 8 is applied.
    async for piece in cast("httpx.AsyncByteStream", response.stream):
        read += piece
        if len(read) > bytes_max:
            message = f"it is longer than {bytes_max} bytes"
            raise ApplicationFailed("too_large", message)
    return bytes(read)


def _check_document(body: bytes, needed: Reply) -> None:
    """Raise ApplicationFailed unless Plivo can execute the body: rule 7."""
    if not body.strip() and needed is Reply.OPTIONAL_XML:
        return
    try:
        root = parse_tree(body).root.name
    except NotWellFormed as error:
        raise ApplicationFailed("not_xml", str(error)) from error
    if root != "Response":
        message = f"its root is <{root[:40]}>, not <Response>"
        raise ApplicationFailed("not_xml", message)


def _find_content_type(
    response: httpx.Response, body: bytes, kind: CallbackType | None
) -> str | None:
    """Return the answer's content type: for a document, one under which Plivo executes it (rule 7)."""
    given: str = response.headers.get("content-type", "").strip()
    # A proxy on the way to Plivo may answer 502 to a control character in a header.
    is_text = given.isascii() and given.isprintable()
    can_be_sent = given and is_text and len(given) <= _CONTENT_TYPE_CHARACTERS_MAX
    if body.strip() and kind is not None and kind.reply in _NEEDS_XML:
        is_xml = given.partition(";")[0].strip().lower() in XML_TYPES
        return given if can_be_sent and is_xml else XML_CONTENT_TYPE
    return given if can_be_sent else None
