"""Metrics registry of a process.

Each ``Metrics`` has a registry of its own instead of the library's global one, so that tests do not
share it.

Counters are our own numbers, which become the library's families at each scrape: its counters cost
several calls and a lock of their own at each of a callback's counts.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from bridge.telemetry.metric_defs import PREFIX, Metric

_ACKNOWLEDGEMENT_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


# The `_created` series (when a counter was created) would double the size of a scrape.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives no types for it


class _Counters(Collector):
    """The counters, as numbers by metric and labels."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # the spool and the log count from threads of their own
        self._counts: dict[Metric, dict[tuple[str, ...], int]] = {
            metric: {} if metric.value.labels else {(): 0}
            for metric in Metric
            if metric.value.kind == "counter"
        }

    def add(self, metric: Metric, labels: tuple[str, ...], by: int) -> None:
        """Add to a series."""
        series = self._counts[metric]
        with self._lock:
            count = series.get(labels)
            if count is None:
                if len(labels) != len(metric.value.labels):
                    message = f"Incorrect label count for {metric}"
                    raise ValueError(message)
                count = 0
            series[labels] = count + by

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Return the counters with all their series. The registry calls this at each scrape."""
        for metric, series in self._counts.items():
            meaning, names = metric.value.meaning, metric.value.labels
            family = CounterMetricFamily(f"{PREFIX}_{metric}", meaning, labels=names)
            with self._lock:
                counts = list(series.items())
            for labels, count in counts:
                family.add_metric(labels, count)
            yield family


class Metrics:
    """Metrics of a process. A series with labels exists from its first use on."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._counters = _Counters()
        self.registry.register(self._counters)
        self._gauges: dict[Metric, Gauge] = {}
        self._acknowledgements: dict[str, Histogram] = {}
        for metric in Metric:
            kind, meaning, labels = metric.value.kind, metric.value.meaning, metric.value.labels
            name = f"{PREFIX}_{metric}"
            if kind == "gauge":
                self._gauges[metric] = Gauge(name, meaning, labels, registry=self.registry)
            elif kind == "histogram":
                self._acknowledgement_seconds = Histogram(
                    name,
                    meaning,
                    labels,
                    registry=self.registry,
                    buckets=_ACKNOWLEDGEMENT_BUCKETS,
                )
        self._gauges[Metric.BUILD_INFO].labels(version).set(1)

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Add ``by`` to a counter; ``labels`` are in the order of its declaration."""
        self._counters.add(metric, labels, by)

    def count_callback(self, type_name: str, method: str, outcome: str) -> None:
        """Count a callback by outcome; ``type_name`` is `shared` where the type is not known."""
        product = type_name.partition(".")[0]
        self.count(Metric.CALLBACKS_TOTAL, product, type_name, method, outcome)

    def set(self, metric: Metric, value: float) -> None:
        """Set a gauge without labels."""
        self._gauges[metric].set(value)

    def watch(self, metric: Metric, read: Callable[[], float]) -> None:
        """Have a gauge without labels call ``read`` for its value at each scrape."""
        self._gauges[metric].set_function(read)

    def observe_acknowledgement(self, path: Literal["kafka", "spool"], seconds: float) -> None:
        """Record the time until one callback's records were durable."""
        series = self._acknowledgements.get(path)
        if series is None:
            series = self._acknowledgements[path] = self._acknowledgement_seconds.labels(path)
        series.observe(seconds)

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
