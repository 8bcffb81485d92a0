"""Log events with keys: one JSON line each, or coloured text for a terminal.

A line never contains a phone number, a body or a token. It names a callback by the id of its event.
"""

import contextlib
import hashlib
import logging
import secrets
import sys
import time
import traceback
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import orjson
import structlog

from bridge.telemetry.escapes import escape_unsafe, escape_unsafe_json
from bridge.telemetry.log_writer import LineQueue

_Line = MutableMapping[str, Any]

Format = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]

_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}

# While a broker is away, aiokafka logs the same warning many times a second.
_REPEAT_S = 10.0
_REMEMBERED_MAX = 1000
# Some libraries format content into the message itself, so its length is not bounded.
_MESSAGE_CHARACTERS_MAX = 256


class _RepeatFilter(logging.Filter):
    """Passes each message of a logger once in _REPEAT_S, whatever its arguments."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = (record.name, str(record.msg)[:_MESSAGE_CHARACTERS_MAX])
        now = time.monotonic()
        if now - self._last.get(key, -_REPEAT_S) < _REPEAT_S:
            return False
        if len(self._last) >= _REMEMBERED_MAX:
            self._last.clear()  # simpler than to find the oldest, and a repeated line is no harm
        self._last[key] = now
        return True


class _StructlogHandler(logging.Handler):
    """Passes records of standard ``logging`` to structlog, so that all lines have one format."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # the arguments do not fit the library's own format
            message = str(record.msg)
        keys: dict[str, object] = {"logger": record.name, "message": message}
        if record.exc_info and record.exc_info[0] is not None:
            keys["error"] = record.exc_info[0].__name__
        level = max(logging.DEBUG, min(record.levelno // 10 * 10, logging.CRITICAL))
        log.log(level, "library_logged", **keys)


class _StreamLogger:
    """Writes each line synchronously: for commands and tests."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def msg(self, line: str) -> None:
        """Write a line; a failure is ignored."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: the file is closed
            self._out.write(line + "\n")
            self._out.flush()

    debug = info = warning = error = critical = msg


class _QueueLogger:
    """Puts lines into a queue without waiting; warnings and errors are written without delay."""

    def __init__(self, queue: LineQueue) -> None:
        self.debug = self.info = queue.put
        self.warning = self.error = self.critical = partial(queue.put, at_once=True)


def error_location(error: BaseException) -> str:
    """Return where an error was raised, as ``file:line function``.

    Log this instead of the error's text: the text may quote the content of a callback.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    last = frames[-1]
    return f"{'/'.join(Path(last.filename).parts[-2:])}:{last.lineno} {last.name}"


def describe_fault(error: BaseException) -> dict[str, str]:
    """Return the keys that a log line has of an error: its class, and where it was raised."""
    return {"error": type(error).__name__, "where": error_location(error)}


class CallTokens:
    """Makes tokens that stand for calls in log lines: lines can be joined, but no call can be looked up.

    Processes that share ``key`` use the same tokens; without it each process makes a key of its own.
    """

    def __init__(self, key: str | None) -> None:
        secret = key.encode()[:64] if key else secrets.token_bytes(32)
        self._keyed = hashlib.blake2b(digest_size=8, key=secret)

    def token(self, record_key: bytes) -> str:
        """Return 16 hexadecimal digits that stand for a record key: the id of a call leg or message."""
        digest = self._keyed.copy()
        digest.update(record_key)
        return digest.hexdigest()


class _Threshold:
    """Drops lines below a level, also those of loggers that were bound before the level changed.

    The class of a bound logger, with which structlog filters, is the one of the time when it was bound.
    """

    def __init__(self) -> None:
        self.level = logging.INFO

    def __call__(self, _: object, level: str, line: _Line) -> _Line:
        if _LEVELS[level] < self.level:
            raise structlog.DropEvent
        return line


_threshold: Final = _Threshold()


def _stamp(_: object, level: str, line: _Line) -> _Line:
    """Add level and time: one function, because every callback has a line."""
    line["level"] = level
    line["timestamp"] = datetime.now(UTC)  # noqa: TID251 (the log's clock)
    return line


def _render_json(_: object, __: str, line: _Line) -> str:
    text = orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z).decode()
    # JSON itself escapes every other control character, so the usual line needs no look at each one.
    return text if text.isascii() and "\x7f" not in text else escape_unsafe_json(text)


def _escape(_: object, __: str, line: _Line) -> _Line:
    """Write the time as text, and escape what a terminal would interpret."""
    line["timestamp"] = line["timestamp"].isoformat().replace("+00:00", "Z")
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = escape_unsafe(value)
    return line


def silence_library_loggers() -> None:
    """Drop the log of libraries: a command prints its one line of error itself."""
    logging.getLogger().handlers[:] = [logging.NullHandler()]


def set_level(level: Level | Literal["critical"]) -> None:
    """Change the log level of the process."""
    _threshold.level = _LEVELS[level]
    logging.getLogger().setLevel(max(_LEVELS[level], logging.INFO))


def is_logged(level: str) -> bool:
    """Return whether lines of a level are logged now."""
    return _LEVELS[level] >= _threshold.level


def configure(
    log_format: Format, level: Level | Literal["critical"], stream: TextIO | None = None
) -> None:
    """Send every log line of the process to ``stream`` (standard error) in ``log_format``.

    ``critical`` is for commands whose own messages say what a library would log as an error.
    """
    out = stream or sys.stderr
    _configure(
        _processors(log_format, colours=_colours(log_format, out)), _StreamLogger(out), level
    )


def configure_queued(log_format: Format, level: Level) -> LineQueue:
    """Send every log line of the process to standard error through a queue, without waiting.

    The caller closes the queue at the end of the process.
    """
    # None if standard error was closed before the process started: descriptor 2 may be a socket by now.
    out: TextIO | None = sys.stderr
    processors = _processors(log_format, colours=_colours(log_format, out))

    def lost_line(count: int) -> str:
        line: Any = {"event": "log_lines_lost", "lines": count}
        for process in processors:
            line = process(None, "warning", line)
        return str(line)

    if out is not None:
        with contextlib.suppress(OSError):
            out.flush()
    queue = LineQueue(None if out is None else out.fileno(), lost_line=lost_line)
    _configure(processors, _QueueLogger(queue), level)
    return queue


def _colours(log_format: Format, out: TextIO | None) -> bool:
    return log_format == "console" and out is not None and out.isatty()


def _processors(log_format: Format, *, colours: bool) -> list[Callable[..., Any]]:
    if log_format == "json":
        return [_stamp, _render_json]
    return [_stamp, _escape, structlog.dev.ConsoleRenderer(colors=colours)]


def _configure(
    processors: list[Callable[..., Any]],
    lines: _StreamLogger | _QueueLogger,
    level: Level | Literal["critical"],
) -> None:
    structlog.configure(
        processors=[_threshold, *processors],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=lambda *_: lines,
    )
    forward = _StructlogHandler()
    root = logging.getLogger()
    root.handlers[:] = [forward]
    set_level(level)
    # uvicorn logs start and end at INFO, as we do. aiokafka logs record keys and values at DEBUG.
    for library in ("aiokafka", "uvicorn"):
        logging.getLogger(library).setLevel(logging.WARNING)
    forward.addFilter(_RepeatFilter())
