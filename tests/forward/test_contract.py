"""What intake may expect of applications, over HTTP and of the fake that it is tested with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.forward.application import HttpApplications
from bridge.reply.applications import ApplicationFailed, Applications
from bridge.reply.rules import Application
from tests.support.applications import FakeApplications, ready_applications
from tests.support.customer_application import DOCUMENT, customer_application, http_answer
from tests.support.factories import raw_callback
from tests.support.waiting import PATIENCE_S

both = pytest.mark.parametrize("over", ["http", "fake"])


@asynccontextmanager
async def applications(over: str, does: str) -> AsyncIterator[Applications]:
    """Yield applications of which ``ivr`` answers, fails or hangs."""
    if over == "fake":
        fault = ApplicationFailed("status", "500") if does == "fail" else None
        reply = SentReply(200, "text/xml", DOCUMENT)
        yield FakeApplications(reply) if does == "hang" else ready_applications(reply, fault)
        return
    answer = {"answer": http_answer(), "fail": http_answer(status="500 Oops"), "hang": b""}[does]
    async with customer_application(answer, "hang" if does == "hang" else "keep") as served:
        declared = {"ivr": Application("ivr", served.origin, (), 14.0, 65_536)}
        asked = HttpApplications(declared.get, is_trusted_proxy=lambda _: False)
        try:
            yield asked
        finally:
            await asked.close()


@both
async def test_an_answer_is_a_reply_with_the_time_it_took(types: Catalogue, over: str) -> None:
    async with applications(over, "answer") as asked:
        answer = await asked.ask("ivr", raw_callback(), types.by_name["voice.call.answer"])
    assert answer.reply == SentReply(200, "text/xml", DOCUMENT)
    assert answer.duration_ms >= 0


@both
async def test_a_failure_has_a_code(types: Catalogue, over: str) -> None:
    async with applications(over, "fail") as asked:
        with pytest.raises(ApplicationFailed) as failed:
            await asked.ask("ivr", raw_callback(), types.by_name["voice.call.answer"])
    assert failed.value.cause == "status"


@both
async def test_a_question_can_be_given_up(types: Catalogue, over: str) -> None:
    async with applications(over, "hang") as asked, asyncio.timeout(PATIENCE_S):
        kind = types.by_name["voice.call.answer"]
        asking = asyncio.create_task(asked.ask("ivr", raw_callback(), kind))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait([asking])
    assert asking.cancelled()
