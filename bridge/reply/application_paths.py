"""Find the application that a path names.

1. ``/applications/NAME`` names the application NAME. An application can have further prefixes, which
   its paths had before the bridge was put in front of it.
2. A prefix ends where a segment ends: ``/voice`` names an application in ``/voice`` and ``/voice/menu``,
   not in ``/voicemail``. Of several prefixes the longest decides. ``/`` names every path.
3. Paths are compared as received. Percent-encoding and ``..`` are not decoded, because the signature
   covers the path as it was called.
4. ``/plivo`` and everything below it names no application, in any spelling that decodes to it. So a
   callback never belongs to both.
5. The rest of the path can be that of a type's own path after ``/plivo``: the callback is then treated
   as on that path, else as on the shared path.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote

from bridge.core.catalogue import SHARED_PATH

APPLICATIONS_PATH: Final = "/applications"
"""The path below which every application has its name."""

APPLICATION_NAME: Final = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
"""The names that an application can have, as a regular expression."""


class ApplicationPath(NamedTuple):
    """An application that a path names, and the rest of the path: empty, or from its slash on."""

    application: str
    rest: str


FindApplication = Callable[[str], ApplicationPath | None]
"""Returns the application that a path names, None if it names none. The path is percent-encoded."""


def is_application_name(text: str) -> bool:
    """Return whether an application can have this name, which is a segment of a path."""
    return re.fullmatch(APPLICATION_NAME, text) is not None


def find_no_application(path: str) -> ApplicationPath | None:  # noqa: ARG001 (a FindApplication)
    """Return None: there are no applications."""
    return None


def names_callbacks(path: str) -> bool:
    """Return whether a path is ``/plivo`` or below it: rule 4."""
    decoded = unquote(path) if "%" in path else path
    return decoded == SHARED_PATH or decoded.startswith(SHARED_PATH + "/")


class ApplicationPaths:
    """The prefixes of all applications. ``prefixes`` has those that each has beside its name."""

    def __init__(self, prefixes: Mapping[str, Sequence[str]]) -> None:
        self._applications = {f"{APPLICATIONS_PATH}/{name}": name for name in prefixes}
        for name, further in prefixes.items():
            self._applications |= {prefix.removesuffix("/"): name for prefix in further}
        # By length, because anyone can send a path of thousands of segments.
        self._lengths = sorted({len(prefix) for prefix in self._applications}, reverse=True)

    def find(self, path: str) -> ApplicationPath | None:
        """Return the application that a path names: rules 1 to 4."""
        if names_callbacks(path):
            return None
        for length in self._lengths:
            if path[length : length + 1] in {"", "/"}:
                application = self._applications.get(path[:length])
                if application is not None:
                    return ApplicationPath(application, path[length:])
        return None
