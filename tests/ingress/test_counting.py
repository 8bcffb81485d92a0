"""Every callback is counted once, under labels that no callback can choose."""

from typing import get_args

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.core.answer import GivenBy
from bridge.core.catalogue import Catalogue
from bridge.core.complaints import MEANINGS as COMPLAINTS
from bridge.core.dead_letter import Stage, list_meanings
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC
from bridge.core.keyring import compute_key_id
from bridge.core.outcome import Outcome, RefusalCause
from bridge.core.url_mismatch import MismatchVariant
from bridge.core.verify import Scheme, VerificationFault
from bridge.ingress.clients import CutOffCause
from bridge.ingress.load import ShedClass
from bridge.ingress.paths import PathMismatch
from bridge.intake.outcome_log import OutcomeRecorder
from bridge.publish.memory import MemoryPublisher
from bridge.telemetry.metric_defs import METRIC_DEFS, PREFIX
from tests.support.bridge import AUTH_ID, TOKEN, VERSION, Broken, Running, running_bridge
from tests.support.plivo import HANGUP, PATHS, RING, SHARED, Plivo, assert_problem, sample

HOSTILE = 'evil"}\n1'


def test_every_callback_is_counted_once_however_it_ends(client: httpx.Client) -> None:
    publisher = MemoryPublisher()
    with running_bridge(publisher, parameters_max=40) as bridge:
        plivo = Plivo(client, bridge.url)
        stranger = Plivo(client, bridge.url, token="not-the-token")
        ends = [
            (plivo.post(PATHS[RING], sample(RING)), "published", RING, "POST"),
            (plivo.get(PATHS[HANGUP], sample(HANGUP)), "published", HANGUP, "GET"),
            (plivo.post(SHARED, sample(RING)), "published", RING, "POST"),
            (plivo.post(PATHS[RING], {"Event": "Ring"}), "dead_lettered", RING, "POST"),
            (
                plivo.post(SHARED, "{", content_type="application/json"),
                "rejected",
                "shared",
                "POST",
            ),
            (stranger.post(PATHS[RING], sample(RING)), "rejected", RING, "POST"),
            (plivo.post(SHARED, "a=1&" * 50), "refused", "shared", "POST"),
        ]
        publisher.available = False
        ends.append((plivo.get(SHARED, sample(RING)), "refused", RING, "GET"))
        expected: dict[tuple[str, str, str], int] = {}
        for _, outcome, kind, method in ends:
            key = (outcome, kind, method)
            expected[key] = expected.get(key, 0) + 1
        for (outcome, kind, method), times in expected.items():
            assert bridge.counted(outcome=outcome, type=kind, method=method) == times
        assert bridge.counted() == len(ends)
        assert bridge.metrics.value("in_flight") == 0


def test_a_callback_has_one_log_line_at_most(client: httpx.Client) -> None:
    publisher = MemoryPublisher()
    with running_bridge(publisher, parameters_max=40, rejected_per_minute_max=100) as bridge:
        plivo = Plivo(client, bridge.url)
        stranger = Plivo(client, bridge.url, token="not-the-token")
        with bridge.captured_logs() as lines:
            plivo.post(PATHS[RING], sample(RING))
            plivo.post(PATHS[RING], {"Event": "Ring"})
            stranger.post(PATHS[RING], sample(RING))
            plivo.post(SHARED, "a=1&" * 50)
            publisher.available = False
            stranger.post(PATHS[RING], sample(RING))
            plivo.post(PATHS[RING], sample(RING))
    assert [line["event"] for line in lines] == [
        "callback_published",
        "callback_dead_lettered",
        "callback_rejected",
        "callback_refused",
        "callback_rejected",
        "callback_refused",
    ]
    with running_bridge(Broken("")) as bridge, bridge.captured_logs() as lines:
        Plivo(client, bridge.url).post(PATHS[RING], sample(RING))
    told = [line for line in lines if line["event"].startswith("callback_")]
    assert [(line["event"], line["log_level"]) for line in told] == [("callback_refused", "error")]


def test_a_durable_callback_whose_outcome_cannot_be_recorded_is_answered_all_the_same(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ArithmeticError(HOSTILE)

    with running_bridge() as bridge:
        plivo = Plivo(client, bridge.url)
        with monkeypatch.context() as patched, bridge.captured_logs() as lines:
            patched.setattr(OutcomeRecorder, "_log_result", fail)
            assert plivo.post(PATHS[RING], form := sample(RING)).status_code == 200
        assert len(bridge.values(form["CallUUID"])["plivo.journal.v1"]) == 1
    (line,) = [line for line in lines if line["event"] == "outcome_not_recorded"]
    assert (line["log_level"], line["outcome"], line["error"]) == (
        "error",
        Outcome.PUBLISHED,
        "ArithmeticError",
    )
    assert "test_counting.py" in line["where"]
    assert HOSTILE not in str(line)


def test_how_long_it_took_to_be_durable_is_measured(client: httpx.Client) -> None:
    with running_bridge() as bridge:
        Plivo(client, bridge.url).post(PATHS[RING], sample(RING))
        exposition = bridge.metrics.exposition()
    assert b'callback_bridge_acknowledgement_seconds_count{path="kafka"} 1.0' in exposition


def test_a_request_that_is_no_callback_is_not_counted(
    bridge: Running, client: httpx.Client
) -> None:
    before = bridge.counted()
    assert_problem(client.get(bridge.url + "/elsewhere"), 404, "not-found")
    assert_problem(client.put(bridge.url + SHARED), 405, "method-not-allowed")
    assert bridge.counted() == before


def _send_hostile_values(bridge: Running, client: httpx.Client) -> None:
    """Put a hostile value everywhere a caller can put one."""
    hostile_form = {
        name: HOSTILE for name in (*sample(HANGUP), "Nonsense", HOSTILE) if name != "CallUUID"
    }
    named = {"Event": HOSTILE, "CallUUID": HOSTILE, HOSTILE: HOSTILE, "ParentAuthID": HOSTILE}
    for token in (Plivo(client, bridge.url).token, HOSTILE):
        plivo = Plivo(client, bridge.url, token=token)
        for path in (SHARED, *PATHS.values()):
            for form in (hostile_form, named, sample(HANGUP, Direction=HOSTILE, From=HOSTILE)):
                plivo.post(path, form)
                plivo.get(path, form)
                plivo.post_json(path, dict(form))
    unsafe = {"x-plivo-signature-v3": "evil", "x-plivo-signature-v3-nonce": "evil"}
    client.post(bridge.url + SHARED, content=b"evil", headers=unsafe)
    client.request("EVIL", bridge.url + SHARED)
    client.get(bridge.url + "/plivo/evil")
    client.post(bridge.url + SHARED, content=b"x", headers={"content-type": "evil/evil"})


def test_no_label_takes_its_value_from_a_callback(
    types: Catalogue, bridge: Running, client: httpx.Client
) -> None:
    _send_hostile_values(bridge, client)
    names = {kind.name for kind in types.all_types}
    closed = {
        "type": names | {"shared"},
        "method": {"GET", "POST"},
        "outcome": {one.value for one in Outcome},
        "scheme": {one.value for one in Scheme} | {""},
        "result": {one.value for one in VerificationFault} | {"verified"},
        "topic": {kind.topic for kind in types.all_types} | {JOURNAL_TOPIC, DEAD_LETTER_TOPIC},
        "fault": {one.value for one in VerificationFault},
        "variant": {one.value for one in MismatchVariant},
        "product": {name.partition(".")[0] for name in names} | {"shared"},
        "key_id": {compute_key_id(AUTH_ID, TOKEN), ""},
        "path": {"kafka", "spool"},
        "stage": set(Stage),
        "reason": {reason for _, reason, _ in list_meanings()},
        "version": {VERSION},
        "cause": {one.value for one in RefusalCause} | set(get_args(CutOffCause)),
        "application": set(),  # names that the operator configured
        "given_by": set(get_args(GivenBy)),
        "class": {one.value for one in ShedClass},
        "mismatch": {one.value for one in PathMismatch},
        "code": set(COMPLAINTS),
    }
    assert set(closed) == {label for measure in METRIC_DEFS.values() for label in measure.labels}
    text = client.get(bridge.management_url + "/metrics").text
    assert "evil" not in text
    seen = 0
    for family in text_string_to_metric_families(text):
        for series in family.samples:
            for label, value in series.labels.items():
                if label == "le":
                    continue
                assert value in closed[label], f"{series.name}: {label}={value}"  # type: ignore[operator]
                seen += 1
    assert seen > 20


def test_every_declared_metric_is_exposed_and_nothing_else(
    bridge: Running, client: httpx.Client
) -> None:
    text = client.get(bridge.management_url + "/metrics").text
    declared = {f"{PREFIX}_{name.removesuffix('_total')}" for name in METRIC_DEFS}
    exposed = {family.name for family in text_string_to_metric_families(text)}
    assert {name for name in exposed if not name.startswith("process_")} == declared
