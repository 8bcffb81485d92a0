"""How the tests read a spool back: completely, or they would report losses that did not happen."""

from pathlib import Path

import pytest

from bridge.spool.store import SpoolStore
from tests.support import spool as spool_support
from tests.support.spool import held_names, name_of, names_in, opened
from tests.support.spool_store import add

MANY = [str(number) for number in range(10_001)]


async def test_a_spool_of_more_than_ten_thousand_callbacks_is_read_back_completely(
    path: Path,
) -> None:
    store = SpoolStore(path)
    add(store, *MANY)
    store.close()
    assert names_in(path) == MANY
    async with opened(path.parent, records_max=10**6) as spool:
        assert await held_names(spool) == MANY


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5])
async def test_pages_are_put_together_whether_or_not_the_last_one_is_full(
    path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(spool_support, "PAGE_CALLBACKS_MAX", 2)
    store = SpoolStore(path)
    add(store, *MANY[:count])
    store.close()
    assert names_in(path) == MANY[:count]
    async with opened(path.parent) as spool:
        found = await spool_support.everything(spool)
    assert [name_of(one.records[0]) for one in found] == MANY[:count]


async def test_a_file_is_read_back_with_its_parked_callbacks_and_a_spool_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_support, "PAGE_CALLBACKS_MAX", 1)
    async with opened(tmp_path) as spool:
        for name in "abc":
            await spool.append(spool_support.callback(name))
        await spool.park((await spool_support.everything(spool))[1], 3)
        assert await held_names(spool) == ["a", "c"]
        path = spool.path
    assert path is not None
    assert names_in(path) == ["a", "b", "c"]
