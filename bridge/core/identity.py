"""Find what a callback is about, by the identifiers that Plivo uses across its products.

This is for callbacks whose type declares no key: unrecognised callbacks and dead letters. The call
has priority, by its first leg, as for the events of a call. Identifiers of other things follow.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard, cast

from bridge.core.parameters import Parameters, ValuesByName, group_values
from bridge.core.request import RawCallback
from bridge.normalise import fold_name

IDENTIFIERS: Final = (
    "ALegUUID",
    "DialALegUUID",
    "CallUUID",
    "ParticipantCallUUID",
    "MessageUUID",
    "MPCUUID",
    "ConferenceUUID",
    "SessionUUID",
    "StreamID",
    "RecordingUUID",
    "RecordingID",
)
IDENTIFIER_CHARACTERS_MAX: Final = 512
# Each mark may be a value to decode. More work is not worthwhile for a body that makes no event.
_MARKS_MAX: Final = 10_000
_RANK: Final = {fold_name(name): rank for rank, name in enumerate(IDENTIFIERS)}


def is_usable_id(text: object) -> TypeGuard[str]:
    """Return whether a text can be a subject and a key. CloudEvents allows no control characters.

    The length is limited, because the key stays in memory while its callback is in the spool, and
    the record's headers repeat it. Plivo's identifiers have 36 characters.
    """
    return (
        isinstance(text, str) and 0 < len(text) <= IDENTIFIER_CHARACTERS_MAX and text.isprintable()
    )


def find_identifier(parameters: Mapping[str, Sequence[str]]) -> str | None:
    """Return the identifier of what these parameters are about, or None."""
    found: list[tuple[int, str]] = []
    for name, texts in parameters.items():
        rank = _RANK.get(fold_name(name))
        text = next((one for one in texts if is_usable_id(one)), None)
        if rank is not None and text is not None:
            found.append((rank, text))
    return min(found)[1] if found else None


def find_callback_identifier(raw: RawCallback, parameters: Parameters) -> str | None:
    """Return the identifier of a callback that cannot become an event, as far as it can be parsed.

    A body that does not match its content type can still be a form or JSON. The query of a callback
    with a body is the customer's own, and is ignored.
    """
    identity = find_identifier(group_values(parameters.body if raw.body else parameters.query))
    if identity is None and raw.body and parameters.body_fault is not None:
        identity = find_identifier(_read_json_members(raw.body))
    return identity


def _read_json_members(body: bytes) -> ValuesByName:
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > _MARKS_MAX:
        return {}
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    members = cast("dict[str, object]", value)
    return {name: [text] for name, text in members.items() if isinstance(text, str)}
