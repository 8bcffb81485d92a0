"""Requests that two parsers could frame differently, with the answers that are due.

A row is a name, the bytes, and the statuses: one for each request that was meant, then the one that
refuses the rest. ``SMUGGLED`` is what an attacker would like to have parsed as a request of its own:
it is answered 404, so a 404 in an answer that does not expect it is the fault.
"""

# ruff: noqa: E501 (a table reads best with a row a line)

from typing import Final

Row = tuple[str, bytes, list[int]]

PATH: Final = b"/plivo"
HOST: Final = b"Host: bridge.example.com\r\n"
SMUGGLED: Final = b"GET /smuggled HTTP/1.1\r\nHost: bridge.example.com\r\n\r\n"
GET: Final = b"GET /plivo HTTP/1.1\r\n" + HOST + b"\r\n"
LENGTH: Final = b"Content-Length: %d\r\n" % len(SMUGGLED)
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"


def post(*lines: bytes, body: bytes = b"", version: bytes = b"1.1", host: bytes = HOST) -> bytes:
    """Return a POST with these header lines."""
    head = b"POST /plivo HTTP/%b\r\n" % version + host
    return head + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def with_header(line: bytes) -> bytes:
    """Return a GET with one header line more, and something smuggled behind it."""
    return b"GET /plivo HTTP/1.1\r\n" + HOST + line + b"\r\n\r\n" + SMUGGLED


def line(request_line: bytes) -> bytes:
    """Return a request with this request line, and something smuggled behind it."""
    return request_line + b"\r\n" + HOST + b"\r\n" + SMUGGLED


def chunks(body: bytes) -> bytes:
    """Return a POST with this body in chunks."""
    return post(b"Transfer-Encoding: chunked", body=body)


def _long(text: bytes, times: int) -> bytes:
    return text * times


_UPGRADES: Final[list[Row]] = [
    (
        f"upgrade to {to.decode()} with {how}",
        post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + to, framing, body=body),
        [403],
    )
    for to in (b"h2c", b"websocket", b"TLS/1.0", b"foo", b"")
    for how, framing, body in (
        ("a length", LENGTH.strip(), SMUGGLED),
        ("chunks", CHUNKED.strip(), b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n"),
    )
]

_LENGTHS: Final[list[Row]] = [
    (f"Content-Length{value!r}", post(b"Content-Length:" + value, body=b"a=1=2" + SMUGGLED), [400])
    for value in (
        b"", b" ", b" +5", b" -5", b"  5", b"\t5", b" 5 ", b" 5, 5", b" 5,5", b" 5 5", b" 0x5", b" 5.0",
        b" 5;", b" 5_0", b' "5"', b" \xb2", b" 1e1", b" 9999999999999999", b" 18446744073709551621",
        b" 5\x0b", b" 5\x00",
    )
]  # fmt: skip

_ENCODINGS: Final[list[Row]] = [
    (
        f"Transfer-Encoding{value!r}",
        post(b"Transfer-Encoding:" + value, body=b"0\r\n\r\n" + SMUGGLED),
        [400],
    )
    for value in (
        b"", b" ", b" Chunked", b" CHUNKED", b" chunked ", b"  chunked", b"\tchunked", b" chunked,",
        b" ,chunked", b" chunked, chunked", b" gzip, chunked", b" chunked, identity", b" identity",
        b" xchunked", b" chunked;q=1", b' "chunked"', b" chunke\xc4\x8f", b" \x0bchunked", b" chunked\x00",
    )
]  # fmt: skip

_CHUNKS: Final[list[Row]] = [
    (f"chunk size {size!r}", chunks(size + b"\r\na=1=2\r\n0\r\n\r\n" + SMUGGLED), [400])
    for size in (
        b"", b" 5", b"5 ", b"+5", b"-5", b"0x5", b"5g", b"5,5", b"5\x00", b"5\x0b", b"000000005",
        b"ffffffffffffffff", b"5;\x00", b"5;a\rb", b"5\n",
    )
] + [
    ("an end of a chunk that is no line break", chunks(b"5\r\na=1=2xx0\r\n\r\n" + SMUGGLED), [400]),
    ("a chunk longer than said", chunks(b"4\r\na=1=2\r\n0\r\n\r\n" + SMUGGLED), [400]),
    ("a chunk that ends in LF", chunks(b"5\r\na=1=2\n0\r\n\r\n" + SMUGGLED), [400]),
    ("a last chunk that ends in LF", chunks(b"5\r\na=1=2\r\n0\n\n" + SMUGGLED), [400]),
    ("an extension with a bare LF", chunks(b"5;a\nb\r\na=1=2\r\n0\r\n\r\n" + SMUGGLED), [400]),
    ("a chunk extension", chunks(b"5;a=b;c\r\na=1=2\r\n0;d\r\n\r\n"), [403]),
    ("chunk extensions without end", chunks(b"5;" + _long(b"a", 5_000) + SMUGGLED), [413]),
    (
        "many chunk extensions",
        chunks(_long(b"1;" + b"a" * 100 + b"\r\na\r\n", 50) + SMUGGLED),
        [413],
    ),
    ("very many chunks", chunks(_long(b"1\r\na\r\n", 3_000) + SMUGGLED), [413]),
    ("a trailer", chunks(b"0\r\nX-A: b\r\n\r\n"), [403]),
    ("a trailer, and a request behind it", chunks(b"0\r\nX-A: b\r\n\r\n") + GET, [403, 403]),
    ("a framing header as a trailer", chunks(b"0\r\nContent-Length: 50\r\n\r\n") + GET, [403, 403]),
    ("a trailer that is no header", chunks(b"0\r\nGET / HTTP/1.1\r\n\r\n" + SMUGGLED), [400]),
    ("a folded trailer", chunks(b"0\r\na: b\r\n c\r\n\r\n" + SMUGGLED), [400]),
    ("a trailer with a bare LF", chunks(b"0\r\na: b\nc: d\r\n\r\n" + SMUGGLED), [400]),
    ("a trailer with a bare CR", chunks(b"0\r\na: b\rc: d\r\n\r\n" + SMUGGLED), [400]),
    ("a trailer that ends in CR CR LF", chunks(b"0\r\na: b\r\r\n\r\n" + SMUGGLED), [400]),
    ("too many trailers", chunks(b"0\r\n" + _long(b"a: b\r\n", 100) + SMUGGLED), [431]),
    ("a trailer without end", chunks(b"0\r\na: " + _long(b"b", 10_000) + SMUGGLED), [431]),
    ("several long trailers", chunks(b"0\r\n" + _long(b"a: " + b"b" * 1_000 + b"\r\n", 9)), [431]),
]  # fmt: skip

_FRAMING: Final[list[Row]] = [
    ("two equal lengths", post(b"Content-Length: 5", b"Content-Length: 5", body=b"a=1=2"), [400]),
    ("two lengths", post(LENGTH.strip(), b"Content-Length: 0", body=SMUGGLED), [400]),
    ("length and chunks", post(LENGTH.strip(), CHUNKED.strip(), body=b"0\r\n\r\n" + SMUGGLED), [400]),
    ("chunks and length", post(CHUNKED.strip(), LENGTH.strip(), body=b"0\r\n\r\n" + SMUGGLED), [400]),
    ("chunks twice", post(CHUNKED.strip(), CHUNKED.strip(), body=b"0\r\n\r\n" + SMUGGLED), [400]),
    ("chunks in 1.0", post(CHUNKED.strip(), body=b"0\r\n\r\n" + SMUGGLED, version=b"1.0"), [400]),
    ("white space before the colon", post(b"Content-Length : 5", body=SMUGGLED), [400]),
    ("a tab before the colon", post(b"Transfer-Encoding\t: chunked", body=SMUGGLED), [400]),
    ("a folded line", post(b"X-A: b", b" Content-Length: 50", body=SMUGGLED), [400]),
    ("a folded encoding", post(b"Transfer-Encoding:", b" chunked", body=SMUGGLED), [400]),
    ("a folded first line", post(b" X-A: b", host=b"", body=SMUGGLED), [400]),
    ("a length behind a CR", post(b"X-A: b\rContent-Length: 50", body=SMUGGLED), [400]),
    ("a length behind an LF", post(b"X-A: b\nContent-Length: 50", body=SMUGGLED), [400]),
    ("GET with a length", GET[:-2] + LENGTH + b"\r\n" + SMUGGLED, [400]),
    ("GET with chunks", GET[:-2] + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED, [400]),
    ("GET with an empty body", GET[:-2] + b"Content-Length: 0\r\n\r\n" + GET, [403, 403]),
    ("HEAD with a body", GET.replace(b"GET", b"HEAD")[:-2] + LENGTH + b"\r\n" + SMUGGLED, [400]),
    ("TRACE with a body", GET.replace(b"GET", b"TRACE")[:-2] + LENGTH + b"\r\n" + SMUGGLED, [405]),
    ("CONNECT", line(b"CONNECT bridge.example.com:80 HTTP/1.1"), [400]),
    ("CONNECT to a path", line(b"CONNECT /plivo HTTP/1.1"), [400]),
    ("POST without a body", post() + GET, [403, 403]),
    ("POST, and another", post(b"Content-Length: 3", body=b"a=1") * 3, [403, 403, 403]),
    ("the end asked for", post(b"Connection: close", b"Content-Length: 3", body=b"a=1") + GET, [403]),
    ("1.0, and more", post(b"Content-Length: 3", body=b"a=1", version=b"1.0") + GET, [403]),
    ("a whole request, then no HTTP", GET + b"\x16\x03\x01\r\n\r\n", [403, 400]),
    ("a whole request, then half of one", GET + GET[:20], [403, 400]),
    ("a body that is too short", post(b"Content-Length: 100", body=b"a=1"), [400]),
    ("an expectation", post(b"Expect: 100-continue", b"Content-Length: 3", body=b"a=1"), [403]),
    ("two expectations", post(b"Expect: 100-continue", b"Expect: a", LENGTH.strip()), [400]),
]  # fmt: skip

_HEADERS: Final[list[Row]] = [
    (f"header line {one!r}", with_header(one), [400])
    for one in (
        b"X-A", b": b", b" : b", b"X A: b", b"X(A): b", b"X\x00A: b", b"X-\xe9: b", b"X-A: \x00", b"X-A: \x1f",
        b"X-A: \x7f", b"X-A: b\r", b"X-A: b\n", b'"X": b', b"X@A: b",
    )
] + [
    (f"two lines of {name.decode()}", with_header(name + b": a\r\n" + name.upper() + b": a"), [400])
    for name in (
        b"Content-Type", b"Content-Encoding", b"X-Plivo-Signature-V3", b"X-Plivo-Signature-V3-Nonce",
        b"X-Plivo-Signature-V2", b"X-Plivo-Signature-V2-Nonce", b"X-Plivo-Signature-MA-V3",
        b"X-Plivo-Signature-Ma-V2", b"X-Plivo-Signature",
    )
] + [
    ("a tab and other alphabets in a value", with_header("X-A: b\tcé".encode())[: -len(SMUGGLED)], [403]),
    ("a header twice that may be a list", with_header(b"X-A: b\r\nX-A: c")[: -len(SMUGGLED)], [403]),
    ("too many headers", with_header(_long(b"a: b\r\n", 300)[:-2]), [431]),
    ("a header without end", with_header(b"a: " + _long(b"b", 60_000)), [431]),
]  # fmt: skip

_HOSTS: Final[list[Row]] = [
    ("no Host", post(host=b"", body=SMUGGLED), [400]),
    ("no Host in 1.0", post(host=b"", version=b"1.0"), [400]),
    ("two Hosts", post(host=HOST + b"Host: other.example\r\n", body=SMUGGLED), [400]),
    ("two equal Hosts", post(host=HOST * 2, body=SMUGGLED), [400]),
    ("two Hosts in 1.0", post(host=HOST * 2, version=b"1.0", body=SMUGGLED), [400]),
    *(
        (f"Host {host!r}", post(host=b"Host:" + host + b"\r\n", body=SMUGGLED), [400])
        for host in (
            b"", b" ", b" a b", b" a/b", b" a?b", b" a#b", b" a@b", b" a,b", b" a:99999", b" a:b", b" a:",
            b" a%41", b" [::1", b" a\xe9", b" http://a", b" a;b", b" a:80:80",
        )
    ),
    *(
        (f"Host {host!r}", post(host=b"Host:" + host + b"\r\n"), [403])
        for host in (b"a", b" a", b"  a ", b" a_b.c-d:8080", b" 127.0.0.1:1", b" [::1]:8080", b" A.")
    ),
]  # fmt: skip

_TARGETS: Final[list[Row]] = [
    (f"request line {one!r}", line(one), [400])
    for one in (
        b"OPTIONS * HTTP/1.1", b"GET plivo HTTP/1.1", b"GET bridge.example.com/plivo HTTP/1.1",
        b"GET http://other.example/plivo HTTP/1.1", b"GET http:///plivo HTTP/1.1",
        b"GET http://a@bridge.example.com/plivo HTTP/1.1", b"GET ftp://bridge.example.com/ HTTP/1.1",
        b"GET http:/plivo HTTP/1.1", b"GET /plivo#a HTTP/1.1", b"GET /pl ivo HTTP/1.1",
        b"GET  /plivo HTTP/1.1", b"GET /plivo  HTTP/1.1", b"GET\t/plivo HTTP/1.1", b" GET /plivo HTTP/1.1",
        b"GET /plivo HTTP/1.1 ", b"GET /plivo", b"GET /plivo HTTP/0.9", b"GET /plivo HTTP/1.2",
        b"GET /plivo HTTP/2.0", b"GET /plivo http/1.1", b"GET /plivo HTTP/1.1x", b"GET /plivo HTTP/01.1",
        b"GET /plivo\x00 HTTP/1.1", b"GET /pl\xc3\xa9 HTTP/1.1", b"G@T /plivo HTTP/1.1", b"GET /a\x0bb HTTP/1.1",
        b"PRI * HTTP/2.0", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"{}", b"GET", b"\r\n",
        b"GET /plivo HTTP/1.1\r", b"GET /plivo HTTP/1.1\n",
    )
] + [
    ("absolute form", b"GET http://bridge.example.com/plivo HTTP/1.1\r\n" + HOST + b"\r\n", [403]),
    ("absolute form in capitals", b"GET HTTP://Bridge.Example.Com/plivo HTTP/1.1\r\n" + HOST + b"\r\n", [403]),
    ("absolute form, no path", b"GET http://bridge.example.com HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    ("absolute form, no path, a query", b"GET https://bridge.example.com?a HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    ("an empty line in front", b"\r\n" + GET, [403]),
    ("an empty line between", GET + b"\r\n" + GET, [403, 403]),
    ("two empty lines in front", b"\r\n\r\n" + SMUGGLED, [400]),
    ("an LF in front", b"\n" + SMUGGLED, [400]),
    ("lines that end in LF", SMUGGLED.replace(b"\r\n", b"\n"), [400]),
    ("lines that end in CR", SMUGGLED.replace(b"\r\n", b"\r"), [400]),
]  # fmt: skip

ROWS: Final[list[Row]] = [
    *_UPGRADES, *_LENGTHS, *_ENCODINGS, *_CHUNKS, *_FRAMING, *_HEADERS, *_HOSTS, *_TARGETS,
]  # fmt: skip
