"""Run the samples of the declarations through the real core, to get examples that are always right."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bridge.callbacks.model import CallbackType
from bridge.core import request as wire
from bridge.core import signature
from bridge.core.catalogue import SHARED_PATH, Catalogue
from bridge.core.event import ContractNames, EventRecord, to_event
from bridge.core.journal import SentReply, to_journal
from bridge.core.keyring import Account, Keyring
from bridge.core.nonce_guard import NonceGuard
from bridge.core.parameters import FORM, parse_form, parse_parameters
from bridge.core.parse import Parser
from bridge.core.record import Record
from bridge.core.request import RawCallback, index_headers
from bridge.core.verify import Verifier

ORIGIN: Final = "https://bridge.example.com"
AUTH_ID: Final = "MAXXXXXXXXXXXXXXXXXX"
_TOKEN: Final = "sample-token"  # noqa: S105 (belongs to no account)
NONCE: Final = "31627761595286130198"
_ZONE: Final = "America/New_York"
# Later than every time in the samples, because Plivo sends a callback after what it reports.
_RECEIVED_AT: Final = datetime(2026, 3, 7, 14, 14, 44, 120_000, tzinfo=UTC)
RECORDED_AT: Final = datetime(2026, 3, 7, 14, 14, 44, 121_000, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Example:
    """One sample with its event and its journal record. ``shows`` says what it is an example of."""

    type: CallbackType
    shows: str
    raw: RawCallback
    event: EventRecord
    journal: Record

    @property
    def slug(self) -> str:
        """Return ``shows`` as a file name."""
        return re.sub(r"[^a-z0-9]+", "-", self.shows.lower()).strip("-")

    @property
    def path(self) -> str:
        """Return the path of its event's file, below the folder of the schemas."""
        return f"{self.type.name}/examples/{self.slug}.json"


def request(
    method: str, path: str, content_type: str = "", body: str = "", query: str = ""
) -> RawCallback:
    """Return an unsigned request."""
    return RawCallback(
        method=method,
        origin="http://10.0.0.7:8080",
        public_origin=ORIGIN,
        path=path,
        query=query,
        headers=index_headers([("content-type", content_type)] if content_type else []),
        body=body.encode(),
        remote_address="198.51.100.7",
        received_at=_RECEIVED_AT,
    )


def sign_sample(kind: CallbackType, form: str) -> RawCallback:
    """Return a sample as a POST to the path of its type, signed with V3."""
    path = kind.path if kind.has_path else SHARED_PATH
    pairs, _ = parse_form(form)
    message = signature.build_v3_message("POST", ORIGIN + path, (), pairs, NONCE)
    raw = request("POST", path, FORM, form)
    return with_signature(raw, wire.SIGNATURE_V3, wire.NONCE_V3, message)


def with_signature(raw: RawCallback, name: str, nonce_name: str, message: bytes) -> RawCallback:
    """Return the request with a signature of ``message`` in the header ``name``."""
    made = signature.sign(_TOKEN.encode(), message)
    return raw._replace(
        headers=index_headers([*raw.headers.lines, (nonce_name, NONCE), (name, made)])
    )


def verifier() -> Verifier:
    """Return a verifier that knows the token of the samples."""
    return Verifier(Keyring([Account(AUTH_ID, _ZONE, (_TOKEN,))]), NonceGuard())


def build_examples(catalogue: Catalogue, naming: ContractNames) -> Iterator[Example]:
    """Yield an example for every sample of every type."""
    verify = verifier().verify
    parser = Parser(catalogue)
    for kind in catalogue.all_types:
        for shows, form in kind.samples.items():
            raw = sign_sample(kind, form)
            verdict = verify(raw, parse_parameters(raw))
            callback = parser.parse(verdict, kind if kind.has_path else None)
            event = to_event(callback, naming, RECORDED_AT)
            reply = SentReply(200, None, b"")
            journal = to_journal(callback, event, naming, reply)
            yield Example(kind, shows, raw, event, journal)
