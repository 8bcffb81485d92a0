"""Preparation: the callbacks of one turn of the event loop pass each station together."""

import asyncio
from typing import Any

import pytest

from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
from bridge.core.outcome import Outcome
from bridge.core.parameters import TooManyParameters, parse_parameters
from bridge.core.parse import Callback, Parser
from bridge.core.request import RawCallback
from bridge.core.verify import Unverified, Verified, Verifier
from tests.support.intake_harness import RING, Fake, Walk

RINGS = [RING.replace("CallUUID=1", f"CallUUID={number}") for number in range(1, 4)]


class Steps:
    """Writes down which station takes which call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[tuple[str, str]] = []
        verify, parse = Verifier.verify, Parser.parse

        def spy_verify(verifier: Verifier, raw: RawCallback, *rest: Any, **named: Any) -> Any:
            self._note("verify", raw)
            return verify(verifier, raw, *rest, **named)

        def spy_parse(parser: Parser, verdict: Verified | Unverified, *rest: Any) -> Callback:
            self._note("parse", verdict.raw)
            return parse(parser, verdict, *rest)

        monkeypatch.setattr(Verifier, "verify", spy_verify)
        monkeypatch.setattr(Parser, "parse", spy_parse)

    def _note(self, station: str, raw: RawCallback) -> None:
        self.taken.append((station, dict(parse_parameters(raw).body)["CallUUID"]))


class ParserOfOthers(Parser):
    """A parser with a fault that meets one call only."""

    def parse(self, verdict: Verified | Unverified, route: CallbackType | None) -> Callback:
        if dict(verdict.parameters.body)["CallUUID"] == "2":
            raise KeyError
        return super().parse(verdict, route)


async def test_callbacks_of_one_turn_pass_each_station_together(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch)
    await asyncio.gather(*map(Walk(types, Fake()).take, RINGS))
    stations = [station for station, _ in steps.taken]
    assert stations == ["verify"] * 3 + ["parse"] * 3
    assert [call for _, call in steps.taken] == ["1", "2", "3"] * 2


async def test_a_callback_of_a_later_turn_does_not_wait_for_more(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    outcomes = [(await walk.take(form)).outcome for form in RINGS]
    assert outcomes == [Outcome.PUBLISHED] * 3


async def test_the_records_keep_the_order_of_arrival(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    await asyncio.gather(*map(walk.take, RINGS))
    events = [one for one in walk.publisher.records if one.topic == "plivo.voice.call.ring.v1"]
    assert [one.key for one in events] == [b"1", b"2", b"3"]


async def test_each_callback_of_a_turn_has_its_own_outcome(types: Catalogue) -> None:
    walk = Walk(types, Fake(), ParserOfOthers(types))
    taking = [walk.take(form) for form in RINGS]
    taking.append(walk.take(RINGS[0], token="another"))
    outcomes = [result.outcome for result in await asyncio.gather(*taking)]
    published, dead_lettered = Outcome.PUBLISHED, Outcome.DEAD_LETTERED
    assert outcomes == [published, dead_lettered, published, Outcome.REJECTED]


async def test_too_many_parameters_are_the_fault_of_one_callback_alone(types: Catalogue) -> None:
    walk = Walk(types, Fake(), parameters_max=len(RING.split("&")))
    taking = [*map(walk.take, RINGS), walk.take(RING + "&One=more")]
    ended: list[Any] = await asyncio.gather(*taking, return_exceptions=True)
    *results, fault = ended
    assert [one.outcome for one in results] == [Outcome.PUBLISHED] * 3
    assert isinstance(fault, TooManyParameters)


async def test_a_fault_of_the_verifier_reaches_its_caller_alone(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify = Verifier.verify

    def stumble(verifier: Verifier, raw: RawCallback, *rest: Any, **named: Any) -> Any:
        if b"CallUUID=2" in raw.body:
            raise ArithmeticError
        return verify(verifier, raw, *rest, **named)

    monkeypatch.setattr(Verifier, "verify", stumble)
    walk = Walk(types, Fake())
    ended: list[Any] = await asyncio.gather(*map(walk.take, RINGS), return_exceptions=True)
    first, fault, third = ended
    assert first.outcome is third.outcome is Outcome.PUBLISHED
    assert isinstance(fault, ArithmeticError)


async def test_a_request_that_was_cancelled_in_its_turn_is_left_out(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps(monkeypatch)
    walk = Walk(types, Fake())
    taking = [asyncio.create_task(walk.take(form)) for form in RINGS]
    await asyncio.sleep(0)  # they have arrived
    taking[1].cancel()
    results = await asyncio.gather(*taking, return_exceptions=True)
    assert isinstance(results[1], asyncio.CancelledError)
    assert {call for _, call in steps.taken} == {"1", "3"}
    assert walk.ends() == {"published": 2}
