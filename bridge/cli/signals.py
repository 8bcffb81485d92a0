"""Stop a process gracefully on SIGTERM, SIGINT, SIGQUIT and SIGHUP.

Without a handler, SIGQUIT (a key of the terminal) and SIGHUP (a terminal that closes) would end the
bridge before its flush to Kafka and lose the callbacks in flight. SIGHUP does not reload anything: the
accounts file is watched anyway. Under ``nohup``, which ignores SIGHUP, it stays ignored.
"""

import asyncio
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bridge.ingress.server import StopRequest

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def stop_on_signals(stop: "StopRequest") -> None:
    """Request a graceful stop on each signal. A second signal skips the shutdown delay."""
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue
        loop.add_signal_handler(number, stop.request)
