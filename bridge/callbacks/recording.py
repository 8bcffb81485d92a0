"""The fields of a recording, in the spellings of each product.

``RecordUrl`` and ``record_url``, ``RecordingID`` and ``recording_id`` are the same. MultiPartyCall
and masking send ``RecordingURL`` and ``RecordingUUID``. ``RecordFile`` is an older name of the URL.
"""

from typing import Annotated

from bridge.callbacks.model import CallbackData, param
from bridge.normalise.quantity import CountIfKnown, Text, Word
from bridge.normalise.zoned_time import EpochMs, ZonedOrUtc


class RecordingFields(CallbackData):
    """A recording: where it is, and how long."""

    recording_url: Annotated[
        Text | None,
        param(
            "RecordUrl",
            "RecordingURL",
            "RecordFile",
            meaning="Where the recording is; may ask for the account's credentials.",
            case_insensitive=True,
        ),
    ] = None
    recording_id: Annotated[
        Text | None,
        param(
            "RecordingID", "RecordingUUID", meaning="Id of the recording.", case_insensitive=True
        ),
    ] = None
    recording_duration_s: Annotated[
        CountIfKnown | None,
        param(
            "RecordingDuration",
            meaning="Length in seconds; null while not known.",
            case_insensitive=True,
        ),
    ] = None
    recording_duration_ms: Annotated[
        CountIfKnown | None,
        param(
            "RecordingDurationMs",
            meaning="Length in milliseconds; null while not known.",
            case_insensitive=True,
        ),
    ] = None
    recording_started_at: Annotated[
        EpochMs | None,
        param(
            "RecordingStartMs",
            meaning="When it started; null while not known.",
            case_insensitive=True,
        ),
    ] = None
    recording_ended_at: Annotated[
        EpochMs | None,
        param(
            "RecordingEndMs", meaning="When it ended; null while not known.", case_insensitive=True
        ),
    ] = None


class StoredRecordingFields(RecordingFields):
    """A recording as MultiPartyCall and masking describe it."""

    recording_began_at: Annotated[
        ZonedOrUtc | None, param("RecordingStartTime", meaning="When it started; UTC.")
    ] = None
    recording_finished_at: Annotated[
        ZonedOrUtc | None, param("RecordingEndTime", meaning="When it ended; UTC.")
    ] = None
    recording_resource_url: Annotated[
        Text | None, param("RecordingResourceURL", meaning="The recording's resource in the API.")
    ] = None
    recording_format: Annotated[
        Word | None, param("RecordingFormat", meaning="File format, as sent: `mp3`, `.mp3`.")
    ] = None
