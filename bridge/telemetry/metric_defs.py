"""Every metric of the bridge, declared once: kind, unit, meaning and labels.

A metric is named as its member, in lower case. Label values come from closed sets of ours, never from
a callback: a stranger must not be able to add series.
"""

from dataclasses import dataclass
from enum import Enum, unique
from typing import Final, Literal

PREFIX: Final = "callback_bridge"


@dataclass(frozen=True, slots=True)
class MetricDef:
    """Declaration of one metric. Both the reference page and the registry are made from it."""

    kind: Literal["counter", "histogram", "gauge"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


@unique
class Metric(Enum):
    """All metrics."""

    # A member is part of a dictionary key at every count, and the hash of Enum is a Python function.
    # Members are singletons, so the hash of their identity, computed in C, is right too.
    __hash__ = object.__hash__

    def __str__(self) -> str:
        """Return the metric's name without its prefix."""
        return self.name.lower()

    CALLBACKS_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Callbacks by outcome. Every callback is counted once.",
        ("product", "type", "method", "outcome"),
    )
    REFUSED_TOTAL = MetricDef("counter", "callbacks", "Refused callbacks by cause.", ("cause",))
    VERIFICATIONS_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Signature checks. `result` is `verified` or the fault; `scheme` and `key_id` are empty unless "
        "the signature was valid.",
        ("scheme", "result", "key_id"),
    )
    ACKNOWLEDGEMENT_SECONDS = MetricDef(
        "histogram",
        "seconds",
        "Time until a callback's records were durable. `path` says where: `kafka` or `spool`.",
        ("path",),
    )
    RECORDS_TOTAL = MetricDef("counter", "records", "Records acknowledged by Kafka.", ("topic",))
    RECORD_BYTES_TOTAL = MetricDef(
        "counter", "bytes", "Value bytes of the records acknowledged by Kafka.", ("topic",)
    )
    UNDECLARED_TOTAL = MetricDef(
        "counter", "parameters", "Parameters of Plivo that no declaration knows.", ("type",)
    )
    UNREADABLE_TOTAL = MetricDef(
        "counter", "parameters", "Parameters whose text could not be read.", ("type",)
    )
    ZONE_MISMATCHES_TOTAL = MetricDef(
        "counter",
        "events",
        "Events whose local times are not in the time zone configured for the account.",
        ("type",),
    )
    PATH_MISMATCHES_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Callbacks that arrived on the path of another type. `type` is their own.",
        ("type",),
    )
    UNKNOWN_PATHS_TOTAL = MetricDef(
        "counter",
        "requests",
        "Requests answered 404 that were probably callbacks: the path is below `/plivo` or "
        "`/applications`, or nearly a known path, or the request is signed. `mismatch` says how the "
        "path differs.",
        ("mismatch",),
    )
    REPEATED_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Callbacks with the id of another that this process received recently.",
        ("type",),
    )
    PLIVO_COMPLAINTS_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Callbacks in which Plivo reports that it could not reach a URL or could not use an answer, by "
        "hangup code: 7011 to 7014, 7022 to 7024, 7032 to 7034, 8011 to 8014. `fallback` is a callback "
        "to the fallback URL. Each is counted once, and only if its signature covers the code.",
        ("code",),
    )
    LATE_ACKNOWLEDGEMENTS_TOTAL = MetricDef(
        "counter",
        "records",
        "Records acknowledged after their callback was spooled. Each will be on Kafka twice.",
    )
    OUT_OF_ORDER_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Callbacks published before older ones of their key, because the spool could not store them.",
    )
    DRAINED_TOTAL = MetricDef("counter", "callbacks", "Callbacks moved from the spool to Kafka.")
    DEAD_LETTERS_TOTAL = MetricDef("counter", "records", "Dead letters.", ("stage", "reason"))
    REJECTED_SAMPLES_TOTAL = MetricDef(
        "counter", "callbacks", "Rejected callbacks stored in the rejected topic.", ("fault",)
    )
    URL_MISMATCHES_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Rejected callbacks whose signature is valid for another URL, by the part of the URL that "
        "differs; or valid for this URL in a scheme that is not accepted (`json_body`, "
        "`agentstack_v3`, `separator`, `json_separator`).",
        ("variant",),
    )
    SHED_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Callbacks answered 429 because too many were in flight.",
        ("class",),
    )
    CUT_OFF_TOTAL = MetricDef(
        "counter",
        "connections",
        "Client connections on the port for callbacks that the bridge closed: too slow, too large, "
        "malformed, or closed to make room (`connections`: for a new connection, `overloaded`: for the "
        "bytes of another request).",
        ("cause",),
    )
    IN_FLIGHT = MetricDef("gauge", "callbacks", "Callbacks in flight.")
    IN_FLIGHT_BYTES = MetricDef(
        "gauge", "bytes", "Bytes of their bodies, and of bodies that are still arriving."
    )
    KAFKA_AVAILABLE = MetricDef("gauge", "1 or 0", "Whether the bridge is connected to Kafka.")
    BREAKER_OPEN = MetricDef(
        "gauge", "1 or 0", "Whether callbacks go to the spool because Kafka does not acknowledge."
    )
    SPOOL_CALLBACKS = MetricDef("gauge", "callbacks", "Callbacks in the spool.")
    SPOOL_RECORDS = MetricDef("gauge", "records", "Records in the spool.")
    SPOOL_BYTES = MetricDef("gauge", "bytes", "Bytes of the records in the spool.")
    SPOOL_BYTES_MAX = MetricDef("gauge", "bytes", "Limit of `spool_bytes`; 0 without a spool.")
    SPOOL_RECORDS_MAX = MetricDef(
        "gauge", "records", "Limit of `spool_records`; 0 without a spool."
    )
    SPOOL_OLDEST_AGE_SECONDS = MetricDef(
        "gauge", "seconds", "Age of the oldest callback in the spool; 0 if the spool is empty."
    )
    SPOOL_PARKED = MetricDef(
        "gauge",
        "callbacks",
        "Spooled callbacks that Kafka refuses, even as dead letters. They need an operator.",
    )
    SPOOL_DAMAGED = MetricDef("gauge", "files", "Spool files set aside because they are damaged.")
    SPOOL_WRITABLE = MetricDef("gauge", "1 or 0", "Whether the spool can store a callback now.")
    SPOOL_FILES_REPLACED_TOTAL = MetricDef(
        "counter",
        "files",
        "Spool files that were removed, renamed or replaced while the bridge had them open. The bridge "
        "copied their content into a new file.",
    )
    LOG_LINES_LOST_TOTAL = MetricDef(
        "counter",
        "lines",
        "Log lines lost because standard error could not be written, or was read too slowly. No "
        "callback waits for the log.",
    )
    APPLICATION_ANSWERS_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Callbacks for which an application was asked. `given_by` says whose answer Plivo got: that of "
        "the `application`, or if it failed the rule's `fallback` document or a `status` of 502.",
        ("application", "given_by"),
    )
    APPLICATION_FAILURES_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Callbacks to which an application gave no answer that Plivo can use, by cause.",
        ("application", "cause"),
    )
    APPLICATION_SECONDS = MetricDef(
        "histogram",
        "seconds",
        "Time until an application had answered, or had failed.",
        ("application",),
    )
    ANSWERS_NOT_STORED_TOTAL = MetricDef(
        "counter",
        "records",
        "Answers of applications that are missing in the journal, because they could not be stored. The "
        "callbacks themselves are stored.",
        ("cause",),
    )
    ACCOUNTS_STALE = MetricDef(
        "gauge",
        "1 or 0",
        "Whether the accounts file cannot be used: it is missing, not a regular file, or invalid. The "
        "last valid accounts stay in use.",
    )
    RULES_STALE = MetricDef(
        "gauge",
        "1 or 0",
        "Whether the file of reply rules cannot be used: it is missing, or it or one of its documents "
        "has an error. The last valid rules stay in use.",
    )
    NOTIFICATIONS_TOTAL = MetricDef(
        "counter",
        "callbacks",
        "Notifications that were `delivered` to the customer's application, or became dead letters "
        "(`dead_lettered`).",
        ("application", "result"),
    )
    NOTIFICATION_FAILURES_TOTAL = MetricDef(
        "counter",
        "requests",
        "Failed attempts to send a notification to the customer's application, by reason: see the dead "
        "letters of stage `forward`. Most are made again.",
        ("application", "reason"),
    )
    NOTIFICATIONS_BEHIND = MetricDef(
        "gauge",
        "records",
        "Journal records that this process has yet to look through for an application, or whose "
        "notifications it has yet to send.",
        ("application",),
    )
    BUILD_INFO = MetricDef("gauge", "1", "The running version.", ("version",))


METRIC_DEFS: Final = {str(metric): metric.value for metric in Metric}
"""Every declaration by the metric's name."""
