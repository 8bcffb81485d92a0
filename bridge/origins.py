"""Which origins are the same URL, and how each of them is written.

A signature covers the URL as it is written at Plivo. What reaches the bridge (``Host``,
``X-Forwarded-Proto``, ``X-Forwarded-Host``, ``BRIDGE_PUBLIC_URL``) may write the same URL in another
way, so a signature is checked against every common spelling.

1. Scheme and host are compared without regard to case, and the scheme's default port equals no port
   (RFC 3986, sections 6.2.2.1 and 6.2.3). A dot at the end of a host names the same host (RFC 1034,
   section 3.1).
2. Plivo keeps a port that is written, so ``https://host`` and ``https://host:443`` are signed
   differently though they are one URL. Both are tried.
3. The spelling that was received comes first. So a URL that is written at Plivo with capitals is
   verified if they arrive, and a genuine callback normally costs one check.
4. The path is compared byte for byte. It is no part of this file, except as the prefix that a public
   URL may have.
"""

import re
from typing import Final

DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

_AUTHORITY: Final = re.compile(r"(?P<host>.*?)(?P<port>:[0-9]{0,5})?", re.DOTALL)


def split_authority(authority: str) -> tuple[str, str]:
    """Return the host, and the port with its colon or nothing, whatever a client wrote there."""
    found = _AUTHORITY.fullmatch(authority)
    return (found["host"], found["port"] or "") if found else (authority, "")


def split_origin(origin: str) -> tuple[str, str, str, str]:
    """Return scheme, host, port (with its colon) and path prefix of a public origin."""
    scheme, _, rest = origin.partition("://")
    authority, slash, prefix = rest.partition("/")
    return scheme, *split_authority(authority), slash + prefix


def equal_origins(origin: str) -> tuple[str, ...]:
    """Return the spellings of ``origin`` to try, as it is first: rules 1 to 3."""
    scheme, host, port, prefix = split_origin(origin)
    scheme = scheme.lower()
    default = DEFAULT_PORTS.get(scheme)
    if default is None or not host:
        return (origin,)
    start = f"{scheme}://{host.lower().removesuffix('.')}"
    if port not in {"", ":", default}:
        return tuple(dict.fromkeys((origin, f"{start}{port}{prefix}")))
    return tuple(dict.fromkeys((origin, f"{start}{prefix}", f"{start}{default}{prefix}")))
