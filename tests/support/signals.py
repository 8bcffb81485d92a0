"""Signals as a process of a test finds them, whatever the suite itself has inherited.

A shell without job control starts ``make test &`` with SIGINT ignored, ``nohup`` ignores SIGHUP, and
a supervisor may block signals. A new process inherits all of that, so ``tail`` would not end at
Ctrl-C. It does not inherit handlers: the kernel sets a signal that has one back to its default.
"""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Final

# Not SIGPIPE and SIGXFSZ: Python ignores those by itself, and restores them for a new process.
_RESTORED: Final = frozenset(
    {signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}
)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the suite goes on ignoring the signal, and its processes do not."""


@contextlib.contextmanager
def default_in_new_processes() -> Iterator[None]:
    """Start new processes with the usual signals neither ignored nor blocked."""
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, _RESTORED)
    ignored = [one for one in _RESTORED if signal.getsignal(one) is signal.SIG_IGN]
    for one in ignored:
        signal.signal(one, _ignore)
    try:
        yield
    finally:
        for one in ignored:
            signal.signal(one, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
