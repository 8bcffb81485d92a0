"""Metrics registry of a process.

Each ``Metrics`` has a registry of its own instead of the library's global one, so that tests do not
share it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest

from bridge.telemetry.metric_defs import METRIC_DEFS, PREFIX, MetricName

_ACKNOWLEDGEMENT_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


# The `_created` series (when a counter was created) would double the size of a scrape.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives no types for it


def _full_name(name: str) -> str:
    return f"{PREFIX}_{name}"


class Metrics:
    """Metrics of a process. A series with labels exists from its first count on."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._children: dict[tuple[str, ...], Counter] = {}
        for name, measure in METRIC_DEFS.items():
            if measure.kind == "counter":
                self._counters[name] = Counter(
                    _full_name(name), measure.meaning, measure.labels, registry=self.registry
                )
            elif measure.kind == "gauge":
                self._gauges[name] = Gauge(
                    _full_name(name), measure.meaning, measure.labels, registry=self.registry
                )
        measure = METRIC_DEFS["acknowledgement_seconds"]
        self._acknowledgement_seconds = Histogram(
            _full_name("acknowledgement_seconds"),
            measure.meaning,
            measure.labels,
            registry=self.registry,
            buckets=_ACKNOWLEDGEMENT_BUCKETS,
        )
        self._gauges["build_info"].labels(version).set(1)

    def count(self, name: MetricName, *labels: str, by: int = 1) -> None:
        """Add ``by`` to a counter; labels in the order of its declaration."""
        key = (name, *labels)
        child = self._children.get(key)
        if child is None:
            counter = self._counters[name]
            child = counter.labels(*labels) if labels else counter
            self._children[key] = child
        child.inc(by)

    def count_callback(self, type_name: str, method: str, outcome: str) -> None:
        """Count a callback by outcome; ``type_name`` is `shared` where the type is not known."""
        product = type_name.partition(".")[0]
        self.count("callbacks_total", product, type_name, method, outcome)

    def set(self, name: MetricName, value: float) -> None:
        """Set a gauge without labels."""
        self._gauges[name].set(value)

    def add(self, name: MetricName, by: int) -> None:
        """Add ``by``, which may be negative, to a gauge without labels."""
        self._gauges[name].inc(by)

    def watch(self, name: MetricName, read: Callable[[], float]) -> None:
        """Have a gauge without labels call ``read`` for its value at each scrape."""
        self._gauges[name].set_function(read)

    def observe_acknowledgement(self, path: Literal["kafka", "spool"], seconds: float) -> None:
        """Record the time until one callback's records were durable."""
        self._acknowledgement_seconds.labels(path).observe(seconds)

    def value(self, name: MetricName, **labels: str) -> float:
        """Return the sum of a metric's series with these labels."""
        return sum(
            sample.value
            for sample in self._samples()
            if sample.name == _full_name(name)
            and all(sample.labels.get(key) == value for key, value in labels.items())
        )

    def _samples(self) -> Iterator["Sample"]:
        for family in self.registry.collect():
            for sample in family.samples:
                yield Sample(sample.name, sample.labels, sample.value)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)


@dataclass(frozen=True, slots=True)
class Sample:
    """Value of one series."""

    name: str
    labels: dict[str, str]
    value: float
