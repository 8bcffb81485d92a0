"""Sign a callback as Plivo does: with all signature schemes at once, as captures show."""

import secrets
import shlex
from urllib.parse import urlsplit

from bridge.core import request as wire
from bridge.core import signature
from bridge.core.parameters import parse_form


def sign_headers(  # noqa: PLR0913 (everything that a signature depends on)
    method: str,
    url: str,
    form: str,
    token: str,
    main_token: str | None = None,
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
    key, main_key = token.encode(), (main_token or token).encode()
    nonce_v2, nonce_v3 = nonces or (str(secrets.randbelow(10**20)), str(secrets.randbelow(10**20)))
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


def curl_command(url: str, form: str, token: str) -> str:
    """Return a curl command that posts a form signed with V3, as Plivo does; one parameter a line.

    Curl joins several -d with "&", so the body is exactly the signed form.
    """
    headers = sign_headers("POST", url, form, token)
    lines = [f"curl -i {shlex.quote(url)}"]
    lines += [f"-H {shlex.quote(f'{name}: {of}')}" for name, of in headers.items() if "-v3" in name]
    lines += [f"-d {shlex.quote(parameter)}" for parameter in form.split("&")]
    return " \\\n  ".join(lines)
