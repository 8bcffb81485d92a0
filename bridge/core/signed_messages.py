"""The messages that a V3 signature may have been made over, and what each of them covers.

1. A message combines a spelling of the URL (``bridge.core.origins``) with a reading of the body.
   The reading that decides the event's content is tried first, in every spelling. The others are
   tried only if it does not match. Equal messages are tried once, under the first reading that
   gives them.
2. A form has one reading. A body that cannot be decoded has one too: its bytes as a form. A JSON
   object also has those of ``bridge.core.json_readings``.
3. A message that does not cover the whole body is partial: another body has the same message. The
   caller must not accept a second body for it (rule 3 of ``bridge.core.verify``).
4. A JSON body of which only the URL is signed is covered as little as by V2. It is tried only if V2
   is accepted. The query is signed, but ``covers`` does not name it: for a GET, ``url`` and
   ``query`` mean that all of the content is covered, and a consumer must not confuse the two.
5. A body that cannot be decoded makes no event. If the signature matches without the body, the
   callback becomes a dead letter that is marked as not covered. Such a message is partial too:
   otherwise a captured request without a body could make any number of dead letters.
6. The scheme of Plivo's agent SDKs (rule 7 of ``bridge.core.signature``) covers query and body of a
   POST whose URL has no query: no message of the other schemes has that shape. For any other
   request it covers only the URL, because its message can be cut into URL and parameters in several
   ways, and a message of the V3 scheme can have the same bytes. Parameters with a repeated name
   have no reading. Parameters of more than ``AGENTSTACK_CHARACTERS_MAX`` characters have none
   either, because they must be encoded again for the check.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from bridge.core import signature
from bridge.core.json_readings import iter_sdk_readings, read_as_sdk_forms
from bridge.core.origins import list_equal_origins
from bridge.core.parameters import Pair, Parameters
from bridge.core.request import RawCallback

COVERS_ALL: Final = ("url", "query", "body")
COVERS_NO_BODY: Final = ("url", "query")
COVERS_URL: Final = ("url",)

AGENTSTACK_CHARACTERS_MAX: Final = 16_384


SignedBody = tuple[str | None, tuple[str, ...], bool]
"""One reading of a body: the signed text (None if nothing of the body is signed), what it covers, and
whether it is partial (rule 3)."""


class SignedMessage(NamedTuple):
    """The bytes that may have been signed, their public origin, and what they cover."""

    bytes: bytes
    origin: str
    covers: tuple[str, ...]
    is_partial: bool
    is_agentstack: bool = False


def iter_signed_bodies(
    method: str, parameters: Parameters, *, allow_url_only: bool
) -> Iterator[SignedBody]:
    """Yield the readings of a body (rules 1 to 5), each computed only on demand.

    ``allow_url_only`` permits the reading in which only the URL of a JSON body is signed.
    """
    body = parameters.body
    if not body:
        # An empty JSON object has this reading only.
        yield None, COVERS_NO_BODY if method == "GET" else COVERS_ALL, False
        return
    if not parameters.has_bare_name:  # rule 5 of signature
        yield signature.join_form(parameters.sorted_body), COVERS_ALL, False
    if parameters.json is not None:
        for reading in iter_sdk_readings(parameters.json):
            yield reading.text, (*COVERS_NO_BODY, reading.covers), True
        if allow_url_only:
            yield None, COVERS_URL, True
    elif parameters.body_fault is not None:
        yield None, COVERS_NO_BODY, True


def iter_v3_messages(
    raw: RawCallback, parameters: Parameters, nonce: str, *, allow_url_only: bool
) -> Iterator[SignedMessage]:
    """Yield the messages that V3 may have signed: rules 1 to 5."""
    origins = list_equal_origins(raw.public_origin)
    query = signature.join_query(parameters.sorted_query)
    seen: list[bytes] = []  # few and long, so comparing is cheaper than hashing
    bodies = iter_signed_bodies(raw.method, parameters, allow_url_only=allow_url_only)
    for text, covers, is_partial in bodies:
        for origin in origins:
            message = signature.join_v3_message(origin + raw.path, query, text, nonce)
            if message not in seen:
                seen.append(message)
                yield SignedMessage(message, origin, covers, is_partial)


def iter_agentstack_messages(
    raw: RawCallback, parameters: Parameters, nonce: str
) -> Iterator[SignedMessage]:
    """Yield the messages that Plivo's agent SDKs check: rule 6."""
    if parameters.body_fault is not None or parameters.has_bare_name:
        return
    is_get = raw.method == "GET"
    pairs = parameters.query if is_get else parameters.body
    if sum([len(name) + len(value) for name, value in pairs]) > AGENTSTACK_CHARACTERS_MAX:
        return
    seen: set[bytes] = set()
    for pairs, encoding, word in _iter_agentstack_pairs(parameters, is_get=is_get):
        names = {name for name, _ in pairs}
        if len(names) != len(pairs):
            continue
        covers = COVERS_URL if is_get or raw.query else (*COVERS_NO_BODY, word)
        encoded = encoding(pairs)
        for origin in list_equal_origins(raw.public_origin):
            message = signature.build_agentstack_message(
                raw.method, origin + raw.path, raw.query, encoded, nonce
            )
            if message not in seen:
                seen.add(message)
                yield SignedMessage(
                    message, origin, covers, is_partial="body" not in covers, is_agentstack=True
                )


def _iter_agentstack_pairs(
    parameters: Parameters, *, is_get: bool
) -> Iterator[tuple[tuple[Pair, ...], signature.Encoding, str]]:
    """Yield the parameters as each agent SDK reads them, its encoding, and what it covers of a body."""
    if parameters.json is None:
        pairs = parameters.query if is_get else parameters.body
        yield pairs, signature.encode_as_python, "body"
        yield pairs, signature.encode_as_node, "body"
        return
    python, node = read_as_sdk_forms(parameters.json)
    for reading, encoding in (
        (python, signature.encode_as_python),
        (node, signature.encode_as_node),
    ):
        if reading is not None:
            word = "body" if reading.pairs == parameters.body else reading.covers
            yield reading.pairs, encoding, word
