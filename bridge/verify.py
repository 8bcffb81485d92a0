"""Whether Plivo sent this. Verified is a type, and only this file makes one.

1. If any V3 header is present, V3 decides; there is no falling back to V2, because V2 covers neither
   query nor body.
2. The plain header is tried with every known token, the ``Ma`` header with main accounts' tokens.
   A header may list several signatures (tokens being rotated); any match counts.
3. V2 has no timestamp and does not cover the parameters, so a captured pair of headers would fit any
   forged body: a V2 nonce is good for one set of parameters, and again for the same set (a retry).
4. V1 alone is refused: it has no nonce at all.
5. Comparison takes the same time wherever two signatures differ.
6. A verdict stored with a callback can be recalled when its token is long gone, unchecked. That is no
   hole: it is read off our own topics, and who can write there needs no signature. The ingress never
   recalls, and a recalled verdict says that it is one.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bridge import raw as wire
from bridge import signature
from bridge.callbacks.model import Verification
from bridge.parameters import Pair, Parameters
from bridge.raw import RawCallback


class Scheme(StrEnum):
    """The signature scheme that decided."""

    V3 = "v3"
    V3_MA = "v3-ma"
    V2 = "v2"
    V2_MA = "v2-ma"


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


COVERS_V3: Final = ("url", "query", "body")
COVERS_V3_NO_BODY: Final = ("url", "query")
COVERS_V2: Final = ("url",)

# More than Plivo can have active tokens; a stranger must not make us compare thousands.
SIGNATURES_MAX: Final = 16


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
        self._main = tuple(main)
        self._all = (*main, *sub)

    def candidates(self, claimed: str | None, *, main_only: bool) -> Iterable[Key]:
        """Return the keys to try, those of the claimed account first."""
        keys = self._main if main_only else self._all
        if claimed not in self.zones or len(self.zones) == 1:
            return keys
        return sorted(keys, key=lambda key: key.account != claimed)


class NonceGuard:
    """Remembers which parameters each V2 nonce came with (rule 3), the newest ``nonces_max`` of them.

    It lives as long as the process: a restart, or another replica, starts with an empty memory.
    """

    def __init__(self, nonces_max: int = 100_000) -> None:
        self._nonces_max = nonces_max
        self._seen: OrderedDict[str, bytes] = OrderedDict()

    def admits(self, nonce: str, content: bytes) -> bool:
        """Return False when ``nonce`` came before with other content; remember it otherwise."""
        digest = hashlib.blake2b(content, digest_size=16).digest()
        known = self._seen.setdefault(nonce, digest)
        if known != digest:
            return False
        self._seen.move_to_end(nonce)
        if len(self._seen) > self._nonces_max:
            self._seen.popitem(last=False)
        return True


def claimed_account(parameters: Parameters) -> str | None:
    """Return the account the callback says it is of (``ParentAuthID``), unchecked."""
    for key, value in parameters.pairs:
        if key == "ParentAuthID":
            return value
    return None


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks callbacks against a keyring."""

    keyring: Keyring
    nonces: NonceGuard
    accept_v2: bool = True

    def unverified(self, raw: RawCallback, parameters: Parameters, fault: Fault) -> Unverified:
        """Return the callback marked as not verified, for ``fault``."""
        claimed = claimed_account(parameters)
        zone = self.keyring.zones.get(claimed) if claimed else None
        return Unverified(raw, parameters, claimed if zone else None, zone, fault)

    def verify(self, raw: RawCallback, parameters: Parameters) -> Verified | Unverified:
        """Return the verdict on one callback: rules 1 to 5."""
        v3 = raw.header(wire.SIGNATURE_V3)
        v3_ma = raw.header(wire.SIGNATURE_MA_V3)
        if v3 is not None or v3_ma is not None:
            return self._verify_v3(raw, parameters, v3, v3_ma)
        v2 = raw.header(wire.SIGNATURE_V2)
        v2_ma = raw.header(wire.SIGNATURE_MA_V2)
        if v2 is not None or v2_ma is not None:
            return self._verify_v2(raw, parameters, v2, v2_ma)
        only_v1 = raw.header(wire.SIGNATURE_V1) is not None
        return self.unverified(raw, parameters, Fault.V1_ONLY if only_v1 else Fault.NO_SIGNATURE)

    def _verify_v3(
        self, raw: RawCallback, parameters: Parameters, plain: str | None, ma: str | None
    ) -> Verified | Unverified:
        nonce = raw.header(wire.NONCE_V3)
        if not nonce:
            return self.unverified(raw, parameters, Fault.NO_NONCE)
        if "." in nonce:  # rule 5 of bridge.signature
            return self.unverified(raw, parameters, Fault.BAD_NONCE)
        base = raw.public_origin + raw.path
        claimed = claimed_account(parameters)
        bodies: list[tuple[tuple[Pair, ...], tuple[str, ...]]] = [
            (parameters.body, COVERS_V3 if raw.method != "GET" else COVERS_V3_NO_BODY)
        ]
        if parameters.body_fault is not None and parameters.body:
            # Nobody knows how Plivo would sign a body that is not a form. If the signature holds
            # without it, the body is kept as a dead letter and marked as not covered.
            bodies.append(((), COVERS_V3_NO_BODY))
        for body, covers in bodies:
            if body and parameters.bare:
                continue
            message = signature.v3_message(raw.method, base, parameters.query, body, nonce)
            for header, scheme in ((plain, Scheme.V3), (ma, Scheme.V3_MA)):
                key = self._matching_key(header, message, claimed, main_only=scheme is Scheme.V3_MA)
                if key is not None:
                    return _verified(raw, parameters, key, scheme, covers)
        bare = parameters.bare and parameters.body_fault is None
        fault = Fault.BARE_PARAMETER if bare else Fault.WRONG_SIGNATURE
        return self.unverified(raw, parameters, fault)

    def _verify_v2(
        self, raw: RawCallback, parameters: Parameters, plain: str | None, ma: str | None
    ) -> Verified | Unverified:
        if not self.accept_v2:
            return self.unverified(raw, parameters, Fault.V2_NOT_ACCEPTED)
        nonce = raw.header(wire.NONCE_V2)
        if not nonce:
            return self.unverified(raw, parameters, Fault.NO_NONCE)
        message = signature.v2_message(raw.public_origin + raw.path, nonce)
        claimed = claimed_account(parameters)
        for header, scheme in ((plain, Scheme.V2), (ma, Scheme.V2_MA)):
            key = self._matching_key(header, message, claimed, main_only=scheme is Scheme.V2_MA)
            if key is None:
                continue
            content = f"{raw.method} {raw.target}\n".encode("utf-8", "surrogateescape") + raw.body
            if not self.nonces.admits(nonce, content):
                return self.unverified(raw, parameters, Fault.NONCE_REUSED)
            return _verified(raw, parameters, key, scheme, COVERS_V2)
        return self.unverified(raw, parameters, Fault.WRONG_SIGNATURE)

    def _matching_key(
        self, header: str | None, message: bytes, claimed: str | None, *, main_only: bool
    ) -> Key | None:
        if not header:
            return None
        given = [one.strip().encode() for one in header.split(",", SIGNATURES_MAX)[:SIGNATURES_MAX]]
        for key in self.keyring.candidates(claimed, main_only=main_only):
            expected = signature.signature(key.token, message).encode()
            if any([hmac.compare_digest(expected, one) for one in given]):  # noqa: C419 (rule 5)
                return key
        return None


def _verified(
    raw: RawCallback, parameters: Parameters, key: Key, scheme: Scheme, covers: tuple[str, ...]
) -> Verified:
    whose = (key.account, key.subaccount, key.zone)
    return Verified(raw, parameters, *whose, scheme, key.key_id, covers)


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
