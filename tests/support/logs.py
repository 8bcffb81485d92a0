"""The logging of the process that runs the tests, whatever a test makes of it."""

import contextlib
import logging
from collections.abc import Generator

import structlog


@contextlib.contextmanager
def logging_restored() -> Generator[None]:
    """Undo what a command run by a test makes of the process's logging: its level, its stream."""
    root, kafka = logging.getLogger(), logging.getLogger("aiokafka")
    handlers, levels = root.handlers[:], (root.level, kafka.level)
    before = structlog.get_config()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        kafka.setLevel(levels[1])
        structlog.configure(
            **before
        )  # not its defaults: some code keeps its logger, and so the list of processors
