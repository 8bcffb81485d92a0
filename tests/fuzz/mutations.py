"""What may happen to a callback on its way: one small harm after another, all drawn from one Random."""

import base64
import json
from collections.abc import Callable
from random import Random
from urllib.parse import quote_plus, urlencode

from bridge.callbacks.model import list_fields
from bridge.core import request as wire
from bridge.core.parameters import FORM, Pair
from bridge.core.request import RawCallback
from tests.support.conformance import SAMPLES, TYPES, Sample
from tests.support.factories import SUB_TOKEN, TOKEN, raw_callback, signed, v2_of, with_headers

NAMES = sorted(
    {name for one in SAMPLES for name, _ in one.pairs}
    | {
        name
        for kind in TYPES.all_types
        for _, of, _ in list_fields(kind.model).values()
        for name in of.names
    }
    | {"X-PH-Campaign", "x-ph-campaign", "stir_verification", "machine", "Media0", "Media99", "New"}
)
NASTY = [
    "", " ", "-1", "0", "-0", "00042", "1" * 15, "9" * 16, "1" * 5000, "1e309", "NaN", "0.1" + "0" * 30,
    "true", "TRUE", "null", "[]", "{}", '{"a":1}', "\x00", "a\x00b", "\r\n", "\u202e", "\ufeff",
    "\U0010ffff",
    "٣", "x" * 10_000, "é" * 500, "%", "%zz", "&=&", "a=b&c", "../../etc/passwd", "<Response/>",
    "2026-03-08 02:30:00", "2026-11-01 01:30:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59",
    "9999-12-31 23:59:59.999999999-23:59", "2026-02-30 00:00:00", "2024-02-01 06:28:15 +0000 UTC",
    "2026-03-07T14:13:29Z", "1772892781000.000", "999999999999999", "1 of 0", "9999 of 9999",
    "+14155550123", "sip:a@phone.plivo.com", "sip:", "anonymous", "+1 (415) 555-0123", "+" * 40,
    "Verified", "Not Verified", "A", "Hangup", "StartApp", "SessionFirstParty", "MPC",
    "MAXXXXXXXXXXXXXXXXXX",
]  # fmt: skip
BYTES = ["%FF", "%C3", "%ED%A0%80", "%F5%80%80%80", "%00", "%c3%28", "%e2%82", "+%2B+"]
JSON = "application/json"
TYPES_OF_CONTENT = [
    None, FORM, FORM + "; charset=UTF-8", FORM.upper(), JSON, JSON + ";charset=utf-8", "text/plain", "",
    "multipart/form-data; boundary=x", ";", "application/xml",
]  # fmt: skip

Harm = Callable[[list[Pair], Random], None]


def _any(pairs: list[Pair], chance: Random) -> int:
    return chance.randrange(len(pairs))


def drop(pairs: list[Pair], chance: Random) -> None:
    del pairs[_any(pairs, chance)]


def double(pairs: list[Pair], chance: Random) -> None:
    pairs.insert(_any(pairs, chance), pairs[_any(pairs, chance)])


def contradict(pairs: list[Pair], chance: Random) -> None:
    name, _ = pairs[_any(pairs, chance)]
    pairs.insert(_any(pairs, chance), (name, chance.choice(NASTY)))


def swap_places(pairs: list[Pair], chance: Random) -> None:
    one, other = _any(pairs, chance), _any(pairs, chance)
    pairs[one], pairs[other] = pairs[other], pairs[one]


def swap_values(pairs: list[Pair], chance: Random) -> None:
    one, other = _any(pairs, chance), _any(pairs, chance)
    (name, value), (its_name, its_value) = pairs[one], pairs[other]
    pairs[one], pairs[other] = (name, its_value), (its_name, value)


def spoil(pairs: list[Pair], chance: Random) -> None:
    place = _any(pairs, chance)
    pairs[place] = (pairs[place][0], chance.choice(NASTY))


def blank(pairs: list[Pair], chance: Random) -> None:
    place = _any(pairs, chance)
    pairs[place] = (pairs[place][0], "")


def respell(pairs: list[Pair], chance: Random) -> None:
    place = _any(pairs, chance)
    name, value = pairs[place]
    spelt = [name.lower(), name.upper(), name.replace("_", ""), name + "0", "_" + name, name[:-1]]
    pairs[place] = (chance.choice(spelt), value)


def add(pairs: list[Pair], chance: Random) -> None:
    pairs.insert(_any(pairs, chance), (chance.choice(NAMES), chance.choice(NASTY)))


def add_of_another(pairs: list[Pair], chance: Random) -> None:
    pairs.append(chance.choice(chance.choice(SAMPLES).pairs or [("a", "b")]))


HARMS: list[Harm] = [
    drop, double, contradict, swap_places, swap_values, spoil, spoil, blank, respell, add,
    add_of_another,
]  # fmt: skip


def mutated(pairs: list[Pair], chance: Random) -> list[Pair]:
    """Return the pairs after up to six harms."""
    for _ in range(chance.randrange(7)):
        if pairs:
            chance.choice(HARMS)(pairs, chance)
    return pairs


def _flipped(text: str, chance: Random) -> str:
    """Return a form with bits of it flipped, still ASCII as a request line must be."""
    letters = list(text)
    for _ in range(chance.randrange(1, 4)):
        if letters:
            place = chance.randrange(len(letters))
            code = ord(letters[place]) ^ (1 << chance.randrange(7))
            letters[place] = chr(code) if 32 < code < 127 and code != ord("#") else "%"
    return "".join(letters)


def _form(pairs: list[Pair], chance: Random) -> str:
    text = urlencode(pairs, errors="surrogatepass")
    if chance.random() < 0.15:
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(BYTES) + text[place:]
    if chance.random() < 0.05:
        text += chance.choice(["&", "&&", "&bare", "&=", "&=x", "?", "&a=1=2"])
    return _flipped(text, chance) if chance.random() < 0.15 else text


def _json(pairs: list[Pair], chance: Random) -> bytes:
    members = ",".join(
        f"{json.dumps(name)}:{value if chance.random() < 0.01 else json.dumps(value)}"
        for name, value in pairs
    )
    text = "{" + members + "}"
    if chance.random() < 0.05:
        text = chance.choice(["[" + text + "]", text[:-1], "[" * 3000, '{"a":"\\ud800"}', "1", ""])
    return text.encode()


def raw_of(pairs: list[Pair], sample: Sample, chance: Random) -> RawCallback:
    """Return the request that brings the pairs, in any way one may come."""
    path = sample.kind.path if sample.kind.has_path and chance.random() < 0.7 else "/plivo"
    query = chance.choice(
        ["", "", "team=blue", "team=blue&to=%FF", quote_plus("Event") + "=Hangup"]
    )
    method, body = "POST", b""
    content_type: str | None = FORM
    match chance.choices(["form", "get", "json", "other"], weights=[60, 20, 15, 5])[0]:
        case "form":
            body = _form(pairs, chance).encode()
            if chance.random() < 0.1:
                body = _bits_flipped(body, chance)
        case "get":
            method, content_type = "GET", None
            query = "&".join(filter(None, [query, _form(pairs, chance)]))
        case "json":
            body, content_type = _json(pairs, chance), JSON
        case _:
            body, content_type = _form(pairs, chance).encode(), chance.choice(TYPES_OF_CONTENT)
    raw = raw_callback(query, body, method=method, path=path, content_type=content_type)
    if chance.random() < 0.02:
        raw = with_headers(raw, ("content-encoding", chance.choice(["gzip", "identity", ""])))
    return _signed(raw, chance)


def _bits_flipped(body: bytes, chance: Random) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randrange(1, 5)):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _signed(raw: RawCallback, chance: Random) -> RawCallback:
    nonce = str(chance.randrange(10**20))
    match chance.randrange(8):
        case 0:
            return raw
        case 1:
            return signed(raw, SUB_TOKEN, nonce)
        case 2:
            return signed(raw, "wrong-token", nonce)
        case 3:
            return with_headers(
                raw, (wire.SIGNATURE_V2, v2_of(raw, nonce=nonce)), (wire.NONCE_V2, nonce)
            )
        case 4:
            noise = base64.b64encode(chance.randbytes(chance.randrange(40))).decode()
            return with_headers(raw, (wire.SIGNATURE_V3, noise + "\xff"), (wire.NONCE_V3, nonce))
        case _:
            return signed(raw, TOKEN, nonce)
