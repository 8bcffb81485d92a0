"""Timeouts and retries of a callback: Plivo's page on callback configuration.

1. The fragment of a voice URL has settings (``#rt=5000&rc=2``). It is neither sent nor signed. A setting
   that is missing or out of range has its default.
2. By default a timeout is retried once, and a 4xx or 5xx is not. ``tt`` limits the time of all tries
   together.
3. URLs of multi-party calls and of stream status have no settings.
4. Messaging and Verify try three more times, after 60, 120 and 240 s, if the answer is not 200.
5. Not documented, so inferred here: a retry follows at once; a refused connection counts as ``ct``; an
   answer that breaks off is never retried.
6. The total time of a URL also ends a try that goes on.
"""

from dataclasses import dataclass
from typing import Final

from bridge.emulator.machine.commands import Failure, Outcome
from bridge.reply.urls import RETRY_RANGES, RETRY_WORDS, parse_retry_settings

_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one URL is tried.

    ``retried`` has the words of ``rp``. ``pauses_s`` has the pause before each retry.
    """

    connect_timeout_s: float = 2.0
    read_timeout_s: float = 40.0
    total_timeout_s: float = 55.0
    retried: frozenset[str] = frozenset({"ct", "rt"})
    pauses_s: tuple[float, ...] = (0.0,)

    def retries(self, outcome: Outcome) -> bool:
        """Return whether this outcome is retried: rules 2, 4 and 5."""
        if isinstance(outcome, Failure):
            kind = "ct" if outcome.kind == "refused" else outcome.kind
            return kind != "broken" and not self.retried.isdisjoint({kind, "all"})
        if outcome.is_success:
            return False
        family = f"{outcome.status // 100}xx"
        return not self.retried.isdisjoint({family, "all"})


NO_RETRY: Final = RetryPolicy(pauses_s=())
UNSETTABLE: Final = RetryPolicy()
"""Rule 3."""
MESSAGING: Final = RetryPolicy(
    total_timeout_s=1_000.0, retried=frozenset({"all"}), pauses_s=(60.0, 120.0, 240.0)
)
"""Rule 4."""


def parse_policy(url: str) -> RetryPolicy:
    """Return the policy of a voice URL: rules 1 and 2."""
    settings = {
        key: value for key, value in parse_retry_settings(url).items() if _is_valid(key, value)
    }
    default = RetryPolicy()
    return RetryPolicy(
        connect_timeout_s=int(settings.get("ct", default.connect_timeout_s * _MS)) / _MS,
        read_timeout_s=int(settings.get("rt", default.read_timeout_s * _MS)) / _MS,
        total_timeout_s=int(settings.get("tt", default.total_timeout_s * _MS)) / _MS,
        retried=frozenset(settings["rp"].split(",")) if "rp" in settings else default.retried,
        pauses_s=(0.0,) * int(settings.get("rc", len(default.pauses_s))),
    )


def _is_valid(key: str, value: str) -> bool:
    if key in RETRY_RANGES:
        least, most = RETRY_RANGES[key]
        return value.isascii() and value.isdigit() and least <= int(value) <= most
    return key in RETRY_WORDS and set(value.split(",")) <= RETRY_WORDS[key]
