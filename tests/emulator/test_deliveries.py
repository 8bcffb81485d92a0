"""Tries of one callback, and the time that they share."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.commands import Failure, Request
from bridge.emulator.machine.deliveries import Callback, Deliveries
from bridge.emulator.machine.leg import CallUrls
from bridge.emulator.machine.tasks import Scheduler
from tests.emulator.machines import ACCOUNT, BEGIN, CALLEE, CALLER, URLS, drive, url_of

ORDER = CallOrder(ACCOUNT, CALLER, CALLEE, URLS)


def order_with_fragment(fragment: str) -> CallOrder:
    return replace(ORDER, urls=CallUrls((URLS.answer[0] + fragment, "POST")))


def test_tries_share_the_total_time_of_their_url() -> None:
    order = order_with_fragment("#rc=5&rt=40000&tt=55000")
    tries = drive(outcomes={"answer": Failure("rt")}, order=order).requests
    assert [(one.attempt, one.read_timeout_s, one.total_timeout_s) for one in tries] == [
        (1, 40.0, 55.0),
        (2, 15.0, 15.0),
    ]


def test_tries_share_the_id_of_their_callback() -> None:
    driver = drive(outcomes={"ring": Failure("ct")}, order=replace(ORDER, urls=URLS))
    ids = {one.type: one.callback_id for one in driver.requests}
    assert len(set(ids.values())) == len(ids) == 3
    assert all(one.callback_id == ids[one.type] for one in driver.requests)
    assert len({one.nonces for one in driver.requests}) == len(driver.requests) == 4


def test_a_receivers_seconds_count_and_not_the_machines() -> None:
    """With time that passes fast, an hour of the machine may be a second of a receiver."""
    scheduler = Scheduler(BEGIN)
    deliveries = Deliveries(scheduler, Random(0))
    url = URLS.ring[0] + "#tt=55000"
    deliveries.notify(Callback("voice.call.ring", "a-call", ACCOUNT.auth_id, url, "POST", {}))
    (first,) = scheduler.run()
    assert isinstance(first, Request)
    scheduler.now += timedelta(hours=1)
    deliveries.answer(first.id, Failure("rt"), 40.0)
    (second,) = scheduler.run()
    assert isinstance(second, Request)
    assert (second.attempt, second.total_timeout_s) == (2, 15.0)


def test_a_url_that_no_parser_takes_stops_nothing() -> None:
    order = replace(ORDER, urls=replace(URLS, ring=("http://[#rc=2", "POST"), hangup=url_of("bye")))
    assert [one.type for one in drive(order=order).requests] == [
        "voice.call.ring",
        "voice.call.answer",
        "voice.call.hangup",
    ]
