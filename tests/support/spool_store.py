"""What tests put into a spool's file, and how they look at it."""

from bridge.spool.codec import EncodedCallback, decode_callback, encode_callback
from bridge.spool.store import SpoolStore
from tests.support.spool import NOON_MS, callback, name_of


def row(name: str, key: bytes = b"call", padding: int = 0, at_ms: int = NOON_MS) -> EncodedCallback:
    return encode_callback(callback(name, key, padding=padding), at_ms)


def add(store: SpoolStore, *names: str, padding: int = 0) -> None:
    with store.transaction():
        store.insert([row(name, padding=padding) for name in names])


def page(store: SpoolStore, after: int = 0, **bounds: int) -> list[str]:
    found = store.read_page(after, **{"callbacks_max": 100, "bytes_max": 10**9, **bounds})  # type: ignore[arg-type]
    return [name_of(decode_callback(one).records[0]) for one in found]
