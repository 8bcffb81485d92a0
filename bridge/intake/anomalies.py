"""Count and log what an operator should look at although a callback was stored.

Each undeclared or ignored parameter is logged once for each type, so that operators learn of a new
parameter on the day Plivo introduces it. All memory here is limited.
"""

import re
from collections import OrderedDict
from typing import Final, NamedTuple

import structlog

from bridge.callbacks.model import CallbackType
from bridge.core.complaints import FALLBACK, find_complaint
from bridge.core.parse import Callback
from bridge.core.verify import Unverified
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

# Names as Plivo chooses them. Any other may be content, and is not logged. `X-PH-…` are headers that
# the customer names.
_PLIVO_NAME: Final = re.compile(r"(?![Xx]-[Pp][Hh]-)[A-Za-z][A-Za-z_-]{0,63}[0-9]{0,2}", re.ASCII)
_LOGGED_PARAMETERS_MAX: Final = 1000
_RECENT_IDS_MAX: Final = 10_000


class Anomalies(NamedTuple):
    """Anomalies of a callback: found before it is stored, recorded afterwards.

    They keep no other part of the callback in memory while it is being stored.
    """

    undeclared: tuple[str, ...]
    unreadable_count: int
    has_zone_mismatch: bool
    has_path_mismatch: bool
    ignored: tuple[str, ...]
    complaint: str | None


def find_anomalies(callback: Callback, route: CallbackType | None) -> Anomalies:
    """Return the anomalies of a callback that came on the path of ``route``."""
    return Anomalies(
        tuple(callback.undeclared),
        len(callback.unreadable),
        callback.zone_mismatch is not None,
        route is not None and route is not callback.type,
        callback.recognition.ignored_parameters,
        _find_covered_complaint(callback),
    )


def _find_covered_complaint(callback: Callback) -> str | None:
    """Return a complaint of Plivo about the customer's URLs, if the signature covers it.

    V2 covers neither query nor body, so anyone who saw one signed request could insert any code. The
    path, which identifies a fallback, is covered by every scheme.
    """
    code = find_complaint(callback.type.name, callback.fields)
    if code is None or isinstance(callback.verdict, Unverified):
        return None
    part = "query" if callback.verdict.raw.method == "GET" else "body"
    return code if code == FALLBACK or part in callback.verdict.covers else None


class AnomalyRecorder:
    """Counts and logs anomalies of stored callbacks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._undeclared_logged: set[tuple[str, str]] = set()
        self._ignored_logged: set[tuple[str, str]] = set()
        self._recent_ids: OrderedDict[str, None] = OrderedDict()

    def record(self, name: str, event_id: str, anomalies: Anomalies) -> None:
        """Record the anomalies of a callback; ``name`` is that of its type."""
        is_repeated = self.record_repeated(name, event_id)
        if anomalies.complaint is not None and not is_repeated:
            self._metrics.count(Metric.PLIVO_COMPLAINTS_TOTAL, anomalies.complaint)
        if anomalies.undeclared:
            self._metrics.count(Metric.UNDECLARED_TOTAL, name, by=len(anomalies.undeclared))
            for parameter in anomalies.undeclared:
                if _PLIVO_NAME.fullmatch(parameter) and _is_new(
                    self._undeclared_logged, name, parameter
                ):
                    log.warning("parameter_undeclared", callback_type=name, parameter=parameter)
        if anomalies.unreadable_count:
            self._metrics.count(Metric.UNREADABLE_TOTAL, name, by=anomalies.unreadable_count)
        if anomalies.has_zone_mismatch:
            self._metrics.count(Metric.ZONE_MISMATCHES_TOTAL, name)
        if anomalies.has_path_mismatch:
            self._metrics.count(Metric.PATH_MISMATCHES_TOTAL, name)
        for parameter in anomalies.ignored:
            if _is_new(self._ignored_logged, name, parameter):
                log.warning(
                    "parameter_set_aside",
                    callback_type=name,
                    parameter=parameter,
                    remedy="BRIDGE_CONTEXT_PARAMETERS, or another name in the URL at Plivo",
                )

    def record_repeated(self, label: str, identity: str) -> bool:
        """Count a callback whose id was seen recently; return whether it was."""
        is_repeated = identity in self._recent_ids
        self._recent_ids[identity] = None
        if len(self._recent_ids) > _RECENT_IDS_MAX:
            self._recent_ids.popitem(last=False)
        if is_repeated:
            self._metrics.count(Metric.REPEATED_TOTAL, label)
        return is_repeated


def _is_new(logged: set[tuple[str, str]], type_name: str, parameter: str) -> bool:
    """Return whether a parameter is yet to be logged for a type, and note that it is logged now."""
    if (type_name, parameter) in logged or len(logged) >= _LOGGED_PARAMETERS_MAX:
        return False
    logged.add((type_name, parameter))
    return True
