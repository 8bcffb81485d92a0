"""The file of rules: every fault at once, with its place and its remedy."""

import tomllib
from typing import Any

import pytest

from bridge.core.catalogue import Catalogue
from bridge.reply.rule_file import list_documents
from tests.support.rules import parse, rules_of

ORIGIN_FAULT = "origin: is not scheme, host and port, such as https://ivr.example.com:8443"
NO_PATH = "is not a path: write it from its first slash on, without query"
ODD_SEGMENT = "has a segment that is empty, or begins with a dot, or has white space"
OURS = "is below /plivo or /applications, whose paths are the bridge's own"
NO_ANSWER = 'write one of document = "FILE" and forward = "APPLICATION"'
KNOWN = "name, type, account, application, called, calling, document, forward, fallback"
NO_TYPE = (
    "it has a document and no type: write the types that the document answers, such as "
    "voice.call.answer"
)

CRM = '[applications.crm]\norigin = "https://crm.example.com"\n'
RULE = '[[rules]]\nname = "r"\ntype = "voice.call.answer"\n'
SALES = RULE + 'document = "sales.xml"\n'
BOTH = '["voice.call.answer", "voice.call.fallback"]'
ALL = '[[rules]]\nname = "all"\nforward = "crm"\n'

Found = tuple[str, tuple[str | int, ...], str, str]


def found(text: str, types: Catalogue) -> list[Found]:
    """Return severity, place, subject and meaning of every finding."""
    return [
        (
            one.severity,
            one.keys,
            one.about,
            f"{one.fault}: {one.remedy}" if one.remedy else one.fault,
        )
        for one in parse(text, types).findings
    ]


@pytest.mark.parametrize(
    ("text", "keys", "about", "meaning"),
    [
        ("rule = 1", ("rule",), "", "unknown key rule: did you mean rules?"),
        ("colour = 1", ("colour",), "", "unknown key colour: it has applications and rules"),
        ("rules = 1", ("rules",), "", "rules is not a list of tables: write [[rules]]"),
        (
            "applications = 1",
            ("applications",),
            "",
            "applications is not a table: write [applications.NAME]",
        ),
        (
            "rules = [1]",
            ("rules", 0),
            "rule 1",
            "it is not a table: write its keys below [applications.NAME] or [[rules]]",
        ),
        (
            "[[rules]]\ntype = 'voice.call.answer'\ndocument = 'sales.xml'",
            ("rules", 0),
            "rule 1",
            "it has no name: set name",
        ),
        (SALES + "colled = '1'", ("rules", 0, "colled"), "rule r",
         "unknown key colled: did you mean called?"),
        (
            SALES + "when = '1'",
            ("rules", 0, "when"),
            "rule r",
            f"unknown key when: known: {KNOWN}",
        ),
        (SALES + "called = 14155550100", ("rules", 0, "called"), "rule r",
         'called is neither text nor a list of texts: write "…" or ["…", "…"]'),
        (SALES + "called = [1]", ("rules", 0, "called"), "rule r",
         'called is not text: write it in quotes: "…"'),
        (SALES + "called = []", ("rules", 0, "called"), "rule r",
         "called is empty: set it, or remove called"),
        (SALES + "called = '+*'", ("rules", 0, "called"), "rule r",
         "called: is no number, nor an address"),
        (SALES + SALES.replace("answer", "fallback"), ("rules", 1, "name"), "rule r",
         "another rule has this name: change one"),
        (RULE, ("rules", 0), "rule r",
         f"it has neither document nor forward: {NO_ANSWER}"),
        (CRM + SALES + "forward = 'crm'", ("rules", 0), "rule r",
         f"it has both document and forward: {NO_ANSWER}"),
        ("[[rules]]\nname = 'r'\ndocument = 'sales.xml'", ("rules", 0), "rule r",
         NO_TYPE),
        (SALES.replace("answer", "anser"), ("rules", 0, "type"), "rule r",
         "there is no callback type voice.call.anser: did you mean voice.call.answer?"),
        (SALES.replace("voice.call.answer", "fax.*"), ("rules", 0, "type"), "rule r",
         "there is no callback type fax.*: `callback-bridge callbacks list` lists them"),
        (SALES.replace("answer", "hangup"), ("rules", 0, "type"), "rule r",
         "Plivo executes no answer to voice.call.hangup: remove it, or forward it to an application"),
        (SALES + "fallback = 'closed.xml'", ("rules", 0, "fallback"), "rule r",
         "fallback belongs to forward: a document cannot fail: remove it"),
        (CRM + ALL.replace('"crm"', '"cmr"'), ("rules", 0, "forward"), "rule all",
         "there is no application cmr: write [applications.cmr]"),
        (CRM.replace("crm", "sales") + ALL.replace('"crm"', '"sale"'), ("rules", 0, "forward"),
         "rule all", "there is no application sale: did you mean sales?"),
        (SALES + "application = ['crm']", ("rules", 0, "application"), "rule r",
         "there is no application crm: write [applications.crm]"),
        ("[applications.crm]\n" + ALL, ("rules", 0, "forward"), "rule all",
         "the application crm has no origin: set origin in [applications.crm]"),
        ("applications.crm = 1", ("applications", "crm"), "application crm",
         "it is not a table: write its keys below [applications.NAME] or [[rules]]"),
        ("[applications.'a b']", ("applications", "a b"), "application a b",
         "its name is not letters, digits, - and _: change it: it is part of a path"),
        ("[applications.crm]\norgin = 'x'", ("applications", "crm", "orgin"), "application crm",
         "unknown key orgin: did you mean origin?"),
        *(
            (f"[applications.crm]\norigin = '{origin}'", ("applications", "crm", "origin"),
             "application crm", ORIGIN_FAULT)
            for origin in ("a.example", "ftp://a.example", "https://a.example/x", "https://", "https://u@a")
        ),
        *(
            (f"[applications.crm]\npaths = '{path}'", ("applications", "crm", "paths"),
             "application crm", f"paths: {fault}")
            for path, fault in {
                "ivr": NO_PATH,
                "/ivr?a": NO_PATH,
                "/a/../b": ODD_SEGMENT,
                "/a//b": ODD_SEGMENT,
                "/a b": ODD_SEGMENT,
                "/plivo": OURS,
                "/plivo/x": OURS,
                "/applications/": OURS,
            }.items()
        ),
        ("[applications.crm]\ntimeout_s = 20", ("applications", "crm", "timeout_s"), "application crm",
         "timeout_s: should be less than or equal to 14"),
        ("[applications.a]\npaths = ['/x']\n[applications.b]\npaths = ['/x/']",
         ("applications", "b", "paths"), "application b",
         "the path /x belongs to a already: remove it from one of them"),
        (RULE + "document = 'none.xml'", ("rules", 0, "document"), "rule r",
         "No such file or directory"),
        (RULE + "document = ''", ("rules", 0, "document"), "rule r",
         "document is empty: set it, or remove document"),
    ],
)  # fmt: skip
def test_an_error_has_its_place_its_subject_and_its_remedy(
    types: Catalogue, text: str, keys: tuple[str | int, ...], about: str, meaning: str
) -> None:
    parsed = parse(text, types)
    assert parsed.rules is None
    errors = [one for one in found(text, types) if one[0] == "error"]
    assert errors == [("error", keys, about, meaning)]


def test_all_errors_are_found_at_once(types: Catalogue) -> None:
    text = (
        "[applications.crm]\ntimeout_s = 0\nport = 1\n"
        + SALES.replace("answer", "anser")
        + "application = 'cmr'\n"
        + RULE
        + "document = 'twiml.xml'\n"
        + "[[rules]]\ncolour = 'red'\ncalled = 1\ntype = 'voice.call.anser'\nforward = 'cmr'\n"
    )
    assert [keys for _, keys, _, _ in found(text, types)] == [
        ("applications", "crm", "timeout_s"),
        ("applications", "crm", "port"),
        ("rules", 0, "type"),
        ("rules", 0, "application"),
        ("rules", 1, "name"),
        ("rules", 1, "document"),
        ("rules", 2),
        ("rules", 2, "called"),
        ("rules", 2, "colour"),
        ("rules", 2, "type"),
        ("rules", 2, "forward"),
    ]


@pytest.mark.parametrize(
    ("text", "keys", "about", "meaning"),
    [
        (SALES + SALES.replace('"r"', '"s"'), ("rules", 1), "rule s",
         "it never matches: r decide before it: move it up, or remove it"),
        (SALES + SALES.replace('"r"', '"s"') + "called = '1*'", ("rules", 1), "rule s",
         "it never matches: r decide before it: move it up, or remove it"),
        (SALES + "called = '1*'\n" + SALES.replace('"r"', '"s"') + "called = ['1415*', '12']",
         ("rules", 1), "rule s",
         "it never matches: r decide before it: move it up, or remove it"),
        (SALES + "account = ['a', 'b']\n" + SALES.replace('"r"', '"s"') + "account = 'a'\ncalling = '1'",
         ("rules", 1), "rule s",
         "it never matches: r decide before it: move it up, or remove it"),
        (SALES.replace("answer", "*") + SALES.replace('"r"', '"s"'), ("rules", 1), "rule s",
         "it never matches: r decide before it: move it up, or remove it"),
        (SALES + SALES.replace('"r"', '"s"').replace("answer", "fallback")
         + SALES.replace('"r"', '"t"').replace('"voice.call.answer"', BOTH),
         ("rules", 2), "rule t",
         "it never matches: r and s decide before it: move it up, or remove it"),
        (CRM, ("applications", "crm"), "application crm",
         'no rule names it: write a rule with forward = "crm", or remove it'),
        (CRM + "[[rules]]\nname = 'v'\ntype = 'verify.*'\nforward = 'crm'\ncalled = '1'",
         ("rules", 0, "called"), "rule v",
         "callbacks of these types have no number that is called: it never matches: remove called"),
        (CRM + ALL + "type = 'voice.call.hangup'\nfallback = 'sales.xml'",
         ("rules", 0, "fallback"), "rule all",
         "Plivo executes no answer to these types, so the fallback is never used: remove it"),
    ],
)  # fmt: skip
def test_a_rule_that_does_nothing_is_a_warning(
    types: Catalogue, text: str, keys: tuple[str | int, ...], about: str, meaning: str
) -> None:
    assert parse(text, types).rules is not None
    assert found(text, types) == [("warning", keys, about, meaning)]


@pytest.mark.parametrize(
    "later",
    [
        SALES + "called = '1'\n" + SALES.replace('"r"', '"s"'),
        SALES + "called = '1*'\n" + SALES.replace('"r"', '"s"') + "called = ['1', '2']",
        SALES + "calling = '1'\n" + SALES.replace('"r"', '"s"') + "called = '1'",
        SALES + "account = 'a'\n" + SALES.replace('"r"', '"s"') + "account = ['a', 'b']",
        SALES + SALES.replace('"r"', '"s"').replace("answer", "*"),
        CRM + SALES + ALL,
    ],
)
def test_a_rule_that_can_match_is_no_warning(types: Catalogue, later: str) -> None:
    assert found(later, types) == []


def test_a_warning_of_a_document_is_one_of_its_rule(types: Catalogue) -> None:
    (finding,) = parse(RULE + "document = 'pause.xml'", types).findings
    assert (finding.severity, finding.about, finding.keys) == (
        "warning",
        "rule r",
        ("rules", 0, "document"),
    )
    assert (finding.file, finding.line, finding.element) == ("pause.xml", 2, "Pause")


def test_a_document_is_checked_for_every_kind_of_answer_that_it_gives(types: Catalogue) -> None:
    text = SALES.replace("voice.call.answer", "voice.*").replace("sales", "closed")
    ((severity, _, _, meaning),) = found(text, types)
    assert severity == "error"
    assert meaning.startswith("in a sound document Plivo executes only Play, Speak and Wait")


def test_an_application_has_its_limits_and_its_paths(types: Catalogue) -> None:
    text = (
        "[applications.crm]\norigin = 'HTTPS://crm.example.com:8443/'\npaths = '/ivr/'\n"
        "timeout_s = 2\nanswer_bytes_max = 1000\nretry_for_s = 60\n" + ALL
    )
    application = rules_of(text, types).applications["crm"]
    assert (application.origin, application.paths) == ("https://crm.example.com:8443", ("/ivr",))
    assert (application.timeout_s, application.answer_bytes_max) == (2, 1000)
    assert application.retry_for_s == 60


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("rules = 1", []),
        ("rules = [1, {document = 1}, {document = ''}]", []),
        (SALES + RULE + "fallback = 'b.xml'\n" + SALES, ["sales.xml", "b.xml"]),
    ],
)
def test_the_documents_of_a_file_are_listed_whether_or_not_it_is_valid(
    text: str, names: list[str]
) -> None:
    values: dict[str, Any] = tomllib.loads(text)
    assert list_documents(values) == names
