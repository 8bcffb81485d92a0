"""A load of emulated calls through a whole bridge: nothing is lost, and every time is certain.

``emulate run mixed-load`` calls a bridge on the embedded broker, which answers with the documents of the
example application. What the emulator counted, and what a client finds on the topics, must be the same.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from bridge.core import catalogue
from bridge.core.journal import DEAD_LETTER_TOPIC, JOURNAL_TOPIC
from bridge.dev.account import ACCOUNTS
from tests.examples.plivo_application import copy_settings
from tests.support.cli import read_servers, run, started
from tests.support.kafka import read_back
from tests.support.ports import free_port

pytestmark = pytest.mark.system

# Without daylight saving, so that it can be run at any hour.
ZONE: Final = "Asia/Kolkata"
ACCOUNT: Final = {**ACCOUNTS[0], "timezone": ZONE}
CALLS: Final = 100


def find_moments(value: object) -> Iterator[dict[str, Any]]:
    """Yield the times of an event, wherever they are in it."""
    if isinstance(value, dict):
        if "certainty" in value:
            yield value
        for part in value.values():
            yield from find_moments(part)


def test_every_callback_of_a_mixed_load_is_an_event_and_every_time_is_exact(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    dev = ("dev", "--kafka-port", "0", "--port", str(port))
    given = {"accounts": orjson.dumps([ACCOUNT]).decode(), "public_url": url}
    with started(*dev, "--settings", str(copy_settings(tmp_path, url)), **given) as bridge:
        bridge.says("Events appear below.")
        load = ("emulate", "run", "mixed-load", "--against", url)
        done = run(*load, "--speed", "20", "--seed", "7", "--timezone", ZONE, "--json")
        assert done.returncode == 0, done.stderr
        servers = read_servers(bridge)
        topics = [kind.topic for kind in catalogue.load_catalogue().all_types]
        events = [orjson.loads(record.value) for record in read_back(servers, topics)]
        journal = read_back(servers, [JOURNAL_TOPIC])
        dead_letters = read_back(servers, [DEAD_LETTER_TOPIC])
        assert bridge.end() == 0
    tally = orjson.loads(done.stdout)
    assert (tally["begun"], tally["notes"]) == (CALLS, {})
    # By their ids: where a busy machine is slow, Plivo's side may ask again.
    of_id = {event["id"]: event for event in events}
    types = Counter(event["type"][len("com.plivo.") : -len(".v1")] for event in of_id.values())
    assert types == tally["sent"] == tally["delivered"]
    assert len({dict(record.headers)["event_id"] for record in journal}) == len(of_id)
    assert len(journal) == len(events)
    assert dead_letters == []
    hangups = types["voice.call.hangup"] + types["voice.dial.hangup"]
    assert hangups == sum(tally["ended"].values())
    assert types["voice.call.hangup"] == CALLS
    moments = [moment for event in of_id.values() for moment in find_moments(event["data"])]
    assert {moment["zone"] for moment in moments} == {"UTC", ZONE}
    assert Counter(moment["certainty"] for moment in moments) == {"exact": len(moments)}
