"""Read the settings file (TOML), and find the line of a setting in it."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bridge.telemetry.masking import mask_path

_TOML_ERROR = re.compile(
    r"(?P<fault>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of .*)\)"
)


class BadFile(Exception):
    """A file cannot be read or parsed; the text says where and why."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Content of a settings file."""

    path: Path
    text: str
    values: dict[str, Any]

    def find_line(self, keys: Sequence[str]) -> int | None:
        """Return the line on which the setting at ``keys`` starts; None if the file lacks it.

        The parser of the standard library reports no positions. So ever longer beginnings of the file
        are parsed: the setting starts after the last one that is valid TOML without it.
        """
        lines = self.text.split("\n")
        begin = 0
        for end in range(1, len(lines) + 1):
            try:
                values = tomllib.loads("\n".join(lines[:end]))
            except tomllib.TOMLDecodeError:
                continue  # this beginning ends within a statement
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
    """Read the file at ``path``; raises BadFile."""
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
    """Return where the file is not TOML, and why."""
    found = _TOML_ERROR.fullmatch(str(error))
    fault = (found["fault"] if found else str(error)).rstrip(".")
    line = found["line"] if found else None
    column = f", column {found['column']}" if found and found["column"] else ""
    last = max(1, len(text.splitlines()))
    return f"line {line or last}{column}: not TOML: {fault[:1].lower()}{fault[1:]}"
