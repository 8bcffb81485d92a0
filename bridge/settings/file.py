"""The settings file: TOML, and on which line of it a setting stands."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bridge.core.masking import mask_path

_TOML_ERROR = re.compile(
    r"(?P<fault>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of .*)\)"
)


class BadFile(Exception):
    """The settings file cannot be read as TOML; the text says where and why."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file as it was read."""

    path: Path
    text: str
    values: dict[str, Any]

    def line_of(self, keys: Sequence[str]) -> int | None:
        """Return the line on which the setting at ``keys`` begins; None if it is not in the file.

        TOML's own parser decides: a statement begins behind the last beginning of the file that is
        TOML and lacks the setting, and ends where it appears.
        """
        lines = self.text.split("\n")
        begin = 0
        for end in range(1, len(lines) + 1):
            try:
                values = tomllib.loads("\n".join(lines[:end]))
            except tomllib.TOMLDecodeError:
                continue  # the end of this beginning is within a statement
            if _has_setting(values, keys):
                return begin + 1
            begin = end
        return None


def _has_setting(values: object, keys: Sequence[str]) -> bool:
    for key in keys:
        table = cast("dict[str, object]", values) if isinstance(values, dict) else {}
        if key not in table:
            return False
        values = table[key]
    return True


def read_settings_file(path: Path) -> SettingsFile:
    """Return the file at ``path``; raises BadFile."""
    shown = mask_path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        message = f"{shown}: no such file"
        raise BadFile(message) from error
    except UnicodeDecodeError as error:
        message = f"{shown}: not UTF-8 text; save it as UTF-8"
        raise BadFile(message) from error
    except (OSError, ValueError) as error:
        message = f"{shown}: {getattr(error, 'strerror', None) or 'cannot be opened'}"
        raise BadFile(message) from error
    try:
        return SettingsFile(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        message = f"{shown}, {_describe_toml_error(error, text)}"
        raise BadFile(message) from error


def _describe_toml_error(error: tomllib.TOMLDecodeError, text: str) -> str:
    """Return in words where the file is no TOML, and why."""
    found = _TOML_ERROR.fullmatch(str(error))
    fault = (found["fault"] if found else str(error)).rstrip(".")
    line = found["line"] if found else None
    column = f", column {found['column']}" if found and found["column"] else ""
    last = max(1, len(text.splitlines()))
    return f"line {line or last}{column}: not TOML: {fault[:1].lower()}{fault[1:]}"
