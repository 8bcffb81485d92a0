"""Requests of strangers, each described by a few lines that can be kept: nothing in them verifies.

1. A body is ``before``, then ``times`` units, then ``after``. A unit is ``head``, as many ``fill`` as
   make the body ``size_bytes`` long, and ``tail``. In ``head``, ``{n}`` stands for the unit's number.
2. A query is made in the same way of ``query_fill`` in ``query_pieces``.
3. All have a V3 signature header, without which nothing would be decoded; ``signatures`` and
   ``header_lines`` say how many there are in it and beside it.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from bridge.core.catalogue import SHARED_PATH
from bridge.core.parameters import FORM, JSON

BODY_BYTES_MAX: Final = 262_144
QUERY_BYTES_MAX: Final = 16_384
SIGNATURES: Final = tuple(f"{number:042}A=" for number in range(32))


@dataclass(frozen=True)
class Stranger:
    """One request."""

    content_type: str = FORM
    before: str = ""
    head: str = "a{n}="
    fill: str = "x"
    tail: str = "&"
    after: str = ""
    times: int = 1
    size_bytes: int = BODY_BYTES_MAX
    query_fill: str = ""
    query_pieces: int = 0
    signatures: int = 1
    header_lines: int = 0
    names_account: bool = False

    def body(self, account: str) -> bytes:
        """Return the body (rule 1), which names ``account`` if it is to name one."""
        named = ""
        if self.names_account:
            is_json = self.content_type == JSON
            named = f'"ParentAuthID":"{account}",' if is_json else f"ParentAuthID={account}&"
        before, after = _octets(self.before + named), _octets(self.after)
        heads = [_octets(self.head.replace("{n}", str(number))) for number in range(self.times)]
        fill, tail = _octets(self.fill), _octets(self.tail)
        room = self.size_bytes - len(before) - len(after) - sum(map(len, heads))
        count = max(0, (room - len(tail) * self.times) // max(1, self.times * len(fill)))
        return before + b"".join([head + fill * count + tail for head in heads]) + after

    def query(self) -> bytes:
        """Return the query: rule 2."""
        if not self.query_pieces:
            return b""
        count = QUERY_BYTES_MAX // self.query_pieces - 8
        pieces = [
            f"{number}=" + self.query_fill * max(1, count // len(self.query_fill))
            for number in range(self.query_pieces)
        ]
        return _octets("&".join(pieces))[: QUERY_BYTES_MAX - 64]

    def headers(self, length: int) -> list[tuple[bytes, bytes]]:
        """Return the header lines: rule 3."""
        listed = SIGNATURES[: self.signatures]
        half = len(listed) // 2 if len(listed) > 1 else 1
        return [
            (b"host", b"bridge.example.com"),
            (b"content-type", self.content_type.encode()),
            (b"content-length", str(length).encode()),
            (b"x-plivo-signature-v3", ",".join(listed[:half]).encode()),
            (b"x-plivo-signature-ma-v3", ",".join(listed[half:]).encode()),
            (b"x-plivo-signature-v3-nonce", b"1"),
            *[(b"x-forwarded-for", b"192.0.2.1")] * self.header_lines,
        ]

    def scope(self, length: int) -> dict[str, Any]:
        """Return the request as an ASGI scope."""
        return {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "https",
            "path": SHARED_PATH,
            "raw_path": SHARED_PATH.encode(),
            "root_path": "",
            "query_string": self.query(),
            "headers": self.headers(length),
            "client": ("192.0.2.7", 4711),
            "server": ("192.0.2.1", 443),
            "state": {},
        }

    @property
    def kept(self) -> str:
        """The lines to keep it by: what differs from the plainest request."""
        plain = asdict(Stranger())
        told = {name: of for name, of in asdict(self).items() if of != plain[name]}
        return json.dumps(told, indent=2) + "\n"  # orjson takes no lone surrogate


def _octets(text: str) -> bytes:
    """Return the bytes that a text stands for: UTF-8, and \\udcXX for a byte that is none."""
    return text.encode("utf-8", "surrogateescape")


_FORMS: Final = (  # type: ignore[var-annotated]
    {},
    {"content_type": JSON},
    {"content_type": "text/plain"},
    {"head": "", "tail": "={n}&"},
    {"head": "{n}", "tail": "&"},
)
_JSON_BODIES: Final = (
    {"before": "{", "head": '"{n}":"', "tail": '",', "after": '"":1}'},
    {"before": "{", "head": '"{n}', "tail": '":"",', "after": '"":1}'},
    {"before": '{"a":[', "head": '"', "tail": '",', "after": "1]}"},
    {"before": '{"a":[', "head": '"', "tail": '",', "after": "1}"},
    {"before": "{", "head": '"{n}":[["', "tail": '"]],', "after": '"":1}'},
)
_RAW_JSON: Final = (
    {"before": '{"a":[', "head": "", "tail": ",", "after": "1]}"},
    {"before": "{", "head": '"{n}":', "tail": ",", "after": '"":1}'},
)
_FORM_FILLS: Final = (
    "x",
    "%41",
    "%41a",
    "%e2%82%ac",
    "%ff",
    "\udcff",
    "€",
    "=",
    "+",
    "%3A",
    "%3D=",
)
_STRING_FILLS: Final = (
    "x", "\\n", "\\u0041", "\\ud83d\\ude00", "\\ud800", "€", "😀", "&", "\\\\", "%41", "\\u20ac",
)  # fmt: skip
_RAW_FILLS: Final = ("1", "[", "[]", "[],", "{}", " ", "[[", "-", "1e1", "1,", '{"a":')


def grid() -> list[Stranger]:
    """Return the requests that a search begins with."""
    bodies: list[dict[str, Any]] = [
        {**form, "fill": fill} for form in _FORMS for fill in _FORM_FILLS
    ]
    bodies += [
        {"content_type": JSON, **shape, "fill": fill}
        for shapes, fills in ((_JSON_BODIES, _STRING_FILLS), (_RAW_JSON, _RAW_FILLS))
        for shape in shapes
        for fill in fills
    ]
    found = [
        Stranger(**body, times=times, size_bytes=size)
        for body in bodies
        for times in (1, 95, 190, 500)
        for size in (8_000, 16_000, BODY_BYTES_MAX)
    ]
    # A number of 400 digits is the longest that is read as one. A list repeats its key.
    found += [
        Stranger(content_type=JSON, times=times, size_bytes=times * 410, **shape, fill=fill)  # type: ignore[arg-type]
        for shape in _RAW_JSON
        for fill in ("1", "1.5e-1", "0.1")
        for times in (30, 80, 500)
    ]
    found += [
        Stranger(content_type=JSON, before='{"' + "k" * size + '":[', head="1", fill="", tail=",",
                 after="1]}", times=500)
        for size in (50, 60, 20_000)
    ]  # fmt: skip
    return found
