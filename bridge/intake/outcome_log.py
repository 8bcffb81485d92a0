"""Record each callback's outcome: one metric, at most one log line.

1. Of published callbacks every ``published_every``-th is logged. Every other outcome of a genuine
   callback is logged.
2. Anyone can cause rejections, unknown paths and exceeded limits. Their lines share a rate limit, and
   the next line reports how many were suppressed.
3. A fault of the bridge is logged as an error: its class and its place in the code, never its text.
4. The recorder counts and logs the results of one turn of the event loop together, after that turn
   (``bridge.intake.preparation`` says why that is cheaper). A result that cannot be logged keeps its
   outcome, and is counted.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

import structlog

from bridge.callbacks.model import CallbackType
from bridge.core.journal import SentReply
from bridge.core.outcome import Outcome, RefusalCause
from bridge.intake.rate_limit import RateLimiter
from bridge.reply.document import ACKNOWLEDGEMENT
from bridge.telemetry.logs import CallTokens, describe_fault, is_logged
from bridge.telemetry.metric_defs import Metric
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()


_NO_FIELDS: Final[Mapping[str, str]] = {}


class CallbackResult(NamedTuple):
    """How a callback ended, and what the log says about it.

    ``label`` is its type, or `shared` where the type is not known. ``reply`` is sent if the callback is
    durable. ``key`` is the key of its records; the log shows it as a token. ``fields`` are added to the
    log line. ``cause`` is set if the callback was refused. A ``notable`` result is always logged, as a
    warning. ``fault`` is an error of the bridge.
    """

    label: str
    outcome: Outcome
    reply: SentReply = ACKNOWLEDGEMENT
    key: bytes | None = None
    fields: Mapping[str, str] = _NO_FIELDS
    cause: RefusalCause | None = None
    notable: bool = False
    fault: BaseException | None = None


def choose_label(route: CallbackType | None) -> str:
    """Return the label of a callback whose type is not known, by the path it came on."""
    return route.name if route else "shared"


class OutcomeRecorder:
    """Counts and logs the results of callbacks, and requests to unknown paths."""

    def __init__(
        self,
        metrics: Metrics,
        tokens: CallTokens,
        *,
        unverified_limiter: RateLimiter,
        published_every: int = 1,
    ) -> None:
        self._metrics = metrics
        self._tokens = tokens
        self._unverified_limiter = unverified_limiter
        self._published_every = published_every
        self._published = 0
        self._suppressed = 0
        self._log = log.bind()  # structlog would make a logger anew for each line
        self._results: list[tuple[str, CallbackResult]] = []

    def record_soon(self, method: str, result: CallbackResult) -> None:
        """Record the result of a callback after this turn of the event loop: rule 4."""
        if not self._results:
            asyncio.get_running_loop().call_soon(self._record_results)
        self._results.append((method, result))

    def _record_results(self) -> None:
        results, self._results = self._results, []
        self._record(results)

    def record(self, method: str, result: CallbackResult) -> None:
        """Record the result of a callback now."""
        self._record([(method, result)])

    def _record(self, results: list[tuple[str, CallbackResult]]) -> None:
        # Results that are counted alike are added up before, because each count takes a lock.
        alike = Counter([(one.label, method, one.outcome, one.cause) for method, one in results])
        for (label, method, outcome, cause), number in alike.items():
            self._metrics.count_callbacks(label, method, outcome, by=number)
            if cause is not None:
                self._metrics.count(Metric.REFUSED_TOTAL, cause, by=number)
        for method, result in results:
            try:
                self._log_result(method, result)
            except Exception as error:  # noqa: BLE001 (rule 4)
                log.error("outcome_not_recorded", outcome=result.outcome, **describe_fault(error))  # noqa: TRY400

    def _log_result(self, method: str, result: CallbackResult) -> None:
        """Log the result of a callback if rules 1 to 3 say so."""
        level = self._find_level(result)
        if level is None:
            return
        line: dict[str, object] = {"callback_type": result.label, "method": method}
        if result.cause is not None:
            line["cause"] = result.cause
        line |= result.fields
        if result.fault is not None:
            line |= describe_fault(result.fault)
        if result.key is not None:
            line["call"] = self._tokens.token(result.key)
        self._write(level, f"callback_{result.outcome}", line)

    def record_unknown_path(
        self, method: str, path: str, mismatch: str, *, nearest: str | None, is_signed: bool
    ) -> None:
        """Count a request to an unknown path, and log it within the rate limit of rule 2.

        ``path`` is safe to log. ``nearest`` is the known path that was probably meant.
        """
        self._metrics.count(Metric.UNKNOWN_PATHS_TOTAL, mismatch)
        if not self._may_log_unverified():
            return
        line: dict[str, object] = {"method": method, "path": path, "mismatch": mismatch}
        if nearest is not None:
            line["nearest_path"] = nearest
        self._write("warning", "path_unknown", {**line, "has_signature": is_signed})

    def _find_level(self, result: CallbackResult) -> str | None:
        """Return the level to log a result at, or None if it is not logged."""
        if result.outcome is Outcome.PUBLISHED and not result.notable:
            self._published += 1
            return None if self._published % self._published_every else "info"
        anyone_can_cause = result.outcome is Outcome.REJECTED or (
            result.cause is not None and result.cause.anyone_can_cause
        )
        if anyone_can_cause and not self._may_log_unverified():
            return None
        if result.fault is not None:
            return "error"
        return "info" if result.outcome is Outcome.SPOOLED else "warning"

    def _may_log_unverified(self) -> bool:
        if self._unverified_limiter.allow():
            return True
        self._suppressed += 1
        return False

    def _write(self, level: str, event: str, line: dict[str, object]) -> None:
        if self._suppressed and is_logged(level):
            line["suppressed_before"], self._suppressed = self._suppressed, 0
        getattr(self._log, level)(event, **line)
