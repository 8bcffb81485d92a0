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
    """A file cannot be read or parsed; the text says where and why.

    ``fault`` is why, without the place, and ``line`` the line, if the file could be read.
    """

    def __init__(self, message: str, fault: str = "", line: int | None = None) -> None:
        super().__init__(message)
        self.fault = fault
        self.line = line


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Content of a settings file."""

    path: Path
    text: str
    values: dict[str, Any]

    def find_line(self, keys: Sequence[str | int]) -> int | None:
        """Return the line on which the setting at ``keys`` starts; None if the file lacks it.

        The parser of the standard library reports no positions. So beginnings of the file are parsed:
        the setting starts after the last one that is valid TOML without it. A key that one beginning has
        every longer one has too, so half of the rest is left after each.
        """
        if not _has_setting(self.values, keys):
            return None
        lines = self.text.split("\n")
        begin, end = 0, len(lines)
        while end - begin > 1:
            middle = (begin + end) // 2
            cut = next((one for one in range(middle, end) if _is_whole(lines[:one])), None)
            if cut is None or _has_setting(tomllib.loads("\n".join(lines[:cut])), keys):
                end = middle
            else:
                begin = cut
        return begin + 1


def _is_whole(lines: list[str]) -> bool:
    """Return whether the lines are TOML: they do not end within a statement."""
    try:
        tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return False
    return True


def _has_setting(values: object, keys: Sequence[str | int]) -> bool:
    for key in keys:
        if isinstance(key, int):
            items = cast("list[object]", values) if isinstance(values, list) else []
            if key >= len(items):
                return False
            values = items[key]
        else:
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
    return parse_settings_file(path, text)


def parse_settings_file(path: Path, text: str) -> SettingsFile:
    """Return the settings file of this text; raises BadFile."""
    try:
        return SettingsFile(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        fault, line = _describe_toml_error(error, text)
        message = f"{mask_path(path)}, {fault}"
        raise BadFile(message, fault.partition(": ")[2], line) from error
    except RecursionError as error:
        fault = "it is nested too deeply"
        message = f"{mask_path(path)}: {fault}"
        raise BadFile(message, fault) from error


def _describe_toml_error(error: tomllib.TOMLDecodeError, text: str) -> tuple[str, int]:
    """Return where the file is not TOML, and why; and the line."""
    found = _TOML_ERROR.fullmatch(str(error))
    fault = (found["fault"] if found else str(error)).rstrip(".")
    column = f", column {found['column']}" if found and found["column"] else ""
    last = max(1, len(text.splitlines()))
    line = int(found["line"]) if found and found["line"] else last
    return f"line {line}{column}: not TOML: {fault[:1].lower()}{fault[1:]}", line
