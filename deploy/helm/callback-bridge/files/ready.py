"""Exit with 0 if every pod of the bridge is ready, and its Services reach it.

``ready.py CALLBACKS PORT MANAGEMENT PODS``: the Service for callbacks with its port, the one for
management, and the one that resolves to the address of every pod, ready or not. Run by `helm test`.
"""
# ruff: noqa: INP001 (in no package: the chart hands it to Python as a text)

import http.client
import socket
import sys

MANAGEMENT_PORT = 9090
PATIENCE_S = 10


def answer(method: str, host: str, port: int, path: str) -> int | str:
    """Return the status, or what went wrong. Asks no proxy, as urllib would."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except OSError as error:
        return str(error)
    finally:
        connection.close()


def main(
    callbacks: str, port: str, management: str, pods: str, *, at: int = MANAGEMENT_PORT
) -> int:
    """Ask all of them, say what each answers, and return the exit code."""
    found = socket.getaddrinfo(pods, at, type=socket.SOCK_STREAM)
    addresses = sorted({str(one[4][0]) for one in found})
    asked = [("GET", host, at, "/readyz", 200) for host in (management, *addresses)]
    # A HEAD is not a callback, so nothing is published. Only the bridge answers that it is not allowed.
    asked.append(("HEAD", callbacks, int(port), "/plivo", 405))
    wrong = 0
    for method, host, where, path, expected in asked:
        answered = answer(method, host, where, path)
        wrong += answered != expected
        sys.stdout.write(f"{method} {host}:{where}{path}: {answered}, expected {expected}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
