"""A call about which several accounts, or only unverified callbacks, report."""

from itertools import permutations

import pytest

from bridge.calls.document import build_document
from bridge.calls.found import FoundCall, TimelineEntry, find_account, split_accounts
from tests.support.call_stories import ANSWER, HANGUP, RING, A, B, at, changed, entries, entry
from tests.support.factories import AUTH_ID
from tests.support.second_account import COSTLY, OTHER, sent
from tests.support.stored_calls import Taken, taken


def own() -> list[Taken]:
    return [taken(RING, at(2)), taken(ANSWER, at(5)), taken(HANGUP, at(70))]


def shown(found: list[TimelineEntry], identity: str = A) -> dict[str, object]:
    return build_document(FoundCall(identity, entries=found), at(36_000))


def test_what_another_account_says_changes_nothing_of_the_call() -> None:
    before = shown(entries(*own()))
    for place in (1, 2, 3):
        callbacks = own()
        callbacks.insert(place, sent(COSTLY, 60))
        after = shown(entries(*callbacks))
        for part in ("total_cost", "legs", "legs_of_other_calls", "duplicates", "kind", "account"):
            assert after[part] == before[part], part
        assert after["gaps"] == before["gaps"] == []
        assert after["other_accounts"] == [OTHER]
        assert (after["callbacks"], after["callbacks_of_other_accounts"]) == (4, 1)


def test_its_callback_is_in_the_time_line_marked_with_its_account() -> None:
    timeline = shown(entries(*own(), sent(COSTLY, 71)))["timeline"]
    assert isinstance(timeline, list)
    assert [one["is_of_other_account"] for one in timeline] == [False, False, False, True]
    assert [one["account"] for one in timeline] == [AUTH_ID] * 3 + [OTHER]
    assert timeline[3]["data"]["total_cost"] == "999.00000"


def test_an_unverified_callback_that_claims_another_account_is_marked_too() -> None:
    found = shown(entries(*own(), sent(COSTLY, 71, signs=False)))
    assert found["total_cost"] == "0.01000"
    assert found["other_accounts"] == [OTHER]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_first_verified_callback_decides_the_account(order: tuple[int, ...]) -> None:
    claims = sent(changed(RING, ParentAuthID=OTHER), 1, signs=False)
    three = [claims, taken(RING, at(2)), taken(HANGUP, at(70))]
    assert find_account(entries(*[three[at] for at in order]), A) == AUTH_ID


def test_without_a_verified_callback_the_first_one_decides_the_account() -> None:
    own_first = [sent(RING, 2, signs=False), sent(COSTLY, 70, signs=False)]
    parted = split_accounts(FoundCall(A, entries=entries(*own_first)))
    assert (parted.account, len(parted.own.entries), parted.other_accounts) == (AUTH_ID, 1, [OTHER])


def test_a_callback_about_another_id_does_not_decide_the_account() -> None:
    elsewhere = sent(changed(RING, CallUUID=B, RequestUUID=B, ParentAuthID=OTHER), 1)
    assert find_account(entries(elsewhere, taken(RING, at(2))), A) == AUTH_ID


def test_what_is_not_verified_does_not_replace_what_is() -> None:
    forged = changed(HANGUP, TotalCost="999.00000", Duration="9999", CallStatus="failed")
    for callbacks in (
        [*own(), sent(forged, 71, signs=False)],
        [sent(forged, 1, signs=False), *own()],
    ):
        found = shown(entries(*callbacks))
        (leg,) = found["legs"]  # type: ignore[misc]
        assert (leg["total_cost"], leg["duration_s"], found["total_cost"]) == (  # type: ignore[has-type]
            "0.01000",
            65,
            "0.01000",
        )
        assert leg["not_verified"] == []  # type: ignore[has-type]
        assert found["total_cost_is_verified"] is True


def test_what_only_unverified_callbacks_say_is_marked_and_is_no_cost() -> None:
    found = shown(entries(taken(RING, at(2)), sent(HANGUP, 70, signs=False)))
    (leg,) = found["legs"]  # type: ignore[misc]
    assert {"total_cost", "hangup", "duration_s"} <= set(leg["not_verified"])  # type: ignore[has-type]
    assert "from" not in leg["not_verified"]  # type: ignore[has-type]
    assert (leg["total_cost"], found["total_cost"]) == ("0.01000", None)  # type: ignore[has-type]


def test_where_nothing_is_verified_the_cost_is_marked() -> None:
    found = shown(entries(sent(RING, 2, signs=False), sent(HANGUP, 70, signs=False)))
    assert (found["total_cost"], found["total_cost_is_verified"]) == ("0.01000", False)


def test_the_url_of_a_request_is_shown_without_its_password() -> None:
    one = entry(taken(RING, at(2)))
    one.callback.value["url_verified"] = "https://user:password@bridge.example.com/plivo?a=b@c"
    (found,) = shown([one])["timeline"]  # type: ignore[misc]
    assert found["request"]["url"] == "https://***@bridge.example.com/plivo?a=b@c"  # type: ignore[has-type]
