"""Decide whether Plivo sent a callback. Only this file makes ``Verified`` values.

1. If any V3 header is present, V3 decides. There is no fallback to V2, because V2 covers neither
   query nor body.
2. The plain header is tried with every known token, the ``Ma`` header with main accounts' tokens. A
   header may list several signatures, because tokens are rotated; any match counts.
3. V2 has no timestamp and does not cover the parameters, so a captured pair of headers would fit
   any forged body. The same is true of a V3 message that does not cover the whole body (rule 3 of
   ``bridge.core.signed_messages``). So each message is accepted with one content only
   (``bridge.core.nonce_guard``).
4. V1 alone is rejected: it has no nonce at all.
5. Two signatures are compared in the same time, wherever they differ.
6. A verdict that was stored with a callback can be restored without a check, because its token may
   be gone by then. This is safe: the verdict is read from the bridge's own topics, and anyone who
   can write to them needs no signature. The ingress never restores verdicts, and a restored verdict
   is marked as restored.
7. An unauthenticated client must not make the check expensive, whatever the number of tokens: see
   ``bridge.core.keyring``.
8. The scheme of Plivo's agent SDKs is checked last, and only if the operator accepts it.
9. V2 signs URL and nonce without a separator. A V2 nonce must be digits (as in the test vectors of
   the SDKs), and V2 is not accepted on a path that ends in a digit, so the end of the path cannot
   become part of the nonce.
10. Plivo sends V2 headers beside those of V3 (captured requests have both). When V3 has verified a
   request, its V2 message is remembered with the same content. So an attacker who removes the V3
   headers cannot use the V2 pair for another content.
11. V2 may be accepted for all callbacks, for those of all products except voice, or for none. For
   voice Plivo documents V3 and calls V2 deprecated
   (plivo.com/docs/voice/concepts/signature-validation), so an attacker has probably removed a
   missing V3 header. Whether a callback belongs to voice is checked only after its V2 signature
   matches, because that check costs more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Final, NamedTuple

from bridge.callbacks.model import Verification
from bridge.core import request as wire
from bridge.core import signature
from bridge.core.keyring import (
    GivenSignatures,
    Keyring,
    SearchIncomplete,
    SignatureMatch,
    SigningKey,
    find_signer,
    find_signing_key,
    parse_signatures,
)
from bridge.core.nonce_guard import NonceGuard, digest_content
from bridge.core.origins import list_equal_origins
from bridge.core.parameters import Parameters
from bridge.core.request import RawCallback
from bridge.core.signed_messages import (
    COVERS_NO_BODY,
    COVERS_URL,
    SignedMessage,
    iter_agentstack_messages,
    iter_v3_messages,
)


class Scheme(StrEnum):
    """The signature scheme that decided."""

    V3 = "v3"
    V3_MA = "v3-ma"
    V2 = "v2"
    V2_MA = "v2-ma"
    V3_AGENTSTACK = "v3-agentstack"


class VerificationFault(StrEnum):
    """Why a callback is not verified."""

    NO_SIGNATURE = "no_signature"
    NO_NONCE = "no_nonce"
    BAD_NONCE = "bad_nonce"
    WRONG_SIGNATURE = "wrong_signature"
    NOT_ALL_TOKENS_TRIED = "not_all_tokens_tried"
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


COVERS_V2: Final = COVERS_URL

# Fewer than for V2: an attacker who cuts such a message anew can only move its characters (rule 5 of
# ``signature``).
COMPLETE_MESSAGES_MAX: Final = 20_000


class Verified(NamedTuple):
    """A callback whose signature was made by one of our accounts."""

    raw: RawCallback
    parameters: Parameters
    account: str
    subaccount: str | None
    zone: str | None
    scheme: Scheme
    key_id: str
    covers: tuple[str, ...]
    restored: bool = False

    @property
    def covers_content(self) -> bool:
        """Return whether the signature covers all of the callback's content."""
        return "body" in self.covers or (self.raw.method == "GET" and self.covers == COVERS_NO_BODY)


class Unverified(NamedTuple):
    """A callback that is not verified, and why. ``account`` is the claimed one, if it is known."""

    raw: RawCallback
    parameters: Parameters
    account: str | None
    zone: str | None
    fault: VerificationFault
    restored: bool = False


def find_claimed_account(parameters: Parameters) -> str | None:
    """Return the account that the callback names as its own (``ParentAuthID``), unverified."""
    texts = parameters.texts.get("ParentAuthID")
    return texts[0] if isinstance(texts, list) else texts


def find_named_account(parameters: Parameters) -> str | None:
    """Return the account to try first: the claimed one, or one that the URL of a POST names.

    An operator of many accounts can name the account in each URL, for callbacks that do not name
    it.
    """
    claimed = find_claimed_account(parameters)
    if claimed is None and parameters.body:
        return next((value for key, value in parameters.query if key == "ParentAuthID"), None)
    return claimed


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies callbacks against a keyring."""

    keyring: Keyring
    partial_messages: NonceGuard
    accept_v2: AcceptV2 = AcceptV2.ALL
    accept_agentstack: bool = False
    complete_messages: NonceGuard = field(default_factory=lambda: NonceGuard(COMPLETE_MESSAGES_MAX))
    """The messages of V3 (rule 3), apart so that those it covers completely do not evict those of V2."""

    def mark_unverified(
        self, raw: RawCallback, parameters: Parameters, fault: VerificationFault
    ) -> Unverified:
        """Return the callback marked as not verified because of ``fault``."""
        claimed = find_claimed_account(parameters)
        zone = self.keyring.zones.get(claimed) if claimed else None
        return Unverified(raw, parameters, claimed if zone else None, zone, fault)

    def verify(
        self,
        raw: RawCallback,
        parameters: Parameters,
        *,
        may_be_voice: Callable[[], bool] = lambda: True,
    ) -> Verified | Unverified:
        """Return the verdict on one callback: rules 1 to 11.

        ``may_be_voice`` returns whether the callback belongs to voice, or may do so (rule 11).
        """
        headers = raw.headers.values
        plain, ma = headers.get(wire.SIGNATURE_V3), headers.get(wire.SIGNATURE_MA_V3)
        if plain is not None or ma is not None:
            return self._verify_v3(raw, parameters, GivenSignatures.parse(plain, ma))
        plain, ma = headers.get(wire.SIGNATURE_V2), headers.get(wire.SIGNATURE_MA_V2)
        if plain is not None or ma is not None:
            return self._verify_v2(raw, parameters, GivenSignatures.parse(plain, ma), may_be_voice)
        has_v1 = headers.get(wire.SIGNATURE_V1) is not None
        fault = VerificationFault.V1_ONLY if has_v1 else VerificationFault.NO_SIGNATURE
        return self.mark_unverified(raw, parameters, fault)

    def _verify_v3(
        self, raw: RawCallback, parameters: Parameters, given: GivenSignatures
    ) -> Verified | Unverified:
        nonce = raw.headers.values.get(wire.NONCE_V3)
        if not nonce:
            return self.mark_unverified(raw, parameters, VerificationFault.NO_NONCE)
        if "." in nonce:  # rule 5 of signature
            return self.mark_unverified(raw, parameters, VerificationFault.BAD_NONCE)
        accepts_v2 = self.accept_v2 is not AcceptV2.NONE
        messages = iter_v3_messages(raw, parameters, nonce, allow_url_only=accepts_v2)
        if self.accept_agentstack:
            messages = chain(messages, iter_agentstack_messages(raw, parameters, nonce))
        found = self._find_match(parameters, given, messages)
        if isinstance(found, tuple):
            key, is_ma, message = found
            content = digest_content(raw, parameters)
            if not self._accept_content(message, content):
                return self.mark_unverified(raw, parameters, VerificationFault.NONCE_REUSED)
            if accepts_v2:
                self._remember_v2_message(raw, message.origin, key, content)
            scheme = Scheme.V3_MA if is_ma else Scheme.V3
            if message.is_agentstack:
                scheme = Scheme.V3_AGENTSTACK
            return _make_verified(raw, parameters, key, scheme, message)
        if parameters.has_bare_name and parameters.body_fault is None:
            found = VerificationFault.BARE_PARAMETER
        return self.mark_unverified(raw, parameters, found)

    def _find_match(
        self, parameters: Parameters, given: GivenSignatures, messages: Iterable[SignedMessage]
    ) -> SignatureMatch | VerificationFault:
        """Return the key and the message that match, or the fault if none does: rule 7."""
        try:
            found = find_signing_key(self.keyring, find_named_account(parameters), given, messages)
        except SearchIncomplete:
            return VerificationFault.NOT_ALL_TOKENS_TRIED
        return found or VerificationFault.WRONG_SIGNATURE

    def _accept_content(self, message: SignedMessage, content: bytes) -> bool:
        """Return whether a message whose signature matches may be accepted with this content: rule 3."""
        if message.is_partial:
            if self.complete_messages.has_other_content(message.bytes, content):
                return False
            if not self.partial_messages.accept(message.bytes, content):
                return False
        # A partial message too, because other content may have it as its complete one.
        return self.complete_messages.accept(message.bytes, content)

    def _remember_v2_message(
        self, raw: RawCallback, origin: str, key: SigningKey, content: bytes
    ) -> None:
        """Remember the V2 message of a request that V3 has verified: rule 10."""
        headers = raw.headers.values
        nonce = headers.get(wire.NONCE_V2)
        if not nonce:
            return
        message = signature.build_v2_message(origin + raw.path, nonce)
        plain, ma = headers.get(wire.SIGNATURE_V2), headers.get(wire.SIGNATURE_MA_V2)
        given = parse_signatures(plain) + (parse_signatures(ma) if ma != plain else ())
        if find_signer((key,), message, given) or find_signer(
            # While tokens are rotated, another token of the same owner may have made this signature.
            self.keyring.list_owners_other_keys(key),
            message,
            given,
        ):
            self.partial_messages.remember(message, content)

    def _verify_v2(
        self,
        raw: RawCallback,
        parameters: Parameters,
        given: GivenSignatures,
        may_be_voice: Callable[[], bool],
    ) -> Verified | Unverified:
        nonce = raw.headers.values.get(wire.NONCE_V2) or ""
        fault = self._find_v2_fault(raw, nonce)
        if fault is not None:
            return self.mark_unverified(raw, parameters, fault)
        messages = [
            SignedMessage(message, origin, COVERS_V2, is_partial=True)
            for origin in list_equal_origins(raw.public_origin)
            for message in [signature.build_v2_message(origin + raw.path, nonce)]
        ]
        found = self._find_match(parameters, given, messages)
        if not isinstance(found, tuple):
            return self.mark_unverified(raw, parameters, found)
        key, is_ma, message = found
        if self.accept_v2 is AcceptV2.EXCEPT_VOICE and may_be_voice():
            return self.mark_unverified(raw, parameters, VerificationFault.V2_NOT_ACCEPTED)
        if not self.partial_messages.accept(message.bytes, digest_content(raw, parameters)):
            return self.mark_unverified(raw, parameters, VerificationFault.NONCE_REUSED)
        scheme = Scheme.V2_MA if is_ma else Scheme.V2
        return _make_verified(raw, parameters, key, scheme, message)

    def _find_v2_fault(self, raw: RawCallback, nonce: str) -> VerificationFault | None:
        """Return the fault that makes a check of the V2 signature unnecessary, if there is one."""
        if self.accept_v2 is AcceptV2.NONE:
            return VerificationFault.V2_NOT_ACCEPTED
        if not nonce:
            return VerificationFault.NO_NONCE
        return None if is_v2_nonce(nonce, raw.path) else VerificationFault.BAD_NONCE


def is_v2_nonce(nonce: str, path: str) -> bool:
    """Return whether a V2 nonce can be separated from the path before it: rule 9."""
    return nonce.isascii() and nonce.isdigit() and not path[-1:].isdigit()


def _make_verified(
    raw: RawCallback,
    parameters: Parameters,
    key: SigningKey,
    scheme: Scheme,
    message: SignedMessage,
) -> Verified:
    if message.origin != raw.public_origin:
        raw = raw._replace(public_origin=message.origin)  # another spelling of the URL was signed
    return Verified(
        raw,
        parameters,
        key.account,
        key.subaccount,
        key.zone,
        scheme,
        key.key_id,
        message.covers,
    )


def restore_verdict(
    raw: RawCallback,
    parameters: Parameters,
    stored: Verification,
    owner: tuple[str | None, str | None, str | None],
) -> Verified | Unverified:
    """Return the verdict that was stored with a callback, unchanged and marked as restored: rule 6.

    ``owner`` is account, subaccount and zone. Raises ValueError if ``stored`` is not a verdict of
    ours.
    """
    account, subaccount, zone = owner
    if stored["verdict"] == "unverified":
        return Unverified(
            raw, parameters, account, zone, VerificationFault(stored["fault"] or ""), restored=True
        )
    if account is None or stored["key_id"] is None:
        message = "verified, but its account or key id is missing"
        raise ValueError(message)
    by = (Scheme(stored["scheme"] or ""), stored["key_id"], tuple(stored["covers"]))
    return Verified(raw, parameters, account, subaccount, zone, *by, restored=True)
