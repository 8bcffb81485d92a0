"""What tests put into a spool's file, and how they look at it."""

from bridge.spool.codec import EncodedRecord, encode
from bridge.spool.store import SpoolStore
from tests.support.spool import NOON_MS, callback, name_of


def rows(name: str, key: bytes = b"call", padding: int = 0) -> list[EncodedRecord]:
    return [encode(one) for one in callback(name, key, padding=padding)]


def add(store: SpoolStore, *names: str, padding: int = 0) -> None:
    with store.transaction():
        for name in names:
            store.insert(rows(name, padding=padding), spooled_at_ms=NOON_MS)


def page(store: SpoolStore, after: int = 0, **bounds: int) -> list[str]:
    found = store.read_page(after, **{"callbacks_max": 100, "bytes_max": 10**9, **bounds})  # type: ignore[arg-type]
    return [name_of(one.records[0]) for one in found]
