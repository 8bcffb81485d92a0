"""Whether Plivo sent this. Verified is a type, and only this file makes one.

1. If any V3 header is present, V3 decides; there is no falling back to V2, because V2 covers neither
   query nor body.
2. The plain header is tried with every known token, the ``Ma`` header with main accounts' tokens.
   A header may list several signatures (tokens being rotated); any match counts.
3. V2 has no timestamp and does not cover the parameters, so a captured pair of headers would fit any
   forged body. The same holds for a V3 message that does not cover the whole body (rule 3 of
   ``bridge.signed_messages``). So a message is accepted with one content only (``bridge.nonce_guard``).
4. V1 alone is refused: it has no nonce at all.
5. Comparison takes the same time wherever two signatures differ.
6. A verdict stored with a callback can be recalled when its token is long gone, unchecked. That is no
   hole: it is read off our own topics, and who can write there needs no signature. The ingress never
   recalls, and a recalled verdict says that it is one.
7. A V3 signature is checked against several messages (``bridge.signed_messages``). A stranger must not
   make that expensive: beyond the first message, no more than ``EXTRA_BYTES_MAX`` are hashed.
8. The scheme of Plivo's agent SDKs is checked last, and only if the operator accepts it.
9. V2 signs URL and nonce without anything between them. A V2 nonce is digits (those of the SDKs' test
   vectors are), and no path that V2 is accepted on ends in one, so the end of the path cannot become
   part of the nonce.
10. Plivo sends V2 headers beside those of V3 (captured requests have both). When V3 has verified a
   request, its V2 pair is remembered with the same content. So whoever removes the V3 headers cannot use
   the pair for another content.
11. V2 may be accepted for all callbacks, for those of all products but voice, or for none. For voice
   Plivo documents V3, and calls V2 deprecated (plivo.com/docs/voice/concepts/signature-validation), so
   a missing V3 header was probably removed by somebody. Whether a callback
   is one of voice is asked only if its V2 signature holds, because finding that out costs more.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from typing import Final

from bridge import raw as wire
from bridge import signature
from bridge.callbacks.model import Verification
from bridge.nonce_guard import NonceGuard, content_of
from bridge.origins import equal_origins
from bridge.parameters import Parameters
from bridge.raw import RawCallback
from bridge.signed_messages import (
    COVERS_ALL,
    COVERS_NO_BODY,
    COVERS_URL,
    Message,
    agentstack_messages,
    v3_messages,
)


class Scheme(StrEnum):
    """The signature scheme that decided."""

    V3 = "v3"
    V3_MA = "v3-ma"
    V2 = "v2"
    V2_MA = "v2-ma"
    V3_AGENTSTACK = "v3-agentstack"


class Fault(StrEnum):
    """Why a callback is not verified."""

    NO_SIGNATURE = "no_signature"
    NO_NONCE = "no_nonce"
    BAD_NONCE = "bad_nonce"
    WRONG_SIGNATURE = "wrong_signature"
    BARE_PARAMETER = "bare_parameter"
    V1_ONLY = "v1_only"
    V2_NOT_ACCEPTED = "v2_not_accepted"
    NONCE_REUSED = "nonce_reused"
    NOT_CHECKED = "not_checked"


class AcceptV2(StrEnum):
    """Which callbacks V2 may verify: rule 11."""

    ALL = "all"
    EXCEPT_VOICE = "except_voice"
    NONE = "none"


COVERS_V3: Final = COVERS_ALL
COVERS_V2: Final = COVERS_URL

# More than Plivo can have active tokens; a stranger must not make us compare thousands.
SIGNATURES_MAX: Final = 16
# Some milliseconds of hashing (rule 7). An HMAC of a short message costs as much as this many bytes.
EXTRA_BYTES_MAX: Final = 2_097_152
_HMAC_BYTES: Final = 1_024
# Fewer than V2's: who re-cuts such a message can only move its characters (rule 5 of bridge.signature).
WHOLE_MAX: Final = 20_000


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


@dataclass(frozen=True, slots=True)
class Verified:
    """A callback whose signature holds for one of our accounts."""

    raw: RawCallback
    parameters: Parameters
    account: str
    subaccount: str | None
    zone: str | None
    scheme: Scheme
    key_id: str
    covers: tuple[str, ...]
    recalled: bool = False

    @property
    def covers_content(self) -> bool:
        """Return whether the signature covers all that the callback says."""
        return "body" in self.covers or (self.raw.method == "GET" and self.covers == COVERS_NO_BODY)


@dataclass(frozen=True, slots=True)
class Unverified:
    """A callback nobody vouches for, and why. ``account`` is only what it claims, if we know it."""

    raw: RawCallback
    parameters: Parameters
    account: str | None
    zone: str | None
    fault: Fault
    recalled: bool = False


def key_id(auth_id: str, token: str) -> str:
    """Return the 8 hex digits that name a token without revealing it."""
    digest = hashlib.blake2b(token.encode(), digest_size=4, person=b"key-id", salt=b"")
    digest.update(auth_id.encode())
    return digest.hexdigest()


class Keyring:
    """Every token we know, in the order to try them."""

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
        self._all = (*main, *sub)

    def candidates(self, claimed: str | None) -> Iterable[Key]:
        """Return the keys to try, those of the claimed account first."""
        if claimed not in self.zones or len(self.zones) == 1:
            return self._all
        return sorted(self._all, key=lambda key: key.account != claimed)


def claimed_account(parameters: Parameters) -> str | None:
    """Return the account the callback says it is of (``ParentAuthID``), unchecked."""
    for key, value in parameters.pairs:
        if key == "ParentAuthID":
            return value
    return None


@dataclass(frozen=True, slots=True)
class _Given:
    """The signatures of a callback's headers, by scheme: any token's, and a main account's only."""

    plain: tuple[bytes, ...]
    ma: tuple[bytes, ...]

    @property
    def plainly(self) -> "_Given":
        return _Given(self.plain, ())


def signatures_of(header: str | None) -> tuple[bytes, ...]:
    """Return the signatures that a header lists, no more than ``SIGNATURES_MAX``."""
    if not header:
        return ()
    return tuple(
        [one.strip().encode() for one in header.split(",", SIGNATURES_MAX)[:SIGNATURES_MAX]]
    )


def _is_listed(expected: bytes, given: tuple[bytes, ...]) -> bool:
    return any([hmac.compare_digest(expected, one) for one in given])  # noqa: C419 (rule 5)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks callbacks against a keyring."""

    keyring: Keyring
    nonces: NonceGuard
    accept_v2: AcceptV2 = AcceptV2.ALL
    accept_agentstack: bool = False
    whole: NonceGuard = field(default_factory=lambda: NonceGuard(WHOLE_MAX))
    """The messages that V3 covered whole (rule 3), apart, so that they do not displace V2's."""

    def unverified(self, raw: RawCallback, parameters: Parameters, fault: Fault) -> Unverified:
        """Return the callback marked as not verified, for ``fault``."""
        claimed = claimed_account(parameters)
        zone = self.keyring.zones.get(claimed) if claimed else None
        return Unverified(raw, parameters, claimed if zone else None, zone, fault)

    def verify(
        self,
        raw: RawCallback,
        parameters: Parameters,
        *,
        may_be_voice: Callable[[], bool] = lambda: True,
    ) -> Verified | Unverified:
        """Return the verdict on one callback: rules 1 to 5.

        ``may_be_voice`` says whether it is, or may be, a callback of voice (rule 11).
        """
        v3 = raw.header(wire.SIGNATURE_V3)
        v3_ma = raw.header(wire.SIGNATURE_MA_V3)
        if v3 is not None or v3_ma is not None:
            return self._verify_v3(raw, parameters, _Given(signatures_of(v3), signatures_of(v3_ma)))
        v2 = raw.header(wire.SIGNATURE_V2)
        v2_ma = raw.header(wire.SIGNATURE_MA_V2)
        if v2 is not None or v2_ma is not None:
            given = _Given(signatures_of(v2), signatures_of(v2_ma))
            return self._verify_v2(raw, parameters, given, may_be_voice)
        only_v1 = raw.header(wire.SIGNATURE_V1) is not None
        return self.unverified(raw, parameters, Fault.V1_ONLY if only_v1 else Fault.NO_SIGNATURE)

    def _verify_v3(
        self, raw: RawCallback, parameters: Parameters, given: _Given
    ) -> Verified | Unverified:
        nonce = raw.header(wire.NONCE_V3)
        if not nonce:
            return self.unverified(raw, parameters, Fault.NO_NONCE)
        if "." in nonce:  # rule 5 of bridge.signature
            return self.unverified(raw, parameters, Fault.BAD_NONCE)
        keys = tuple(self.keyring.candidates(claimed_account(parameters)))
        for message in self._messages(raw, parameters, nonce, len(keys)):
            # Agent SDKs know no other header than the plain one.
            found = _matching(keys, message.bytes, given.plainly if message.agentstack else given)
            if found is None:
                continue
            content = content_of(raw, parameters)
            if not self._admits(message, content):
                return self.unverified(raw, parameters, Fault.NONCE_REUSED)
            key, is_ma = found
            self._use_up_v2(raw, message.origin, key, content)
            scheme = Scheme.V3_MA if is_ma else Scheme.V3
            if message.agentstack:
                scheme = Scheme.V3_AGENTSTACK
            return _verified(raw, parameters, key, scheme, message)
        bare = parameters.bare and parameters.body_fault is None
        fault = Fault.BARE_PARAMETER if bare else Fault.WRONG_SIGNATURE
        return self.unverified(raw, parameters, fault)

    def _messages(
        self, raw: RawCallback, parameters: Parameters, nonce: str, keys: int
    ) -> Iterator[Message]:
        """Yield the messages to check with that many keys, the first and what rule 7 allows more."""
        url_alone = self.accept_v2 is not AcceptV2.NONE
        messages = v3_messages(raw, parameters, nonce, url_alone=url_alone)
        if self.accept_agentstack:
            messages = chain(messages, agentstack_messages(raw, parameters, nonce))
        left = EXTRA_BYTES_MAX
        for place, message in enumerate(messages):
            if place:
                left -= keys * (len(message.bytes) + _HMAC_BYTES)
            if left < 0:
                return
            yield message

    def _admits(self, message: Message, content: bytes) -> bool:
        """Return whether a message that holds may be accepted with this content: rule 3."""
        if message.loose:
            return not self.whole.knows_another(message.bytes, content) and self.nonces.admits(
                message.bytes, content
            )
        return self.whole.admits(message.bytes, content)

    def _use_up_v2(self, raw: RawCallback, origin: str, key: Key, content: bytes) -> None:
        """Remember the V2 pair of a request that V3 has verified: rule 10."""
        nonce = raw.header(wire.NONCE_V2)
        if not nonce or self.accept_v2 is AcceptV2.NONE:
            return
        message = signature.v2_message(origin + raw.path, nonce)
        names = (wire.SIGNATURE_V2, wire.SIGNATURE_MA_V2)
        given = tuple(one for name in names for one in signatures_of(raw.header(name)))
        if _is_listed(signature.signature(key.token, message).encode(), given):
            self.nonces.remember(message, content)

    def _verify_v2(
        self,
        raw: RawCallback,
        parameters: Parameters,
        given: _Given,
        may_be_voice: Callable[[], bool],
    ) -> Verified | Unverified:
        nonce = raw.header(wire.NONCE_V2) or ""
        fault = self._v2_fault(raw, nonce)
        if fault is not None:
            return self.unverified(raw, parameters, fault)
        keys = tuple(self.keyring.candidates(claimed_account(parameters)))
        for origin in equal_origins(raw.public_origin):
            signed = signature.v2_message(origin + raw.path, nonce)
            found = _matching(keys, signed, given)
            if found is None:
                continue
            if self.accept_v2 is AcceptV2.EXCEPT_VOICE and may_be_voice():
                fault = Fault.V2_NOT_ACCEPTED
                break
            message = Message(signed, origin, COVERS_V2, loose=True)
            if not self.nonces.admits(signed, content_of(raw, parameters)):
                fault = Fault.NONCE_REUSED
                break
            key, is_ma = found
            return _verified(raw, parameters, key, Scheme.V2_MA if is_ma else Scheme.V2, message)
        return self.unverified(raw, parameters, fault or Fault.WRONG_SIGNATURE)

    def _v2_fault(self, raw: RawCallback, nonce: str) -> Fault | None:
        """Return why no V2 signature of this request needs to be looked at."""
        if self.accept_v2 is AcceptV2.NONE:
            return Fault.V2_NOT_ACCEPTED
        if not nonce:
            return Fault.NO_NONCE
        return None if is_v2_nonce(nonce, raw.path) else Fault.BAD_NONCE


def is_v2_nonce(nonce: str, path: str) -> bool:
    """Return whether a V2 nonce can be told from the end of the path in front of it: rule 9."""
    return nonce.isascii() and nonce.isdigit() and not path[-1:].isdigit()


def _matching(keys: Sequence[Key], message: bytes, given: _Given) -> tuple[Key, bool] | None:
    """Return the key whose signature is given, and whether in the ``Ma`` header: rule 2.

    The plain header decides if both hold.
    """
    by_ma: Key | None = None
    for key in keys:
        is_main = key.subaccount is None
        if not given.plain and not (given.ma and is_main):
            continue
        expected = signature.signature(key.token, message).encode()
        if _is_listed(expected, given.plain):
            return key, False
        if by_ma is None and is_main and _is_listed(expected, given.ma):
            by_ma = key
    return (by_ma, True) if by_ma is not None else None


def _verified(
    raw: RawCallback, parameters: Parameters, key: Key, scheme: Scheme, message: Message
) -> Verified:
    if message.origin != raw.public_origin:
        raw = replace(raw, public_origin=message.origin)  # the URL that was verified
    whose = (key.account, key.subaccount, key.zone)
    return Verified(raw, parameters, *whose, scheme, key.key_id, message.covers)


def recall(
    raw: RawCallback,
    parameters: Parameters,
    said: Verification,
    whose: tuple[str | None, str | None, str | None],
) -> Verified | Unverified:
    """Return the verdict that was stored with a callback, as it was and marked so: rule 6.

    ``whose`` is account, subaccount and zone. Raises ValueError where ``said`` is no verdict of ours.
    """
    account, subaccount, zone = whose
    if said["verdict"] == "unverified":
        return Unverified(raw, parameters, account, zone, Fault(said["fault"] or ""), recalled=True)
    if account is None or said["key_id"] is None:
        message = "verified, and does not say by which key of whose"
        raise ValueError(message)
    by = (Scheme(said["scheme"] or ""), said["key_id"], tuple(said["covers"]))
    return Verified(raw, parameters, account, subaccount, zone, *by, recalled=True)
