"""HTTP/1.1 framing: where a request begins, where it ends, and which bytes are not taken at all.

This is the only place that decides it. Proxies and servers that disagree about the end of a request
answer one client with another's answer (request smuggling; RFC 9112, section 11.2). So every form that
two parsers could read differently is refused. Refused means: 400, or 431 for what is too large, and
the connection is closed.

1. Lines end in CRLF. A bare CR or LF, NUL, and every other control character except a tab inside a
   value is refused. One empty line before a request is skipped (RFC 9112, section 2.2).
2. The request line has a method, a target and ``HTTP/1.1`` or ``HTTP/1.0``, separated by one space. The
   target has origin form, or absolute form with the same authority as ``Host``. ``CONNECT``, whose
   target has another form, is refused.
3. A header's name is a token, and the colon follows it directly. Folded lines are refused.
4. ``Host`` occurs once (in HTTP/1.0 at most once) and is a host with or without a port. Every header
   in ``SINGLE_HEADERS`` occurs at most once: a proxy and the bridge might use different lines of two.
5. A body is framed by one ``Content-Length`` of digits alone, or by one ``Transfer-Encoding`` that is
   exactly ``chunked``, in HTTP/1.1, never by both. GET and HEAD have no body. ``Upgrade`` and
   ``Connection`` have no influence on it: the bridge never upgrades.
6. A chunk's size is one to eight hexadecimal digits, its data end in CRLF, and the total size of the
   chunk extensions of a body is limited.
7. Trailers are checked like headers, limited in bytes and number, and dropped.
8. The number of chunks is limited: a chunk of one byte costs as much work as one of thousands.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bridge.core.request import NONCE_V2, NONCE_V3, SIGNATURE_NAMES

HEADERS_MAX: Final = 256
HEADERS_BYTES_MAX: Final = 16_384
TRAILERS_MAX: Final = 32
TRAILERS_BYTES_MAX: Final = 4_096
EXTENSIONS_BYTES_MAX: Final = 4_096
CHUNKS_MAX: Final = 2_048

SINGLE_HEADERS: Final = frozenset(
    name.encode()
    for name in (
        *SIGNATURE_NAMES,
        NONCE_V2,
        NONCE_V3,
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "transfer-encoding",
    )
)
"""Headers that may occur only once: rule 4."""

_TOKEN_BYTES: Final = (
    b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
# Tab, printable ASCII, and bytes beyond ASCII. What is left of a head without them is its line breaks.
_TEXT_BYTES: Final = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
_REQUEST_LINE: Final = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([!\"$-~]+) HTTP/1\.([01])", re.ASCII
)
_ABSOLUTE: Final = re.compile(rb"https?://([^/?]*)(.*)", re.ASCII | re.IGNORECASE)
_HOST: Final = re.compile(
    rb"(?:[0-9A-Za-z._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?", re.ASCII
)
_PORT_MAX: Final = 65_535
# Fifteen digits exceed every limit, and fit into 64 bits.
_LENGTH_DIGITS_MAX: Final = 15
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})((?:[\t ]*;[\t -~\x80-\xff]*)?)", re.ASCII)
_CHUNK_LINE_BYTES_MAX: Final = EXTENSIONS_BYTES_MAX + 16
# Bytes that no head may contain, however it continues. A CR at the end may still get its LF.
_FORBIDDEN_BYTES: Final = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n|\Z)", re.ASCII
)
_REQUEST_LINE_START: Final = re.compile(rb"\Z|[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}(?:\Z| )", re.ASCII)
# Cache of checked header names, from the name as written to lower case. Plivo and proxies send the same
# ones in every request.
_NAMES: Final[dict[bytes, bytes]] = {}
_NAMES_MAX: Final = 512
_NAME_BYTES_MAX: Final = 64
# Longer ones must not be remembered: a client may write any.
_REMEMBERED_BYTES_MAX: Final = 512
_BODILESS: Final = frozenset({"GET", "HEAD"})


class MalformedRequest(Exception):
    """The bytes break a rule above; the text says which, and quotes none of them."""


class FieldsTooLarge(Exception):
    """The head or the trailers are over their limit; the text says which."""


class ChunksTooLarge(Exception):
    """The chunks, or the chunk extensions, are over their limit; the text says which."""


@dataclass(slots=True)
class Head:
    """A request line with its headers.

    ``path`` and ``query`` are percent-encoded, as received. Header names are lower case.
    ``content_length`` is None for a body in chunks.
    """

    method: str
    path: bytes
    query: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    content_length: int | None
    keep_alive: bool
    expects_continue: bool

    @property
    def has_body(self) -> bool:
        """Return whether a body follows."""
        return self.content_length != 0


def check_partial_head(partial: bytes, from_byte: int = 0) -> None:
    """Raise MalformedRequest or FieldsTooLarge if an incomplete head can never become a valid one.

    The first ``from_byte`` bytes were checked before. Without this check a client that does not speak
    HTTP would be answered only after the read timeout.
    """
    if _FORBIDDEN_BYTES.search(partial, max(0, from_byte - 1)):
        message = "control character or bare line break"
        raise MalformedRequest(message)
    line_ends_max = HEADERS_MAX + 1 + partial.startswith(b"\r\n")
    if partial.count(b"\r\n") > line_ends_max:
        message = "headers"
        raise FieldsTooLarge(message)
    if not from_byte or partial.find(b"\r\n", 2, from_byte) < 0:
        line_begins = 2 if partial[:2] == b"\r\n" else 0
        line_ends = partial.find(b"\r\n", line_begins)
        if line_ends >= 0:
            _parse_request_line(partial[line_begins:line_ends])
        elif partial != b"\r" and not _REQUEST_LINE_START.match(partial, line_begins):
            message = "request line"
            raise MalformedRequest(message)


def parse_head(head: bytes) -> Head:
    """Parse a head; ``head`` lacks the empty line that ends it.

    Raises MalformedRequest, and FieldsTooLarge for more than ``HEADERS_MAX`` headers.
    """
    if head.startswith(b"\r\n"):
        head = head[2:]
    request_line, *lines = head.split(b"\r\n")
    if len(lines) > HEADERS_MAX:
        message = "headers"
        raise FieldsTooLarge(message)
    if head.translate(None, _TEXT_BYTES) != b"\r\n" * len(lines):
        message = "control character or bare line break"
        raise MalformedRequest(message)
    headers: list[tuple[bytes, bytes]] = []
    fields: dict[bytes, bytes] = {}  # with surrounding white space, which rule 5 does not allow
    for line in lines:
        written, colon, value = line.partition(b":")
        try:
            name = _NAMES[written] if colon else _checked_name(b"")
        except KeyError:
            name = _checked_name(written)
        fields[name] = value
        headers.append((name, value.strip()))  # of white space only spaces and tabs are left
    if len(fields) < len(headers):
        _check_repeated([name for name, _ in headers])
    method, path, query, version = _read_target(request_line, fields.get(b"host"))
    content_length = _read_framing(fields, method, version)
    is_current = version == "1.1"
    keep_alive = is_current and not (b"connection" in fields and _asks_to_close(headers))
    expects_continue = (
        is_current and b"expect" in fields and fields[b"expect"].strip().lower() == b"100-continue"
    )
    return Head(method, path, query, version, headers, content_length, keep_alive, expects_continue)


def _checked_name(name: bytes) -> bytes:
    """Return a header's name in lower case."""
    if not name or name.translate(None, _TOKEN_BYTES):
        message = "header name"
        raise MalformedRequest(message)
    key = name.lower()
    if len(_NAMES) < _NAMES_MAX and len(name) <= _NAME_BYTES_MAX:
        _NAMES[name] = key
    return key


def _check_repeated(names: list[bytes]) -> None:
    """Check rule 4 for headers that occur more than once."""
    for name in SINGLE_HEADERS.intersection(names):
        if names.count(name) > 1:
            message = f"more than one {name.decode()} line"
            raise MalformedRequest(message)


def _parse_request_line(line: bytes) -> tuple[str, bytes, str]:
    """Return method, target and version: rule 2."""
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        message = "request line"
        raise MalformedRequest(message)
    method, target, minor = found.groups()
    if method == b"CONNECT":
        message = "CONNECT"
        raise MalformedRequest(message)
    return method.decode("ascii"), target, "1.1" if minor == b"1" else "1.0"


def _asks_to_close(headers: list[tuple[bytes, bytes]]) -> bool:
    options = b",".join(value for name, value in headers if name == b"connection")
    return b"close" in [one.strip(b" \t") for one in options.lower().split(b",")]


def _read_framing(fields: dict[bytes, bytes], method: str, version: str) -> int | None:
    """Return the length of the body, None for a body in chunks: rule 5."""
    length, encoding = fields.get(b"content-length"), fields.get(b"transfer-encoding")
    content_length: int | None = 0
    if encoding is not None:
        content_length = None
        if encoding not in (b" chunked", b"chunked") or version != "1.1":
            message = "Transfer-Encoding other than chunked in HTTP/1.1"
            raise MalformedRequest(message)
        if length is not None:
            message = "Transfer-Encoding and Content-Length"
            raise MalformedRequest(message)
    elif length is not None:
        digits = length.removeprefix(b" ")
        if not digits.isdigit() or len(digits) > _LENGTH_DIGITS_MAX:
            message = "Content-Length"
            raise MalformedRequest(message)
        content_length = int(digits)
    if content_length != 0 and method in _BODILESS:
        message = f"{method} with a body"
        raise MalformedRequest(message)
    return content_length


def _read_target(request_line: bytes, host: bytes | None) -> tuple[str, bytes, bytes, str]:
    """Return method, path, query and version, and check ``Host``: rules 2 and 4."""
    if len(request_line) + len(host or b"") > _REMEMBERED_BYTES_MAX:
        return _read_remembered.__wrapped__(request_line, host)
    return _read_remembered(request_line, host)


@lru_cache(maxsize=128)  # most clients call few paths
def _read_remembered(request_line: bytes, host: bytes | None) -> tuple[str, bytes, bytes, str]:
    method, target, version = _parse_request_line(request_line)
    if host is not None:
        host = host.strip()
        found = _HOST.fullmatch(host)
        if found is None or int(found[1] or 0) > _PORT_MAX:
            message = "Host"
            raise MalformedRequest(message)
    elif version == "1.1":
        message = "no Host"
        raise MalformedRequest(message)
    if not target.startswith(b"/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None or host is None or absolute[1].lower() != host.lower():
            message = "target"
            raise MalformedRequest(message)
        target = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
    path, _, query = target.partition(b"?")
    return method, path, query, version


class BodyDecoder:
    """Decoder of one body, which takes the bytes of the body from the front of a buffer."""

    __slots__ = (
        "_chunks",
        "_extension_bytes",
        "_is_counted",
        "_left",
        "_step",
        "_trailer_bytes",
        "_trailers",
        "is_complete",
    )

    def __init__(self, content_length: int | None) -> None:
        self.is_complete = content_length == 0
        self._is_counted = content_length is not None
        self._left = content_length or 0
        # A function of the class, because a method of this decoder refers to the decoder, and only a
        # collection of garbage frees what refers to itself.
        self._step = BodyDecoder._read_size_line
        self._chunks = 0
        self._extension_bytes = 0
        self._trailer_bytes = 0
        self._trailers = 0

    def decode(self, buffer: bytes) -> tuple[bytes, bytes]:
        """Return the data of the body at the front of ``buffer``, and the bytes that are left.

        Raises MalformedRequest, FieldsTooLarge or ChunksTooLarge.
        """
        if self._is_counted:
            data = buffer[: self._left]
            self._left -= len(data)
            self.is_complete = not self._left
            return data, buffer[len(data) :]
        return self._read_chunks(bytearray(buffer))  # of which small chunks are cheaper to remove

    def _read_chunks(self, buffer: bytearray) -> tuple[bytes, bytes]:
        data = bytearray()
        while not self.is_complete:
            piece = self._step(self, buffer)
            if piece is None:
                break
            data += piece
        return bytes(data), bytes(buffer)

    def _read_size_line(self, buffer: bytearray) -> bytes | None:
        """Read the line before a chunk. None: it is incomplete."""
        line = _take_line(buffer, _CHUNK_LINE_BYTES_MAX)
        if line is None:
            if len(buffer) > _CHUNK_LINE_BYTES_MAX:
                message = "chunk extensions"
                raise ChunksTooLarge(message)
            return None
        found = _CHUNK.fullmatch(line)
        if found is None:
            message = "chunk size"
            raise MalformedRequest(message)
        self._extension_bytes += len(found[2])
        self._chunks += 1
        if self._extension_bytes > EXTENSIONS_BYTES_MAX:
            message = "chunk extensions"
            raise ChunksTooLarge(message)
        if self._chunks > CHUNKS_MAX:
            message = "chunks"
            raise ChunksTooLarge(message)
        self._left = int(found[1], 16)
        self._step = BodyDecoder._read_chunk if self._left else BodyDecoder._read_trailer
        return b""

    def _read_chunk(self, buffer: bytearray) -> bytes | None:
        """Read data of a chunk. None: the buffer is empty."""
        if not buffer:
            return None
        data = bytes(buffer[: self._left])
        del buffer[: len(data)]
        self._left -= len(data)
        if not self._left:
            self._step = BodyDecoder._read_chunk_end
        return data

    def _read_chunk_end(self, buffer: bytearray) -> bytes | None:
        end = bytes(buffer[:2])
        if not b"\r\n".startswith(end):
            message = "end of a chunk"
            raise MalformedRequest(message)
        if len(end) < len(b"\r\n"):
            return None
        del buffer[:2]
        self._step = BodyDecoder._read_size_line
        return b""

    def _read_trailer(self, buffer: bytearray) -> bytes | None:
        """Drop a trailer: rule 7. An empty line ends the body."""
        line = _take_line(buffer, TRAILERS_BYTES_MAX)
        if line is None:
            if len(buffer) > TRAILERS_BYTES_MAX:
                message = "trailers"
                raise FieldsTooLarge(message)
            return None
        if not line:
            self.is_complete = True
            return b""
        self._trailers += 1
        self._trailer_bytes += len(line)
        if self._trailers > TRAILERS_MAX or self._trailer_bytes > TRAILERS_BYTES_MAX:
            message = "trailers"
            raise FieldsTooLarge(message)
        name, colon, _ = line.partition(b":")
        if not colon or not name or name.translate(None, _TOKEN_BYTES):
            message = "trailer"
            raise MalformedRequest(message)
        return b""


def _take_line(buffer: bytearray, bytes_max: int) -> bytes | None:
    """Remove a line from the front of ``buffer``; return it without its CRLF.

    None: the first ``bytes_max`` bytes contain no CRLF.
    """
    end = buffer.find(b"\r\n", 0, bytes_max + 2)
    # With its CRLF: a CR before it would otherwise be the last byte, whose LF may still come.
    line = bytes(buffer[: end + 2]) if end >= 0 else bytes(buffer[: bytes_max + 1])
    if _FORBIDDEN_BYTES.search(line):
        message = "control character or bare line break"
        raise MalformedRequest(message)
    if end < 0:
        return None
    del buffer[: end + 2]
    return line[:-2]
