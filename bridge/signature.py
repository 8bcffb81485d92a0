"""Plivo's signatures: what is signed, and how. Facts of Plivo's, no policy of ours.

Confirmed by the official vectors and by running the official SDKs side by side.

1. The base is scheme, authority and path as configured at Plivo: the port stays, the fragment goes.
2. V1 (legacy): HMAC-SHA1 over the URL and the sorted ``key value`` pairs, without separators.
3. V2: HMAC-SHA256 over the base and the nonce. Neither query nor body is covered.
4. V3: HMAC-SHA256 over the string below, a dot, and the nonce. Q is the query's decoded pairs, P the
   body's, both sorted by the bytes of the key, then of the value; Q is ``k=v`` joined by ``&``, P is
   ``k v k v`` without separators.

       GET                     base                 base ? Q
       POST, no body           base                 base ? Q
       POST, body              base ? P             base ? Q . P
                               (no query)           (query)

   The trap is ``base ? P``: a question mark though there is no query, and no dot before P.
   A GET has no P: what it is given beside the query, and the query lacks, is part of Q.
5. P has no separators, so ``ab`` + ``c`` and ``a`` + ``bc`` sign alike. A form encoder always writes
   the ``=``; a body piece without it (``a&b`` for ``a=b``) is therefore never taken as signed.
   Q does not escape its separators either: ``a=1%26b=2`` and ``a=1&b=2`` sign alike. ``?a=1`` with
   the body ``b=2`` signs like ``?a=1.b2`` without one, the body ``a%3Db=2`` like the query ``a=b2``,
   and a POST without a body like a GET. Whoever holds a signed request can re-cut it in these ways.
   A nonce with a dot could take over the end of the string before it, and is never taken.
6. The key is the auth token, the result standard base64 with padding.
"""

import binascii
import hmac
from collections.abc import Iterable
from typing import Final, Literal

from bridge.parameters import Pair

Digest = Literal["sha1", "sha256"]

_DOT: Final = b"."
_QUESTION_MARK: Final = b"?"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _joined(pairs: Iterable[Pair], *, equals: str, joint: str) -> bytes:
    """Return the pairs sorted and run together, as UTF-8."""
    try:
        # Code point order is the order of the UTF-8 bytes, for text that is text.
        return joint.join([key + equals + value for key, value in sorted(pairs)]).encode()
    except UnicodeEncodeError:
        in_bytes = sorted([(_bytes(key), _bytes(value)) for key, value in pairs])
        return _bytes(joint).join([key + _bytes(equals) + value for key, value in in_bytes])


def v1_message(url: str, pairs: Iterable[Pair]) -> bytes:
    """Return the bytes V1 signs (rule 2)."""
    return _bytes(url) + _joined(pairs, equals="", joint="")


def v2_message(base: str, nonce: str) -> bytes:
    """Return the bytes V2 signs (rule 3)."""
    return _bytes(base) + _bytes(nonce)


def v3_message(
    method: str, base: str, query: tuple[Pair, ...], body: tuple[Pair, ...], nonce: str
) -> bytes:
    """Return the bytes V3 signs (rule 4); any method but GET is signed as POST."""
    message = _bytes(base)
    if method == "GET" and body:
        in_url = {key for key, _ in query}
        query = (*query, *(pair for pair in body if pair[0] not in in_url))
        body = ()
    if query or body:
        message += _QUESTION_MARK + _joined(query, equals="=", joint="&")
    if query and body:
        message += _DOT
    if body:
        message += _joined(body, equals="", joint="")
    return message + _DOT + _bytes(nonce)


def signature(token: bytes, message: bytes, digest: Digest = "sha256") -> str:
    """Return the base64 HMAC of ``message`` under the auth token (rule 6)."""
    return binascii.b2a_base64(hmac.digest(token, message, digest), newline=False).decode("ascii")
