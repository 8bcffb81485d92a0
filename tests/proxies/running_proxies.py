"""nginx and HAProxy in front of a bridge, as operators set them up: with connections that are kept.

Both forward ``Upgrade``, stream bodies, and send all clients' requests over the same few connections to
the bridge. So a request that the bridge ends elsewhere than its proxy spoils another client's.
"""

import contextlib
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

from tests.support.bridge import eventually, wait_for_port
from tests.support.ports import free_port

TOOLS: Final = Path(__file__).parents[2] / ".cache" / "tools" / "proxies"
PUBLIC: Final = "https://hooks.example.com"

_NGINX: Final = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream bridge {{ server 127.0.0.1:{to}; keepalive 2; }}
  server {{
    listen 127.0.0.1:{port};
    underscores_in_headers on;
    ignore_invalid_headers off;
    location / {{
      proxy_pass http://bridge;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_next_upstream off;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-Host hooks.example.com;
    }}
  }}
}}
"""

_HAPROXY: Final = """
global
  maxconn 256
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option http-keep-alive
  http-reuse always
  retries 0
frontend callbacks
  bind 127.0.0.1:{port}
  option accept-invalid-http-request
  http-request set-header X-Forwarded-Proto https
  http-request set-header X-Forwarded-Host hooks.example.com
  default_backend bridge
backend bridge
  server bridge 127.0.0.1:{to} pool-max-conn 2
"""


@contextlib.contextmanager
def nginx(folder: Path, to: int) -> Generator[int]:
    """Run nginx in front of a port of loopback; yields its own port."""
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder, port=port, to=to))
    with _started([TOOLS / "usr/sbin/nginx", "-p", folder, "-c", file], port):
        yield port


@contextlib.contextmanager
def haproxy(folder: Path, to: int) -> Generator[int]:
    """Run HAProxy in front of a port of loopback; yields its own port."""
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(_HAPROXY.format(port=port, to=to))
    with _started([TOOLS / "usr/sbin/haproxy", "-db", "-f", file], port):
        yield port


@contextlib.contextmanager
def _started(command: list[Path | str], port: int) -> Generator[None]:
    libraries = ":".join(str(one) for one in TOOLS.glob("usr/lib/*-linux-gnu"))
    process = subprocess.Popen(command, env={"LD_LIBRARY_PATH": libraries})
    try:
        wait_for_port(port)
        yield
    finally:
        process.terminate()
        eventually(lambda: process.poll() is not None)


Proxy = Callable[[Path, int], contextlib.AbstractContextManager[int]]
PROXIES: Final[dict[str, Proxy]] = {"nginx": nginx, "haproxy": haproxy}
