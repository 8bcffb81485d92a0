"""The auth tokens we know, and whose they are."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from bridge.core import signature

LIKELY_KEYS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Account:
    """One Plivo account whose callbacks we accept; ``zone`` is the IANA name set in its console."""

    auth_id: str
    zone: str
    tokens: tuple[str, ...] = ()
    subaccounts: tuple["Subaccount", ...] = ()


@dataclass(frozen=True, slots=True)
class Subaccount:
    """A subaccount; ``zone`` None means the parent's."""

    auth_id: str
    tokens: tuple[str, ...] = ()
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One auth token and whose it is. ``key_id`` names it in events and logs, and reveals nothing."""

    account: str
    subaccount: str | None
    zone: str
    token: bytes
    key_id: str
    mac: hmac.HMAC = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hash the token once, and not for every message."""
        object.__setattr__(self, "mac", signature.start_hmac(self.token))


def compute_key_id(auth_id: str, token: str) -> str:
    """Return the 8 hex digits that name a token without revealing it."""
    digest = hashlib.blake2b(token.encode(), digest_size=4, person=b"key-id", salt=b"")
    digest.update(auth_id.encode())
    return digest.hexdigest()


class Keyring:
    """Every token we know, in the order to try them: the one that matched last first."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.replace_accounts(accounts)

    def replace_accounts(self, accounts: Sequence[Account]) -> None:
        """Know these accounts from now on, and no others."""
        self.zones = {account.auth_id: account.zone for account in accounts}
        main: list[SigningKey] = []
        sub: list[SigningKey] = []
        for account in accounts:
            for token in account.tokens:
                key = compute_key_id(account.auth_id, token)
                main.append(SigningKey(account.auth_id, None, account.zone, token.encode(), key))
            for inner in account.subaccounts:
                zone = inner.zone or account.zone
                for token in inner.tokens:
                    key = compute_key_id(inner.auth_id, token)
                    sub.append(
                        SigningKey(account.auth_id, inner.auth_id, zone, token.encode(), key)
                    )
        self._all = OrderedDict.fromkeys((*main, *sub))
        self._by_account: dict[str, OrderedDict[SigningKey, None]] = {}
        for one in self._all:
            self._by_account.setdefault(one.account, OrderedDict())[one] = None

    def list_account_keys(self, account: str | None) -> tuple[SigningKey, ...]:
        """Return an account's keys and its subaccounts'; none if we do not know it."""
        return tuple(self._by_account.get(account, ())) if account is not None else ()

    def list_likely_keys(self, claimed: str | None) -> tuple[SigningKey, ...]:
        """Return the keys to try first: rule 7."""
        return self.list_account_keys(claimed) or tuple(islice(self._all, LIKELY_KEYS_MAX))

    def list_candidates(self, claimed: str | None) -> tuple[SigningKey, ...]:
        """Return all keys in the order to try them, those of the claimed account first."""
        if len(self._by_account) == 1 or claimed not in self._by_account:
            return tuple(self._all)
        return (
            *self.list_account_keys(claimed),
            *[key for key in self._all if key.account != claimed],
        )

    def prefer(self, key: SigningKey) -> None:
        """Have ``key`` tried first from now on."""
        for keys in (self._all, self._by_account.get(key.account)):
            # It is known no more if the accounts were renewed in between.
            if keys and next(iter(keys)) is not key and key in keys:
                keys.move_to_end(key, last=False)
