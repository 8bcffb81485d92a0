"""Plivo's signature schemes: what is signed, and how. Facts about Plivo only, no policy of the bridge.

Confirmed with the official test vectors, and by running the official SDKs side by side.

1. The base is scheme, authority and path as configured at Plivo: the port stays, the fragment is
   removed.
2. V1 (legacy): HMAC-SHA1 over the URL and the sorted ``key value`` pairs, without separators.
3. V2: HMAC-SHA256 over the base and the nonce. It covers neither query nor body.
4. V3: HMAC-SHA256 over the string below, a dot, and the nonce. Q is the query's decoded pairs and P
   the body's. Both are sorted by the bytes of the key, then of the value. Q is ``k=v`` joined by
   ``&``; P is ``k v k v`` without separators.

       GET                     base                 base ? Q
       POST, no body           base                 base ? Q
       POST, body              base ? P             base ? Q . P
                               (no query)           (query)

   The trap is ``base ? P``: it has a question mark although there is no query, and no dot before P.
   A GET has no P: parameters beside the query that the query lacks are part of Q.
5. P has no separators, so ``ab`` + ``c`` and ``a`` + ``bc`` have the same signature. A form encoder
   always writes the ``=``; a body piece without it (``a&b`` for ``a=b``) is therefore never
   accepted as signed. Q does not escape its separators either: ``a=1%26b=2`` and ``a=1&b=2`` have
   the same signature. ``?a=1`` with the body ``b=2`` signs like ``?a=1.b2`` without one, the body
   ``a%3Db=2`` like the query ``a=b2``, and a POST without a body like a GET. Anyone who has a
   signed request can cut it anew in these ways. A nonce with a dot could absorb the end of the
   string before it, so it is never accepted.
6. The key is the auth token, and the result is standard base64 with padding.
7. Plivo's agent SDKs (``plivo-agentstack`` for Python and Node) check another string over the same
   V3 header. R is their parameters, form-encoded, ``k=v`` joined by ``&`` and sorted by key; E is R
   as Python's ``urlencode`` (a space is ``+``) or JavaScript's ``encodeURIComponent`` (a space is
   ``%20``) writes it. U is the URL as called, with its query as written.

       GET                     base                 base ? E   (R is the query)
       POST, no body           U
       POST, body              U . E

   No capture shows that Plivo signs in this way.
"""

import binascii
import hmac
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from urllib.parse import quote, urlencode

from bridge.core.parameters import Pair, is_utf8

if TYPE_CHECKING:
    from _hashlib import HASH

Digest = Literal["sha1", "sha256"]


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _join(ordered: Sequence[Pair], *, equals: str, separator: str) -> str:
    """Return pairs that are sorted by code points, concatenated in the order of their bytes."""
    text = separator.join(map(equals.join, ordered))
    if text.isascii() or is_utf8(text):
        return text
    # Lone surrogates stand for bytes. Only with them the two orders differ.
    by_bytes = sorted(ordered, key=lambda pair: (_encode(pair[0]), _encode(pair[1])))
    return separator.join(map(equals.join, by_bytes))


def build_v1_message(url: str, pairs: Iterable[Pair]) -> bytes:
    """Return the bytes that V1 signs (rule 2)."""
    return _encode(url + _join(sorted(pairs), equals="", separator=""))


def build_v2_message(base: str, nonce: str) -> bytes:
    """Return the bytes that V2 signs (rule 3)."""
    return _encode(base + nonce)


def build_v3_message(
    method: str, base: str, query: tuple[Pair, ...], body: tuple[Pair, ...], nonce: str
) -> bytes:
    """Return the bytes that V3 signs (rule 4). Every method except GET is signed as POST."""
    if method == "GET" and body:
        in_url = {key for key, _ in query}
        query = (*query, *(pair for pair in body if pair[0] not in in_url))
        body = ()
    text = join_form(sorted(body)) if body else None
    return join_v3_message(base, join_query(sorted(query)), text, nonce)


def join_form(sorted_body: Sequence[Pair]) -> str:
    """Return P of rule 4: the body's pairs, concatenated."""
    return _join(sorted_body, equals="", separator="")


def join_query(sorted_query: Sequence[Pair]) -> str | None:
    """Return Q of rule 4, or None if the URL has no query."""
    return _join(sorted_query, equals="=", separator="&") if sorted_query else None


def join_v3_message(base: str, query: str | None, text: str | None, nonce: str) -> bytes:
    """Return the bytes that V3 signs (rule 4), of the texts Q and P. None means that it is absent.

    An empty ``text`` is still a body: an SDK reads a JSON body of one empty list in this way.
    """
    if query is None:
        url = base if text is None else f"{base}?{text}"
    else:
        url = f"{base}?{query}" if text is None else f"{base}?{query}.{text}"
    return _encode(f"{url}.{nonce}")


Encoding = Callable[[Sequence[Pair]], str]

# JavaScript's encodeURIComponent leaves these unescaped, and letters and digits (ECMA-262).
_JAVASCRIPT_SAFE: Final = "-_.!~*'()"


def encode_as_python(pairs: Sequence[Pair]) -> str:
    """Return E of rule 7 as Python's ``urlencode`` writes it."""
    return urlencode(sorted(pairs), encoding="utf-8", errors="surrogateescape")


def encode_as_node(pairs: Sequence[Pair]) -> str:
    """Return E of rule 7 as JavaScript's ``encodeURIComponent`` writes it."""
    ordered = sorted(pairs, key=lambda pair: pair[0].encode("utf-16-be", "surrogatepass"))
    return "&".join([f"{_quote_as_node(key)}={_quote_as_node(value)}" for key, value in ordered])


def _quote_as_node(text: str) -> str:
    return quote(text, safe=_JAVASCRIPT_SAFE, encoding="utf-8", errors="surrogateescape")


def build_agentstack_message(method: str, base: str, query: str, encoded: str, nonce: str) -> bytes:
    """Return the bytes that an agent SDK checks (rule 7).

    ``query`` is as written in the URL. ``encoded`` is the query of a GET or the body of a POST.
    """
    if method == "GET":
        text = f"{base}?{encoded}" if encoded else base
    else:
        url = f"{base}?{query}" if query else base
        text = f"{url}.{encoded}" if encoded else url
    return _encode(f"{text}.{nonce}")


def sign(token: bytes, message: bytes, digest: Digest = "sha256") -> str:
    """Return the base64 HMAC of ``message`` under the auth token (rule 6)."""
    return binascii.b2a_base64(hmac.digest(token, message, digest), newline=False).decode("ascii")


_BLOCK_BYTES: Final = 64
_INNER_PAD: Final = bytes(octet ^ 0x36 for octet in range(256))
_OUTER_PAD: Final = bytes(octet ^ 0x5C for octet in range(256))


class HashedToken(NamedTuple):
    """The two hashes of an HMAC (RFC 2104) under an auth token, before any message.

    ``copy`` of ``hmac.HMAC`` costs as much again as the two copies.
    """

    inner: "HASH"
    outer: "HASH"


def hash_token(token: bytes) -> HashedToken:
    """Hash an auth token once for all messages, for ``sign_with``."""
    if len(token) > _BLOCK_BYTES:
        token = sha256(token).digest()
    block = token.ljust(_BLOCK_BYTES, b"\0")
    return HashedToken(sha256(block.translate(_INNER_PAD)), sha256(block.translate(_OUTER_PAD)))


def sign_with(token: HashedToken, message: bytes) -> bytes:
    """Return the HMAC of ``message``, to be compared with the result of ``decode_signature``."""
    inner_hash, outer_hash = token
    inner = inner_hash.copy()
    inner.update(message)
    outer = outer_hash.copy()
    outer.update(inner.digest())
    return outer.digest()


def decode_signature(text: str) -> bytes:
    """Return the HMAC that a signature encodes (rule 6); empty if the text is not canonical base64.

    White space around the text is ignored. Every HMAC has one canonical text; a lenient decoder would
    accept other texts as signatures too.
    """
    text = text.strip()
    try:
        digest = binascii.a2b_base64(text)
    except ValueError:
        return b""
    return digest if binascii.b2a_base64(digest, newline=False) == text.encode() else b""
