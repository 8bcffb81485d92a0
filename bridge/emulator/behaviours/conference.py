"""Conference."""

from typing import Final

from bridge.emulator.behaviours.behaviour import Behaviour, Confidence

_PAGE: Final = "plivo.com/docs/voice/xml/conferencing"
_ANCESTOR: Final = "github.com/plivo/plivoframework"

BEHAVIOURS: Final = (
    Behaviour(
        "Conference",
        "The enter callback has the fields of a captured request.",
        Confidence.CAPTURED,
        "a stored request of Plivo's",
    ),
    Behaviour(
        "Conference",
        "The exit callback has the ids of call, conference and member only.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Conference",
        "Digits, floor and record callbacks have no Event.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Conference",
        "waitSound is fetched once, before the member enters, also if nobody must wait.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour("Conference", "All sounds are fetched by POST.", Confidence.ANCESTOR, _ANCESTOR),
    Behaviour(
        "Conference",
        "enterSound and exitSound are fetched when the member enters and leaves.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Conference",
        "A full conference is passed over, and the next element follows.",
        Confidence.INFERRED,
    ),
    Behaviour(
        "Conference",
        "timeLimit counts from the entry of the last member, and ends the conference for all.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "Conference",
        'The conference ends when one member with stayAlone="false" remains.',
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "Conference",
        "When a member with endConferenceOnExit leaves, all others leave.",
        Confidence.DOCUMENTED,
        _PAGE,
    ),
    Behaviour(
        "Conference",
        "With floorEvent the first member has the floor, unless it is muted; then each that begins to "
        "talk.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "Conference",
        "The recording begins with the member that asks for it, and ends when the conference is empty.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour(
        "Conference",
        "The action is requested also if the member hung up, and its answer is ignored then.",
        Confidence.ANCESTOR,
        _ANCESTOR,
    ),
    Behaviour("Conference", "Muting and kicking send no callback.", Confidence.INFERRED),
)
