"""The auth tokens of our accounts, and a bounded search for the one that signed a callback.

1. A callback may have been signed over several messages (``bridge.core.signed_messages``) with any
   known token. A signature is wrong only if no pair of token and message gives it. An HMAC hashes
   the token first, so no part of a message can be hashed once for all tokens. An unauthenticated
   client chooses the length of the message.
2. Therefore all checks of one callback together hash at most ``HASHED_BYTES_MAX``. Each HMAC costs
   the length of its message, ``HMAC_BYTES``, and ``COMPARISON_BYTES`` for each given signature.
3. The likely tokens are tried first, each with every message. If the callback names a known
   account, these are the tokens of the account and its subaccounts, and they may use the whole
   budget. Otherwise they are the ``LIKELY_KEYS_MAX`` that matched last, and they may use
   ``LIKELY_KEYS_BYTES_MAX``.
4. Then all other tokens are tried, with one message after the other. If the callback names a known
   account, they are tried with the first message only: Plivo does not sign it with another account's
   token, except perhaps by a mistake in our settings.
5. Within each group the token that matched last is tried first. So the order follows the traffic.
6. Therefore a genuine callback is verified, whatever the number of tokens, if it names its account
   and has the usual size, or if its token matched lately. It is also verified if the budget is
   enough for all tokens: ``docs/operating.md`` has a table of the sizes. If a callback is rejected
   before all tokens were tried, the fault says so.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from bridge.core import signature
from bridge.core.signature import HashedToken
from bridge.core.signed_messages import SignedMessage

LIKELY_KEYS_MAX: Final = 16
# More than an account can have active tokens. An unauthenticated client must not make us compare
# thousands of signatures.
SIGNATURES_MAX: Final = 16
# About five milliseconds of hashing on one core.
HASHED_BYTES_MAX: Final = 8_388_608
LIKELY_KEYS_BYTES_MAX: Final = 1_048_576
# The fixed cost of an HMAC and of a comparison, as the number of bytes hashed in the same time.
HMAC_BYTES: Final = 2_048
COMPARISON_BYTES: Final = 128


@dataclass(frozen=True, slots=True)
class Account:
    """One Plivo account whose callbacks we accept. ``zone`` is the IANA time zone set in its console."""

    auth_id: str
    zone: str
    tokens: tuple[str, ...] = ()
    subaccounts: tuple["Subaccount", ...] = ()


@dataclass(frozen=True, slots=True)
class Subaccount:
    """A subaccount. If ``zone`` is None, the main account's zone applies."""

    auth_id: str
    tokens: tuple[str, ...] = ()
    zone: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """One auth token and its owner. ``key_id`` identifies it in events and logs without revealing it.

    Keys are compared by identity: a key's place in the order is looked up often.
    """

    account: str
    subaccount: str | None
    zone: str
    token: bytes
    key_id: str
    hashed_token: HashedToken = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Hash the token once, instead of once for every message."""
        object.__setattr__(self, "hashed_token", signature.hash_token(self.token))


def compute_key_id(auth_id: str, token: str) -> str:
    """Return 8 hex digits that identify a token without revealing it."""
    digest = hashlib.blake2b(token.encode(), digest_size=4, person=b"key-id", salt=b"")
    digest.update(auth_id.encode())
    return digest.hexdigest()


class Keyring:
    """All known tokens, the one that matched last first."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        self.replace_accounts(accounts)

    def replace_accounts(self, accounts: Sequence[Account]) -> None:
        """Replace all accounts and their tokens."""
        self.zones = {account.auth_id: account.zone for account in accounts}
        # The tokens of all main accounts are tried before those of subaccounts.
        owners: list[tuple[Account, Subaccount | None]] = [
            *((account, None) for account in accounts),
            *((account, sub) for account in accounts for sub in account.subaccounts),
        ]
        self._all: OrderedDict[SigningKey, None] = OrderedDict()
        self._by_account: dict[str | None, OrderedDict[SigningKey, None]] = {}
        for account, sub in owners:
            owner = sub or account
            for token in owner.tokens:
                key = SigningKey(
                    account.auth_id,
                    sub.auth_id if sub else None,
                    owner.zone or account.zone,
                    token.encode(),
                    compute_key_id(owner.auth_id, token),
                )
                self._all[key] = None
                self._by_account.setdefault(key.account, OrderedDict())[key] = None

    def count_keys(self) -> int:
        """Return the number of keys."""
        return len(self._all)

    def list_likely_keys(self, claimed: str | None) -> Collection[SigningKey]:
        """Return the keys to try first: rule 3. Their order changes if one is preferred."""
        return self._by_account.get(claimed) or tuple(islice(self._all, LIKELY_KEYS_MAX))

    def list_account_keys(self, account: str) -> Collection[SigningKey]:
        """Return the keys of an account and its subaccounts; none if the account is unknown."""
        return self._by_account.get(account, ())

    def list_owners_other_keys(self, key: SigningKey) -> list[SigningKey]:
        """Return the other keys of the account or subaccount that ``key`` belongs to."""
        keys = self.list_account_keys(key.account)
        return [one for one in keys if one.subaccount == key.subaccount and one is not key]

    def list_other_keys(self, claimed: str | None) -> list[SigningKey]:
        """Return the keys to try after the likely ones: rule 4."""
        if claimed in self._by_account:
            return [key for key in self._all if key.account != claimed]
        return list(islice(self._all, LIKELY_KEYS_MAX, None))

    def list_candidates(self, claimed: str | None) -> tuple[SigningKey, ...]:
        """Return all keys in the order to try them, those of the claimed account first."""
        return *self.list_likely_keys(claimed), *self.list_other_keys(claimed)

    def prefer(self, key: SigningKey) -> None:
        """Move ``key`` to the front of the order: rule 5."""
        # The key is gone if the accounts were replaced while it was in use. The first of all keys is the
        # first of its account too, because both have one order.
        if key in self._all and next(iter(self._all)) is not key:
            self._all.move_to_end(key, last=False)
            self._by_account[key.account].move_to_end(key, last=False)


class HashBudget:
    """How many more bytes may be hashed for one callback: rule 2."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_left = bytes_max
        self.is_exhausted = False

    def spend(self, message: bytes, signatures: int, tries: int = 1) -> int:
        """Return how many of ``tries`` HMACs of ``message`` the budget allows, and deduct their cost."""
        cost = len(message) + HMAC_BYTES + COMPARISON_BYTES * signatures
        if tries * cost > self.bytes_left:
            self.is_exhausted = True
            tries = self.bytes_left // cost
        self.bytes_left -= tries * cost
        return tries


class GivenSignatures(NamedTuple):
    """The signatures in the headers: ``plain`` of any token, ``ma`` of a main account's token.

    They are decoded. ``distinct`` has those of both headers, each once, so that each is compared
    once for every token.
    """

    plain: tuple[bytes, ...]
    ma: tuple[bytes, ...]
    distinct: tuple[bytes, ...]

    @classmethod
    def parse(cls, plain: str | None, ma: str | None) -> "GivenSignatures":
        """Return the signatures that the two headers list."""
        parsed = parse_signatures(plain)
        if plain == ma:  # Plivo writes the same signature in both, if no subaccount is involved.
            return cls(parsed, parsed, parsed)
        parsed_ma = parse_signatures(ma)
        return cls(parsed, parsed_ma, tuple(dict.fromkeys(parsed + parsed_ma)))

    @property
    def plain_only(self) -> "GivenSignatures":
        """Return the signatures of the plain header alone."""
        return GivenSignatures(self.plain, (), self.plain)


def parse_signatures(header: str | None) -> tuple[bytes, ...]:
    """Return the signatures that a header lists, at most ``SIGNATURES_MAX``."""
    if not header:
        return ()
    if "," not in header:
        return (signature.decode_signature(header),)
    listed = header.split(",", SIGNATURES_MAX)[:SIGNATURES_MAX]
    return tuple(dict.fromkeys(map(signature.decode_signature, listed)))


def find_signer(
    keys: Iterable[SigningKey], message: bytes, given: tuple[bytes, ...]
) -> tuple[SigningKey, bytes] | None:
    """Return the first key that made one of the given signatures of a message, and the signature."""
    sign_with, compare_digest = signature.sign_with, hmac.compare_digest
    for key in keys:
        expected = sign_with(key.hashed_token, message)
        is_given = False
        for one in given:  # no early exit: the time must not show which one matches
            is_given |= compare_digest(expected, one)
        if is_given:
            return key, expected
    return None


SignatureMatch = tuple[SigningKey, bool, SignedMessage]
"""The key that signed a callback, whether in the ``Ma`` header, and the signed message."""


class SearchIncomplete(Exception):
    """No token that was tried signed the callback, and the budget did not allow all of them."""


def find_signing_key(
    keyring: Keyring, account: str | None, given: GivenSignatures, messages: Iterable[SignedMessage]
) -> SignatureMatch | None:
    """Return the key and the message of a given signature, or None; raises SearchIncomplete.

    ``account`` is the account that the callback names; it is not verified. ``messages`` is consumed
    lazily.
    """
    likely = keyring.list_likely_keys(account)
    is_limited = account not in keyring.zones and keyring.count_keys() > len(likely)
    bytes_max = LIKELY_KEYS_BYTES_MAX if is_limited else HASHED_BYTES_MAX
    budget = HashBudget(bytes_max)
    are_tried = False
    tried: list[SignedMessage] = []
    for message in messages:
        tried.append(message)
        if found := _find_key(keyring, likely, message, given, budget):
            return *found, message
        are_tried = are_tried or not budget.is_exhausted
        # Building the next message costs about as much as hashing it.
        if not budget.spend(message.bytes, 0):
            break
    others = keyring.list_other_keys(account)
    budget = HashBudget(budget.bytes_left + HASHED_BYTES_MAX - bytes_max)
    are_all_tried = False
    for message in tried[:1] if account in keyring.zones else tried:
        if found := _find_key(keyring, others, message, given, budget):
            return *found, message
        are_all_tried = are_tried and (are_all_tried or not budget.is_exhausted)
    if tried and not are_all_tried:
        raise SearchIncomplete
    return None


def _find_key(
    keyring: Keyring,
    keys: Collection[SigningKey],
    message: SignedMessage,
    given: GivenSignatures,
    budget: HashBudget,
) -> tuple[SigningKey, bool] | None:
    """Return the key that made a given signature, and whether it is in the ``Ma`` header.

    If both headers match, the plain one decides.
    """
    if message.is_agentstack:
        given = given.plain_only  # agent SDKs check no other header
    found = _match_key(keys, message.bytes, given, budget)
    if found is not None and found[1] and given.plain:
        # The request is Plivo's, so a search among all keys of this account cannot be abused. It may
        # find the subaccount whose token made the plain signature.
        tried = set(keys)
        others = [key for key in keyring.list_account_keys(found[0].account) if key not in tried]
        cost = len(message.bytes) + HMAC_BYTES + COMPARISON_BYTES * SIGNATURES_MAX
        enough = HashBudget(len(others) * cost)
        found = _match_key(others, message.bytes, given.plain_only, enough) or found
    if found is not None:
        keyring.prefer(found[0])
    return found


def _match_key(
    keys: Collection[SigningKey], message: bytes, given: GivenSignatures, budget: HashBudget
) -> tuple[SigningKey, bool] | None:
    """Return the first key that matches the plain header, else the first for the ``Ma`` header."""
    if not given.plain:
        keys = [key for key in keys if key.subaccount is None]
    candidates = islice(keys, budget.spend(message, len(given.distinct), len(keys)))
    by_ma: SigningKey | None = None
    while found := find_signer(candidates, message, given.distinct):
        # From here on the time may differ: the signature of this request is genuine.
        key, expected = found
        if expected in given.plain:
            return key, False
        if by_ma is None and key.subaccount is None:
            by_ma = key
    return (by_ma, True) if by_ma is not None else None
