"""Ports for processes that tests start: no other test, and no outgoing connection, has them.

A port of the kernel's choosing is free only until the kernel gives it to somebody else, which on a
busy machine happens before the process listens. So:

1. Ports lie below the range from which the kernel chooses, unless that begins too low.
2. A port is reserved by a name in the kernel's own namespace, for as long as the test process lives,
   so that suites that run at the same time do not choose the same.
"""

import random
import socket
from pathlib import Path
from typing import Final

_LOWEST: Final = 10_240
_ENOUGH: Final = 12_288
_END: Final = 65_536
_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_RESERVATIONS: Final[list[socket.socket]] = []


def free_port() -> int:
    """Return a loopback port that nobody listens on, and that no other test will be given."""
    ports = list(range(_LOWEST, kernels_lowest() if kernels_lowest() > _ENOUGH else _END))
    random.shuffle(ports)
    return next(port for port in ports if _reserve(port) and _listenable(port))


def kernels_lowest() -> int:
    """Return the lowest port that the kernel chooses by itself."""
    return int(_RANGE.read_text().split()[0])


def _reserve(port: int) -> bool:
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        reservation.bind(f"\0callback-bridge-tests-port-{port}")
    except OSError:
        reservation.close()
        return False
    _RESERVATIONS.append(reservation)
    return True


def _listenable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the bridge does
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
