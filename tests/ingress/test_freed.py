"""An answered request is freed at once: nothing of it waits for a collection of garbage.

Collections are rare in a running bridge. Requests that wait for one occupy megabytes, and new ones find
no memory that is still in the processor's cache.
"""

import gc
from collections.abc import Callable, Iterator

import httpx
import pytest

from bridge.ingress.exchange import Exchange
from bridge.ingress.framing import BodyDecoder
from tests.support.bridge import Running, eventually
from tests.support.plivo import FORM, PATHS, RING, Plivo, encoded, sample


def post_in_chunks(plivo: Plivo) -> httpx.Response:
    body = encoded(sample(RING))
    headers = plivo.headers("POST", PATHS[RING], body) | {"content-type": FORM}
    pieces = iter([body[:20].encode(), body[20:].encode()])
    return plivo.client.post(plivo.url + PATHS[RING], content=pieces, headers=headers)


REQUESTS: dict[str, tuple[int, Callable[[Plivo], httpx.Response]]] = {
    "published": (200, lambda plivo: plivo.post(PATHS[RING], sample(RING))),
    "in chunks": (200, post_in_chunks),
    "rejected": (403, lambda plivo: plivo.client.post(plivo.url + PATHS[RING], data={"a": "1"})),
    "too large": (413, lambda plivo: plivo.post(PATHS[RING], "a=" + "1" * 1_100_000)),
    "unknown path": (404, lambda plivo: plivo.client.get(plivo.url + "/unknown")),
    "malformed": (400, lambda plivo: plivo.client.get(plivo.url + "/", headers={"host": "/"})),
}


@pytest.fixture
def without_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive() -> list[str]:
    """Return what is left of requests, by class."""
    kinds = {Exchange, BodyDecoder}
    return [type(one).__name__ for one in gc.get_objects() if type(one) in kinds]


@pytest.mark.usefixtures("without_collections")
@pytest.mark.parametrize("name", REQUESTS)
def test_nothing_of_an_answered_request_is_left(bridge: Running, plivo: Plivo, name: str) -> None:
    status, send = REQUESTS[name]
    assert send(plivo).status_code == status
    eventually(lambda: not alive())
