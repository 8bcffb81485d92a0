"""Metrics that note whether a watched file is stale."""

from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics


class StaleGauge(Metrics):
    """Metrics that note each value of the one gauge that may be set."""

    def __init__(self, metric: Metric, values: list[bool]) -> None:
        super().__init__("0")
        self._metric = metric
        self._values = values

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        assert metric is self._metric
        assert not labels
        self._values.append(bool(value))
