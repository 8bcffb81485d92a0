"""One callback from a sample: new ids, and times that have just been."""

from datetime import UTC, datetime
from random import Random
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import load_catalogue
from bridge.core.parameters import parse_form
from bridge.emulator.samples import move_times, parse_sample, renew_ids

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
KOLKATA = ZoneInfo("Asia/Kolkata")
TYPES = load_catalogue().types


def test_all_times_move_by_the_same_amount_and_the_latest_is_now() -> None:
    sample = {
        "StartTime": "2026-03-07 09:13:28",
        "SessionStart": "2026-03-07 14:13:30.910772",
        "EndTime": "2026-03-07 09:14:43",
        "RecordingEndMs": "1772892823120",
        "Text": "at 2026-03-07 09:13:28 it rang",
    }
    moved = move_times(sample, NOW, KOLKATA)
    assert moved == {
        "StartTime": "2026-07-01 17:28:45",
        "SessionStart": "2026-07-01 11:58:47.910772",
        "EndTime": "2026-07-01 17:30:00",
        "RecordingEndMs": "1782907140120",
        "Text": sample["Text"],
    }


def test_equal_ids_stay_equal_and_others_become_new() -> None:
    sample = {"CallUUID": "e7d6a1f0-7f3e-4a52-8f0a-90c3f0f5d002", "From": "14155550100"}
    sample["ALegUUID"] = sample["CallUUID"]
    renewed = renew_ids(sample, Random(1))
    assert renewed["CallUUID"] == renewed["ALegUUID"] != sample["CallUUID"]
    assert renewed["From"] == sample["From"]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_moved_sample_of_any_type_keeps_its_names_and_texts_without_times(
    kind: CallbackType,
) -> None:
    for form in kind.samples.values():
        sample = parse_sample(form)
        moved = renew_ids(move_times(sample, NOW, KOLKATA), Random(1))
        assert moved.keys() == sample.keys()
        pairs, _ = parse_form(urlencode(moved))
        assert dict(pairs) == moved
