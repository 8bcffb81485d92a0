"""How callbacks end: each counted once, and told in one line of the log at most."""

from collections.abc import Mapping

import structlog

from bridge.logs import CallTokens
from bridge.metrics import Metrics
from bridge.outcome import Outcome

log = structlog.get_logger()


class Ends:
    """Counts and tells. Of what is published only every ``published_every``-th is told."""

    def __init__(self, metrics: Metrics, tokens: CallTokens, *, published_every: int = 1) -> None:
        self._metrics = metrics
        self._tokens = tokens
        self._published_every = published_every
        self._published = 0

    def note(
        self,
        label: str,
        method: str,
        outcome: Outcome,
        *,
        key: bytes | None = None,
        told: Mapping[str, str],
    ) -> None:
        """Note one end, with what else is ``told``; ``key`` is the record's, and told as a token."""
        self._metrics.callback(label, method, outcome)
        level = "warning"
        if outcome is Outcome.PUBLISHED:
            self._published += 1
            if self._published % self._published_every:
                return
            level = "info"
        elif outcome is Outcome.SPOOLED:
            level = "info"
        call = {} if key is None else {"call": self._tokens.of(key)}
        line = {"callback_type": label, "method": method, **told, **call}
        getattr(log, level)(f"callback_{outcome}", **line)
