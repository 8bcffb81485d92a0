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
from bridge.intake.rate_limit import Bucket
from bridge.telemetry.logs import CallTokens, where
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()

_NOTHING: Final[Mapping[str, str]] = {}


class Ends:
    """Counts and tells: of what is published every ``published_every``-th, of strangers' a bucket."""

    def __init__(
        self,
        metrics: Metrics,
        tokens: CallTokens,
        *,
        strangers: Bucket,
        published_every: int = 1,
    ) -> None:
        self._metrics = metrics
        self._tokens = tokens
        self._strangers = strangers
        self._published_every = published_every
        self._published = 0
        self._untold = 0

    def note(  # noqa: PLR0913 (what there is to tell, by name)
        self,
        label: str,
        method: str,
        outcome: Outcome,
        *,
        key: bytes | None = None,
        told: Mapping[str, str] = _NOTHING,
        remarkable: bool = False,
        fault: BaseException | None = None,
    ) -> None:
        """Note one end, with what else is ``told``; ``key`` is the record's, and told as a token.

        One that is ``remarkable`` is told in any case, and louder. A ``fault`` is of ours.
        """
        self._metrics.callback(label, method, outcome)
        level = "warning"
        line: dict[str, object] = {"callback_type": label, "method": method, **told}
        if fault is not None:
            level = "error"
            line |= {"error": type(fault).__name__, "where": where(fault)}
        elif outcome is Outcome.PUBLISHED and not remarkable:
            self._published += 1
            if self._published % self._published_every:
                return
            level = "info"
        elif outcome is Outcome.SPOOLED:
            level = "info"
        elif outcome is Outcome.REJECTED and not self._tells_of_strangers():
            return
        if key is not None:
            line["call"] = self._tokens.of(key)
        if self._untold:
            line["untold_before"], self._untold = self._untold, 0
        getattr(log, level)(f"callback_{outcome}", **line)

    def refused(  # noqa: PLR0913 (the same)
        self,
        label: str,
        method: str,
        cause: RefusalCause,
        *,
        key: bytes | None = None,
        told: Mapping[str, str] = _NOTHING,
        fault: BaseException | None = None,
    ) -> None:
        """Note a callback that was refused; the rest is as in ``note``."""
        self._metrics.count("refused_total", cause)
        if cause.is_anybodys and not self._tells_of_strangers():
            self._metrics.callback(label, method, Outcome.REFUSED)
            return
        told = {"cause": cause, **told}
        self.note(label, method, Outcome.REFUSED, key=key, told=told, fault=fault)

    def path_unknown(
        self, method: str, path: str, almost: str, *, nearest: str | None, is_signed: bool
    ) -> None:
        """Count a request to a path that nothing listens on, and log it within rule 2.

        ``path`` is as it may be logged, ``nearest`` the known path that it almost was.
        """
        self._metrics.count("unknown_paths_total", almost)
        if not self._tells_of_strangers():
            return
        line: dict[str, object] = {"method": method, "path": path, "almost": almost}
        if nearest is not None:
            line["nearest_path"] = nearest
        if self._untold:
            line["untold_before"], self._untold = self._untold, 0
        log.warning("path_unknown", **line, has_signature=is_signed)

    def _tells_of_strangers(self) -> bool:
        if self._strangers.admits():
            return True
        self._untold += 1
        return False
