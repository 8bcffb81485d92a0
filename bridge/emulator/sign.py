"""Sign a callback as Plivo does: with all signature schemes at once, as captures show."""

import secrets
from urllib.parse import urlsplit

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.parameters import parse_form


def sign_headers(
    method: str, url: str, form: str, token: str, main_token: str | None = None
) -> dict[str, str]:
    """Return the signature headers of a callback.

    ``url`` is the URL as set at Plivo, with its fragment. ``form`` is the encoded body, empty for GET.
    ``token`` is of the account or subaccount; ``main_token`` is the main account's if it is another.
    """
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}{parts.path}"
    query, _ = parse_form(parts.query)
    body, _ = parse_form(form)
    key, main_key = token.encode(), (main_token or token).encode()
    nonce_v2, nonce_v3 = (str(secrets.randbelow(10**20)) for _ in range(2))
    v1 = signature.build_v1_message(base, (*query, *body))
    v2 = signature.build_v2_message(base, nonce_v2)
    v3 = signature.build_v3_message(method, base, query, body, nonce_v3)
    return {
        wire.SIGNATURE_V1: signature.sign(key, v1, "sha1"),
        wire.NONCE_V2: nonce_v2,
        wire.SIGNATURE_V2: signature.sign(key, v2),
        wire.SIGNATURE_MA_V2: signature.sign(main_key, v2),
        wire.NONCE_V3: nonce_v3,
        wire.SIGNATURE_V3: signature.sign(key, v3),
        wire.SIGNATURE_MA_V3: signature.sign(main_key, v3),
    }
