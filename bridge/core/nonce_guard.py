"""Remember which signed messages were accepted, and with which content, to stop replay attacks.

1. Plivo's signatures have no timestamp, and most of them fit more than one content. V2 covers
   neither query nor body. Some V3 messages do not cover the whole body (rule 3 of
   ``bridge.core.signed_messages``). Others can be cut into parameters in several ways (rule 5 of
   ``bridge.core.signature``). So an accepted message is accepted again with the same content (a
   retry by Plivo), but with no other content.
2. The type and the encoding of a body belong to its content. A form may arrive again in another
   order or with other escapes, because a sender may encode it again. The values of one name keep
   their order.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable

from bridge.core.canonical import encode_canonical
from bridge.core.parameters import Pair, Parameters, get_name
from bridge.core.request import RawCallback


class NonceGuard:
    """Memory of the newest ``nonces_max`` signed messages, each with its content.

    It remembers the whole message and not the nonce, because the signature does not cover where the
    nonce begins. The memory is lost when the process ends, and replicas do not share it.
    """

    def __init__(self, nonces_max: int = 100_000) -> None:
        self._nonces_max = nonces_max
        self._seen: OrderedDict[bytes, bytes] = OrderedDict()

    def accept(self, message: bytes, content: bytes) -> bool:
        """Return False if ``message`` was accepted with other content; otherwise remember it.

        ``content`` is a digest: see ``digest_content``.
        """
        digest = _compute_digest(message)
        if self._seen.get(digest, content) != content:
            return False
        self._remember(digest, content)
        return True

    def has_other_content(self, message: bytes, content: bytes) -> bool:
        """Return True if ``message`` was accepted with other content."""
        return self._seen.get(_compute_digest(message), content) != content

    def remember(self, message: bytes, content: bytes) -> None:
        """Remember the content of ``message``; it replaces the content remembered before."""
        self._remember(_compute_digest(message), content)

    def _remember(self, digest: bytes, content: bytes) -> None:
        self._seen[digest] = content
        self._seen.move_to_end(digest)
        if len(self._seen) > self._nonces_max:
            self._seen.popitem(last=False)


def _compute_digest(text: bytes) -> bytes:
    # Processors have instructions for SHA-256, so it takes less time than BLAKE2.
    return hashlib.sha256(text).digest()[:16]


def digest_content(raw: RawCallback, parameters: Parameters) -> bytes:
    """Return a digest of the content of a callback, to remember it with its message: rule 2."""
    query = _sort_by_name(parameters.query) if parameters.query else []
    parts: list[object] = [raw.method, raw.path, query]
    body = b""
    if raw.body and raw.method != "GET":
        headers = raw.headers.values
        parts += [headers.get("content-type", ""), headers.get("content-encoding", "")]
        if parameters.body_fault is None and parameters.json is None:
            # Unless a name is repeated, pairs in the order of their names have one order.
            has_lists = parameters.has_lists
            parts.append(_sort_by_name(parameters.body) if has_lists else parameters.sorted_body)
        else:
            body = raw.body
    return _compute_digest(encode_canonical(parts) + body)


def _sort_by_name(pairs: Iterable[Pair]) -> list[Pair]:
    """Return pairs in the order of their names. The values of one name keep their order."""
    return sorted(pairs, key=get_name)
