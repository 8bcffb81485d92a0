"""Rules: the first one that matches decides what a callback is answered."""

from urllib.parse import urlencode

import pytest

from bridge.callbacks.model import Reply
from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.core.keyring import Account
from bridge.core.parse import Callback
from bridge.reply.chosen import Ask, Given
from bridge.reply.document import ACKNOWLEDGEMENT, EMPTY_DOCUMENT, XML_CONTENT_TYPE
from bridge.reply.rules import BAD_GATEWAY, fold_address, to_number
from tests.support.factories import (
    ACCOUNT,
    AUTH_ID,
    SUB_ID,
    SUB_TOKEN,
    TOKEN,
    parser,
    raw_callback,
    signed,
    verdict_on,
    verifier,
    vouched,
)
from tests.support.rules import DOCUMENTS, rules_of

ANSWER, HANGUP, STATUS = "voice.call.answer", "voice.call.hangup", "messaging.message.status"
UUID = "5d0c0f1e-3d0b-4a6f-9c55-0d5a3c1c7a01"
CALL = {
    "CallUUID": UUID,
    "Event": "StartApp",
    "From": "+14155550188",
    "To": "14155550100",
    "Direction": "inbound",
}
OTHER_ID, OTHER_TOKEN = "MAYYYYYYYYYYYYYYYYYY", "another-token-of-these-tests"
ACCOUNTS = verifier(ACCOUNT, Account(OTHER_ID, "UTC", (OTHER_TOKEN,)))

SALES = 'name = "sales"\ntype = "voice.call.answer"\ndocument = "sales.xml"\n'
CLOSED = '[[rules]]\nname = "closed"\ntype = "voice.call.*"\ndocument = "closed.xml"\n'
CRM = '[applications.crm]\norigin = "https://crm.example.com"\n'


def document(name: str) -> SentReply:
    return SentReply(200, XML_CONTENT_TYPE, DOCUMENTS[name])


def callback(
    types: Catalogue, *, path: str = "/plivo", token: str = TOKEN, **changed: str
) -> Callback:
    """Return an answer callback with some parameters changed."""
    raw = signed(raw_callback(body=urlencode(CALL | changed), path=path), token)
    return parser(types).parse(verdict_on(raw, ACCOUNTS), None)


def test_without_a_rule_plivo_gets_an_empty_document_where_it_needs_one(types: Catalogue) -> None:
    rules = rules_of("", types)
    assert rules.choose(callback(types)) == Given(EMPTY_DOCUMENT, None)
    assert rules.choose(callback(types, Event="Hangup")) == Given(ACKNOWLEDGEMENT, None)
    for kind in types.all_types:
        needed = kind.reply in {Reply.XML, Reply.SOUND}
        without_event = rules.choose_without_event(vouched(raw_callback()), kind)
        assert without_event == Given(EMPTY_DOCUMENT if needed else ACKNOWLEDGEMENT, None)
    assert rules.choose_without_event(vouched(raw_callback()), None) == Given(ACKNOWLEDGEMENT, None)


def test_the_first_rule_that_matches_decides(types: Catalogue) -> None:
    narrow = f'[[rules]]\ncalled = "14155550100"\n{SALES}'
    assert rules_of(narrow + CLOSED, types).choose(callback(types)) == Given(
        document("sales.xml"), "sales"
    )
    assert rules_of(CLOSED + narrow, types).choose(callback(types)) == Given(
        document("closed.xml"), "closed"
    )
    other = callback(types, To="14155550101")
    assert rules_of(narrow + CLOSED, types).choose(other) == Given(document("closed.xml"), "closed")


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ('called = "14155550100"', True),
        ('called = "+1 (415) 555-0100"', True),
        ('called = "14155550101"', False),
        ('called = "1415*"', True),
        ('called = "+1415*"', True),
        ('called = "1416*"', False),
        ('called = "*"', True),
        ('called = ["14155550101", "14155550100"]', True),
        ('calling = "14155550188"', True),
        ('calling = "+1415555*"', True),
        ('calling = "14155550100"', False),
        ('calling = "anonymous"', False),
        ('called = "14155550100"\ncalling = "44*"', False),
        (f'account = "{AUTH_ID}"', True),
        (f'account = "{OTHER_ID}"', False),
        (f'account = ["{OTHER_ID}", "{AUTH_ID}"]', True),
        (f'account = "{SUB_ID}"', False),
    ],
)
def test_a_rule_matches_if_each_of_its_conditions_does(
    types: Catalogue, condition: str, *, matches: bool
) -> None:
    rules = rules_of(f"[[rules]]\n{condition}\n{SALES}", types)
    found = rules.choose(callback(types))
    assert found == (
        Given(document("sales.xml"), "sales") if matches else Given(EMPTY_DOCUMENT, None)
    )


@pytest.mark.parametrize(
    ("token", "accounts", "matches"),
    [
        (SUB_TOKEN, SUB_ID, True),
        (SUB_TOKEN, AUTH_ID, True),
        (OTHER_TOKEN, OTHER_ID, True),
        (OTHER_TOKEN, AUTH_ID, False),
    ],
)
def test_the_account_is_the_one_whose_token_signed(
    types: Catalogue, token: str, accounts: str, *, matches: bool
) -> None:
    rules = rules_of(f'[[rules]]\naccount = "{accounts}"\n{SALES}', types)
    assert (rules.find_rule(callback(types, token=token)) is not None) == matches


@pytest.mark.parametrize(
    ("caller", "calling", "matches"),
    [
        ("Anonymous", "anonymous", True),
        ("266696687", "anonymous", True),
        ("+14155550188", "anonymous", False),
        ("sip:Agent@phone.plivo.com", "sip:agent@phone.plivo.com", True),
        ("sip:agent@phone.plivo.com", "sip:*", True),
        ("sip:14155550188@carrier.example", "14155550188", False),
        (" 14155550188", "14155550188", True),
        ("", "*", False),
    ],
)
def test_an_address_is_compared_by_what_it_names(
    types: Catalogue, caller: str, calling: str, *, matches: bool
) -> None:
    rules = rules_of(f'[[rules]]\ncalling = "{calling}"\n{SALES}', types)
    assert (rules.find_rule(callback(types, From=caller)) is not None) == matches


def test_a_rule_for_numbers_never_matches_a_type_without_numbers(types: Catalogue) -> None:
    text = f'{CRM}[[rules]]\nname = "crm"\nforward = "crm"\n'
    (kind,) = (kind for kind in types.types if kind.name == "verify.session.status")
    raw = signed(raw_callback(body=next(iter(kind.samples.values())), path=kind.path))
    session = parser(types).parse(verdict_on(raw), kind)
    assert rules_of(text, types).find_forward(session) == "crm"
    assert rules_of(text + 'called = "*"\n', types).find_forward(session) is None


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("/plivo", False),
        ("/applications/crm", True),
        ("/applications/crm/", True),
        ("/applications/crm/voice/call/answer", True),
        ("/applications/crmx/voice/call/answer", False),
        ("/applications/", False),
        ("/ivr", True),
        ("/ivr/", True),
        ("/ivr/menu", True),
        ("/ivrs", False),
        ("/IVR", False),
        ("/ivr/german/menu", False),
        ("/ivr/germany", True),
    ],
)
def test_an_application_is_named_in_the_path(types: Catalogue, path: str, *, matches: bool) -> None:
    rules = rules_of(
        f'{CRM}paths = ["/ivr"]\n[applications.german]\npaths = ["/ivr/german"]\n'
        f'[[rules]]\napplication = "crm"\n{SALES}',
        types,
    )
    assert (rules.find_rule(callback(types, path=path)) is not None) == matches


def test_a_path_gives_the_application_and_its_rest(types: Catalogue) -> None:
    rules = rules_of(f'{CRM}paths = ["/ivr/"]\n[applications.root]\npaths = ["/"]', types)
    assert rules.find_application("/ivr/menu") == ("crm", "/menu")
    assert rules.find_application("/menu") == ("root", "/menu")
    assert rules.find_application("/plivo/voice/call/answer") is None


def test_an_application_is_asked_where_plivo_executes_the_answer(types: Catalogue) -> None:
    text = f'{CRM}[[rules]]\nname = "all"\nforward = "crm"\n'
    rules = rules_of(text, types)
    assert rules.choose(callback(types)) == Ask("crm", "all", BAD_GATEWAY)
    assert rules.find_forward(callback(types)) is None
    with_fallback = rules_of(text + 'fallback = "hold.xml"\n', types)
    assert with_fallback.choose(callback(types)) == Ask("crm", "all", document("hold.xml"))


@pytest.mark.parametrize(
    ("fallback", "types_with_it"),
    [
        ("hold.xml", {ANSWER, "voice.dial.sound"}),
        ("closed.xml", {ANSWER}),
        ("thanks.xml", {ANSWER, "messaging.message.inbound"}),
    ],
)
def test_a_fallback_answers_the_types_that_it_can_answer(
    types: Catalogue, fallback: str, types_with_it: set[str]
) -> None:
    text = f'{CRM}[[rules]]\nname = "all"\nforward = "crm"\nfallback = "{fallback}"\n'
    rules = rules_of(text, types)
    for name in (ANSWER, "voice.dial.sound", "messaging.message.inbound"):
        chosen = rules.choose_without_event(vouched(raw_callback()), types.by_name[name])
        expected = document(fallback) if name in types_with_it else BAD_GATEWAY
        assert chosen == Ask("crm", "all", expected)


def test_a_notification_is_sent_on_and_answered_at_once(types: Catalogue) -> None:
    rules = rules_of(f'{CRM}[[rules]]\nname = "all"\ntype = "voice.*"\nforward = "crm"\n', types)
    hangup = callback(types, Event="Hangup")
    assert rules.choose(hangup) == Given(ACKNOWLEDGEMENT, None)
    assert rules.find_forward(hangup) == "crm"
    assert rules_of(CLOSED, types).find_forward(hangup) is None
    assert rules.notified == {"crm": rules.applications["crm"]}


def test_an_application_that_is_only_asked_gets_no_notifications(types: Catalogue) -> None:
    text = f'{CRM}[[rules]]\nname = "all"\ntype = "voice.call.answer"\nforward = "crm"\n'
    assert rules_of(text, types).notified == {}
    assert rules_of(CLOSED, types).notified == {}


def test_an_unrecognised_callback_is_asked_about_because_a_caller_may_wait(
    types: Catalogue,
) -> None:
    raw = signed(raw_callback(body="Colour=green"))
    unknown = parser(types).parse(verdict_on(raw), None)
    assert unknown.type is types.unrecognised
    rules = rules_of(f'{CRM}[[rules]]\nname = "all"\nforward = "crm"\n', types)
    assert rules.choose(unknown) == Ask("crm", "all", BAD_GATEWAY)
    assert rules.find_forward(unknown) is None
    assert rules_of("", types).choose(unknown) == Given(ACKNOWLEDGEMENT, None)


def test_a_document_does_not_concern_notifications(types: Catalogue) -> None:
    both = rules_of(
        f'{CRM}{CLOSED}[[rules]]\nname = "crm"\nforward = "crm"\n',
        types,
    )
    assert both.find_forward(callback(types, Event="Hangup")) == "crm"
    assert both.choose(callback(types)) == Given(document("closed.xml"), "closed")


IVR = '[applications.ivr]\norigin = "http://ivr"\npaths = ["/ivr"]\n[[rules]]\nname = "r"\n'
TO_IVR = 'type = ["voice.call.*", "unrecognised"]\nforward = "ivr"\nfallback = "closed.xml"\n'
ASK_IVR = Ask("ivr", "r", document("closed.xml"))


@pytest.mark.parametrize(
    ("condition", "route", "path", "chosen"),
    [
        ("", ANSWER, "/plivo", ASK_IVR),
        ("", None, "/plivo", ASK_IVR),
        ('application = "ivr"\n', None, "/ivr/answer", ASK_IVR),
        ('application = "ivr"\n', ANSWER, "/plivo", Given(EMPTY_DOCUMENT, None)),
        ('application = "ivr"\n', None, "/plivo", Given(ACKNOWLEDGEMENT, None)),
        (f'account = "{OTHER_ID}"\n', ANSWER, "/plivo", Given(EMPTY_DOCUMENT, None)),
        ('called = "14155550100"\n', ANSWER, "/plivo", Given(EMPTY_DOCUMENT, None)),
        ("", HANGUP, "/plivo", Given(ACKNOWLEDGEMENT, None)),
    ],
)
def test_a_callback_without_an_event_gets_the_first_rule_that_its_path_and_account_meet(
    types: Catalogue, condition: str, route: str | None, path: str, chosen: Given | Ask
) -> None:
    verdict = verdict_on(signed(raw_callback(body="To=14155550100", path=path)), ACCOUNTS)
    kind = types.by_name[route] if route else None
    assert rules_of(IVR + condition + TO_IVR, types).choose_without_event(verdict, kind) == chosen


def test_a_document_answers_a_callback_without_an_event(types: Catalogue) -> None:
    verdict = verdict_on(signed(raw_callback()), ACCOUNTS)
    chosen = rules_of(CLOSED, types).choose_without_event(verdict, types.by_name[ANSWER])
    assert chosen == Given(document("closed.xml"), "closed")


def test_types_that_some_callbacks_of_get_no_rule_for_are_listed(types: Catalogue) -> None:
    must = sorted(kind.name for kind in types.types if kind.reply in {Reply.XML, Reply.SOUND})
    assert rules_of("", types).without_rule == must
    assert rules_of(f'[[rules]]\ncalled = "1*"\n{SALES}', types).without_rule == must
    left = [name for name in must if name != ANSWER]
    assert rules_of(f"[[rules]]\n{SALES}", types).without_rule == left
    assert rules_of(f'{CRM}[[rules]]\nname = "a"\nforward = "crm"', types).without_rule == []


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ("1415*", "14155550100", True),
        ("1415*", "14155*", True),
        ("14155*", "1415*", False),
        ("14155550100", "14155550100", True),
        ("14155550100", "14155550100*", False),
        ("*", "anonymous", True),
    ],
)
def test_a_prefix_covers_what_begins_with_it(wide: str, narrow: str, *, covers: bool) -> None:
    assert to_number(wide).covers(to_number(narrow)) == covers


def test_words_are_not_numbers() -> None:
    assert fold_address("Route 66") == "route 66"
    assert fold_address("+") == "+"


def test_a_long_address_does_not_hold_up_the_bridge() -> None:
    text = "1" * 1_000_000 + "X"  # in time by the square of its length: half an hour
    assert fold_address(text) == text.lower()
