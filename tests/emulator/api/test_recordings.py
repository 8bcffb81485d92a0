"""Find and delete recordings through the API, on virtual time."""

from http import HTTPStatus
from typing import cast

import pytest

from bridge.emulator.api import call_actions, calls, recordings
from bridge.emulator.api.answers import Body
from bridge.emulator.api.requests import Endpoint
from tests.emulator.api.plivo import PLACE, STRANGER, VirtualPlivo
from tests.emulator.machines import ACCOUNT, CALLEE, CALLER


def record(plivo: VirtualPlivo) -> tuple[str, str]:
    """Place a call, and record it for 90 seconds; return the ids of both."""
    placed = plivo.ask(calls.place_calls, PLACE)
    uuid = cast("str", placed.body["request_uuid"])
    plivo.run(10)
    begun = plivo.ask(call_actions.start_recording, {"time_limit": 90}, call_uuid=uuid)
    return uuid, cast("str", begun.body["recording_id"])


def list_ids(plivo: VirtualPlivo, **arguments: object) -> list[str]:
    answer = plivo.ask(recordings.list_recordings, arguments)
    return [cast("str", one["recording_id"]) for one in cast("list[Body]", answer.body["objects"])]


def test_a_recording_that_goes_on_has_no_duration_yet() -> None:
    plivo = VirtualPlivo()
    _, recording_id = record(plivo)
    shown = plivo.ask(recordings.get_recording, recording_id=recording_id).body
    assert (shown["recording_duration_ms"], shown["recording_end_ms"]) == (
        "-1.00000",
        "-1.00000",
    )


def test_a_recording_that_is_done_is_shown_as_plivo_shows_it() -> None:
    plivo = VirtualPlivo()
    uuid, recording_id = record(plivo)
    plivo.run(300)
    shown = plivo.ask(recordings.get_recording, recording_id=recording_id).body
    url = str(shown.pop("recording_url"))
    assert url.endswith(f"/Recording/{recording_id}.mp3")
    assert shown == {
        "add_time": "2026-03-07 09:13:40.000000-05:00",
        "call_uuid": uuid,
        "conference_name": None,
        "from_number": CALLER,
        "monthly_recording_storage_amount": "0.00000",
        "recording_duration_ms": "54000.00000",
        "recording_end_ms": "1772892874000.00000",
        "recording_format": "mp3",
        "recording_id": recording_id,
        "recording_start_ms": "1772892820000.00000",
        "recording_storage_duration": 1,
        "recording_storage_rate": "0.0004",
        "recording_type": "normal",
        "resource_uri": f"/v1/Account/{ACCOUNT.auth_id}/Recording/{recording_id}/",
        "rounded_recording_duration": 60,
        "to_number": CALLEE,
    }


def test_recordings_of_documents_are_found_too() -> None:
    plivo = VirtualPlivo({"answer": "<Record action='https://hooks.example.com/recorded'/>"})
    plivo.ask(calls.place_calls, PLACE)
    plivo.run()
    assert len(list_ids(plivo)) == 1


def test_recordings_are_listed_newest_first_and_by_filters() -> None:
    plivo = VirtualPlivo()
    first, second = record(plivo), record(plivo)
    assert list_ids(plivo) == [second[1], first[1]]
    assert list_ids(plivo, call_uuid=first[0]) == [first[1]]
    assert list_ids(plivo, add_time__gt="2026-03-07 14:13:45") == [second[1]]
    assert list_ids(plivo, from_number="+1999") == []
    assert list_ids(plivo, to_number=CALLEE, limit=1) == [second[1]]


def test_a_deleted_recording_is_gone() -> None:
    plivo = VirtualPlivo()
    _, recording_id = record(plivo)
    deleted = plivo.ask(recordings.delete_recording, recording_id=recording_id)
    assert deleted.status is HTTPStatus.NO_CONTENT
    plivo.run()
    again = plivo.ask(recordings.get_recording, recording_id=recording_id)
    assert again.status is HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("endpoint", [recordings.get_recording, recordings.delete_recording])
def test_the_recording_of_another_account_is_not_found(endpoint: Endpoint) -> None:
    plivo = VirtualPlivo()
    _, recording_id = record(plivo)
    refused = plivo.ask(endpoint, account=STRANGER, recording_id=recording_id)
    assert refused.status is HTTPStatus.NOT_FOUND
