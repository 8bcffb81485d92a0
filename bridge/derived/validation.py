"""Validate events and journal records from a file or a pipe against their schemas."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import orjson

from bridge.derived.registry import DeclaredSchema

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

# The end of a `dataschema`, whatever base an operator configured.
_PATH: Final = re.compile(r"[a-z][a-z0-9_.]*/\d+\.\d+\.json$")
_FAULT_CHARACTERS_MAX: Final = 300
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class ValidatorNotInstalled(Exception):
    """The library that validates is missing; the text says what to install."""


@dataclass(frozen=True, slots=True)
class UnparsedLine:
    """A line that is not JSON. ``fault`` says why."""

    fault: str


@dataclass(frozen=True, slots=True)
class ValidationFailure:
    """One violation of a schema.

    ``line`` is the line where the event's JSON begins, ``at`` the path of the value inside it.
    """

    line: int
    schema: str | None
    id: str | None
    at: str
    fault: str


def read_values(stream: IO[bytes]) -> Iterator[tuple[int, object]]:
    """Yield each value of JSON lines, or of one JSON document, with the line where it begins.

    Each line is yielded as soon as it is read, so the stream may be endless. If the first line is not
    JSON by itself, the stream is one document over several lines.
    """
    for number, line in enumerate(stream, 1):
        text = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
        if not text.strip():
            continue
        try:
            yield from _split_array(number, orjson.loads(text))
        except orjson.JSONDecodeError:
            yield from _read_document(number, text + stream.read())
            return
        break
    else:
        return
    yield from _read_lines(number + 1, stream)


def _read_document(number: int, text: bytes) -> Iterator[tuple[int, object]]:
    """Yield the values of one document. If it is not JSON but its second line is, yield its lines."""
    try:
        yield from _split_array(number, orjson.loads(text))
    except orjson.JSONDecodeError as error:
        lines = text.splitlines()
        found = list(_read_lines(number + 1, lines[1:2]))
        if found and not isinstance(found[0][1], UnparsedLine):
            yield from _read_lines(number, lines)
        else:
            yield number, UnparsedLine(f"not JSON: {error.msg} (line {number - 1 + error.lineno})")


def _read_lines(first: int, lines: Any) -> Iterator[tuple[int, object]]:  # noqa: ANN401 (a file or a list)
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield number, UnparsedLine(f"not JSON: {error.msg}")


def _split_array(number: int, value: object) -> Iterator[tuple[int, object]]:
    if isinstance(value, list):
        for one in cast("list[object]", value):
            yield number, one
    else:
        yield number, value


class SchemaValidator:
    """Validates values against the declared schemas, and against older ones in ``folder``."""

    def __init__(self, schemas: Iterable[DeclaredSchema], folder: Path | None) -> None:
        if find_spec("jsonschema") is None:  # an extra: missing if only `serve` is installed
            message = (
                "jsonschema is not installed: run pip install '.[dev]' in a checkout of the project"
            )
            raise ValidatorNotInstalled(message)
        self._declared = {one.path: one for one in schemas}
        self._folder = folder
        self._paths_by_type = {
            one.event_type: path for path, one in self._declared.items() if one.event_type
        }
        self._paths_by_member = {
            one.member: path for path, one in self._declared.items() if one.member
        }
        self._validators: dict[str, Draft202012Validator] = {}

    def validate(self, line: int, value: object) -> Iterator[ValidationFailure]:
        """Yield the violations of one value; none if it fits its schema."""
        if isinstance(value, UnparsedLine):
            yield ValidationFailure(line, None, None, "", value.fault)
            return
        if not isinstance(value, dict):
            yield ValidationFailure(line, None, None, "", "neither an event nor a journal record")
            return
        record = cast("dict[str, Any]", value)
        identity = str(record["id"]) if "id" in record else None
        path = self._find_path(record)
        if path is None:
            named = record.get("dataschema") or record.get("type")
            fault = (
                f"no schema is known for {named}" if named else "it has neither dataschema nor type"
            )
            yield ValidationFailure(line, None, identity, "", fault)
            return
        for error in sorted(self._errors(path, record), key=_error_path):
            yield ValidationFailure(line, path, identity, _error_path(error), _error_text(error))

    def _find_path(self, record: dict[str, Any]) -> str | None:
        """Return the path of the schema in `dataschema`, else of the declared schema of `type`."""
        if "specversion" not in record:
            for member, path in self._paths_by_member.items():
                if member in record:
                    return path
        found = _PATH.search(str(record.get("dataschema", "")))
        if found is not None and (found[0] in self._declared or self._older(found[0])):
            return found[0]
        return self._paths_by_type.get(str(record.get("type")))

    def _older(self, path: str) -> Path | None:
        """Return the file of a committed schema; None if it does not exist."""
        file = self._folder / path if self._folder else None
        return file if file and file.is_file() else None

    def _errors(self, path: str, record: Any) -> "Iterator[ValidationError]":  # noqa: ANN401 (JSON)
        validator = self._validator(path)
        return validator.iter_errors(record)  # pyright: ignore[reportUnknownMemberType] (its stub)

    def _validator(self, path: str) -> "Draft202012Validator":
        if path not in self._validators:
            from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415 (an extra)

            formats = FormatChecker(formats=())
            formats.checks("date-time", raises=ValueError)(_date_time)
            formats.checks("uri", raises=ValueError)(_uri)
            older = self._older(path)
            if path in self._declared or older is None:
                schema = self._declared[path].schema
            else:
                schema = json.loads(older.read_text())
            self._validators[path] = Draft202012Validator(schema, format_checker=formats)
        return self._validators[path]


def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


def _error_path(error: "ValidationError") -> str:
    return ".".join(map(str, error.absolute_path))


def _error_text(error: "ValidationError") -> str:
    """Return the error's text. For alternatives it is the texts of all of them."""
    if error.context:
        reasons = dict.fromkeys(_error_text(inner) for inner in error.context)
        text = " and ".join(reasons)
    else:
        text = error.message
    return text if len(text) <= _FAULT_CHARACTERS_MAX else text[:_FAULT_CHARACTERS_MAX] + "…"
