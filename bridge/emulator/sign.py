"""Sign a callback as Plivo does: with all signature schemes at once, as captures show.

1. The plain headers have the token of the account or subaccount that owns the resource, the ``Ma``
   headers the main account's. For a main account both are equal.
2. An account with several active tokens has a signature of each in its V3 headers, joined by commas
   without spaces: the SDKs do not trim. Their V1 and V2 validators know no lists, so those headers have
   one signature, of the first token.
"""

import secrets
import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.parameters import parse_form

Tokens = str | tuple[str, ...]
"""One active auth token, or several."""


def sign_headers(  # noqa: PLR0913 (everything that a signature depends on)
    method: str,
    url: str,
    form: str,
    token: Tokens,
    main_token: Tokens | None = None,
    *,
    nonces: tuple[str, str] | None = None,
) -> dict[str, str]:
    """Return the signature headers of a callback.

    ``url`` is the URL as set at Plivo, with its fragment. ``form`` is the encoded body, empty for GET.
    ``token`` is of the account or subaccount; ``main_token`` is the main account's if it is another.
    ``nonces`` are those of V2 and V3; None: random ones.
    """
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}{parts.path}"
    query, _ = parse_form(parts.query)
    body, _ = parse_form(form)
    keys, main_keys = _list_keys(token), _list_keys(main_token or token)
    nonce_v2, nonce_v3 = nonces or (str(secrets.randbelow(10**20)), str(secrets.randbelow(10**20)))
    v1 = signature.build_v1_message(base, (*query, *body))
    v2 = signature.build_v2_message(base, nonce_v2)
    v3 = signature.build_v3_message(method, base, query, body, nonce_v3)
    return {
        wire.SIGNATURE_V1: signature.sign(keys[0], v1, "sha1"),
        wire.NONCE_V2: nonce_v2,
        wire.SIGNATURE_V2: signature.sign(keys[0], v2),
        wire.SIGNATURE_MA_V2: signature.sign(main_keys[0], v2),
        wire.NONCE_V3: nonce_v3,
        wire.SIGNATURE_V3: _sign_all(keys, v3),
        wire.SIGNATURE_MA_V3: _sign_all(main_keys, v3),
    }


def _list_keys(token: Tokens) -> list[bytes]:
    tokens = (token,) if isinstance(token, str) else token
    return [one.encode() for one in tokens]


def _sign_all(keys: Sequence[bytes], message: bytes) -> str:
    return ",".join([signature.sign(key, message) for key in keys])


def curl_command(url: str, form: str, token: str) -> str:
    """Return a curl command that posts a form signed with V3, as Plivo does; one parameter a line.

    Curl joins several -d with "&", so the body is exactly the signed form.
    """
    headers = sign_headers("POST", url, form, token)
    lines = [f"curl -i {shlex.quote(url)}"]
    lines += [f"-H {shlex.quote(f'{name}: {of}')}" for name, of in headers.items() if "-v3" in name]
    lines += [f"-d {shlex.quote(parameter)}" for parameter in form.split("&")]
    return " \\\n  ".join(lines)
