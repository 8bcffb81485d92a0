"""Unverified callbacks under each policy (enforce, report, off), and V2 where it is accepted."""

import httpx
import pytest

from tests.support.bridge import ACCOUNTS, AUTH_ID, TOKEN, Running, running_bridge
from tests.support.plivo import ANSWER, FORM, PATHS, RING, SHARED, Plivo, encoded, sample

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


@pytest.mark.parametrize(
    ("setting", "accept"),
    [("all", True), ("true", True), ("none", False), ("false", False), ("except_voice", False)],
)
def test_v2_alone_is_accepted_for_voice_only_where_it_is_set(
    client: httpx.Client, setting: str, *, accept: bool
) -> None:
    with running_bridge(accept_v2=setting) as bridge:
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


STATUS, INBOUND = "messaging.message.status", "messaging.message.inbound"
# The path a callback comes on, its parameters, and what becomes of it if V2 alone signs it.
BY_V2 = [
    (PATHS[STATUS], sample(STATUS), 200),
    (SHARED, sample(STATUS), 200),
    (SHARED, sample(INBOUND), 200),
    (PATHS[STATUS], sample(INBOUND), 200),
    (SHARED, sample("verify.session.status"), 200),
    (PATHS["tendlc.brand"], {"anything": "else"}, 200),
    (PATHS[STATUS], {"anything": "else"}, 200),
    (PATHS[RING], sample(RING), 403),
    (SHARED, sample(RING), 403),
    (SHARED, sample(ANSWER), 403),
    # Plivo sends V2 headers with voice callbacks too, so those of another type were never signed there.
    (PATHS[RING], sample(STATUS), 403),
    (PATHS[STATUS], sample(RING), 403),
    # On the shared path, what is of no known type may be of voice.
    (SHARED, {"anything": "else"}, 403),
    (SHARED, {"CallUUID": "5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a02"}, 403),
]


@pytest.mark.parametrize(("path", "form", "status"), BY_V2)
def test_by_default_v2_alone_verifies_what_is_of_another_product_than_voice(
    bridge: Running, client: httpx.Client, path: str, form: dict[str, str], status: int
) -> None:
    every = Plivo(client, bridge.url).headers("POST", path, encoded(form))
    headers = {name: every[name] for name in V2} | {"content-type": FORM}
    url = bridge.url + path
    assert client.post(url, content=encoded(form), headers=headers).status_code == status
    # V3 beside it verifies it in any case.
    both = {**Plivo(client, bridge.url).headers("POST", path, encoded(form)), "content-type": FORM}
    assert client.post(url, content=encoded(form), headers=both).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"), [(PATHS[STATUS], 200), (SHARED, 403), (PATHS[RING], 403)]
)
def test_by_default_v2_verifies_an_unreadable_body_on_the_path_of_another_product_only(
    bridge: Running, client: httpx.Client, path: str, status: int
) -> None:
    every = Plivo(client, bridge.url).headers("POST", path, "")
    headers = {name: every[name] for name in V2} | {"content-type": "text/plain"}
    assert client.post(bridge.url + path, content=b"x", headers=headers).status_code == status


def test_a_v2_signature_that_is_not_accepted_says_so_and_a_wrong_one_is_wrong(
    client: httpx.Client,
) -> None:
    with running_bridge() as bridge:
        for token in (TOKEN, "another-token-of-twenty"):
            every = Plivo(client, bridge.url, token=token).headers("POST", PATHS[RING], "a=1")
            headers = {name: every[name] for name in V2} | {"content-type": FORM}
            client.post(bridge.url + PATHS[RING], content=b"a=1", headers=headers)
        results = [
            bridge.metrics.value("verifications_total", result=one)
            for one in ("v2_not_accepted", "wrong_signature")
        ]
        assert results == [1, 1]


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
