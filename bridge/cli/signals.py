"""The signals that end a process in order: SIGTERM, SIGINT, SIGQUIT and SIGHUP, all four alike.

None of them may end a bridge without its flush to Kafka: a slip of the finger (SIGQUIT is a key of the
terminal) or a terminal that closes (SIGHUP) would cost the callbacks under way. SIGHUP has nothing to
reload: the accounts file is looked at all the time. Under ``nohup``, which has SIGHUP ignored, it stays
ignored.
"""

import asyncio
import signal
from typing import Final

from bridge.ingress.server import StopRequest

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def stop_on_signals(stop: StopRequest) -> None:
    """Have each of the signals ask for an orderly end; a second one cuts the delay short."""
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue
        loop.add_signal_handler(number, stop.request)
