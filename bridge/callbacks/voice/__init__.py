"""Voice: the fields of every callback of a call leg.

Sources are Plivo's request, make-a-call and hangup-cause pages, and captured callbacks for fields
that no page lists (``ParentAuthID``, ``BillRate``, ``CountryCode``, ``RouteType``,
``Compliance…``).
"""

from typing import Annotated

from pydantic import Field

from bridge.callbacks.model import VoiceEvent, param
from bridge.normalise.phone import PartyField
from bridge.normalise.quantity import MachineField, Money, Text, Word
from bridge.normalise.stir import StirField
from bridge.normalise.time import UtcInstant

# All callbacks of one call share one key: the id of its first leg, if the callback has it
# (docs/decisions/0015-a-call-is-keyed-by-its-first-leg.md).
CALL_KEY = ("a_leg_uuid", "call_uuid")
# On the callbacks of a `<Dial>`, `CallUUID` can be the dialled leg's id.
DIAL_KEY = ("a_leg_uuid", "dial_a_leg_uuid", "call_uuid", "dial_b_leg_uuid")


class LegCallback(VoiceEvent):
    """The minimum fields of a callback of one call leg."""

    call_uuid: Annotated[
        Text | None,
        param("CallUUID", meaning="Id of this call leg. Not in Plivo's list for some callbacks."),
    ] = None
    event: Annotated[Text | None, param("Event", meaning="Plivo's word for what happened.")] = None


class VoiceCallback(LegCallback):
    """A callback of one call leg, with its two parties."""

    from_: Annotated[
        PartyField | None, Field(alias="from"), param("From", meaning="Who calls.")
    ] = None
    to: Annotated[PartyField | None, param("To", meaning="Who is called.")] = None
    direction: Annotated[
        Word | None, param("Direction", meaning="`inbound` or `outbound`, seen from Plivo.")
    ] = None
    call_status: Annotated[
        Word | None,
        param(
            "CallStatus",
            meaning="State of the leg: `ringing`, `in-progress`, `completed`, `busy`, `failed`, "
            "`timeout`, `no-answer`, `cancel`. Open set.",
        ),
    ] = None
    caller_name: Annotated[
        Text | None, param("CallerName", meaning="Caller name; an endpoint's user name for SIP.")
    ] = None
    forwarded_from: Annotated[
        PartyField | None,
        param(
            "ForwardedFrom",
            meaning="Number that the call was forwarded from, if the carrier sends it.",
        ),
    ] = None
    request_uuid: Annotated[
        Text | None,
        param("RequestUUID", meaning="Id of the API request that placed the call; outbound only."),
    ] = None
    a_leg_uuid: Annotated[Text | None, param("ALegUUID", meaning="Id of the call's first leg.")] = (
        None
    )
    a_leg_request_uuid: Annotated[
        Text | None, param("ALegRequestUUID", meaning="Request id of the call's first leg.")
    ] = None
    session_started_at: Annotated[
        UtcInstant | None,
        param(
            "SessionStart",
            meaning="When early media started; UTC. It can change during a call: not a key.",
        ),
    ] = None
    parent_auth_id: Annotated[
        Text | None, param("ParentAuthID", meaning="Auth id of the main account.")
    ] = None
    bill_rate: Annotated[
        Money | None,
        param("BillRate", meaning="Price a minute, in the account's currency."),
    ] = None
    country_code: Annotated[
        Text | None, param("CountryCode", meaning="Country of the destination, two letters.")
    ] = None
    route_type: Annotated[Text | None, param("RouteType", meaning="Plivo's kind of route.")] = None
    compliance_application_id: Annotated[
        Text | None, param("ComplianceApplicationId", meaning="Compliance application's id.")
    ] = None
    compliance_status: Annotated[
        Word | None, param("ComplianceStatus", meaning="Compliance application's status.")
    ] = None
    stir: Annotated[
        StirField | None,
        param(
            "STIRVerification",
            "STIRAttestation",
            meaning="STIR/SHAKEN standing of the caller id. Not sent with every callback.",
            case_insensitive=True,
        ),
    ] = None
    machine: Annotated[
        MachineField | None,
        param("Machine", meaning="What machine detection found.", case_insensitive=True),
    ] = None
    sip_to_header: Annotated[Text | None, param("SIP-H-To", meaning="The raw SIP To header.")] = (
        None
    )
    sip_auth_type: Annotated[
        Text | None, param("SIPAuthType", meaning="How an inbound SIP leg was authenticated.")
    ] = None
    sip_auth_user: Annotated[
        Text | None, param("SIPAuthUser", meaning="The user that it was authenticated as.")
    ] = None
    sip_source_ip: Annotated[
        Text | None, param("SIPSourceIP", meaning="Where an inbound SIP leg came from.")
    ] = None
