r"""Encode a value for a digest, so that no other value has the same bytes.

1. The encoding is JSON without white space, in UTF-8. A JSON parser returns the value again, so two
   values never have one encoding.
2. A byte that is not UTF-8 is a lone surrogate in a text (rule 2 of ``bridge.core.parameters``),
   which UTF-8 cannot represent. A value with such a text is encoded in ASCII, with an escape for
   each character beyond it: ``\udcff`` is the byte 0xFF. Rule 1 holds, because ``surrogateescape``
   makes no other surrogates, so no two of them are the escapes of one character.
"""

import json

import orjson


def encode_canonical(value: object) -> bytes:
    """Return the one encoding of a value of lists, texts and None."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # rule 2
        return json.dumps(value, separators=(",", ":")).encode()
