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

from bridge.core.parameters import Pair, Parameters
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
        """Return False if ``message`` was accepted with other content; otherwise remember it."""
        if self.has_other_content(message, content):
            return False
        self.remember(message, content)
        return True

    def has_other_content(self, message: bytes, content: bytes) -> bool:
        """Return True if ``message`` was accepted with other content."""
        known = self._seen.get(_compute_digest(message))
        return known is not None and known != _compute_digest(content)

    def remember(self, message: bytes, content: bytes) -> None:
        """Remember the content of ``message``; it replaces the content remembered before."""
        digest = _compute_digest(message)
        self._seen[digest] = _compute_digest(content)
        self._seen.move_to_end(digest)
        if len(self._seen) > self._nonces_max:
            self._seen.popitem(last=False)


def _compute_digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()


def encode_content(raw: RawCallback, parameters: Parameters) -> bytes:
    """Return the content of a callback in a canonical form, to remember it with its message: rule 2."""
    parts = [raw.method, raw.path, _canonicalise(parameters.query)]
    body = b""
    if raw.body and raw.method != "GET":
        parts += [raw.header("content-type") or "", raw.header("content-encoding") or ""]
        if parameters.body_fault is None and parameters.json is None:
            parts.append(_canonicalise(parameters.body))
        else:
            body = raw.body
    lengths = ",".join([str(len(part)) for part in parts])
    return f"{lengths}\n{''.join(parts)}".encode("utf-8", "surrogateescape") + body


def _canonicalise(pairs: Iterable[Pair]) -> str:
    """Return a text that no other pairs have. Only the values of one name keep their order."""
    ordered = sorted(pairs, key=lambda pair: pair[0])
    return "".join([f"{len(key)}:{key}{len(value)}:{value}" for key, value in ordered])
