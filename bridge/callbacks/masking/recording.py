"""Recordings of masking sessions: https://plivo.com/docs/number-masking/api/session."""

from bridge.callbacks.masking import MaskingCallback
from bridge.callbacks.model import CallbackType, Reply
from bridge.callbacks.recording import StoredRecordingFields


class MaskingRecording(MaskingCallback, StoredRecordingFields):
    """A recording of a masking session changed."""


CALLBACK = CallbackType(
    name="masking.session.recording",
    model=MaskingRecording,
    key_fields=("session_uuid",),
    reply=Reply.ACK,
    named=("EventName^=SessionRecording",),
    match_order=1,
    time_fields=("event_at",),
    samples={
        "completed": (
            "EventName=SessionRecordingCompleted&EventTimestamp=2026-03-07+14%3A14%3A41+%2B0000+UTC"
            "&From=14155550123&RecordingDuration=41"
            "&RecordingEndTime=2026-03-07+14%3A14%3A40+%2B0000+UTC&RecordingFormat=.mp3"
            "&RecordingResourceURL=https%3A%2F%2Fapi.plivo.com%2Fv1%2FRecording%2F7b1c%2F"
            "&RecordingStartTime=2026-03-07+14%3A13%3A59+%2B0000+UTC"
            "&RecordingURL=https%3A%2F%2Fmedia.plivo.com%2Fv1%2FRecording%2F7b1c.mp3"
            "&RecordingUUID=7b1c2d3e-3c5c-11e7-b213-06bcf6c57c65&SequenceNumber=2"
            "&SessionUUID=3c4d5e6f-1111-4222-8333-444455556666&To=14155550188"
            "&VirtualNumber=14155550100"
        ),
    },
)
