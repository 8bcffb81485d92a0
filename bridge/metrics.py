"""What is measured. Labels come from closed sets of ours, never from a callback.

A registry belongs to a process's one ``Metrics``; nothing here is global, so tests do not share it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

PREFIX: Final = "callback_bridge"

Name = Literal[
    # counter, callbacks
    "callbacks_total",
    # counter, callbacks
    "verifications_total",
    # histogram, seconds
    "publish_seconds",
    # counter, records
    "records_total",
    # counter, bytes
    "record_bytes_total",
    # counter, parameters
    "undeclared_total",
    # counter, parameters
    "unreadable_total",
    # counter, events
    "zone_mismatches_total",
    # counter, callbacks
    "path_mismatches_total",
    # gauge, callbacks
    "in_flight",
    # gauge, 1 or 0
    "kafka_available",
    # gauge, 1
    "build_info",
]


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric's declaration: the reference page and the collector are both made from it."""

    kind: Literal["counter", "histogram", "gauge"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


MEASURES: Final[dict[Name, Measure]] = {
    "callbacks_total": Measure(
        "counter",
        "callbacks",
        "Callbacks by how they ended. Every callback is counted once.",
        ("type", "method", "outcome"),
    ),
    "verifications_total": Measure(
        "counter",
        "callbacks",
        "Signature checks. `scheme` is empty where none held; `result` is `verified` or the fault.",
        ("scheme", "result"),
    ),
    "publish_seconds": Measure(
        "histogram", "seconds", "From handing records to Kafka to the last acknowledgement."
    ),
    "records_total": Measure("counter", "records", "Acknowledged records.", ("topic",)),
    "record_bytes_total": Measure(
        "counter", "bytes", "Value bytes of acknowledged records.", ("topic",)
    ),
    "undeclared_total": Measure(
        "counter", "parameters", "Parameters of Plivo's no declaration knows.", ("type",)
    ),
    "unreadable_total": Measure(
        "counter", "parameters", "Parameters whose text could not be read.", ("type",)
    ),
    "zone_mismatches_total": Measure(
        "counter",
        "events",
        "Events whose local times are not in the account's configured zone.",
        ("type",),
    ),
    "path_mismatches_total": Measure(
        "counter",
        "callbacks",
        "Callbacks that came on another type's path. `type` is what they were.",
        ("type",),
    ),
    "in_flight": Measure("gauge", "callbacks", "Callbacks being worked on."),
    "kafka_available": Measure("gauge", "1 or 0", "Whether publishing is expected to work."),
    "build_info": Measure("gauge", "1", "The running version.", ("version",)),
}

_PUBLISH_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


def _bare(name: str) -> str:
    return f"{PREFIX}_{name}"


class Metrics:
    """The process's metrics. A series exists once something was counted in it."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._children: dict[tuple[str, ...], Counter] = {}
        for name, measure in MEASURES.items():
            if measure.kind == "counter":
                self._counters[name] = Counter(
                    _bare(name), measure.meaning, measure.labels, registry=self.registry
                )
            elif measure.kind == "gauge":
                self._gauges[name] = Gauge(
                    _bare(name), measure.meaning, measure.labels, registry=self.registry
                )
        self._publish_seconds = Histogram(
            _bare("publish_seconds"),
            MEASURES["publish_seconds"].meaning,
            registry=self.registry,
            buckets=_PUBLISH_BUCKETS,
        )
        self._gauges["build_info"].labels(version).set(1)

    def count(self, name: Name, *labels: str, by: int = 1) -> None:
        """Add ``by`` to a counter; labels in the order of its declaration."""
        key = (name, *labels)
        child = self._children.get(key)
        if child is None:
            counter = self._counters[name]
            child = counter.labels(*labels) if labels else counter
            self._children[key] = child
        child.inc(by)

    def set(self, name: Name, value: float) -> None:
        """Set a gauge without labels."""
        self._gauges[name].set(value)

    def add(self, name: Name, by: int) -> None:
        """Add ``by``, which may be negative, to a gauge without labels."""
        self._gauges[name].inc(by)

    def publish_took(self, seconds: float) -> None:
        """Record one publication's time."""
        self._publish_seconds.observe(seconds)

    def value(self, name: Name, **labels: str) -> float:
        """Return the sum of the series of a metric that have these labels."""
        return sum(
            sample.value
            for sample in self._samples()
            if sample.name == _bare(name)
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
    """One series' value."""

    name: str
    labels: dict[str, str]
    value: float
