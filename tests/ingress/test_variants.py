"""The different encodings of one and the same callback."""

import pytest

from tests.support.bridge import Running
from tests.support.plivo import HANGUP, PATHS, RING, Plivo, encoded, sample


@pytest.mark.parametrize("digits", range(7))
def test_session_start_is_read_with_up_to_six_fraction_digits(
    bridge: Running, plivo: Plivo, digits: int
) -> None:
    text = "2026-03-07 14:13:35." + "846244"[:digits]
    form = sample(RING, SessionStart=text.removesuffix("."))
    assert plivo.post(PATHS[RING], form).status_code == 200
    event = bridge.event(form["CallUUID"])
    assert event["time"].startswith("2026-03-07T14:13:35")
    assert event["data"]["time_source"] == "session_started_at"
    assert event["data"]["unreadable"] == []


@pytest.mark.parametrize("number", ["+14155550100", "14155550100"])
def test_a_number_is_e164_with_or_without_its_plus(
    bridge: Running, plivo: Plivo, number: str
) -> None:
    form = sample(RING, From=number)
    plivo.post(PATHS[RING], form)
    party = bridge.event(form["CallUUID"])["data"]["from"]
    assert (party["e164"], party["text"]) == ("+14155550100", number)


@pytest.mark.parametrize(
    "names",
    [
        ("STIRVerification", "STIRAttestation"),
        ("stir_verification", "stir_attestation"),
        ("StirVerification", "StirAttestation"),
    ],
    ids=" ".join,
)
def test_either_spelling_of_stir_is_read(
    bridge: Running, plivo: Plivo, names: tuple[str, str]
) -> None:
    form = sample(RING, **dict(zip(names, ("Verified", "A"), strict=True)))
    plivo.post(PATHS[RING], form)
    data = bridge.event(form["CallUUID"])["data"]
    assert (data["stir"]["verification"], data["stir"]["attestation"]) == ("verified", "A")
    assert data["undeclared"] == {}


def test_a_repeated_parameter_with_one_value_is_that_value(bridge: Running, plivo: Plivo) -> None:
    form = sample(RING)
    assert plivo.post(PATHS[RING], f"{encoded(form)}&CallStatus=ringing").status_code == 200
    assert bridge.event(form["CallUUID"])["data"]["call_status"] == "ringing"


def test_a_repeated_parameter_with_two_values_is_unreadable_and_still_published(
    bridge: Running, plivo: Plivo
) -> None:
    form = sample(RING)
    assert plivo.post(PATHS[RING], f"{encoded(form)}&CallStatus=busy").status_code == 200
    data = bridge.event(form["CallUUID"])["data"]
    assert data["call_status"] is None
    (unread,) = data["unreadable"]
    assert (unread["parameter"], unread["text"]) == ("CallStatus", ["ringing", "busy"])


def test_a_blank_value_is_an_absent_one(bridge: Running, plivo: Plivo) -> None:
    form = sample(HANGUP, AnswerTime="", CallerName="")
    assert plivo.post(PATHS[HANGUP], form).status_code == 200
    data = bridge.event(form["CallUUID"])["data"]
    assert data.get("answered_at") is None
    assert data.get("caller_name") is None
    assert data["unreadable"] == []


@pytest.mark.parametrize("method", ["post", "post_json", "get"])
def test_an_unknown_parameter_is_kept_and_counted(
    bridge: Running, plivo: Plivo, method: str
) -> None:
    form = sample(RING, BrandNew="as it came", Leer="")
    before = bridge.metrics.value("undeclared_total", type=RING)
    assert getattr(plivo, method)(PATHS[RING], form).status_code == 200
    undeclared = bridge.event(form["CallUUID"])["data"]["undeclared"]
    assert undeclared == {"BrandNew": ["as it came"], "Leer": [""]}
    assert bridge.metrics.value("undeclared_total", type=RING) == before + 2


def test_a_value_that_cannot_be_read_costs_the_field_and_not_the_callback(
    bridge: Running, plivo: Plivo
) -> None:
    form = sample(HANGUP, Duration="a while")
    before = bridge.metrics.value("unreadable_total", type=HANGUP)
    assert plivo.post(PATHS[HANGUP], form).status_code == 200
    assert bridge.event(form["CallUUID"])["data"]["duration_s"] is None
    assert bridge.metrics.value("unreadable_total", type=HANGUP) == before + 1


def test_text_beyond_ascii_survives_the_journey(bridge: Running, plivo: Plivo) -> None:
    form = sample(RING, CallerName="Zoë & Sønner = ☎")
    assert plivo.post(PATHS[RING], form).status_code == 200
    assert bridge.event(form["CallUUID"])["data"]["caller_name"] == "Zoë & Sønner = ☎"


def test_bytes_that_are_no_text_are_signed_as_they_are_and_kept_readable(
    bridge: Running, plivo: Plivo
) -> None:
    form = sample(RING)
    body = f"{encoded(form)}&CallerName=caf%E9"
    body = body.replace("CallerName=&", "")
    assert plivo.post(PATHS[RING], body).status_code == 200
    (unread,) = bridge.event(form["CallUUID"])["data"]["unreadable"]
    assert (unread["reason"], unread["text"]) == ("not_utf8", ["caf\\xe9"])


def test_a_retry_of_plivos_has_the_id_of_the_first(bridge: Running, plivo: Plivo) -> None:
    form = sample(HANGUP)
    for _ in range(2):
        assert plivo.post(PATHS[HANGUP], form).status_code == 200
    first, second = bridge.values(form["CallUUID"])["plivo.voice.call.hangup.v1"]
    assert first["id"] == second["id"]


def test_numbers_in_json_keep_the_digits_they_came_with(bridge: Running, plivo: Plivo) -> None:
    form = sample(HANGUP)
    uuid = form["CallUUID"]
    assert plivo.post_json(PATHS[HANGUP], {**form, "Duration": 66}).status_code == 200
    assert bridge.event(uuid)["data"]["duration_s"] == 66
