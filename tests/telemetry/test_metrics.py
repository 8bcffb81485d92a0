"""Metrics: declared once, exposed completely, not shared between instances."""

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bridge.telemetry.metric_defs import METRIC_DEFS, PREFIX, Metric
from bridge.telemetry.metrics import Metrics


def test_no_two_metrics_share_a_declaration() -> None:
    assert len(METRIC_DEFS) == len(Metric) == len(Metric.__members__)


@pytest.mark.parametrize("name", METRIC_DEFS)
def test_a_declaration_says_what_it_means_and_in_which_unit(name: str) -> None:
    measure = METRIC_DEFS[name]
    assert measure.meaning.endswith(".")
    assert measure.unit
    assert name.endswith("_total") == (measure.kind == "counter")


def test_a_counter_adds_up_by_its_labels() -> None:
    metrics = Metrics("0")
    for method, outcome in (("POST", "published"), ("POST", "published"), ("GET", "refused")):
        metrics.count_callbacks("voice.call.ring", method, outcome)
    assert metrics.value("callbacks_total", type="voice.call.ring", outcome="published") == 2
    assert metrics.value("callbacks_total", product="voice") == 3
    assert metrics.value("callbacks_total", type="voice.call.hangup") == 0


def test_a_gauge_is_set_or_read_when_it_is_asked_for() -> None:
    metrics = Metrics("0")
    metrics.watch(Metric.IN_FLIGHT, lambda: 1)
    metrics.set(Metric.KAFKA_AVAILABLE, 1)
    assert (metrics.value("in_flight"), metrics.value("kafka_available")) == (1, 1)


def test_times_until_durable_fall_into_buckets() -> None:
    metrics = Metrics("0")
    for seconds in (0.0001, 0.02, 60):
        metrics.observe_acknowledgement("spool", seconds)
    text = metrics.exposition().decode()
    assert f'{PREFIX}_acknowledgement_seconds_bucket{{le="0.001",path="spool"}} 1.0' in text
    assert f'{PREFIX}_acknowledgement_seconds_bucket{{le="10.0",path="spool"}} 2.0' in text
    assert f'{PREFIX}_acknowledgement_seconds_bucket{{le="+Inf",path="spool"}} 3.0' in text


# The bounds of buckets, to both sides of them, and any other time.
BOUNDS = [bound / 10_000 for bound in (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000)]
BOUNDS += [1.0, 2.5, 5.0, 10.0]
TIMES = st.sampled_from(BOUNDS).flatmap(
    lambda bound: st.sampled_from([math.nextafter(bound, 0), bound, math.nextafter(bound, 99)])
) | st.floats(0, 99)


@given(st.lists(st.tuples(st.sampled_from(["kafka", "spool"]), TIMES)))
def test_the_histogram_is_written_as_the_library_writes_its_own(
    observed: list[tuple[Literal["kafka", "spool"], float]],
) -> None:
    registry = CollectorRegistry()
    name = f"{PREFIX}_acknowledgement_seconds"
    meaning = METRIC_DEFS["acknowledgement_seconds"].meaning
    expected = Histogram(name, meaning, ["path"], registry=registry, buckets=BOUNDS)
    metrics = Metrics("0")
    for path, seconds in observed:
        expected.labels(path).observe(seconds)
        metrics.observe_acknowledgement(path, seconds)
    lines = metrics.exposition().decode().splitlines()
    assert [line for line in lines if name in line] == generate_latest(
        registry
    ).decode().splitlines()


def test_the_exposition_is_what_prometheus_reads() -> None:
    metrics = Metrics("1.2.3")
    metrics.count(Metric.RECORDS_TOTAL, "plivo.journal.v1")
    families = {
        one.name: one for one in text_string_to_metric_families(metrics.exposition().decode())
    }
    for name, measure in METRIC_DEFS.items():
        family = families[f"{PREFIX}_{name}".removesuffix("_total")]
        assert family.type == measure.kind
        assert family.documentation == measure.meaning


def test_two_bridges_in_one_process_do_not_share_their_numbers() -> None:
    one, other = Metrics("0"), Metrics("0")
    one.count(Metric.RECORDS_TOTAL, "a")
    assert other.value("records_total") == 0


def test_a_label_too_few_is_an_error_and_not_a_series() -> None:
    with pytest.raises(ValueError, match="Incorrect label count"):
        Metrics("0").count(Metric.CALLBACKS_TOTAL, "ring")
