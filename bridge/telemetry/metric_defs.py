"""What is measured: each metric's name, kind, unit, meaning and labels, declared once.

Labels come from closed sets of ours, never from a callback.
"""

from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "callback_bridge"

MetricName = Literal[
    # counter, callbacks
    "callbacks_total",
    # counter, callbacks
    "refused_total",
    # counter, callbacks
    "verifications_total",
    # histogram, seconds
    "acknowledgement_seconds",
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
    # counter, requests
    "unknown_paths_total",
    # counter, callbacks
    "repeated_total",
    # counter, callbacks
    "plivo_complaints_total",
    # counter, records
    "late_acknowledgements_total",
    # counter, callbacks
    "out_of_order_total",
    # counter, callbacks
    "drained_total",
    # counter, records
    "dead_letters_total",
    # counter, callbacks
    "rejected_samples_total",
    # counter, callbacks
    "url_mismatches_total",
    # counter, callbacks
    "shed_total",
    # counter, connections
    "cut_off_total",
    # gauge, callbacks
    "in_flight",
    # gauge, bytes
    "in_flight_bytes",
    # gauge, 1 or 0
    "kafka_available",
    # gauge, 1 or 0
    "breaker_open",
    # gauge, callbacks
    "spool_callbacks",
    # gauge, records
    "spool_records",
    # gauge, bytes
    "spool_bytes",
    # gauge, bytes
    "spool_bytes_max",
    # gauge, records
    "spool_records_max",
    # gauge, seconds
    "spool_oldest_age_seconds",
    # gauge, callbacks
    "spool_parked",
    # gauge, files
    "spool_damaged",
    # gauge, 1 or 0
    "spool_writable",
    # counter, files
    "spool_files_replaced_total",
    # counter, lines
    "log_lines_lost_total",
    # gauge, 1 or 0
    "accounts_stale",
    # gauge, 1
    "build_info",
]


@dataclass(frozen=True, slots=True)
class MetricDef:
    """One metric's declaration: the reference page and the collector are both made from it."""

    kind: Literal["counter", "histogram", "gauge"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


METRIC_DEFS: Final[dict[MetricName, MetricDef]] = {
    "callbacks_total": MetricDef(
        "counter",
        "callbacks",
        "Callbacks by how they ended. Every callback is counted once.",
        ("product", "type", "method", "outcome"),
    ),
    "refused_total": MetricDef(
        "counter", "callbacks", "Callbacks that were refused, by why.", ("cause",)
    ),
    "verifications_total": MetricDef(
        "counter",
        "callbacks",
        "Signature checks. `scheme` and `key_id` are empty where none held; `result` is `verified` "
        "or the fault.",
        ("scheme", "result", "key_id"),
    ),
    "acknowledgement_seconds": MetricDef(
        "histogram",
        "seconds",
        "From handing over a callback's records until they are durable, by where: `kafka` or `spool`.",
        ("path",),
    ),
    "records_total": MetricDef("counter", "records", "Acknowledged records.", ("topic",)),
    "record_bytes_total": MetricDef(
        "counter", "bytes", "Value bytes of acknowledged records.", ("topic",)
    ),
    "undeclared_total": MetricDef(
        "counter", "parameters", "Parameters of Plivo's no declaration knows.", ("type",)
    ),
    "unreadable_total": MetricDef(
        "counter", "parameters", "Parameters whose text could not be read.", ("type",)
    ),
    "zone_mismatches_total": MetricDef(
        "counter",
        "events",
        "Events whose local times are not in the account's configured zone.",
        ("type",),
    ),
    "path_mismatches_total": MetricDef(
        "counter",
        "callbacks",
        "Callbacks that came on another type's path. `type` is what they were.",
        ("type",),
    ),
    "unknown_paths_total": MetricDef(
        "counter",
        "requests",
        "Requests answered 404 that were meant for a callback's path: below `/plivo`, nearly one of "
        "the paths, or signed. `mismatch` says what differs.",
        ("mismatch",),
    ),
    "repeated_total": MetricDef(
        "counter",
        "callbacks",
        "Callbacks that came again with the id of one this process has taken lately.",
        ("type",),
    ),
    "plivo_complaints_total": MetricDef(
        "counter",
        "callbacks",
        "Callbacks in which Plivo reports that it could not reach a URL or could not use an answer, by "
        "hangup code: 7011 to 7014, 7022 to 7024, 7032 to 7034, 8011 to 8014. `fallback` is a callback "
        "to the fallback URL. Each is counted once, and only if its signature covers what it says.",
        ("code",),
    ),
    "late_acknowledgements_total": MetricDef(
        "counter",
        "records",
        "Records acknowledged after their callback was spooled: each will be on Kafka twice.",
    ),
    "out_of_order_total": MetricDef(
        "counter",
        "callbacks",
        "Callbacks published before older ones of their key, because the spool could not take them.",
    ),
    "drained_total": MetricDef("counter", "callbacks", "Spooled callbacks now on Kafka."),
    "dead_letters_total": MetricDef("counter", "records", "Dead letters.", ("stage", "reason")),
    "rejected_samples_total": MetricDef(
        "counter", "callbacks", "Rejected callbacks kept in the rejected topic.", ("fault",)
    ),
    "url_mismatches_total": MetricDef(
        "counter",
        "callbacks",
        "Rejected callbacks whose signature holds for another URL, by what differs in it, or for this "
        "one in a scheme that is refused (`json_body`, `agentstack_v3`, `separator`, `json_separator`).",
        ("variant",),
    ),
    "shed_total": MetricDef(
        "counter",
        "callbacks",
        "Callbacks answered 429 because too many were under way.",
        ("class",),
    ),
    "cut_off_total": MetricDef(
        "counter",
        "connections",
        "Clients cut off: too slow, too big, malformed, or giving way to others (`connections`: for a "
        "new connection, `overloaded`: for the bytes of another request).",
        ("cause",),
    ),
    "in_flight": MetricDef("gauge", "callbacks", "Callbacks being worked on."),
    "in_flight_bytes": MetricDef(
        "gauge", "bytes", "Bytes of their bodies, and of bodies still arriving."
    ),
    "kafka_available": MetricDef("gauge", "1 or 0", "Whether there is a connection to Kafka."),
    "breaker_open": MetricDef(
        "gauge", "1 or 0", "Whether callbacks go to the spool because Kafka does not acknowledge."
    ),
    "spool_callbacks": MetricDef("gauge", "callbacks", "Callbacks waiting in the spool."),
    "spool_records": MetricDef("gauge", "records", "Their records."),
    "spool_bytes": MetricDef("gauge", "bytes", "The bytes of those records."),
    "spool_bytes_max": MetricDef("gauge", "bytes", "The most it may hold; 0 without a spool."),
    "spool_records_max": MetricDef("gauge", "records", "The most it may hold; 0 without a spool."),
    "spool_oldest_age_seconds": MetricDef(
        "gauge", "seconds", "How long the oldest of them has waited; 0 if there is none."
    ),
    "spool_parked": MetricDef(
        "gauge", "callbacks", "Spooled callbacks that Kafka takes in no form: they need a person."
    ),
    "spool_damaged": MetricDef("gauge", "files", "Spool files set aside because they are damaged."),
    "spool_writable": MetricDef("gauge", "1 or 0", "Whether the spool can take a callback now."),
    "spool_files_replaced_total": MetricDef(
        "counter",
        "files",
        "Spool files that were removed, renamed or replaced while the bridge had them open. It copied "
        "what they held into a new file.",
    ),
    "log_lines_lost_total": MetricDef(
        "counter",
        "lines",
        "Log lines that were lost because nobody read standard error, or nothing could be written "
        "there. No callback waits for the log.",
    ),
    "accounts_stale": MetricDef(
        "gauge",
        "1 or 0",
        "Whether the accounts file cannot be used: missing, no regular file, or invalid. The accounts "
        "known before stay.",
    ),
    "build_info": MetricDef("gauge", "1", "The running version.", ("version",)),
}
