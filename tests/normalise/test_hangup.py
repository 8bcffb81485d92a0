"""Why a leg ended: Plivo's table as data, our groups, and unknown codes."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.catalogue import Catalogue
from bridge.normalise.hangup import CAUSES, Group, parse_hangup_cause
from tests.support.factories import UUID, parsed

# Plivo's hangup causes page, and for the last five its command-line tool.
PAGE = """
0 Unknown
1000 Canceled
1010 Canceled (Out Of Credits)
1020 Canceled (Simultaneous dial limit reached)
2000 Invalid Destination Address
2010 Destination Out Of Service
2020 Endpoint Not Registered
2030 Destination Country Barred
2040 Destination Number Barred
2050 Destination Prefix Barred
2060 Loop Detected
2070 Violates Media Anchoring
3000 No Answer
3010 Busy Line
3020 Rejected
3030 Unknown Caller ID
3040 Forbidden
3050 Unallocated number
3070 Request timeout
3080 Internal server error from carrier
3090 Network congestion from carrier
3100 Busy everywhere
3110 Declined
3120 User does not exist anywhere
3130 Spam block
3140 DNO Caller ID
4000 Normal Hangup
4010 End Of XML Instructions
4020 Multiparty Call Ended
4030 Kicked Out Of Multiparty Call
5000 Network Error
5010 Internal Error
5020 Routing Error
6000 Scheduled Hangup
6010 Ring Timeout Reached
6020 Media Timeout
7011 Error Reaching Answer URL
7012 Error Reaching Action URL
7013 Error Reaching Transfer URL
7014 Error Reaching Redirect URL
7022 Invalid Action URL
7023 Invalid Transfer URL
7024 Invalid Redirect URL
7032 Invalid Method For Action URL
7033 Invalid Method For Transfer URL
7034 Invalid Method For Redirect URL
8011 Invalid Answer XML
8012 Invalid Action XML
8013 Invalid Transfer XML
8014 Invalid Redirect XML
9000 Lost Race
9100 Machine Detected
9110 Confirm Key Challenge Failed
4210 sip_auth_failed
4240 sip_auth_failed
4250 sip_auth_timeout
5030 Concurrency Limit Breached
"""
ROWS = [tuple(line.split(" ", 1)) for line in PAGE.strip().splitlines()]
TEXTS = st.dictionaries(
    st.sampled_from(
        ["HangupCause", "HangupCauseCode", "HangupCauseName", "HangupSource", "PlivoHangupCause"]
    ),
    st.text(min_size=1) | st.sampled_from(sorted(CAUSES)),
)


def test_the_table_is_plivos_page_and_nothing_else() -> None:
    assert {code: name for code, (name, _) in CAUSES.items()} == dict(ROWS)  # type: ignore[arg-type]


@pytest.mark.parametrize(("code", "name"), ROWS)
def test_a_code_has_its_name_and_group(code: str, name: str) -> None:
    found = parse_hangup_cause({"HangupCauseCode": code})
    assert (found["code"], found["name"]) == (code, name)
    assert found["group"] in get_args(Group) or code == "4000"


@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("0", "unknown"),
        ("1000", "caller"),
        ("1010", "account"),
        ("2030", "destination"),
        ("2060", "plivo"),
        ("3000", "callee"),
        ("3080", "carrier"),
        ("4010", "xml"),
        ("4020", "api"),
        ("5000", "network"),
        ("5010", "plivo"),
        ("5030", "account"),
        ("7011", "url"),
        ("8011", "xml"),
        ("9000", "api"),
        ("9100", "api"),
    ],
)
def test_codes_are_grouped_by_the_party_that_caused_the_end(code: str, group: str) -> None:
    assert (
        parse_hangup_cause({"HangupCauseCode": code, "HangupSource": "Unknown"})["group"] == group
    )


@pytest.mark.parametrize(
    ("text", "source", "group"),
    [
        ("Caller", "caller", "caller"),
        ("Callee", "callee", "callee"),
        ("Call recipient", "callee", "callee"),
        ("Plivo", "plivo", "plivo"),
        ("Carrier", "carrier", "carrier"),
        ("API Request", "api", "api"),
        ("Answer XML", "xml", "xml"),
        ("Error", "error", None),
        ("Unknown", "unknown", None),
        (" callee ", "callee", "callee"),
        ("Somebody else", "Somebody else", None),
    ],
)
def test_the_group_of_a_normal_hangup_is_its_source(
    text: str, source: str, group: str | None
) -> None:
    found = parse_hangup_cause({"HangupCauseCode": "4000", "HangupSource": text})
    assert (found["source"], found["group"], found["name"]) == (source, group, "Normal Hangup")


# The groups of Plivo's sources, and the groups of codes that each source may leave as they are: it
# names the same party, or the group names no party and the source does not exclude it.
SOURCES = [
    ("Caller", "caller", {"caller"}),
    ("Callee", "callee", {"callee", "destination"}),
    ("Call recipient", "callee", {"callee", "destination"}),
    ("Plivo", "plivo", {"plivo", "account", "destination", "network", "url", "xml"}),
    ("Carrier", "carrier", {"carrier", "destination", "network"}),
    ("API Request", "api", {"api"}),
    ("Answer XML", "xml", {"xml"}),
]
PARTIES = {"api", "callee", "caller", "carrier", "plivo", "xml"}


@pytest.mark.parametrize(("source", "party", "agrees"), SOURCES)
@pytest.mark.parametrize("code", CAUSES)
def test_the_group_is_the_sources_if_code_and_source_disagree(
    code: str, source: str, party: str, agrees: set[str]
) -> None:
    of_code = CAUSES[code][1]
    found = parse_hangup_cause({"HangupCauseCode": code, "HangupSource": source})
    assert found["group"] == (of_code if of_code in agrees else party)


# "Error" names no party: it keeps the group of a failure, and removes a group that names a party.
@pytest.mark.parametrize("code", CAUSES)
def test_an_error_names_no_party(code: str) -> None:
    of_code = CAUSES[code][1]
    hung_up = {"api", "callee", "caller"}
    found = parse_hangup_cause({"HangupCauseCode": code, "HangupSource": "Error"})
    assert found["group"] == (None if of_code in hung_up else of_code)


@pytest.mark.parametrize("code", CAUSES)
def test_an_undocumented_source_removes_the_party(code: str) -> None:
    of_code = CAUSES[code][1]
    found = parse_hangup_cause({"HangupCauseCode": code, "HangupSource": "Regulator"})
    assert found["group"] == (None if of_code in PARTIES else of_code)
    assert found["source"] == "Regulator"


@pytest.mark.parametrize("source", ["answer xml", "Answer_XML", "AnswerXML", "ANSWER-XML "])
def test_a_source_is_known_in_any_case_and_with_any_spaces(source: str) -> None:
    found = parse_hangup_cause({"HangupCauseCode": "3010", "HangupSource": source})
    assert (found["source"], found["group"]) == ("xml", "xml")


@pytest.mark.parametrize("code", ["3010.0", "3010.00000"])
def test_a_code_with_decimals_is_that_code_and_stays_as_sent(code: str) -> None:
    found = parse_hangup_cause({"HangupCauseCode": code})
    assert (found["code"], found["name"], found["group"]) == (code, "Busy Line", "callee")


def test_a_normal_hangup_without_a_source_has_no_group() -> None:
    assert parse_hangup_cause({"HangupCauseCode": "4000"})["group"] is None


def test_an_unknown_code_is_kept_without_a_group() -> None:
    texts = {"HangupCauseCode": "3456", "HangupCauseName": "New", "HangupSource": "Callee"}
    assert parse_hangup_cause(texts) == {
        "cause": None,
        "code": "3456",
        "name": "New",
        "group": None,
        "source": "callee",
        "text": texts,
    }


def test_the_name_that_plivo_sent_has_priority_over_the_table() -> None:
    assert (
        parse_hangup_cause({"HangupCauseCode": "4000", "HangupCauseName": "Renamed"})["name"]
        == "Renamed"
    )


def test_a_cause_alone_is_in_telephonys_words() -> None:
    texts = {"HangupCause": "NORMAL_CLEARING"}
    found = parse_hangup_cause(texts)
    assert found["cause"] == "NORMAL_CLEARING"
    assert (found["code"], found["name"], found["group"], found["source"]) == (None,) * 4


@given(TEXTS)
def test_every_parameter_is_kept_by_its_name(texts: dict[str, str]) -> None:
    found = parse_hangup_cause(texts)
    assert found["text"] == texts
    assert found["code"] == texts.get("HangupCauseCode")
    assert found["group"] is None or found["code"] in CAUSES


@pytest.mark.parametrize(
    ("pairs", "prefix"),
    [
        ([("CallUUID", UUID), ("Event", "Hangup")], ""),
        ([("CallUUID", UUID), ("DialAction", "hangup")], "DialBLeg"),
        ([("SessionUUID", UUID), ("EventName", "SessionPartiesHangup")], "Plivo"),
    ],
)
def test_every_product_has_the_same_shape(
    types: Catalogue, pairs: list[tuple[str, str]], prefix: str
) -> None:
    said = [(f"{prefix}HangupCause", "Busy Line"), (f"{prefix}HangupCauseCode", "3010")]
    callback = parsed(types, [*pairs, *said])
    hangup = callback.fields["hangup"]
    assert hangup == {
        "cause": "Busy Line",
        "code": "3010",
        "name": "Busy Line",
        "group": "callee",
        "source": None,
        "text": dict(said),
    }
