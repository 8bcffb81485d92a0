"""How callbacks end: each counted once, and told in one line of the log at most.

1. Of what was published every so many are told. All other ends of genuine callbacks are told.
2. What strangers can bring about (rejections, unknown paths, limits that were hit) is told so often a
   minute and no oftener; the next line says how many were left out.
3. A fault of ours is an error, with the place in the code.
"""

from collections.abc import Mapping
from typing import Final

import structlog

from bridge.core.outcome import Outcome, RefusalCause
from bridge.intake.rate_limit import RateLimiter
from bridge.telemetry.logs import CallTokens, error_location
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

_NOTHING: Final[Mapping[str, str]] = {}


class OutcomeRecorder:
    """Counts and tells: of what is published every ``published_every``-th, of strangers' a bucket."""

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

    def record(  # noqa: PLR0913 (what there is to tell, by name)
        self,
        label: str,
        method: str,
        outcome: Outcome,
        *,
        key: bytes | None = None,
        fields: Mapping[str, str] = _NOTHING,
        notable: bool = False,
        fault: BaseException | None = None,
    ) -> None:
        """Note one end, with what else is ``told``; ``key`` is the record's, and told as a token.

        One that is ``remarkable`` is told in any case, and louder. A ``fault`` is of ours.
        """
        self._metrics.count_callback(label, method, outcome)
        level = "warning"
        line: dict[str, object] = {"callback_type": label, "method": method, **fields}
        if fault is not None:
            level = "error"
            line |= {"error": type(fault).__name__, "where": error_location(fault)}
        elif outcome is Outcome.PUBLISHED and not notable:
            self._published += 1
            if self._published % self._published_every:
                return
            level = "info"
        elif outcome is Outcome.SPOOLED:
            level = "info"
        elif outcome is Outcome.REJECTED and not self._may_log_unverified():
            return
        if key is not None:
            line["call"] = self._tokens.token(key)
        if self._suppressed:
            line["suppressed_before"], self._suppressed = self._suppressed, 0
        getattr(log, level)(f"callback_{outcome}", **line)

    def record_refusal(  # noqa: PLR0913 (the same)
        self,
        label: str,
        method: str,
        cause: RefusalCause,
        *,
        key: bytes | None = None,
        fields: Mapping[str, str] = _NOTHING,
        fault: BaseException | None = None,
    ) -> None:
        """Note a callback that was refused; the rest is as in ``note``."""
        self._metrics.count("refused_total", cause)
        if cause.anyone_can_cause and not self._may_log_unverified():
            self._metrics.count_callback(label, method, Outcome.REFUSED)
            return
        fields = {"cause": cause, **fields}
        self.record(label, method, Outcome.REFUSED, key=key, fields=fields, fault=fault)

    def record_unknown_path(
        self, method: str, path: str, fault: str, *, nearest: str | None, is_signed: bool
    ) -> None:
        """Count a request to a path that nothing listens on, and log it within rule 2.

        ``path`` is as it may be logged, ``nearest`` the known path that it almost was.
        """
        self._metrics.count("unknown_paths_total", fault)
        if not self._may_log_unverified():
            return
        line: dict[str, object] = {"method": method, "path": path, "almost": fault}
        if nearest is not None:
            line["nearest_path"] = nearest
        if self._suppressed:
            line["suppressed_before"], self._suppressed = self._suppressed, 0
        log.warning("path_unknown", **line, has_signature=is_signed)

    def _may_log_unverified(self) -> bool:
        if self._unverified_limiter.allow():
            return True
        self._suppressed += 1
        return False
