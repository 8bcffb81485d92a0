"""Metrics registry of a process.

Each ``Metrics`` has a registry of its own instead of the library's global one, so that tests do not
share it.

Counters and histograms are our own numbers, which become the library's families at each scrape: the
library's own cost several calls and locks at each of a callback's counts.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from bridge.telemetry.metric_defs import PREFIX, Metric

_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


# The `_created` series (when a counter was created) would double the size of a scrape.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives no types for it


@dataclass(slots=True)
class _Times:
    """Times of one series of a histogram: how many fell into each bucket, and their sum."""

    counts: list[int]
    sum_s: float = 0.0


class Metrics(Collector):
    """Metrics of a process. A series with labels exists from its first use on."""

    def __init__(self, version: str) -> None:
        self._lock = threading.Lock()  # the spool and the log count from threads of their own
        self._counts: dict[Metric, dict[tuple[str, ...], int]] = {
            metric: {} if metric.value.labels else {(): 0}
            for metric in Metric
            if metric.value.kind == "counter"
        }
        self._times: dict[Metric, dict[str, _Times]] = {
            metric: {} for metric in Metric if metric.value.kind == "histogram"
        }
        self._acknowledgements = self._times[Metric.ACKNOWLEDGEMENT_SECONDS]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(self)
        self._gauges = {
            metric: Gauge(
                f"{PREFIX}_{metric}",
                metric.value.meaning,
                metric.value.labels,
                registry=self.registry,
            )
            for metric in Metric
            if metric.value.kind == "gauge"
        }
        self._gauges[Metric.BUILD_INFO].labels(version).set(1)

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Add ``by`` to a counter; ``labels`` are in the order of its declaration."""
        series = self._counts[metric]
        with self._lock:
            if labels in series:
                series[labels] += by
            elif len(labels) == len(metric.value.labels):
                series[labels] = by
            else:
                message = f"Incorrect label count for {metric}"
                raise ValueError(message)

    def count_callbacks(self, type_name: str, method: str, outcome: str, *, by: int = 1) -> None:
        """Count callbacks by outcome; ``type_name`` is `shared` where the type is not known."""
        product = type_name.partition(".")[0]
        self.count(Metric.CALLBACKS_TOTAL, product, type_name, method, outcome, by=by)

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge; ``labels`` are in the order of its declaration."""
        gauge = self._gauges[metric]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def watch(self, metric: Metric, read: Callable[[], float]) -> None:
        """Have a gauge without labels call ``read`` for its value at each scrape."""
        self._gauges[metric].set_function(read)

    def observe_acknowledgement(self, path: Literal["kafka", "spool"], seconds: float) -> None:
        """Record the time until one callback's records were durable."""
        times = self._acknowledgements.get(path)
        if times is None:
            times = self._acknowledgements[path] = _Times([0] * (len(_BUCKETS) + 1))
        with self._lock:
            times.counts[bisect_left(_BUCKETS, seconds)] += 1
            times.sum_s += seconds

    def observe_application(self, application: str, seconds: float) -> None:
        """Record the time until an application had answered or failed."""
        series = self._times[Metric.APPLICATION_SECONDS]
        with self._lock:
            times = series.setdefault(application, _Times([0] * (len(_BUCKETS) + 1)))
            times.counts[bisect_left(_BUCKETS, seconds)] += 1
            times.sum_s += seconds

    def collect(self) -> Iterable[CounterMetricFamily | HistogramMetricFamily]:
        """Return the counters and the histograms. The registry calls this at each scrape."""
        for metric, series in self._counts.items():
            meaning, names = metric.value.meaning, metric.value.labels
            family = CounterMetricFamily(f"{PREFIX}_{metric}", meaning, labels=names)
            with self._lock:
                counts = list(series.items())
            for labels, count in counts:
                family.add_metric(labels, count)
            yield family
        for metric in self._times:
            yield self._collect_times(metric)

    def _collect_times(self, metric: Metric) -> HistogramMetricFamily:
        meaning, names = metric.value.meaning, metric.value.labels
        family = HistogramMetricFamily(f"{PREFIX}_{metric}", meaning, labels=names)
        bounds = [*map(str, _BUCKETS), "+Inf"]
        with self._lock:
            series = list(self._times[metric].items())
        for label, times in series:
            with self._lock:
                # Prometheus counts a time in every bucket that is long enough for it.
                counts, sum_s = [*accumulate(times.counts)], times.sum_s
            family.add_metric([label], [*zip(bounds, counts, strict=True)], sum_s)
        return family

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's series with these labels; ``name`` lacks the prefix."""
        return sum(
            sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == f"{PREFIX}_{name}"
            and all(sample.labels.get(key) == value for key, value in labels.items())
        )

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)
