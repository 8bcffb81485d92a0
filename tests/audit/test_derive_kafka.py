"""The journal of a cluster is derived beside its event topics."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bridge.audit.compare import find_differences
from bridge.audit.derive import (
    DeriveHooks,
    Deriver,
    DeriveResult,
    DeriveScope,
    DeriveState,
    derive_journal_records,
    find_derive_input,
)
from bridge.audit.derived_output import DerivedTopics
from bridge.core.event import ContractNames
from bridge.core.record import Record
from bridge.reader.selection import Query
from bridge.reader.window import Window, build_window
from bridge.replay import CannotWrite, ReplayRun
from tests.support.emulated_call import EmulatedCallback
from tests.support.factories import HANGUP as HANGUP_FORM
from tests.support.factories import parser
from tests.support.kafka import Kafka, read_back, running
from tests.support.stored_calls import (
    KINDS,
    PLACED,
    SCHEMAS,
    TYPES,
    Taken,
    calls,
    journal_of,
    make_some_topics,
    saying,
    store,
    taken,
)

pytest_plugins = ("tests.support.kafka_fixtures",)

HANGUP_STEP = EmulatedCallback("/plivo/voice/call/hangup", dict(HANGUP_FORM))
LATER = PLACED + timedelta(days=2)
RING, ANSWER, HANGUP = (f"plivo.voice.call.{name}.v1" for name in ("ring", "answer", "hangup"))


@dataclass
class Audit:
    """A cluster with a few calls on it, and a deriver of today's."""

    kafka: Kafka
    prefix: str
    taken: list[Taken]
    seen: list[str] = field(default_factory=list)

    @property
    def events(self) -> list[Record]:
        return [one.event.record for one in self.taken if one.event]

    async def store(self, records: Sequence[Record]) -> None:
        await store(self.kafka, records)

    async def judged(
        self, query: Query | None = None, within: Window | None = None
    ) -> list[DeriveResult]:
        """Return every journal record of the query, judged, and note whose event was looked for."""
        scope = DeriveScope(
            journal=journal_of(self.prefix),
            events=[self.prefix + kind.topic for kind in KINDS],
            query=query or Query(source="journal"),
            within=within or Window(),
        )
        deriver = Deriver(parser(TYPES), ContractNames(self.prefix, SCHEMAS))
        watch = DeriveHooks(LATER, on_callback=lambda source, _: self.seen.append(source))
        reading = await find_derive_input(self.kafka.connection, scope)
        found = derive_journal_records(self.kafka.connection, reading, deriver, watch)
        return [judged async for chunk in found for judged in chunk]

    async def states(
        self, query: Query | None = None, within: Window | None = None
    ) -> Counter[DeriveState]:
        return Counter(one.state for one in await self.judged(query, within))


@pytest.fixture
async def audit(kafka: Kafka, prefix: str) -> Audit:
    """Four calls, of three callbacks each; nothing of them is stored yet."""
    await make_some_topics(kafka, prefix)
    return Audit(kafka, prefix, list(calls(4, prefix=prefix)))


def everything(taken: Sequence[Taken]) -> list[Record]:
    return [record for one in taken for record in one.records]


async def test_what_the_bridge_stored_is_unchanged(audit: Audit) -> None:
    await audit.store(everything(audit.taken))
    found = await audit.judged()
    assert {one.state for one in found} == {DeriveState.UNCHANGED}
    sources = {one.source for one in found}
    assert len(sources) == len(found) == 12
    assert sources == set(audit.seen)


async def test_the_order_events_and_callbacks_are_stored_in_does_not_matter(audit: Audit) -> None:
    journal = [one.journal for one in audit.taken]
    await audit.store([*reversed(audit.events), *journal])
    assert await audit.states() == {DeriveState.UNCHANGED: 12}


async def test_each_state_is_found(audit: Audit) -> None:
    first, second, third, *others = audit.taken
    assert first.event is not None
    dead = replace(first, event=None)
    await audit.store(
        [
            saying(first.event.record, {"direction": "sideways"}),
            first.journal,
            second.journal,  # its event is no longer there
            third.journal,
            *third.records,  # the journal has it twice
            *everything(others),
            dead.journal._replace(value=b"{}", headers=()),
        ]
    )
    found = await audit.judged()
    assert Counter(one.state for one in found) == {
        DeriveState.CHANGED: 1,
        DeriveState.EVENT_EXPIRED: 1,
        DeriveState.REPEATED: 1,
        DeriveState.UNCHANGED: 10,
        DeriveState.CANNOT_DERIVE: 1,
    }
    (changed,) = (one for one in found if one.state is DeriveState.CHANGED)
    assert [one.path for one in changed.differences] == ["data.direction"]


async def test_a_retry_is_compared_with_its_own_event(audit: Audit) -> None:
    first = audit.taken[0]
    retry = next(calls(1, placed_at=PLACED, prefix=audit.prefix))
    assert retry.event is not None
    assert first.event is not None
    later_ms = first.journal.timestamp_ms + 60_000
    value = retry.journal.value.replace(b'"2026-03-07T14:13:30Z"', b'"2026-03-07T14:14:30Z"')
    retried = retry.journal._replace(value=value, timestamp_ms=later_ms)
    event = saying(retry.event.record, {"received_at": "2026-03-07T14:14:30Z"})
    await audit.store([*first.records, retried, event._replace(timestamp_ms=later_ms)])
    found = await audit.judged()
    # Its time is the time of arrival where Plivo gives none; a ring's is Plivo's.
    assert [one.state for one in found] == [DeriveState.UNCHANGED, DeriveState.UNCHANGED]


async def test_a_dead_letter_that_was_run_again_is_compared_with_its_event(audit: Audit) -> None:
    dead = taken(HANGUP_STEP, PLACED, prefix=audit.prefix, is_dead=True)
    whole = taken(HANGUP_STEP, PLACED, prefix=audit.prefix)
    assert whole.event is not None
    record = whole.event.record
    headers = (*record.headers, ("redriven_at", b"2026-03-09T00:00:00Z"), ("redriven_from", b"x"))
    again = record._replace(headers=headers, timestamp_ms=record.timestamp_ms + 86_400_000)
    await audit.store([dead.journal])
    assert await audit.states() == {DeriveState.NEW: 1}
    await audit.store([again])
    assert await audit.states() == {DeriveState.UNCHANGED: 1}
    # Its event is stamped long after the window, and found all the same.
    assert await audit.states(within=build_window(None, PLACED + timedelta(hours=1))) == {
        DeriveState.UNCHANGED: 1
    }


async def test_the_options_that_select_choose_the_callbacks_and_their_events(audit: Audit) -> None:
    await audit.store(everything(audit.taken))
    call = audit.events[0].key.decode()
    assert await audit.states(Query("journal", calls=(call,))) == {DeriveState.UNCHANGED: 3}
    assert await audit.states(Query("journal", types=("voice.call.ring",))) == {
        DeriveState.UNCHANGED: 4
    }
    assert await audit.states(Query("journal", accounts=("MA0",))) == {}
    within = build_window(PLACED + timedelta(seconds=60), None)
    assert await audit.states(within=within) == {DeriveState.UNCHANGED: 4}


async def test_callbacks_that_were_chosen_by_offsets_find_their_events(audit: Audit) -> None:
    await audit.store(everything(audit.taken))
    place = (await audit.judged())[5].source
    topic, partition, offset = place.rsplit(":", 2)
    query = Query("journal", offsets=(f"{topic}:{partition}:{offset}-{offset}",))
    (found,) = await audit.judged(query)
    assert (found.source, found.state) == (place, DeriveState.UNCHANGED)


async def test_callbacks_of_two_ranges_of_one_partition_are_derived_and_none_between(
    audit: Audit,
) -> None:
    await audit.store(everything(audit.taken))
    places = [one.source.rsplit(":", 1) for one in await audit.judged()]
    lane = Counter(lane for lane, _ in places).most_common(1)[0][0]
    query = Query("journal", offsets=(f"{lane}:0-0", f"{lane}:2-2"))
    assert {one.source for one in await audit.judged(query)} == {f"{lane}:0", f"{lane}:2"}
    assert await audit.states(query) == {DeriveState.UNCHANGED: 2}


async def test_what_is_neither_callback_nor_event_hides_nothing(audit: Audit) -> None:
    first = audit.taken[0]
    assert first.event is not None
    values = (b"", b"no JSON", b"[]", b'{"id": 1, "data": []}', b'{"received_at": "now"}')
    noise = [record._replace(value=value) for record in first.records for value in values]
    nameless = first.journal._replace(value=b'{"received_at": "now"}', headers=())
    await audit.store([*noise, nameless, *everything(audit.taken)])
    assert await audit.states() == {DeriveState.CANNOT_DERIVE: 6, DeriveState.UNCHANGED: 12}


async def test_an_empty_journal_has_nothing_to_derive(audit: Audit) -> None:
    await audit.store(audit.events)
    assert await audit.judged() == []


async def test_derived_events_are_published_beside_the_live_ones(audit: Audit) -> None:
    await audit.store(everything(audit.taken))
    found = [(one.event, one.source) for one in await audit.judged() if one.event]
    async with running(audit.kafka.publisher()) as publisher:
        target = DerivedTopics(
            audit.kafka.connection, publisher, ReplayRun("cafe", "now"), to_live=False
        )
        await target.write(found)
    names = {audit.prefix + topic + ".derived.cafe" for topic in (RING, ANSWER, HANGUP)}
    assert (set(target.targets), target.written) == (names, 12)
    written = read_back(audit.kafka.address, sorted(names))
    live = {dict(record.headers)["ce_id"]: record for record in audit.events}
    for record in written:
        headers = dict(record.headers)
        assert headers["replay_id"] == b"cafe"
        assert headers["replay_at"] == b"now"
        assert headers["derived"] == b"1"
        assert headers["replay_source"].decode() in audit.seen
        was = live[headers["ce_id"]]
        assert (record.key, record.timestamp_ms) == (was.key, was.timestamp_ms)
        assert find_differences(was.value, record.value) == ()
        assert {name for name, _ in was.headers} < set(headers)
    assert len(written) == 12


async def test_events_that_were_derived_into_the_live_topic_are_not_what_was_published(
    audit: Audit,
) -> None:
    first = audit.taken[0]
    assert first.event is not None
    await audit.store([saying(first.event.record, {"direction": "sideways"}), first.journal])
    (judged,) = await audit.judged()
    assert judged.event is not None
    async with running(audit.kafka.publisher()) as publisher:
        target = DerivedTopics(
            audit.kafka.connection, publisher, ReplayRun("cafe", "now"), to_live=True
        )
        await target.write([(judged.event, judged.source)])
    assert target.targets == [first.event.record.topic]
    assert len(read_back(audit.kafka.address, target.targets)) == 2
    assert await audit.states() == {DeriveState.CHANGED: 1}


async def test_what_cannot_be_published_ends_it(audit: Audit) -> None:
    first = audit.taken[0]
    assert first.event is not None
    event = first.event._replace(record=first.event.record._replace(value=b"x" * 2_000_000))
    async with running(audit.kafka.publisher()) as publisher:
        target = DerivedTopics(
            audit.kafka.connection, publisher, ReplayRun("cafe", "now"), to_live=False
        )
        with pytest.raises(CannotWrite, match="limit"):
            await target.write([(event, "journal:0:0")])
    assert target.written == 0
