"""What is wrong with a document: what is refused, and what is only warned of."""

import pytest

from bridge.callbacks.model import Reply
from bridge.reply.check import FINDINGS_MAX, SPOKEN_CHARACTERS_MAX, check_document
from bridge.reply.finding import Finding

SPEAK = "<Speak>Hello</Speak>"
LONG = "x" * (SPOKEN_CHARACTERS_MAX + 1)


def found(*elements: str, kind: Reply = Reply.XML) -> list[Finding]:
    return check_document(f"<Response>{''.join(elements)}</Response>".encode(), kind)


ACCEPTED = [
    "",
    "<Speak>Hello</Speak>",
    '<Speak voice="MAN" language="en-GB" loop="0">Hello</Speak>',
    f"<Speak>{'x' * SPOKEN_CHARACTERS_MAX}</Speak>",
    '<Speak voice="Polly.Joanna">Hello <emphasis level="strong">you<break/></emphasis></Speak>',
    '<Speak voice="Polly.Joanna"><lang xml:lang="fr-FR">Bonjour</lang></Speak>',
    "<Play>https://media.example.com/hold.mp3</Play>",
    '<Play loop="0">\n  http://media.example.com:8080/a%20b.wav?x=1&amp;y=2\n</Play>',
    "<Wait/>",
    '<Wait length="5" silence="true" minSilence="2000"/>',
    '<DTMF async="false">1w2</DTMF>',
    "<Hangup/>",
    '<Hangup reason="busy" schedule="60"/><Wait length="60"/>',
    "<Dial><Number>14155550100</Number></Dial>",
    "<Dial><User>sip:alice@phone.plivo.com</User><Number>+1 (415) 555-0100</Number></Dial>",
    '<Dial action="https://a.example/d" method="GET" redirect="false"><Number>1</Number></Dial>',
    '<Dial dialMusic="real"><Number sendDigits="ww1" callerId="1">14155550123</Number></Dial>',
    '<Dial callbackUrl="https://a.example/d#rp=all&amp;rc=5"><Number>1</Number></Dial>',
    '<Dial confirmSound="https://a.example/s#ct=500" confirmKey="1"><Number>1</Number></Dial>',
    '<GetDigits action="HTTPS://A.EXAMPLE/x" numDigits="1"><Speak>Press 1</Speak><Wait/></GetDigits>',
    '<GetInput action="https://user:word@a.example/x?to=y" inputType="dtmf"><Wait/></GetInput>',
    '<Record action="https://a.example/r#rp=5xx,rt&amp;tt=9000" method="POST" maxLength="30"/>',
    "<Conference>room</Conference>",
    '<Conference enterSound="beep:1" exitSound="" waitSound="https://a.example/w">room</Conference>',
    '<MultiPartyCall role="agent" enterSound="none" statusCallbackMethod="GET">room</MultiPartyCall>',
    '<Redirect method="GET">https://a.example/next#rp=all</Redirect>',
    '<Stream bidirectional="true" keepCallAlive="true">\n wss://a.example/ws \n</Stream>',
    '<Message src="14155550100" dst="14155550123&lt;14155550124" type="sms">Hello</Message>',
    "<PreAnswer><Speak>Wait</Speak><Wait/></PreAnswer><Speak>Hello</Speak>",
    "<!-- a comment --><?keep this?><Speak><![CDATA[1 < 2]]></Speak>",
]


@pytest.mark.parametrize("elements", ACCEPTED)
def test_what_plivo_executes_is_accepted_without_a_word(elements: str) -> None:
    assert found(elements) == []


ERRORS = [
    # Names are case-sensitive, whatever else there is.
    (f"{SPEAK}<play>https://a.example/x.mp3</play>", "play", "write <Play>"),
    (f"{SPEAK}<getDigits/>", "getDigits", "write <GetDigits>"),
    ("<Dial><number>14155550100</number></Dial>", "number", "write <Number>"),
    # Nesting.
    ("<Number>14155550100</Number>", "Number", "put it in <Dial>"),
    ("<GetInput action='https://a.example/'><Record/></GetInput>", "Record", "<Response>"),
    ("<GetDigits action='https://a.example/'><Dial/></GetDigits>", "Dial", "<Response>"),
    ("<PreAnswer><Hangup/></PreAnswer>", "Hangup", "put it in <Response>"),
    ("<Play>https://a.example/x.mp3<Speak>x</Speak></Play>", "Speak", "<Response>"),
    (f"{SPEAK}<Response/>", "Response", "nothing"),
    # Targets.
    ("<Dial/>", "Dial", "<Number>"),
    ("<Dial>14155550100</Dial>", "Dial", "put the number into <Number>"),
    ("<Dial><Speak>x</Speak></Dial>", "Dial", "<Number>"),
    ("<Dial><Client>alice</Client></Dial>", "Dial", "<User>"),
    ("<Dial><Nunber>14155550100</Nunber></Dial>", "Dial", "<Number>"),
    ("<Dial><Number/></Dial>", "Number", "the number to dial"),
    ("<Dial><Number> \n </Number><Number>1</Number></Dial>", "Number", "the number to dial"),
    ("<Dial><User></User></Dial>", "User", "the SIP address"),
    ("<Conference/>", "Conference", "the name of the conference"),
    ("<Conference> </Conference>", "Conference", "the name of the conference"),
    ('<MultiPartyCall role="agent"/>', "MultiPartyCall", "the name of the multi-party call"),
    ("<Play/>", "Play", "the URL of an MP3 or WAV"),
    ("<Play>Hello and welcome</Play>", "Play", "or use <Speak> for words"),
    ("<Play>/hold.mp3</Play>", "Play", "the URL of an MP3 or WAV"),
    ('<Play digits="1"/>', "Play", "or use <DTMF>"),
    ("<Redirect/>", "Redirect", "the URL of the next document"),
    ("<Redirect>next</Redirect>", "Redirect", "the URL of the next document"),
    ("<Stream/>", "Stream", "wss://host/path"),
    ("<Stream>a.example/ws</Stream>", "Stream", "wss://host/path"),
    ('<Message src="14155550100">Hello</Message>', "Message", "set the attribute dst"),
    ('<Message src="14155550100" dst=" ">Hello</Message>', "Message", "set the attribute dst"),
    # URLs.
    ('<GetDigits action="/next"/>', "GetDigits", "write it with https:// and a host"),
    ('<GetInput action="next.php?x=1"/>', "GetInput", "https://"),
    ('<GetInput action="//a.example/next"/>', "GetInput", "https://"),
    ('<GetInput action="a.example/next"/>', "GetInput", "https://"),
    ('<GetInput action="ftp://a.example/next"/>', "GetInput", "https://"),
    ('<GetInput action="https:///next"/>', "GetInput", "https://"),
    ('<GetInput action="https://[::1/next"/>', "GetInput", "https://"),
    ('<GetInput action="{{ action }}"/>', "GetInput", "https://"),
    ('<Record callbackUrl="/recorded#rp=all"/>', "Record", "https://"),
    ('<Record transcriptionUrl="mailto:a@a.example"/>', "Record", "https://"),
    ('<Dial confirmSound="/whisper.xml"><Number>1</Number></Dial>', "Dial", "https://"),
    ('<Conference waitSound="hold.xml">room</Conference>', "Conference", "https://"),
    (
        '<MultiPartyCall role="agent" onExitActionUrl="/x">r</MultiPartyCall>',
        "MultiPartyCall",
        "http",
    ),
    ('<Stream statusCallbackUrl="/s">wss://a.example/</Stream>', "Stream", "https://"),
    # Methods.
    ('<Record action="https://a.example/" method="PUT"/>', "Record", "write GET or POST"),
    ('<Redirect method="DELETE">https://a.example/</Redirect>', "Redirect", "write GET or POST"),
    ('<Dial callbackMethod="x"><Number>1</Number></Dial>', "Dial", "write GET or POST"),
    # Lengths.
    (f'<Speak voice="Polly.Joanna">{LONG}</Speak>', "Speak", "use several <Speak>"),
    (f"<Speak>x<s>{LONG}</s></Speak>", "Speak", "use several <Speak>"),
    # TwiML and misspelt names, with nothing else that a caller could hear.
    ("<Say>Hello</Say>", "Say", "use <Speak>"),
    ("<say>Hello</say>", "say", "use <Speak>"),
    ("<Say>Hello</Say><Hangup/>", "Say", "use <Speak>"),
    ('<Wait length="1"/><Gather><Say>Press 1</Say></Gather>', "Gather", "use <GetInput>"),
    ("<Speek>Hello</Speek>", "Speek", "did you mean <Speak>?"),
    # Seen to end the call, whatever else there is.
    (f"{SPEAK}<Reject/>", "Reject", 'use <Hangup reason="rejected"/>'),
]


@pytest.mark.parametrize(("elements", "name", "remedy"), ERRORS)
def test_what_cannot_work_is_an_error_that_names_the_element_and_the_remedy(
    elements: str, name: str, remedy: str
) -> None:
    errors = [finding for finding in found(elements) if finding.is_error]
    assert name in {finding.element for finding in errors}
    assert remedy in " ".join(finding.remedy for finding in errors if finding.element == name)


WARNINGS = [
    # Elements: Plivo executes the others, or may know one that we do not.
    (f"<Say>Hello</Say>{SPEAK}", "Say", "use <Speak>"),
    (f'{SPEAK}<Pause length="1"/>', "Pause", "use <Wait"),
    (f"{SPEAK}<Speek>Hello</Speek>", "Speek", "did you mean <Speak>?"),
    ("<Assistant2 id='1'/>", "Assistant2", "nothing else is executed"),
    (
        f"{SPEAK}<x:Speak xmlns:x='urn:x'>Hello</x:Speak>",
        "{urn:x}Speak",
        "Plivo does not document this element",
    ),
    ("<Dial><Fax>14155550100</Fax></Dial>", "Fax", "Plivo does not document this element"),
    ("<Dial><Number>1</Number><Client>a</Client></Dial>", "Client", "use <User>"),
    ("<Dial><Sip>sip:a@a.example</Sip></Dial>", "Sip", "use <User>"),
    ('<GetInput action="https://a.example/"><Say>1</Say></GetInput>', "Say", "use <Speak>"),
    # Speech.
    ('<Speak voice="alice">Hello</Speak>', "Speak", "'alice' is not a voice of Plivo's"),
    ('<Speak voice="woman">Hello</Speak>', "Speak", "write WOMAN, MAN"),
    ("<Speak>Hello <break/></Speak>", "Speak", "SSML needs a Polly voice"),
    (f"<Speak>{LONG}</Speak>", "Speak", "3001 characters"),
    (f'<Speak voice="Polly.Joanna">{"<s>Hello</s>" * 300}</Speak>', "Speak", "with its tags"),
    ("<Speak/>", "Speak", "it is empty"),
    ('<Speak voice="Polly.Joanna">a<mark name="x"/></Speak>', "mark", "page on SSML"),
    ('<Speak voice="Polly.Joanna"><sub alias="b"><p>a</p></sub></Speak>', "p", "page on SSML"),
    (f"<Speak>a<Play>https://a.example/</Play></Speak>{SPEAK}", "Play", "close <Speak> first"),
    (f"<Speak>a<Say>b</Say></Speak>{SPEAK}", "Say", "use <Speak>"),
    (f"{SPEAK}<break/>", "break", "put it in <Speak>"),
    # Attributes.
    ('<Speak speed="2">Hello</Speak>', "Speak", "Plivo does not document the attribute speed"),
    ('<Dial callerID="1"><Number>1</Number></Dial>', "Dial", "did you mean callerId?"),
    ('<Dial calerId="1"><Number>1</Number></Dial>', "Dial", "did you mean callerId?"),
    ('<Dial ringTone="us"><Number>1</Number></Dial>', "Dial", "Plivo has dialMusic"),
    ('<GetInput action="https://a.example/" input="dtmf"/>', "GetInput", "Plivo has inputType"),
    ('<GetInput action="https://a.example/" timeout="5"/>', "GetInput", "has executionTimeout"),
    ('<Speak timeout="5">Hello</Speak>', "Speak", "Plivo does not document the attribute timeout"),
    ('<GetInput inputType="dtmf"/>', "GetInput", "it has no action"),
    ('<Message dst="1">Hello</Message>', "Message", "it has no src"),
    ('<Message src="1" dst="1"/>', "Message", "write the words"),
    ('<Record action=""/>', "Record", "the attribute action is empty"),
    ('<Record action=" https://a.example/"/>', "Record", "the URL in action has spaces around it"),
    ('<Record method=""/>', "Record", "the attribute method is empty"),
    ('<Record method="post"/>', "Record", "write GET or POST"),
    ('<Dial dialMusic="ringing"><Number>1</Number></Dial>', "Dial", "neither a URL nor one of"),
    ("<MultiPartyCall>room</MultiPartyCall>", "MultiPartyCall", "it has no role"),
    ('<Hangup reason="angry"/>', "Hangup", "write rejected or busy"),
    ('<Wait length="a minute"/>', "Wait", "length is not a whole number"),
    ('<Record maxLength="-1"/>', "Record", "maxLength is not a whole number"),
    ('<Record playBeep="yes"/>', "Record", "playBeep is neither true nor false"),
    # Retry settings.
    ('<Record action="https://a.example/#rc=9"/>', "Record", "rc must be 0 to 5"),
    (
        '<Record action="https://a.example/#rp=all&amp;tries=3"/>',
        "Record",
        "no retry setting tries",
    ),
    ('<Record action="https://a.example/#rp=403"/>', "Record", "rp must be of"),
    ("<Redirect>https://a.example/#ct=1</Redirect>", "Redirect", "ct must be 100 to 10000"),
    (
        '<Stream statusCallbackUrl="https://a.example/#rp=all">wss://a.example/</Stream>',
        "Stream",
        "no retry settings for the URL in statusCallbackUrl",
    ),
    (
        "<Play>https://a.example/x.mp3#rc=3</Play>",
        "Play",
        "no retry settings for the URL in its text",
    ),
    # Text.
    (f"Hello{SPEAK}", "Response", "Plivo ignores the text in it"),
    ("<Dial>14155550100<Number>1</Number></Dial>", "Dial", "Plivo ignores the text in it"),
    ("<DTMF/>", "DTMF", "write the digits to send"),
    ("<Stream>https://a.example/ws</Stream>", "Stream", "write wss://"),
    ('<Stream bot="x"/>', "Stream", "it is empty"),
]


@pytest.mark.parametrize(("elements", "name", "meaning"), WARNINGS)
def test_what_plivo_ignores_is_a_warning_and_the_document_is_accepted(
    elements: str, name: str, meaning: str
) -> None:
    warnings = found(elements)
    assert [finding for finding in warnings if finding.is_error] == []
    assert any(finding.element == name and meaning in finding.meaning for finding in warnings), (
        warnings
    )


@pytest.mark.parametrize(
    ("element", "is_ignored"),
    [
        ('<Message src="1" dst="2">Hello</Message>', False),
        (SPEAK, True),
        ("<Hangup/>", True),
    ],
)
def test_in_answer_to_a_message_only_messages_are_executed(
    element: str, *, is_ignored: bool
) -> None:
    findings = found(element, kind=Reply.OPTIONAL_XML)
    assert [finding.severity for finding in findings] == ["warning"] * is_ignored


def test_twiml_in_answer_to_a_message_is_refused_like_any() -> None:
    (finding,) = found("<Sms>Hello</Sms>", kind=Reply.OPTIONAL_XML)
    assert (finding.severity, finding.remedy) == ("error", "use <Message>, with src and dst")


def test_a_finding_names_the_line_at_which_its_element_begins() -> None:
    lines = ["", "<Speak>", "Hello", "</Speak>", "<!--", "-->", "<Dial", 'action="/x">', "</Dial>"]
    assert [(one.line, one.element) for one in found("\n".join(lines))] == [
        (7, "Dial"),
        (7, "Dial"),
    ]


def test_findings_come_in_the_order_of_the_document() -> None:
    lines = ["<Pause/>", "<Dial><Client/>", "</Dial>", "<Hold/>", "<Play/>", SPEAK]
    assert [one.line for one in found("\n".join(lines))] == [1, 2, 2, 4, 5]


def test_no_number_of_warnings_hides_an_error() -> None:
    findings = found("<Pause/>" * 2 * FINDINGS_MAX, SPEAK, "<Dial/>")
    assert len(findings) == FINDINGS_MAX
    assert [finding.element for finding in findings if finding.is_error] == ["Dial"]


def test_the_limit_of_speech_is_of_what_is_said_and_not_of_its_tags() -> None:
    speech = "<s>" + "x" * 100 + "</s>"
    at_most = SPOKEN_CHARACTERS_MAX // 100
    (finding,) = found(f'<Speak voice="Polly.Joanna">{speech * at_most}</Speak>')
    assert not finding.is_error
    (finding,) = found(f'<Speak voice="Polly.Joanna">{speech * at_most}x</Speak>')
    assert finding.is_error


def test_a_document_may_be_nested_deeper_than_python_calls_may_be() -> None:
    depth = 7_000
    findings = found("<Speak>", "<p>" * depth, "x", "</p>" * depth, "</Speak>")
    assert findings
    assert not any(finding.is_error for finding in findings)


@pytest.mark.parametrize(
    "url", ["/x?token=secret", "secret@/x", "x#secret", "ftp://u:secret@a.example/"]
)
def test_a_finding_shows_no_secret_of_a_url(url: str) -> None:
    (finding,) = found(f'<Record action="{url}"/>')
    assert "secret" not in str(finding)


@pytest.mark.parametrize(
    ("body", "line", "fault"),
    [
        (b"<Response>\n<Play>https://a.example/?a=1&b=2</Play></Response>", 2, "write & as &amp;"),
        (b"<Response>\n<Speak>Tom & Jerry</Speak></Response>", 2, "write & as &amp;"),
        (b"<Response>\n\n<Speak></Response>", 3, "mismatched tag"),
        (b"\n<?xml version='1.0'?><Response/>", 2, "XML or text declaration"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><Response/>", 1, "it declares the entity 'a'"),
        (b"<!DOCTYPE x SYSTEM 'x'><Response>&b;</Response>", 1, "undefined entity &b;"),
        (b"<x:Response>", 1, "no element found"),
    ],
)
def test_what_is_not_well_formed_is_said_with_its_line(body: bytes, line: int, fault: str) -> None:
    (finding,) = check_document(body)
    assert (finding.severity, finding.line) == ("error", line)
    assert fault in finding.meaning


def test_a_document_type_without_entities_is_only_a_warning() -> None:
    (finding,) = check_document(b"<!DOCTYPE Response>\n<Response/>")
    assert (finding.severity, finding.line, finding.remedy) == ("warning", 1, "remove it")


def test_a_prefix_that_nothing_declares_is_only_a_warning() -> None:
    speech = '<amazon:effect name="whispered">Hello</amazon:effect>'
    findings = found(f'<Speak voice="Polly.Joanna">{speech}</Speak>')
    assert [finding.severity for finding in findings] == ["warning", "warning"]
    assert findings[1].element == "amazon:effect"


def test_declared_namespaces_that_name_nothing_do_no_harm() -> None:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    assert check_document(f'<Response {xsi} xsi:noNamespaceSchemaLocation="x"/>'.encode()) == []
