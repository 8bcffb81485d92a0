"""How many Python functions one callback takes in the core: a measure of its cost without noise."""

import sys
from collections.abc import Callable
from types import FrameType

from bridge.core.catalogue import Catalogue
from bridge.core.event import to_event
from bridge.core.journal import SentReply, to_journal
from bridge.core.parameters import parse_parameters
from tests.support.factories import (
    NAMING,
    RECORDED,
    parser,
    raw_callback,
    signed,
    verifier,
)

PARSE_CALLS_MAX = 62
CALLS_MAX = 144  # to verify, parse and build
REPLY = SentReply(200, None, b"")


def count_calls(work: Callable[[], object]) -> int:
    """Return how many functions, generators and comprehensions of Python ``work`` entered."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def test_a_hangup_takes_few_calls(types: Catalogue) -> None:
    kind = types.by_name["voice.call.hangup"]
    raw = signed(raw_callback("", max(kind.samples.values(), key=len)))
    by, reader = verifier(), parser(types)
    verdict = by.verify(raw, parse_parameters(raw))

    def prepare() -> None:
        found = by.verify(raw, parse_parameters(raw, 512))
        callback = reader.parse(found, kind)
        event = to_event(callback, NAMING, RECORDED)
        to_journal(callback, event, NAMING, REPLY)

    prepare()  # fills the caches
    assert count_calls(lambda: reader.parse(verdict, kind)) <= PARSE_CALLS_MAX
    assert count_calls(prepare) <= CALLS_MAX
