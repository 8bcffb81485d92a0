"""What an operator learns of stored callbacks: counts, and new names without anyone's content."""

import pytest
from structlog.testing import capture_logs

from bridge.core.catalogue import Catalogue
from tests.support.intake_harness import RING, Fake, Walk

LINE = "parameter_undeclared"


async def named(walk: Walk, *forms: str, kind: str = "voice.call.ring") -> list[tuple[str, str]]:
    """Return the type and name of each line the forms were worth, in order."""
    with capture_logs() as lines:
        for form in forms:
            await walk.take(form, kind)
    found = [line for line in lines if line["event"] == LINE]
    assert all(line["log_level"] == "warning" for line in found)
    assert all(
        line.keys() == {"event", "log_level", "callback_type", "parameter"} for line in found
    )
    return [(line["callback_type"], line["parameter"]) for line in found]


async def test_an_undeclared_name_is_logged_the_first_time_it_arrives(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    assert await named(walk, f"{RING}&NewField=1") == [("voice.call.ring", "NewField")]
    assert await named(walk, f"{RING}&NewField=1", f"{RING}&NewField=2") == []
    assert walk.metrics.value("undeclared_total", type="voice.call.ring") == 3


async def test_a_name_is_logged_once_for_each_type_it_comes_with(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    hangup = RING.replace("Event=Ring", "Event=Hangup")
    assert await named(walk, f"{RING}&New=1", f"{hangup}&New=1", f"{hangup}&New=1") == [
        ("voice.call.ring", "New"),
        ("voice.call.hangup", "New"),
    ]


async def test_every_new_name_of_a_callback_is_logged(types: Catalogue) -> None:
    found = await named(Walk(types, Fake()), f"{RING}&New=1&new_field=2&New-Field=3&Part12=4")
    assert sorted(name for _, name in found) == ["New", "New-Field", "Part12", "new_field"]


async def test_the_names_of_an_unrecognised_callback_are_logged(types: Catalogue) -> None:
    found = await named(Walk(types, Fake()), "made_up_id=1", kind="numbers.cnam")
    assert found == [("numbers.cnam", "made_up_id")]


@pytest.mark.parametrize(
    "name",
    [
        "14155550100",
        "%2B14155550100",
        "Call14155550100",
        "agent%40example.com",
        "two+words",
        "é",
        "%FF",
        "",
        "_private",
        "A" * 65,
        "a%0Ab",
        "X-PH-Customer",
        "X-PH-secret-key",
    ],
)
async def test_a_name_that_may_be_content_is_never_logged(types: Catalogue, name: str) -> None:
    # A custom SIP header's name is the customer's, not Plivo's.
    form = f"MessageUUID=1&{name}=x"
    assert await named(Walk(types, Fake()), form, kind="messaging.message.inbound") == []


async def test_a_declared_name_and_the_customers_own_are_not_logged(types: Catalogue) -> None:
    assert await named(Walk(types, Fake()), f"{RING}&STIRAttestation=A&X-PH-Mine=1") == []


async def test_the_memory_of_logged_names_is_limited(
    types: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.intake.anomalies._LOGGED_PARAMETERS_MAX", 2)
    walk = Walk(types, Fake())
    assert len(await named(walk, f"{RING}&A=1", f"{RING}&B=1", f"{RING}&C=1")) == 2
    assert walk.metrics.value("undeclared_total", type="voice.call.ring") == 3


async def test_what_cannot_be_read_is_counted_and_its_text_is_not_logged(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    with capture_logs() as lines:
        await walk.take(f"{RING}&SessionStart=secret&BillRate=secret")
    assert walk.metrics.value("unreadable_total", type="voice.call.ring") == 2
    assert "secret" not in str(lines)


async def test_local_times_in_another_zone_than_the_accounts_are_counted(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    times = "SessionStart=2026-03-07+14:13:30&StartTime=2026-03-07+09:13:28"
    await walk.take(f"CallUUID=1&Event=Hangup&{times}", "voice.call.hangup")
    assert walk.metrics.value("zone_mismatches_total", type="voice.call.hangup") == 1


async def test_a_rejected_callback_logs_no_parameter(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    with capture_logs() as lines:
        await walk.take(f"{RING}&NewField=1", token="another")
    assert [line["event"] for line in lines] == ["callback_rejected"]


async def test_a_parameter_taken_for_the_customers_own_is_logged_once(types: Catalogue) -> None:
    walk = Walk(types, Fake())
    query = "Status=new&MessageUUID=x&From=14155550123&To=14155550100&Text=hi"
    with capture_logs() as lines:
        for _ in range(2):
            await walk.take(query, "messaging.message.inbound", method="GET")
    assert [line for line in lines if line["event"] == "parameter_set_aside"] == [
        {
            "event": "parameter_set_aside",
            "log_level": "warning",
            "callback_type": "messaging.message.inbound",
            "parameter": "Status",
            "remedy": "BRIDGE_CONTEXT_PARAMETERS, or another name in the URL at Plivo",
        }
    ]
