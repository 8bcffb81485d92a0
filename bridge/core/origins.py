"""Compare origins, and list the spellings of one origin.

A signature covers the URL as it is written at Plivo. What reaches the bridge (``Host``,
``X-Forwarded-Proto``, ``X-Forwarded-Host``, ``BRIDGE_PUBLIC_URL``) may write the same URL in
another way, so a signature is checked against every common spelling.

1. Scheme and host are compared without regard to case, and the scheme's default port equals no port
   (RFC 3986, sections 6.2.2.1 and 6.2.3). A dot at the end of a host names the same host (RFC 1034,
   section 3.1).
2. Plivo keeps a port that is written, so ``https://host`` and ``https://host:443`` have different
   signatures though they are one URL. Both are tried.
3. The received spelling is tried first. So a URL that is written at Plivo with capitals is verified
   if they arrive, and a genuine callback normally costs one check.
4. The path is compared byte for byte. This file handles only the path prefix that a public URL may
   have.
5. A ``Host`` is used only if it is a host and a port. If it could contain ``/`` and ``?``, the
   beginning of any signed text could pass as the host of another request.
6. A host is a name of letters, digits, ``-``, ``.`` and ``_``, an IPv4 address, or an IPv6 address
   in brackets. RFC 3986 (section 3.2.2) also allows percent-encoding and ``!$&'()*+,;=``. No host
   of the Internet has them (RFC 1123, section 2.1), and a comma would separate two hosts.
7. A list of allowed hosts is compared by rule 1. An entry without a port allows the default port
   only.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final

DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}

_HOST_CHARACTERS_MAX: Final = 253  # RFC 1035, section 2.3.4
_PORT_MAX: Final = 65_535
_AUTHORITY_CHARACTERS_MAX: Final = _HOST_CHARACTERS_MAX + len(f":{_PORT_MAX}")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_PORT: Final = re.compile(r":[0-9]{0,5}", re.ASCII)

_AUTHORITY: Final = re.compile(r"(?P<host>.*?)(?P<port>:[0-9]{0,5})?", re.DOTALL)


def split_authority(authority: str) -> tuple[str, str]:
    """Return the host, and the port with its colon or an empty string. Accepts any text."""
    found = _AUTHORITY.fullmatch(authority)
    return (found["host"], found["port"] or "") if found else (authority, "")


def split_origin(origin: str) -> tuple[str, str, str, str]:
    """Return scheme, host, port (with its colon) and path prefix of a public origin."""
    scheme, _, rest = origin.partition("://")
    authority, slash, prefix = rest.partition("/")
    return scheme, *split_authority(authority), slash + prefix


def is_authority(text: str) -> bool:
    """Return whether ``text`` is a host with or without a port: rule 6."""
    # A longer one must not be remembered: a client may write any.
    return len(text) <= _AUTHORITY_CHARACTERS_MAX and _is_authority(text)


@lru_cache(maxsize=128)
def _is_authority(text: str) -> bool:
    if text.startswith("["):
        address, bracket, port = text[1:].partition("]")
        return bool(bracket) and _is_ipv6(address) and _is_port(port)
    host, colon, port = text.partition(":")
    is_host = len(host) <= _HOST_CHARACTERS_MAX and _NAME.fullmatch(host) is not None
    return is_host and host.strip(".") != "" and _is_port(colon + port)


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).scope_id is None
    except ValueError:
        return False


def _is_port(text: str) -> bool:
    """Return whether ``text`` is empty, or a colon and a port."""
    return not text or (
        _PORT.fullmatch(text) is not None and int(text.removeprefix(":") or 0) <= _PORT_MAX
    )


def is_allowed_host(origin: str, hosts: Iterable[str]) -> bool:
    """Return whether the host of ``origin`` is one of ``hosts``: rule 7."""
    scheme, _, authority = origin.partition("://")
    asked = _normalise(scheme, authority)
    return any(_normalise(scheme, host) == asked for host in hosts)


def _normalise(scheme: str, authority: str) -> tuple[str, str]:
    """Return host and port in the form in which they are compared: rule 1."""
    host, port = split_authority(authority)
    is_default = port in {":", DEFAULT_PORTS.get(scheme)}
    return host.lower().removesuffix("."), "" if is_default else port


@lru_cache(maxsize=128)  # a client may write any host, of 253 characters at most
def list_equal_origins(origin: str) -> tuple[str, ...]:
    """Return the spellings of ``origin`` to try, the received one first: rules 1 to 3."""
    scheme, host, port, prefix = split_origin(origin)
    scheme = scheme.lower()
    default = DEFAULT_PORTS.get(scheme)
    if default is None or not host:
        return (origin,)
    start = f"{scheme}://{host.lower().removesuffix('.')}"
    if port not in {"", ":", default}:
        return tuple(dict.fromkeys((origin, f"{start}{port}{prefix}")))
    return tuple(dict.fromkeys((origin, f"{start}{prefix}", f"{start}{default}{prefix}")))
