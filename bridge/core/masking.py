"""What a message may show of a value that an operator gave.

A secret that was put in the wrong place must not appear in a log or on a terminal. So a value is
shown only where it can hardly be a secret:

1. A path is shown if it exists, if a folder on the way to it exists, or if it consists of plain
   lower-case words. Tokens and passwords are none of these.
2. Of a URL, user and password are never shown.
3. Any other value is shown only if it is shorter than any token, and no part of a URL with a user.
"""

import re
from pathlib import Path
from typing import Final

NOT_SHOWN: Final = "(not shown: it does not look like a path)"
_PATH_CHARACTERS_MAX: Final = 255
_SHORT_CHARACTERS_MAX: Final = 19
_PLAIN_PATH: Final = re.compile(r"(/[a-z]+([._-][a-z]+)*)+/?")
_PLAIN_FILE: Final = re.compile(
    r"(\.{0,2}/)?([a-z]+([._-][a-z]+)*/)*[a-z]+([._-][a-z]+)*\.(crt|db|json|key|pem|toml|txt|xml)"
)
_USER: Final = re.compile(r"//[^/?#\s]*@")


def mask_path(path: Path | str) -> str:
    """Return a path as a message may show it (rule 1)."""
    text = str(path)
    return text if _looks_like_a_path(text) else NOT_SHOWN


def _looks_like_a_path(text: str) -> bool:
    if len(text) > _PATH_CHARACTERS_MAX or not text.isprintable():
        return False
    if _PLAIN_PATH.fullmatch(text) or _PLAIN_FILE.fullmatch(text):
        return True
    path = Path(text)
    places = [place for place in (path, *path.parents) if place.name]  # neither root nor here
    try:
        return any(place.exists() for place in places)
    except OSError:
        return False


def mask_url(url: str) -> str:
    """Return a URL without its user and password (rule 2)."""
    return _USER.sub("//***@", url)


def mask_value(value: object) -> str | None:
    """Return another value as a message may show it; None if it must not (rule 3)."""
    if not isinstance(value, str | int | float):
        return None
    text = str(value)
    return repr(value) if len(text) <= _SHORT_CHARACTERS_MAX and "@" not in text else None
