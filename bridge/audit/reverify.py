"""Verify stored signatures again.

1. A verdict names the key that verified it. The callback is checked with that key alone, whether its
   token is current or old. A match with any other key would prove nothing about the verdict.
2. A verdict holds if the signature is valid, and scheme, coverage and account are those of the verdict.
   So a changed body in the journal, or a verdict that claims more than was signed, does not hold.
3. A callback that was never verified claims nothing; it is counted separately.
4. The guard against reused V2 nonces is left out: it depends on the order in which callbacks arrived.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bridge.core.keyring import Account, Keyring, Subaccount, compute_key_id
from bridge.core.nonce_guard import NonceGuard
from bridge.core.verify import AcceptV2, Unverified, Verified, Verifier
from bridge.reader.journal import JournalledCallback


class ReverifyVerdict(StrEnum):
    """Whether a stored verdict holds."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does_not_hold"
    KEY_UNKNOWN = "key_unknown"
    NEVER_VERIFIED = "never_verified"


@dataclass(frozen=True, slots=True)
class ReverifyResult:
    """The result for the key that the verdict names, if it names one; ``fault`` is what is wrong."""

    verdict: ReverifyVerdict
    key_id: str | None
    fault: str | None = None


class Reverifier:
    """Verifies with every known token, found by the key id that verdicts name."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._keyrings: dict[str, Keyring] = {
            key: Keyring([account])
            for account in accounts
            for key, account in _split_by_token(account)
        }

    def reverify(self, callback: JournalledCallback) -> ReverifyResult:
        """Return whether the stored verdict holds: rules 1 to 4."""
        stored = callback.verdict
        if isinstance(stored, Unverified):
            return ReverifyResult(ReverifyVerdict.NEVER_VERIFIED, None, stored.fault)
        keyring = self._keyrings.get(stored.key_id)
        if keyring is None:
            return ReverifyResult(ReverifyVerdict.KEY_UNKNOWN, stored.key_id)
        # Accept every scheme: whether it was acceptable was decided then. The nonce guard is new, so it
        # refuses nothing: rule 4.
        verifier = Verifier(keyring, NonceGuard(), accept_v2=AcceptV2.ALL, accept_agentstack=True)
        today = verifier.verify(stored.raw, stored.parameters)
        fault = today.fault if isinstance(today, Unverified) else _find_contradiction(stored, today)
        verdict = ReverifyVerdict.HOLDS if fault is None else ReverifyVerdict.DOES_NOT_HOLD
        return ReverifyResult(verdict, stored.key_id, fault)


def _split_by_token(account: Account) -> Iterator[tuple[str, Account]]:
    """Yield every token's id, with the account as if it had only that token."""
    for token in account.tokens:
        yield (
            compute_key_id(account.auth_id, token),
            Account(account.auth_id, account.zone, (token,)),
        )
    for inner in account.subaccounts:
        for token in inner.tokens:
            alone = (Subaccount(inner.auth_id, (token,), inner.zone),)
            yield (
                compute_key_id(inner.auth_id, token),
                Account(account.auth_id, account.zone, subaccounts=alone),
            )


def _find_contradiction(stored: Verified, today: Verified) -> str | None:
    """Return where the stored verdict differs from today's: rule 2."""
    if (stored.account, stored.subaccount) != (today.account, today.subaccount):
        return "another_account"
    if stored.scheme != today.scheme:
        return "another_scheme"
    return None if stored.covers == today.covers else "covers_something_else"
