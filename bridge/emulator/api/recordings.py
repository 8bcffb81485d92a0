"""Find and delete recordings: Plivo's page on recordings.

1. Durations and instants are milliseconds with five decimals; -1 while the recording goes on.
2. Numbers are matched whole. Times of filters are UTC.
3. The files are not there: an emulator records nothing.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import Answer, Body, refuse_unknown
from bridge.emulator.api.filters import read_time_test, with_comparisons
from bridge.emulator.api.pages import answer_page
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.api.times import format_offset
from bridge.emulator.machine.leg import Recording
from bridge.emulator.machine.machine import Machine

# Plivo keeps recordings until they are deleted, so without a filter all of them are listed.
_KEPT: Final = timedelta(days=36_500)
_EQUAL_FILTERS: Final = ("subaccount", "call_uuid", "conference_name", "from_number", "to_number")
_ROUNDED_TO_S: Final = 60


def list_recordings(machine: Machine, request: ApiRequest) -> Answer:
    """List recordings, newest first: rule 2."""
    arguments = request.arguments
    equal = {
        name: arguments.read_text(name).removeprefix("+")
        for name in _EQUAL_FILTERS
        if name in arguments
    }
    is_in_time = read_time_test(
        arguments, "add_time", machine.world.now, window=_KEPT, window_max=_KEPT
    )

    def is_wanted(recording: Recording) -> bool:
        leg = recording.leg
        values = {
            "subaccount": leg.account.auth_id,
            "call_uuid": leg.uuid,
            "conference_name": recording.conference_name,
            "from_number": leg.caller.removeprefix("+"),
            "to_number": leg.callee.removeprefix("+"),
        }
        return (
            request.may_see(leg.account.auth_id)
            and all(values[name] == text for name, text in equal.items())
            and is_in_time(recording.started_at)
        )

    newest_first = reversed(machine.world.recordings.values())
    return answer_page(
        [one for one in newest_first if is_wanted(one)],
        _show,
        arguments,
        path=f"{request.path}Recording/",
        filter_names=(*_EQUAL_FILTERS, *with_comparisons("add_time")),
    )


def get_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Return one recording."""
    return Answer(HTTPStatus.OK, _show(_find(machine, request)))


def delete_recording(machine: Machine, request: ApiRequest) -> Answer:
    """Delete a recording."""
    del machine.world.recordings[_find(machine, request).id]
    return Answer(HTTPStatus.NO_CONTENT, {})


def _find(machine: Machine, request: ApiRequest) -> Recording:
    recording = machine.world.recordings.get(request.ids["recording_id"])
    if recording is None or not request.may_see(recording.leg.account.auth_id):
        raise refuse_unknown()
    return recording


def _show(recording: Recording) -> Body:
    leg, duration_ms = recording.leg, recording.duration_ms
    start_ms = int(recording.started_at.timestamp() * 1000)
    end_ms = start_ms + duration_ms if duration_ms >= 0 else -1
    minutes = max(1, -(-duration_ms // (_ROUNDED_TO_S * 1000)))
    return {
        "add_time": format_offset(recording.started_at, leg.account.zone, "microseconds"),
        "call_uuid": leg.uuid,
        "conference_name": recording.conference_name or None,
        "from_number": leg.caller,
        "monthly_recording_storage_amount": "0.00000",
        "recording_duration_ms": f"{duration_ms}.00000",
        "recording_end_ms": f"{end_ms}.00000",
        "recording_format": recording.file_format,
        "recording_id": recording.id,
        "recording_start_ms": f"{start_ms}.00000",
        "recording_storage_duration": 1,
        "recording_storage_rate": "0.0004",
        "recording_type": "conference" if recording.conference_name else "normal",
        "recording_url": recording.url,
        "resource_uri": f"/v1/Account/{leg.account.auth_id}/Recording/{recording.id}/",
        "rounded_recording_duration": minutes * _ROUNDED_TO_S,
        "to_number": leg.callee,
    }
