"""URLs in a document, and the retry settings in their fragment.

Plivo neither sends nor signs the fragment. Source of its keys and ranges, and of where they apply:
Plivo's page on callback configuration.
"""

import re
from typing import Final
from urllib.parse import urlsplit

_WEB: Final = frozenset({"http", "https"})
_WEBSOCKET: Final = frozenset({"ws", "wss"})
_INTEGER: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_PAIR: Final = re.compile(r"([A-Za-z]+)=(.*)", re.DOTALL)
RETRY_RANGES: Final = {
    "ct": (100, 10_000),
    "rt": (100, 40_000),
    "tt": (100, 55_000),
    "rc": (0, 5),
}
RETRY_WORDS: Final = {
    "rp": frozenset({"4xx", "5xx", "ct", "rt", "all"}),
    "er": frozenset(
        {"nearest", "local", "n_california", "n_virginia", "frankfurt", "singapore", "mumbai"}
    ),
}
_SHOWN_CHARACTERS_MAX: Final = 60


def is_absolute(url: str) -> bool:
    """Return True if Plivo could call this URL."""
    return _has_host(url, _WEB)


def is_websocket(url: str) -> bool:
    """Return True if Plivo could stream to this URL."""
    return _has_host(url, _WEBSOCKET)


def _has_host(url: str, schemes: frozenset[str]) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
        return parts.scheme.lower() in schemes and bool(parts.hostname) and has_port
    except ValueError:  # for example an unclosed bracket, or a port over 65535
        return False


def redacted(url: str) -> str:
    """Return a URL for a message, without query, fragment and credentials: they may be secret."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0].rpartition("@")[2]
    short = bare[:_SHOWN_CHARACTERS_MAX]
    return repr(short if short == bare else short + "…")


def parse_retry_settings(url: str) -> dict[str, str]:
    """Return the retry settings in a URL's fragment; empty if there are none."""
    fragment = url.partition("#")[2]
    pairs = [_PAIR.fullmatch(part) for part in fragment.split("&")]
    found = {pair[1]: pair[2] for pair in pairs if pair}
    return found if found.keys() & {*RETRY_RANGES, *RETRY_WORDS} else {}


def find_retry_fault(settings: dict[str, str]) -> str | None:
    """Return the first fault of retry settings, None if Plivo documents all of them."""
    for key, value in settings.items():
        if key in RETRY_RANGES:
            least, most = RETRY_RANGES[key]
            if not _INTEGER.fullmatch(value) or not least <= int(value) <= most:
                return f"the retry setting {key} must be {least} to {most}"
        elif key in RETRY_WORDS:
            if not set(value.split(",")) <= RETRY_WORDS[key]:
                return f"the retry setting {key} must be of {', '.join(sorted(RETRY_WORDS[key]))}"
        else:
            return f"Plivo documents no retry setting {key}"
    return None
