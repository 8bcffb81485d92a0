"""Samples and diagnoses of rejected callbacks: in the background, and limited."""

import asyncio
import gc
from collections.abc import Sequence

import pytest

from bridge.core.record import Record
from bridge.core.request import RawCallback
from bridge.core.url_mismatch import MismatchVariant, UrlMismatch
from bridge.core.verify import Unverified, VerificationFault
from bridge.intake.rate_limit import RateLimiter
from bridge.intake.rejections import TASKS_MAX, VALUE_BYTES_MAX, RejectionSampler
from bridge.publish import Publisher, RecordTooLarge, Unavailable
from bridge.publish.memory import MemoryPublisher
from bridge.telemetry.metrics import Metrics
from tests.support.factories import NAMING, raw_callback, signed, verdict_on, verifier, with_headers

STRANGERS = raw_callback("team=blue", "CallUUID=x&Event=Ring")
SCHEME = UrlMismatch(MismatchVariant.SCHEME, "https://bridge.example.com")


class Stuck(MemoryPublisher):
    """A publisher that never comes back, and counts who waits."""

    waiting = 0

    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> "asyncio.Future[None]":
        self.waiting += 1
        return asyncio.get_running_loop().create_future()


class Failing(MemoryPublisher):
    """A publisher that says no."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def publish(
        self, records: Sequence[Record], *, deadline_s: float | None = None, probing: bool = False
    ) -> "asyncio.Future[None]":
        result: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        result.set_exception(self.error)
        return result


def unverified(raw: RawCallback) -> Unverified:
    verdict = verdict_on(raw)
    assert isinstance(verdict, Unverified)
    return verdict


def nearly() -> Unverified:
    """Return a callback of Plivo's that was checked against the wrong scheme."""
    return unverified(signed(STRANGERS)._replace(public_origin="http://bridge.example.com"))


def rejections(
    publisher: Publisher,
    metrics: Metrics,
    *,
    per_minute_max: int = 1_000,
    looks_per_minute_max: int = 1_000,
) -> RejectionSampler:
    return RejectionSampler(
        samples=RateLimiter(per_minute_max, lambda: 0.0),
        diagnoses=RateLimiter(looks_per_minute_max, lambda: 0.0),
        verifier=verifier(),
        publisher=publisher,
        naming=NAMING,
        metrics=metrics,
    )


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("test")


async def turns() -> None:
    """Let what was begun in the background go on."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_sample_is_published_and_counted(metrics: Metrics) -> None:
    publisher = MemoryPublisher()
    assert rejections(publisher, metrics).diagnose(unverified(STRANGERS)) is None
    assert publisher.records == []  # nobody waited
    await turns()
    assert [dict(record.headers)["rejected_fault"] for record in publisher.records] == [
        b"no_signature"
    ]
    assert metrics.value("rejected_samples_total", fault="no_signature") == 1
    assert metrics.value("url_mismatches_total") == 0


async def test_the_url_mismatch_of_a_wrong_signature_is_returned_counted_and_published(
    metrics: Metrics,
) -> None:
    publisher = MemoryPublisher()
    assert rejections(publisher, metrics).diagnose(nearly()) == SCHEME
    await turns()
    (record,) = publisher.records
    assert dict(record.headers)["rejected_variant"] == b"scheme"
    assert metrics.value("url_mismatches_total", variant="scheme") == 1


async def test_a_url_mismatch_is_diagnosed_only_for_a_wrong_signature(
    metrics: Metrics,
) -> None:
    verdict = nearly()._replace(fault=VerificationFault.NONCE_REUSED)
    assert rejections(MemoryPublisher(), metrics).diagnose(verdict) is None
    assert metrics.value("url_mismatches_total") == 0


async def test_what_is_beyond_the_sample_is_not_published(metrics: Metrics) -> None:
    publisher = MemoryPublisher()
    noting = rejections(publisher, metrics, per_minute_max=2)
    for _ in range(4):
        noting.diagnose(unverified(STRANGERS))
    await turns()
    assert len(publisher.records) == 2


async def test_diagnoses_are_limited_in_rate(metrics: Metrics) -> None:
    noting = rejections(MemoryPublisher(), metrics, looks_per_minute_max=2)
    assert [noting.diagnose(nearly()) for _ in range(4)] == [SCHEME, SCHEME, None, None]


async def test_a_url_mismatch_is_found_even_if_the_sample_is_full_or_disabled(
    metrics: Metrics,
) -> None:
    noting = rejections(MemoryPublisher(), metrics, per_minute_max=0)
    for _ in range(100):
        noting.diagnose(unverified(STRANGERS))
    assert noting.diagnose(nearly()) == SCHEME
    assert metrics.value("url_mismatches_total", variant="scheme") == 1


async def test_a_kafka_that_does_not_answer_holds_a_bounded_number_of_samples(
    metrics: Metrics,
) -> None:
    publisher = Stuck()
    noting = rejections(publisher, metrics)
    for _ in range(TASKS_MAX + 5):
        assert noting.diagnose(nearly()) == SCHEME
        await turns()
    assert publisher.waiting == TASKS_MAX
    assert metrics.value("url_mismatches_total") == TASKS_MAX + 5


async def test_a_kafka_known_to_be_away_is_not_asked(metrics: Metrics) -> None:
    publisher = Stuck()
    publisher.available = False
    assert rejections(publisher, metrics).diagnose(nearly()) == SCHEME
    await turns()
    assert publisher.waiting == 0


@pytest.mark.parametrize("error", [Unavailable("away"), RecordTooLarge("too large")])
async def test_a_sample_that_cannot_be_published_is_dropped(
    metrics: Metrics, error: Exception
) -> None:
    noting = rejections(Failing(error), metrics)
    noting.diagnose(unverified(STRANGERS))
    await turns()
    gc.collect()  # an error nobody took would be told of here
    assert not noting._tasks
    assert metrics.value("rejected_samples_total") == 0


async def test_an_unverified_client_cannot_cause_a_record_that_kafka_refuses(
    metrics: Metrics,
) -> None:
    publisher = MemoryPublisher()
    agent = ("user-agent", "\x80" * (VALUE_BYTES_MAX // 2))  # two bytes each in JSON
    rejections(publisher, metrics).diagnose(unverified(with_headers(STRANGERS, agent)))
    await turns()
    assert publisher.records == []
