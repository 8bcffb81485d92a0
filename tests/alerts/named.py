"""The metrics, labels and values that exist, by the bridge's own declarations."""

from typing import Final, get_args

from bridge.core import catalogue
from bridge.core.answer import GivenBy
from bridge.core.complaints import MEANINGS as COMPLAINTS
from bridge.core.dead_letter import MEANINGS
from bridge.core.outcome import Outcome, RefusalCause
from bridge.core.url_mismatch import MismatchVariant
from bridge.core.verify import Scheme, VerificationFault
from bridge.ingress.clients import CutOffCause
from bridge.ingress.load import ShedClass
from bridge.ingress.paths import PathMismatch
from bridge.intake.asking import NotStoredCause
from bridge.reply.applications import FailureCause
from bridge.telemetry.metric_defs import METRIC_DEFS, PREFIX
from tests.alerts import promql
from tests.alerts.rules import rules

# What Prometheus and Kubernetes put to every series of a pod.
TARGET_LABELS: Final = frozenset({"cluster", "namespace", "job", "pod", "instance"})
# What is there beside the bridge's own.
STANDARD: Final = frozenset(
    {
        "up",
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    }
)
_OF_HISTOGRAMS: Final = ("_bucket", "_count", "_sum")


def labels_of(metric: str) -> frozenset[str] | None:
    """Return the labels a metric has beside its target's; None if there is no such metric."""
    if metric in STANDARD:
        return frozenset()
    for name, measure in METRIC_DEFS.items():
        full = f"{PREFIX}_{name}"
        if measure.kind != "histogram":
            if metric == full:
                return frozenset(measure.labels)
        elif metric.startswith(full) and metric.removeprefix(full) in _OF_HISTOGRAMS:
            inside = {"le"} if metric.endswith("_bucket") else set()
            return frozenset({*measure.labels, *inside})
    for rule in rules():
        if rule.name == metric and not rule.is_alert:
            return labels_in(rule.expression)
    return None


def labels_in(expression: str) -> frozenset[str]:
    """Return the labels of all metrics of an expression, their targets' too."""
    of_metrics = (labels_of(metric) or frozenset() for metric in promql.metrics(expression))
    return TARGET_LABELS.union(*of_metrics)


def values_of(metric: str, label: str) -> frozenset[str] | None:
    """Return the values a label of a metric can have; None where the set is not ours."""
    results = {"verified", *VerificationFault}
    types = {"shared", *catalogue.load_catalogue().by_name}
    causes: dict[str, set[str]] = {
        f"{PREFIX}_refused_total": set(RefusalCause),
        f"{PREFIX}_cut_off_total": set(get_args(CutOffCause)),
        f"{PREFIX}_application_failures_total": set(get_args(FailureCause)),
        f"{PREFIX}_answers_not_stored_total": set(get_args(NotStoredCause)),
    }
    sets: dict[str, set[str]] = {
        "mismatch": set(PathMismatch),
        "cause": causes.get(metric, set()),
        "class": set(ShedClass),
        "code": set(COMPLAINTS),
        "given_by": set(get_args(GivenBy)),
        "fault": set(VerificationFault),
        "outcome": set(Outcome),
        "path": {"kafka", "spool"},
        "product": {name.partition(".")[0] for name in types},
        "reason": {reason for reasons in MEANINGS.values() for reason in reasons},
        "result": results,
        "scheme": {"", *Scheme},
        "stage": set(MEANINGS),
        "type": types,
        "variant": set(MismatchVariant),
    }
    return frozenset(sets[label]) if label in sets else None


def faults(expression: str) -> list[str]:
    """Return what an expression names that is not there."""
    found = [f"no metric {one}" for one in promql.metrics(expression) if labels_of(one) is None]
    for matcher in promql.matchers(expression):
        known = TARGET_LABELS | (labels_of(matcher.metric) or frozenset())
        if matcher.label not in known:
            found.append(f"{matcher.metric} has no label {matcher.label}")
        values = values_of(matcher.metric, matcher.label)
        if values is not None and not values.issuperset(matcher.values):
            found.append(f"{matcher.label} is never {set(matcher.values) - values}")
    strange = promql.groupings(expression) - labels_in(expression)
    return found + [f"nothing in it has the label {label}" for label in sorted(strange)]
