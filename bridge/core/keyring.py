"""The auth tokens we know, and whose they are."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from bridge.core import signature

LIKELY_MAX: Final = 16


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
class Key:
    """One auth token and whose it is. ``key_id`` names it in events and logs, and reveals nothing."""

    account: str
    subaccount: str | None
    zone: str
    token: bytes
    key_id: str
    mac: hmac.HMAC = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hash the token once, and not for every message."""
        object.__setattr__(self, "mac", signature.keyed(self.token))


def key_id(auth_id: str, token: str) -> str:
    """Return the 8 hex digits that name a token without revealing it."""
    digest = hashlib.blake2b(token.encode(), digest_size=4, person=b"key-id", salt=b"")
    digest.update(auth_id.encode())
    return digest.hexdigest()


class Keyring:
    """Every token we know, in the order to try them: the one that matched last first."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.renew(accounts)

    def renew(self, accounts: Sequence[Account]) -> None:
        """Know these accounts from now on, and no others."""
        self.zones = {account.auth_id: account.zone for account in accounts}
        main: list[Key] = []
        sub: list[Key] = []
        for account in accounts:
            for token in account.tokens:
                key = key_id(account.auth_id, token)
                main.append(Key(account.auth_id, None, account.zone, token.encode(), key))
            for inner in account.subaccounts:
                zone = inner.zone or account.zone
                for token in inner.tokens:
                    key = key_id(inner.auth_id, token)
                    sub.append(Key(account.auth_id, inner.auth_id, zone, token.encode(), key))
        self._all = OrderedDict.fromkeys((*main, *sub))
        self._of: dict[str, OrderedDict[Key, None]] = {}
        for one in self._all:
            self._of.setdefault(one.account, OrderedDict())[one] = None

    def of(self, account: str | None) -> tuple[Key, ...]:
        """Return an account's keys and its subaccounts'; none if we do not know it."""
        return tuple(self._of.get(account, ())) if account is not None else ()

    def likely(self, claimed: str | None) -> tuple[Key, ...]:
        """Return the keys to try first: rule 7."""
        return self.of(claimed) or tuple(islice(self._all, LIKELY_MAX))

    def candidates(self, claimed: str | None) -> tuple[Key, ...]:
        """Return all keys in the order to try them, those of the claimed account first."""
        if len(self._of) == 1 or claimed not in self._of:
            return tuple(self._all)
        return (*self.of(claimed), *[key for key in self._all if key.account != claimed])

    def matched(self, key: Key) -> None:
        """Have ``key`` tried first from now on."""
        for keys in (self._all, self._of.get(key.account)):
            # It is known no more if the accounts were renewed in between.
            if keys and next(iter(keys)) is not key and key in keys:
                keys.move_to_end(key, last=False)
