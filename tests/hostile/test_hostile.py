"""A short form of `make hostile`: genuine callbacks beside each kind are answered 200, and stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.__main__ import BEGIN, END, PAGE, markdown
from tests.hostile.attacks import ATTACKS, Attack
from tests.hostile.run import Row, run
from tests.support.embedded_node import EmbeddedNode

SECONDS = 3.0


@pytest.fixture(scope="module")
def node() -> Iterator[EmbeddedNode]:
    node = EmbeddedNode()
    yield node
    node.kill()


@pytest.mark.kafka
@pytest.mark.chaos
@pytest.mark.parametrize("attack", [None, *ATTACKS], ids=lambda one: one.name if one else "nothing")
async def test_genuine_callbacks_are_answered_200_beside(
    attack: Attack | None, node: EmbeddedNode, tmp_path: Path
) -> None:
    await node.start()
    row = await run(attack, seconds=SECONDS, node=node, folder=tmp_path)
    assert row.is_running
    assert set(row.statuses) == {"200"}, row
    assert row.lost == 0
    assert attack is None or row.hostile["connections"] > 0


def test_a_row_of_the_table_has_what_was_sent_and_what_was_seen() -> None:
    row = Row(
        name="x",
        what="something",
        seconds=10.0,
        hostile={"connections": 1_200, "bytes": 2_500_000},
        statuses={"200": 198, "429": 2},
        p50_ms=3.4,
        p99_ms=120.6,
        max_ms=200.0,
        cpu_share=0.456,
        memory_before_mib=74.2,
        memory_max_mib=99.9,
        lost=1,
        is_running=True,
    )
    assert markdown([row]).splitlines()[-1] == (
        "| something | 1,200 connections, 2.5 MB | 200: 198, 429: 2; 1 lost | 3 / 121 | 46 "
        "| 74 / 100 |"
    )
    assert not row.is_sound


def test_the_page_has_a_place_for_the_table() -> None:
    text = PAGE.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert text.index(BEGIN) < text.index(END)


def test_every_kind_has_a_name_of_its_own() -> None:
    assert len({one.name for one in ATTACKS}) == len(ATTACKS)
