"""What the V3 signature of a callback may have been made over, and what each message covers.

1. A message is a spelling of the URL (``origins``) and a reading of the body. The reading that
   decides the event's content comes first, in every spelling. The others follow only if it does not
   hold. Equal messages are tried once, under the first reading that gives them.
2. A form has one reading. So has a body that cannot be read: the bytes as a form. A JSON object has
   those of ``json_readings`` too.
3. A message that does not cover the whole body is ``loose``: another body has the same message. The
   caller must not accept a second body for it (rule 3 of ``verify``).
4. A JSON body of which only the URL is signed is covered as little as by V2, and tried only where V2
   is accepted. The query is signed, but not claimed: for a GET, ``url`` and ``query`` mean that all of
   the content is covered, and a consumer must not take one for the other.
5. A body that cannot be read makes no event. If the signature holds without it, it becomes a dead
   letter, and is marked as not covered. Such a message is loose too: a captured request without a body
   would otherwise make any number of dead letters.
6. The scheme of Plivo's agent SDKs (rule 7 of ``signature``) covers query and body of a POST
   whose URL has no query: no message of the other schemes has that shape. It covers only the URL of
   any other request, because its message can be cut into URL and parameters in several ways, and a
   message of the V3 scheme can have the same bytes. A name that comes twice has no reading. Neither
   have parameters of more than ``AGENTSTACK_CHARACTERS_MAX``, because they are encoded anew to check.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bridge.core import signature
from bridge.core.json_readings import iter_sdk_readings, read_as_sdk_forms
from bridge.core.origins import list_equal_origins
from bridge.core.parameters import Pair, Parameters
from bridge.core.request import RawCallback

COVERS_ALL: Final = ("url", "query", "body")
COVERS_NO_BODY: Final = ("url", "query")
COVERS_URL: Final = ("url",)

AGENTSTACK_CHARACTERS_MAX: Final = 16_384


@dataclass(frozen=True, slots=True)
class SignedBody:
    """One reading of a body: the text that is signed of it, or None for nothing at all."""

    text: bytes | None
    covers: tuple[str, ...]
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """The bytes that may have been signed, under which origin, and what they cover."""

    bytes: bytes
    origin: str
    covers: tuple[str, ...]
    is_partial: bool
    is_agentstack: bool = False


def iter_signed_bodies(
    method: str, parameters: Parameters, *, allow_url_only: bool
) -> Iterator[SignedBody]:
    """Yield the readings of a body (rules 1 to 5), each computed when it is asked for.

    ``url_alone`` says whether a JSON body may be signed by the URL alone.
    """
    body = parameters.body
    if not body:
        # An empty object has no reading but this one.
        yield SignedBody(None, COVERS_NO_BODY if method == "GET" else COVERS_ALL)
        return
    if not parameters.has_bare_name:  # rule 5 of signature
        yield SignedBody(signature.join_form(body), COVERS_ALL)
    if parameters.json is not None:
        for reading in iter_sdk_readings(parameters.json):
            yield SignedBody(
                reading.text.encode(), (*COVERS_NO_BODY, reading.covers), is_partial=True
            )
        if allow_url_only:
            yield SignedBody(None, COVERS_URL, is_partial=True)
    elif parameters.body_fault is not None:
        yield SignedBody(None, COVERS_NO_BODY, is_partial=True)


def iter_v3_messages(
    raw: RawCallback, parameters: Parameters, nonce: str, *, allow_url_only: bool
) -> Iterator[SignedMessage]:
    """Yield the messages that V3 may have signed: rules 1 to 5."""
    origins = list_equal_origins(raw.public_origin)
    query = signature.join_query(parameters.query)
    seen: list[bytes] = []  # few, and long: to compare them costs less than to hash them
    for body in iter_signed_bodies(raw.method, parameters, allow_url_only=allow_url_only):
        for origin in origins:
            message = signature.build_v3_message_of_texts(
                origin + raw.path, query, body.text, nonce
            )
            if message not in seen:
                seen.append(message)
                yield SignedMessage(message, origin, body.covers, body.is_partial)


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
    """Yield the parameters as each agent SDK reads them, its encoding, and what of a body is covered."""
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
