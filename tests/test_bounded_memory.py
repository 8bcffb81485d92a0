"""What the process remembers is bounded in bytes in every policy, though anybody may choose the text."""

import ast
import asyncio
import gc
import logging
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

import bridge
from bridge import normalise
from bridge.core import field_map, origins
from bridge.core.catalogue import Catalogue
from bridge.core.identity import IDENTIFIER_CHARACTERS_MAX, is_usable_id
from bridge.core.outcome import Outcome
from bridge.core.request import RawCallback, index_headers
from bridge.ingress import framing
from bridge.intake.preparation import Policy
from bridge.normalise import Unreadable, phone, quantity
from bridge.publish import partitioning
from bridge.telemetry.logs import _RepeatFilter
from tests.support.factories import raw_callback
from tests.support.futures import started
from tests.support.intake_harness import Fake, Walk

# Every cache of a function, and why it is bounded in bytes.
CACHES = {
    "consume/record._load_names": "one",
    "consume/record._load_models": "one",
    "consume/record._build_validator": "one for each model",
    "normalise/__init__._make_remembered": "names and texts of 256 characters at most",
    "normalise/quantity.parse_count": "texts of 46 characters at most",
    "normalise/quantity.parse_money": "texts of 47 characters at most",
    "normalise/phone._load_national_patterns": "country codes of three digits at most",
    "normalise/phone._parse_party": "texts of 64 characters at most",
    "normalise/time._find_utc_minute": "4,096 minutes, in texts of 16 characters",
    "normalise/time._format_second": "64 seconds, in texts of 19 characters",
    "normalise/time.load_zone": "the zones that there are",
    "normalise/tzdata._load_zones": "one",
    "normalise/tzdata.list_offsets_in_use": "1,024 days, each with the few offsets that there are",
    "normalise/tzdata.list_abbreviation_offsets": "256 years, each with the few abbreviations",
    "replay/targets/columns._list_event_paths": "one",
    "publish/partitioning._cached_partition": "keys of 64 bytes at most",
    "core/catalogue.load_catalogue": "one",
    "core/catalogue._map_usual_names": "one for each catalogue",
    "core/event._name_type": "one for each type under the names that an operator chose",
    "core/origins._is_authority": "128 texts of 259 characters at most",
    "core/origins.list_equal_origins": "128 origins, whose hosts have 253 characters at most",
    "core/field_map._assign_remembered": "names of 1,536 characters at most",
    "core/field_map.map_fields": "one for each declaration",
    "ingress/framing._read_remembered": "128 request lines, each with its host of 512 bytes at most",
    "forward/application._parse_origin": "128 origins of the rules",
    "originate/fields.list_fields": "one for each model",
}


def cached() -> Iterator[str]:
    """Yield each function of the package that has a cache."""
    root = Path(bridge.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                ast.unparse(mark).partition("(")[0] in {"cache", "lru_cache"}
                for mark in node.decorator_list
            ):
                yield f"{path.relative_to(root).with_suffix('')}.{node.name}"


@pytest.mark.system
def test_every_cache_has_a_reason_why_it_is_bounded_in_bytes() -> None:
    assert sorted(cached()) == sorted(CACHES)


def test_long_texts_are_read_alike_and_not_kept() -> None:
    phone._parse_party.cache_clear()
    short, long = "sip:a@example.com", "sip:" + "a" * 100_000
    assert phone.parse_party(long) == {"kind": "sip", "e164": None, "text": long}
    assert phone._parse_party.cache_info().currsize == 0
    assert phone.parse_party(short)["kind"] == "sip"
    assert phone._parse_party.cache_info().currsize == 1


def test_long_hosts_are_judged_alike_and_not_kept() -> None:
    origins._is_authority.cache_clear()
    assert not origins.is_authority("a" * 260)
    assert origins._is_authority.cache_info().currsize == 0
    assert origins.is_authority("a")
    assert origins._is_authority.cache_info().currsize == 1


def test_long_request_lines_are_read_alike_and_not_kept() -> None:
    framing._read_remembered.cache_clear()
    for path in (b"/" + b"a" * 512, b"/a"):
        assert framing.parse_head(b"GET %b?b HTTP/1.1\r\nHost: a" % path).path == path
        assert framing._read_remembered.cache_info().currsize == (path == b"/a")


def test_long_names_are_assigned_alike_and_not_kept(types: Catalogue) -> None:
    ring = field_map.map_fields(types.by_name["voice.call.ring"].model)
    field_map._assign_remembered.cache_clear()
    header, machine, other = "X-PH-" + "a" * 2_000, "MACHINE" + "_" * 2_000, "b" * 2_000
    for name, field in ((header, "sip_headers"), (machine, "machine"), (other, None)):
        ((_, rules, group),) = field_map.assign_names(ring, (name,), None, is_json=False).others
        assert (rules[0][1] if rules else group) == field
    assert field_map._assign_remembered.cache_info().currsize == 0
    field_map.assign_names(ring, ("X-PH-a",), None, is_json=False)
    assert field_map._assign_remembered.cache_info().currsize == 1


def test_long_counts_and_prices_are_not_kept() -> None:
    quantity.parse_count.cache_clear()
    quantity.parse_money.cache_clear()
    for text in ("1" * 10_000, "1." + "0" * 10_000):
        for parse in (quantity.parse_count, quantity.parse_money):
            with pytest.raises(Unreadable):
                parse(text)
    assert quantity.parse_count.cache_info().currsize == 0
    assert quantity.parse_money.cache_info().currsize == 0


def test_long_texts_of_a_group_are_read_alike_and_not_kept(types: Catalogue) -> None:
    groups = field_map.map_fields(types.by_name["voice.call.hangup"].model).groups
    for group, name in (("stir", "STIRVerification"), ("hangup", "HangupCauseName")):
        parse = groups[group].parse
        normalise._make_remembered.cache_clear()
        long = "a" * 10_000
        for spelled, text, direction in (
            (name, long, "outbound"),
            (name + "_" * 10_000, "a", "outbound"),
            (name, "a", long),
        ):
            value = parse({spelled: text}, direction)
            assert isinstance(value, dict)
            assert value["text"] == {spelled: text}
        assert normalise._make_remembered.cache_info().currsize == 0
        assert parse({name: "a"}, "outbound") is parse({name: "a"}, "outbound")
        assert normalise._make_remembered.cache_info().currsize == 1


def test_the_partition_of_a_long_key_is_that_of_kafka_and_not_kept() -> None:
    partitioning._cached_partition.cache_clear()
    for key in (b"x" * 65, b"x" * 1_000):
        assert partitioning.partition_for_key(key, 12) == partitioning._partitioner(
            key, range(12), range(12)
        )
    assert partitioning._cached_partition.cache_info().currsize == 0


@pytest.mark.parametrize(
    ("text", "is_usable"),
    [
        ("5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01", True),
        ("x" * IDENTIFIER_CHARACTERS_MAX, True),
        ("x" * (IDENTIFIER_CHARACTERS_MAX + 1), False),
        ("", False),
        ("a\nb", False),
        (None, False),
    ],
)
def test_an_identifier_has_a_bounded_length(text: object, *, is_usable: bool) -> None:
    assert is_usable_id(text) is is_usable


def test_the_filter_of_repeated_messages_keeps_no_long_text() -> None:
    once = _RepeatFilter()
    for place in range(20):
        text = f"{place:02}" + "x" * 100_000
        record = logging.LogRecord("a", logging.WARNING, "", 0, text, (), None)
        assert once.filter(record)
    assert max(len(message) for _, message in once._last) <= 256


class Forgetful(Fake):
    """A publisher that keeps nothing: what remains is the bridge's own."""

    @started
    async def publish(self, records: object, **_: object) -> None:
        """Take the records, and forget them."""


def hostile(place: int) -> RawCallback:
    """Return a callback whose every text is long and its own."""
    text = f"{place:05}" * 4_000
    form = {"CallUUID": text, "Event": f"E{text}", "From": text, "To": "sip:" + text, text: text}
    kinds = ("application/x-www-form-urlencoded", "application/json", text)
    headers = (
        ("host", text),
        ("user-agent", text),
        ("content-type", kinds[place % 3]),
        ("x-plivo-signature-v3", text),
        ("x-plivo-signature-v3-nonce", text),
    )
    raw = raw_callback(urlencode({text: "1"}), urlencode(form), content_type=None)
    return raw._replace(headers=index_headers(headers), remote_address=f"192.0.2.{place % 250}")


@pytest.mark.parametrize("policy", ["enforce", "report", "off"])
async def test_whatever_strangers_send_little_of_it_is_remembered(
    types: Catalogue, policy: Policy
) -> None:
    walk = Walk(types, Forgetful(), policy=policy)
    for place in range(10):
        await walk.receive(hostile(place), None)  # what is loaded once
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for place in range(10, 110):
            taken = await walk.receive(hostile(place), None)
            await asyncio.sleep(0)  # the sample of what was rejected is published
            assert (taken.outcome is Outcome.REJECTED) is (policy == "enforce")
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 400_000  # of 15 million bytes
