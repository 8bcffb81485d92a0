"""Which auth token signed a callback, found with a bounded amount of work.

1. A callback may have been signed over several messages (``signed_messages``) by any token that
   we know, and a wrong signature is one that none of them made. An HMAC hashes the token first, so
   nothing of a message can be hashed once for all tokens. A stranger chooses the length of the message.
2. So all checks of one callback together hash at most ``HASHED_BYTES_MAX``. Towards it counts, for each
   HMAC, the length of the message, ``HMAC_BYTES`` and ``COMPARISON_BYTES`` for each given signature.
3. The likely tokens are tried first, each with every message: those of the account that the callback
   names with their subaccounts', which may use all of the work. Where it names none that we know, they
   are the ``LIKELY_KEYS_MAX`` that matched last, which may use ``LIKELY_KEYS_BYTES_MAX``.
4. Then all other tokens are tried, with one message after the other.
5. Within each group the token that matched last comes first. So the order follows the traffic.
6. It follows that a genuine callback is verified, whatever the number of tokens, if it names its account
   and is of the usual size, or if its token matched lately. It is also verified if the work suffices
   for all tokens: ``docs/operating.md`` has a table of the sizes. A callback that is rejected before all
   tokens were tried says so.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from bridge.core import signature
from bridge.core.keyring import Keyring, SigningKey
from bridge.core.signed_messages import SignedMessage

# More than Plivo can have active tokens; a stranger must not make us compare thousands.
SIGNATURES_MAX: Final = 16
# About five milliseconds of hashing.
HASHED_BYTES_MAX: Final = 8_388_608
LIKELY_KEYS_BYTES_MAX: Final = 1_048_576
# What an HMAC costs beside its message, and a comparison, in the bytes that are hashed in that time.
HMAC_BYTES: Final = 2_048
COMPARISON_BYTES: Final = 128


class HashBudget:
    """How many bytes may still be hashed for one callback: rule 2."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_left = bytes_max
        self.is_exhausted = False

    def spend(self, message: bytes, signatures: int, tries: int = 1) -> int:
        """Return how many of so many HMACs of ``message`` are allowed, and count those."""
        cost = len(message) + HMAC_BYTES + COMPARISON_BYTES * signatures
        allowed = min(tries, self.bytes_left // cost)
        self.is_exhausted = self.is_exhausted or allowed < tries
        self.bytes_left -= allowed * cost
        return allowed


@dataclass(frozen=True, slots=True)
class GivenSignatures:
    """The signatures of a callback's headers, by scheme: any token's, and a main account's only."""

    plain: tuple[bytes, ...]
    ma: tuple[bytes, ...]

    @property
    def plain_only(self) -> "GivenSignatures":
        """Return the signatures of the plain header alone."""
        return GivenSignatures(self.plain, ())


def parse_signatures(header: str | None) -> tuple[bytes, ...]:
    """Return the signatures that a header lists, no more than ``SIGNATURES_MAX``."""
    if not header:
        return ()
    listed = header.split(",", SIGNATURES_MAX)[:SIGNATURES_MAX]
    return tuple(dict.fromkeys([one.strip().encode() for one in listed]))


def is_given(expected: bytes, given: tuple[bytes, ...]) -> bool:
    """Return whether a signature is given, compared in the same time with each of them."""
    found = False
    for one in given:  # all of them, whichever it is
        found |= hmac.compare_digest(expected, one)
    return found


@dataclass(frozen=True, slots=True)
class SignatureMatch:
    """The key that signed a callback, whether as ``Ma``, and the message that it signed."""

    key: SigningKey
    is_ma: bool
    message: SignedMessage


class SearchIncomplete(Exception):
    """No token that was tried signed the callback, and not every token was tried with one message."""


def find_signing_key(
    keyring: Keyring, account: str | None, given: GivenSignatures, messages: Iterable[SignedMessage]
) -> SignatureMatch | None:
    """Return whose signature is given, and of which message; raises NotAllTried.

    ``named`` is the account that the callback names, unchecked. ``messages`` are made one by one.
    """
    likely, keys = keyring.list_likely_keys(account), keyring.list_candidates(account)
    rest = keys[len(likely) :]
    bytes_max = LIKELY_KEYS_BYTES_MAX if rest and account not in keyring.zones else HASHED_BYTES_MAX
    work = HashBudget(bytes_max)
    are_tried = False
    tried: list[SignedMessage] = []
    for message in messages:
        tried.append(message)
        if found := _find_key(keyring, likely, message, given, work):
            return SignatureMatch(*found, message)
        are_tried = are_tried or not work.is_exhausted
        if not work.spend(message.bytes, 0):  # to make the next message costs about as much
            break
    work = HashBudget(work.bytes_left + HASHED_BYTES_MAX - bytes_max)
    are_all_tried = False
    for message in tried:
        if found := _find_key(keyring, rest, message, given, work):
            return SignatureMatch(*found, message)
        are_all_tried = are_tried and (are_all_tried or not work.is_exhausted)
    if tried and not are_all_tried:
        raise SearchIncomplete
    return None


def _find_key(
    keyring: Keyring,
    keys: Sequence[SigningKey],
    message: SignedMessage,
    given: GivenSignatures,
    work: HashBudget,
) -> tuple[SigningKey, bool] | None:
    """Return the key whose signature is given, and whether in the ``Ma`` header.

    The plain header decides if both hold.
    """
    if message.is_agentstack:
        given = given.plain_only  # agent SDKs know no other header
    found = _match_key(keys, message.bytes, given, work)
    if found is not None and found[1] and given.plain:
        # It is Plivo's, so the subaccount's token may be searched for among all of the account's.
        tried = {id(key) for key in keys}
        others = [
            key for key in keyring.list_account_keys(found[0].account) if id(key) not in tried
        ]
        cost = len(message.bytes) + HMAC_BYTES + COMPARISON_BYTES * SIGNATURES_MAX
        found = (
            _match_key(others, message.bytes, given.plain_only, HashBudget(len(others) * cost))
            or found
        )
    if found is not None:
        keyring.prefer(found[0])
    return found


def _match_key(
    keys: Sequence[SigningKey], message: bytes, given: GivenSignatures, work: HashBudget
) -> tuple[SigningKey, bool] | None:
    """Return the first key whose signature is given plainly, else the first whose is as ``Ma``."""
    if not given.plain:
        keys = [key for key in keys if key.subaccount is None]
    by_ma: SigningKey | None = None
    plain, ma, signature_by = given.plain, given.ma, signature.sign_with
    for key in islice(keys, work.spend(message, len(plain) + len(ma), len(keys))):
        expected = signature_by(key.mac, message)
        if plain and is_given(expected, plain):
            return key, False
        if ma and by_ma is None and key.subaccount is None and is_given(expected, ma):
            by_ma = key
    return (by_ma, True) if by_ma is not None else None
