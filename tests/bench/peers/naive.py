"""The bridge as one would first write it: ``python -m tests.bench.peers.naive PORT KAFKA PREFIX yes``.

It does the same work for one type of callback: it checks the signature with Plivo's own library, makes
a typed event and a record of the original, waits until Kafka has both, writes a log line and counts.
Nothing is slow on purpose: uvicorn has its fastest parts and no access log, and both records are sent
at once. The last argument is whether the producer is idempotent.
"""

import asyncio
import contextlib
import sys
import uuid
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import structlog
from aiokafka import AIOKafkaProducer
from plivo.utils import validate_v3_signature
from prometheus_client import Counter, Histogram
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bridge.dev.account import AUTH_TOKEN, TIMEZONE
from tests.bench.callbacks import HANGUP_PATH, PUBLIC_URL
from tests.bench.peers import fastest

_ZONE = ZoneInfo(TIMEZONE)

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.JSONRenderer(),
    ],
    cache_logger_on_first_use=True,
)
log = structlog.get_logger()

CALLBACKS = Counter("callbacks", "Callbacks by type and outcome", ["type", "outcome"])
SECONDS = Histogram("callback_seconds", "Time until Kafka has acknowledged", ["type"])


def _from_local(value: datetime) -> datetime:
    return value.replace(tzinfo=_ZONE).astimezone(UTC)


LocalTime = Annotated[datetime, AfterValidator(_from_local)]


class Hangup(BaseModel):
    """The event's data."""

    model_config = ConfigDict(populate_by_name=True)

    call_uuid: str = Field(alias="CallUUID")
    a_leg_uuid: str | None = Field(None, alias="ALegUUID")
    request_uuid: str | None = Field(None, alias="RequestUUID")
    a_leg_request_uuid: str | None = Field(None, alias="ALegRequestUUID")
    account: str = Field(alias="ParentAuthID")
    direction: str = Field(alias="Direction")
    caller: str = Field(alias="From")
    callee: str = Field(alias="To")
    status: str = Field(alias="CallStatus")
    stir_attestation: str | None = Field(None, alias="STIRAttestation")
    stir_verification: str | None = Field(None, alias="STIRVerification")
    started_at: LocalTime | None = Field(None, alias="StartTime")
    answered_at: LocalTime | None = Field(None, alias="AnswerTime")
    ended_at: LocalTime | None = Field(None, alias="EndTime")
    session_started_at: datetime | None = Field(None, alias="SessionStart")
    duration_s: int | None = Field(None, alias="Duration")
    bill_duration_s: int | None = Field(None, alias="BillDuration")
    bill_rate: Decimal | None = Field(None, alias="BillRate")
    total_cost: Decimal | None = Field(None, alias="TotalCost")
    cause: str | None = Field(None, alias="HangupCause")
    cause_code: int | None = Field(None, alias="HangupCauseCode")
    cause_name: str | None = Field(None, alias="HangupCauseName")
    source: str | None = Field(None, alias="HangupSource")


class Event(BaseModel):
    """A CloudEvent."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str = "application/json"
    data: Hangup


class Journal(BaseModel):
    """The callback as it came."""

    event_id: str
    received_at: datetime
    method: str
    url: str
    headers: dict[str, str]
    parameters: dict[str, str]


class Bridge:
    def __init__(self, kafka: str, prefix: str, idempotence: str) -> None:
        self.kafka = kafka
        self.idempotence = idempotence == "yes"
        self.events = f"{prefix}events"
        self.journal = f"{prefix}journal"

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncGenerator[None]:
        self.producer = AIOKafkaProducer(
            bootstrap_servers=self.kafka, acks="all", enable_idempotence=self.idempotence
        )
        await self.producer.start()
        yield
        await self.producer.stop()

    async def hangup(self, request: Request) -> Response:
        received_at = datetime.now(UTC)  # noqa: TID251 (a doorway of its own)
        url = PUBLIC_URL + request.url.path
        parameters = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        if not validate_v3_signature(
            "POST",
            url,
            request.headers.get("x-plivo-signature-v3-nonce", ""),
            AUTH_TOKEN,
            request.headers.get("x-plivo-signature-v3", ""),
            parameters,
        ):
            CALLBACKS.labels("hangup", "rejected").inc()
            log.warning("callback_rejected", path=request.url.path)
            return PlainTextResponse("wrong signature", 403)
        with SECONDS.labels("hangup").time():
            data = Hangup.model_validate(parameters)
            event = Event(
                id=str(uuid.uuid4()),
                source=f"/plivo/{data.account}",
                type="voice.hangup",
                subject=data.call_uuid,
                time=data.ended_at or received_at,
                data=data,
            )
            journal = Journal(
                event_id=event.id,
                received_at=received_at,
                method=request.method,
                url=url,
                headers=dict(request.headers),
                parameters=parameters,
            )
            key = data.call_uuid.encode()
            await asyncio.gather(
                self.producer.send_and_wait(self.events, event.model_dump_json().encode(), key),
                self.producer.send_and_wait(self.journal, journal.model_dump_json().encode(), key),
            )
        CALLBACKS.labels("hangup", "published").inc()
        log.info("callback_published", type="hangup", event_id=event.id, call_uuid=data.call_uuid)
        return PlainTextResponse("ok")


if __name__ == "__main__":
    bridge = Bridge(*sys.argv[2:])
    fastest.run(
        Starlette(
            routes=[Route(HANGUP_PATH, bridge.hangup, methods=["POST"])], lifespan=bridge.lifespan
        ),
        int(sys.argv[1]),
    )
