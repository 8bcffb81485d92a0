"""A receiver of callbacks on a loopback port, for tests of an emulator that sends over HTTP."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class HttpReceiver:
    """Where it listens, and the paths and bodies that came. ``documents`` are by path."""

    url: str
    documents: Mapping[str, str]
    status: int = 200
    called: list[str] = field(default_factory=list[str])
    bodies: list[str] = field(default_factory=list[str])


@contextmanager
def receive(
    documents: Mapping[str, str] | None = None, status: int = 200
) -> Iterator[HttpReceiver]:
    """Run a receiver: a document for each path that has one, an empty answer for any other."""
    receiver = HttpReceiver("", documents or {}, status)

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers.get("content-length", 0)))
            receiver.bodies.append(form.decode())
            receiver.called.append(self.path)
            body = receiver.documents.get(self.path, "").encode()
            self.send_response(receiver.status)
            self.send_header("content-type", "application/xml")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
