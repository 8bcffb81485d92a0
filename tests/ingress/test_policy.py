"""What becomes of unverified callbacks: enforce, report, off; and V2 where it is taken."""

import httpx
import pytest

from tests.ingress.plivo import ANSWER, FORM, PATHS, RING, Plivo, encoded, sample
from tests.ingress.running import ACCOUNTS, AUTH_ID, TOKEN, running_bridge

V2 = ("x-plivo-signature-v2", "x-plivo-signature-v2-nonce")


@pytest.mark.parametrize("token", [TOKEN, "not-the-token"])
def test_report_publishes_what_does_not_verify_and_marks_it(
    client: httpx.Client, token: str
) -> None:
    with running_bridge(verification="report") as bridge:
        form = sample(ANSWER)
        answer = Plivo(client, bridge.url, token=token).post(PATHS[ANSWER], form)
        assert (answer.status_code, answer.content) == (200, b"<Response/>")
        verification = bridge.event(form["CallUUID"])["data"]["verification"]
        right = token == TOKEN
        assert verification["verdict"] == ("verified" if right else "unverified")
        assert verification["fault"] == (None if right else "wrong_signature")


def test_report_publishes_what_is_not_signed_at_all(client: httpx.Client) -> None:
    with running_bridge(verification="report", accounts=[]) as bridge:
        form = sample(RING)
        assert client.post(bridge.url + PATHS[RING], data=form).status_code == 200
        event = bridge.event(form["CallUUID"])
        assert event["data"]["verification"]["fault"] == "no_signature"
        assert event["data"]["verification"]["covers"] == []
        # Nobody vouches for the account it names, and it is none of ours.
        assert event["source"] == "/plivo/accounts/unknown"


def test_off_checks_nothing_and_says_so_on_the_event(client: httpx.Client) -> None:
    with running_bridge(verification="off") as bridge:
        form = sample(RING)
        assert Plivo(client, bridge.url).post(PATHS[RING], form).status_code == 200
        event = bridge.event(form["CallUUID"])
        assert event["data"]["verification"] == {
            "verdict": "unverified",
            "scheme": None,
            "key_id": None,
            "covers": [],
            "fault": "not_checked",
        }
        assert event["source"] == f"/plivo/accounts/{AUTH_ID}"
        assert bridge.metrics.value("verifications_total", result="not_checked") == 1


@pytest.mark.parametrize("accept", [True, False])
def test_v2_alone_is_taken_only_where_it_is_accepted(client: httpx.Client, *, accept: bool) -> None:
    with running_bridge(accept_v2=accept) as bridge:
        form = sample(RING)
        every = Plivo(client, bridge.url).headers("POST", PATHS[RING], encoded(form))
        headers = {name: every[name] for name in V2} | {"content-type": FORM}
        url = bridge.url + PATHS[RING]
        answer = client.post(url, content=encoded(form), headers=headers)
        assert answer.status_code == (200 if accept else 403)
        if accept:
            verification = bridge.event(form["CallUUID"])["data"]["verification"]
            assert (verification["scheme"], verification["covers"]) == ("v2", ["url"])
            # A captured pair of V2 headers must not carry another body.
            forged = encoded(sample(RING))
            assert client.post(url, content=forged, headers=headers).status_code == 403


def test_a_token_being_rotated_and_a_subaccounts_token_hold_too(client: httpx.Client) -> None:
    sub_id = "SA0000000000TEST0001"
    sub = {"auth_id": sub_id, "auth_tokens": ["the-token-of-a-subaccount"]}
    account = {
        **ACCOUNTS[0],
        "auth_tokens": [TOKEN, "the-new-token-of-the-account"],
        "subaccounts": [sub],
    }
    with running_bridge(accounts=[account]) as bridge:
        key_ids = set()
        for token in (TOKEN, "the-new-token-of-the-account", "the-token-of-a-subaccount"):
            form = sample(RING)
            answer = Plivo(client, bridge.url, token=token).post(PATHS[RING], form)
            assert answer.status_code == 200
            event = bridge.event(form["CallUUID"])
            key_ids.add(event["data"]["verification"]["key_id"])
        assert len(key_ids) == 3
        assert event["source"] == f"/plivo/accounts/{AUTH_ID}/subaccounts/{sub_id}"
