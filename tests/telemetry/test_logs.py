"""Log lines: events with keys, one format for all loggers, limited repetition."""

import contextlib
import io
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import orjson
import pytest
import structlog

from bridge.core.catalogue import Catalogue
from bridge.core.outcome import Outcome
from bridge.telemetry import logs
from tests.support.intake_harness import Fake, Walk


def configured(log_format: logs.Format = "json", level: logs.Level = "info") -> io.StringIO:
    out = io.StringIO()
    logs.configure(log_format, level, out)
    return out


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in out.getvalue().split("\n") if line]


def test_a_line_is_one_json_object_with_event_level_and_utc_time() -> None:
    out = configured()
    structlog.get_logger().info("callback_published", callback_type="voice.call.ring", size=3)
    (line,) = lines(out)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "event": "callback_published",
        "level": "info",
        "callback_type": "voice.call.ring",
        "size": 3,
    }


def test_a_line_break_in_a_value_does_not_make_a_second_line() -> None:
    out = configured()
    structlog.get_logger().info("odd", value="one\ntwo\r\u2028three\x00")
    assert out.getvalue().count("\n") == 1
    assert lines(out)[0]["value"] == "one\ntwo\r\u2028three\x00"


def test_a_value_json_does_not_know_is_written_as_text() -> None:
    out = configured()
    structlog.get_logger().info("odd", value={1}, error=ValueError)
    assert lines(out)[0]["value"] == "{1}"


def test_the_console_format_is_for_a_person_and_has_no_colours_in_a_file() -> None:
    out = configured("console")
    structlog.get_logger().warning("kafka_unavailable", cause="away")
    assert "kafka_unavailable" in out.getvalue()
    assert "cause=away" in out.getvalue()
    assert "\x1b[" not in out.getvalue()


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
@pytest.mark.parametrize("of_a_library", [True, False])
def test_the_level_is_a_threshold_for_our_lines_and_the_libraries(
    level: logs.Level, shown: list[str], *, of_a_library: bool
) -> None:
    out = configured(level=level)
    logger = logging.getLogger("some.package") if of_a_library else structlog.get_logger()
    for name in ("debug", "info", "warning", "error"):
        getattr(logger, name)(f"a {name}")
    # A library's DEBUG may hold anything, bodies included: it is never shown.
    expected = [one for one in shown if not (of_a_library and one == "debug")]
    assert [line["level"] for line in lines(out)] == expected


def test_a_changed_level_applies_to_a_logger_that_was_bound_before() -> None:
    out = configured(level="info")
    bound = structlog.get_logger().bind()
    for level in ("warning", "debug"):
        logs.set_level(level)
        bound.debug(f"debug at {level}")
        bound.warning(f"warning at {level}")
    assert [line["event"] for line in lines(out)] == [
        "warning at warning",
        "debug at debug",
        "warning at debug",
    ]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_the_time_of_a_line_is_utc_with_microseconds(log_format: logs.Format) -> None:
    out = configured(log_format)
    before = datetime.now(UTC)  # noqa: TID251 (the log has a clock of its own)
    structlog.get_logger().info("odd")
    found = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", out.getvalue())
    assert found is not None
    after = datetime.now(UTC)  # noqa: TID251 (the same)
    assert before <= datetime.fromisoformat(found[0]) <= after


def test_a_delete_character_is_written_as_an_escape() -> None:
    out = configured()
    structlog.get_logger().info("odd", value="a\x7fb")
    assert "\x7f" not in out.getvalue()
    assert lines(out)[0]["value"] == "a\x7fb"


def test_a_librarys_message_is_a_line_like_ours() -> None:
    out = configured()
    logging.getLogger("some.package").warning("lost %s of %d", "one", 2)
    (line,) = lines(out)
    assert line["event"] == "library_logged"
    assert (line["logger"], line["message"]) == ("some.package", "lost one of 2")


@pytest.mark.parametrize("level", ["debug", "info"])
def test_uvicorn_is_heard_only_when_something_is_wrong(level: logs.Level) -> None:
    out = configured(level=level)
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.error").warning("ASGI callable returned without completing")
    (line,) = lines(out)
    assert line["level"] == "warning"


def test_of_a_librarys_exception_the_class_is_logged_and_not_the_text() -> None:
    out = configured()
    try:
        int("+14155550123x")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    assert lines(out)[0]["error"] == "ValueError"
    assert "14155550123" not in out.getvalue()


def test_aiokafka_never_speaks_below_warning() -> None:
    # At DEBUG it writes whole records: keys, values, numbers.
    out = configured(level="debug")
    for name in ("aiokafka", "aiokafka.producer.producer", "aiokafka.conn", "aiokafka.consumer"):
        for level in (logging.DEBUG, logging.INFO):
            logging.getLogger(name).log(level, "a record: %r", b"From=14155550123")
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    assert out.getvalue() == ""
    logging.getLogger("aiokafka.conn").warning("no route")
    assert lines(out)[0]["message"] == "no route"


def test_a_repeated_library_message_is_written_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("bridge.telemetry.logs.time.monotonic", lambda: now[0])
    out = configured()
    for seconds in (0, 1, 5, 9.9, 0.2, 1):
        now[0] += seconds
        logging.getLogger("aiokafka.conn").warning("unable to connect to %s", seconds)
    messages = [line["message"] for line in lines(out)]
    assert messages == ["unable to connect to 0", "unable to connect to 9.9"]


def test_another_message_or_another_logger_is_not_held_back() -> None:
    out = configured()
    for logger in ("a", "b"):
        for message in ("one", "two", "one"):
            logging.getLogger(logger).warning(message)
    assert len(lines(out)) == 4


def test_our_own_lines_are_never_held_back() -> None:
    out = configured()
    for _ in range(3):
        structlog.get_logger().warning("callback_rejected")
    assert len(lines(out)) == 3


def test_messages_that_are_all_different_do_not_grow_the_memory_for_ever() -> None:
    configured()
    (handler,) = logging.getLogger().handlers
    (once,) = handler.filters
    for number in range(20_000):
        once.filter(logging.makeLogRecord({"name": "asyncio", "msg": f"task {number}"}))  # type: ignore[union-attr]
    assert len(once._last) < 20_000  # type: ignore[union-attr]


def test_a_librarys_broken_log_call_does_not_break_the_library() -> None:
    configured()
    logging.getLogger("some.package").warning("lost %s of %d", *["one"])


def test_a_level_of_a_librarys_own_is_no_error() -> None:
    configured()
    logging.getLogger("some.package").log(25, "notice")


@pytest.fixture
def full_disk() -> Iterator[TextIO]:
    out = Path("/dev/full").open("w")  # noqa: SIM115 (its closing fails as well)
    yield out
    with contextlib.suppress(OSError):
        out.close()


@pytest.mark.parametrize("closed", [False, True])
def test_a_line_that_cannot_be_written_is_lost_and_nothing_else(
    full_disk: TextIO, *, closed: bool
) -> None:
    if closed:
        with contextlib.suppress(OSError):
            full_disk.close()
    logs.configure("json", "info", full_disk)
    structlog.get_logger().error("spool_full")
    logging.getLogger("some.package").warning("no route")
    with pytest.raises((OSError, ValueError)):
        print("a line", file=full_disk, flush=True)


async def test_a_callback_is_published_where_no_line_about_it_can_be_written(
    types: Catalogue, full_disk: TextIO
) -> None:
    logs.configure("json", "debug", full_disk)
    taken = await Walk(types, Fake()).take()
    assert taken.outcome is Outcome.PUBLISHED


def test_where_names_place_and_function_and_not_the_text() -> None:
    def stumble() -> None:
        message = "+14155550123"
        raise ValueError(message)

    with pytest.raises(ValueError, match="5550123") as caught:
        stumble()
    place = logs.error_location(caught.value)
    assert place.startswith("telemetry/test_logs.py:")
    assert place.endswith(" stumble")
    assert logs.error_location(ValueError()) == "unknown"
