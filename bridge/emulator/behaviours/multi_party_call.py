"""MultiPartyCall."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_PAGE: Final = "plivo.com/docs/voice/xml/conferencing"
_API: Final = "plivo.com/docs/voice/api/multiparty-calls"
_XML: Final = "docs.plivo.com/docs/voice/xml/multipartycall"

BEHAVIOURS: Final = (
    Behaviour(
        "MultiPartyCall",
        "The first participant causes MPCInitialized, ParticipantJoin and MPCStart, in this order.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "MultiPartyCall",
        "statusCallbackEvents chooses groups of events; without it those of call and participants.",
        Confidence.DOCUMENTED,
        _PAGE,
    ),
    Behaviour(
        "MultiPartyCall",
        "Attributes of the whole call are those of the latest document that has them.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "MultiPartyCall",
        "maxDuration counts from the first participant; a value out of its range is ignored.",
        Confidence.DOCUMENTED,
        _XML,
    ),
    Behaviour(
        "MultiPartyCall",
        'A call that has started ends when one participant with stayAlone="false" remains.',
        Confidence.DOCUMENTED,
        _API,
    ),
    Behaviour(
        "MultiPartyCall",
        "A participant that must leave goes on at onExitActionUrl.",
        Confidence.DOCUMENTED,
        _PAGE,
    ),
    Behaviour(
        "MultiPartyCall",
        "Without onExitActionUrl its leg ends: 4030 if it was kicked, 4020 if the call ended.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "MultiPartyCall",
        "onExitActionUrl is called also if the participant hung up, and its answer is ignored then.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "MultiPartyCall",
        "A full call is passed over, and the next element follows.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "MultiPartyCall",
        "Music and sounds are fetched by GET unless a method is set, each once for who hears it.",
        Confidence.DOCUMENTED,
        _XML,
    ),
    Behaviour(
        "MultiPartyCall",
        "Recording callbacks are sent by GET unless a method is set.",
        Confidence.DOCUMENTED,
        _XML,
    ),
    Behaviour("MultiPartyCall", "Supervisors hear the hold music of agents.", Confidence.INFERRED),
    Behaviour(
        "MultiPartyCall",
        "Joining muted or on hold: hold is reported, muting is not.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "MultiPartyCall",
        "EventTimestamp is UTC with the offset +00:00.",
        Confidence.DOCUMENTED,
        _API,
    ),
    Behaviour(
        "MultiPartyCall",
        "ParticipantDigitInput is sent for each key, without the key: no page names the parameter.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "MultiPartyCall",
        "A recording of a participant has MemberID and neither MPCUUID nor MPCName.",
        Confidence.DOCUMENTED,
        _API,
    ),
    Behaviour(
        "MultiPartyCall",
        "A recording begins when the call has started and has recordMinMemberCount participants.",
        Confidence.DOCUMENTED,
        _PAGE,
    ),
    Behaviour(
        "MultiPartyCall",
        "Events of the Add Participant API and AI agents are not emulated.",
        Confidence.INFERRED,
    ),
)
