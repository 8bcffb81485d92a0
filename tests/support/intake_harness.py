"""The walk as tests take it: with a publisher that meets what it is told."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.callbacks.model import CallbackType
from bridge.core.catalogue import Catalogue
from bridge.core.event import ContractNames
from bridge.core.keyring import Account, Keyring
from bridge.core.nonce_guard import NonceGuard
from bridge.core.outcome import Outcome
from bridge.core.parse import Callback, Parser
from bridge.core.record import Record
from bridge.core.request import RawCallback, index_headers
from bridge.core.verify import Unverified, Verified, Verifier
from bridge.emulator.sign import sign_headers
from bridge.intake.asking import Asking
from bridge.intake.delivery import Delivery
from bridge.intake.outcome_log import CallbackResult, OutcomeRecorder
from bridge.intake.preparation import Policy, Preparation, Stations
from bridge.intake.rate_limit import RateLimiter
from bridge.intake.rejections import RejectionSampler
from bridge.intake.walk import AckTimeouts, Intake, IntakeParts
from bridge.publish import RecordRefused
from bridge.publish.health import CircuitBreaker
from bridge.reply.applications import Applications, NoApplications
from bridge.reply.replies import Replies
from bridge.reply.rules import Rules
from bridge.spool import NoSpool, Spool
from bridge.telemetry.logs import CallTokens
from bridge.telemetry.metrics import Metrics
from tests.support.bridge import AUTH_ID, TOKEN
from tests.support.futures import settled

NOW = datetime(2026, 3, 7, 14, 13, 36, tzinfo=UTC)
URL = "https://hooks.example.com"
EVENTS, DEAD_LETTERS = "plivo.voice.call.ring.v1", "plivo.bridge.deadletter.v1"
JOURNAL = "plivo.journal.v1"
ANSWER = f"CallUUID=1&Event=StartApp&From=14155550100&ParentAuthID={AUTH_ID}"
RING = f"CallUUID=1&Event=Ring&From=14155550100&ParentAuthID={AUTH_ID}"


NAMING = ContractNames("", "urn:s:")


class Fake:
    """A publisher that fails as it is told: ``fails`` maps a topic to what its records meet."""

    available = True

    def __init__(self, fails: dict[str, Exception] | None = None) -> None:
        self.fails = fails or {}
        self.records: list[Record] = []

    @settled
    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> None:
        for record in records:
            error = self.fails.get(record.topic)
            if isinstance(error, RecordRefused):
                raise RecordRefused(error.reason, str(error), topic=record.topic)
            if error is not None:
                raise error
        self.records.extend(records)

    @property
    def topics(self) -> list[str]:
        return [record.topic for record in self.records]


class FaultyParser(Parser):
    """A parser with a fault; its text quotes the callback, as faults do."""

    def parse(self, verdict: Verified | Unverified, route: CallbackType | None) -> Callback:
        raise KeyError(verdict.raw.body)


class Walk:
    """An intake with its stations in reach."""

    def __init__(
        self,
        types: Catalogue,
        publisher: Any,
        parser: Parser | None = None,
        spool: Spool | None = None,
        policy: Policy = "enforce",
        *,
        replies: Replies | None = None,
        applications: Applications | None = None,
        parameters_max: int | None = None,
    ) -> None:
        self.types = types
        self.publisher = publisher
        self.metrics = Metrics("0")
        delivery = Delivery(
            publisher,
            spool or NoSpool(),
            breaker=CircuitBreaker(lambda: 0.0),
            metrics=self.metrics,
        )
        self.asking = Asking(
            applications or NoApplications(), delivery, ack_timeout_s=5, metrics=self.metrics
        )
        verifier = Verifier(Keyring([Account(AUTH_ID, "UTC", (TOKEN,))]), NonceGuard())
        replies = replies or Replies(Rules((), (), types))
        stations = Stations(
            verifier, parser or Parser(types), replies, NAMING, policy, parameters_max
        )
        parts = IntakeParts(
            preparation=Preparation(stations, self.metrics, now=lambda: NOW),
            rejections=RejectionSampler(
                samples=RateLimiter(60, lambda: 0.0),
                diagnoses=RateLimiter(60, lambda: 0.0),
                verifier=verifier,
                publisher=publisher,
                naming=NAMING,
                metrics=self.metrics,
            ),
            delivery=delivery,
            asking=self.asking,
            ack_timeouts=AckTimeouts(ack_timeout_s=5, control_ack_timeout_s=2),
            replies=replies,
            naming=NAMING,
        )
        self.intake = Intake(parts, self.metrics)
        self.recorder = OutcomeRecorder(
            self.metrics,
            CallTokens("a key of sixteen"),
            unverified_limiter=RateLimiter(60, lambda: 0.0),
        )

    async def take(
        self,
        form: str = RING,
        kind: str = "voice.call.ring",
        token: str = TOKEN,
        *,
        method: str = "POST",
    ) -> Any:
        route = self.types.by_name[kind]
        query, body = (form, "") if method == "GET" else ("", form)
        url = URL + route.path + (f"?{query}" if query else "")
        signed = sign_headers(method, url, body, token)
        raw = RawCallback(
            method,
            URL,
            URL,
            route.path,
            query,
            index_headers(signed.items()),
            body.encode(),
            "",
            NOW,
        )
        return await self.receive(raw, route)

    async def receive(self, raw: RawCallback, route: CallbackType | None) -> CallbackResult:
        """Return the result of a callback, recorded as the ingress records it."""
        result = await self.intake.receive(raw, route)
        self.recorder.record(raw.method, result)
        return result

    def ends(self) -> dict[str, float]:
        """Return how often each outcome was counted, those that were."""
        counts = {one: self.metrics.value("callbacks_total", outcome=one) for one in Outcome}
        return {outcome.value: times for outcome, times in counts.items() if times}
