"""Plivo XML documents, checked before the first callback can get one."""

import pytest

from bridge.callbacks.model import Reply
from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.reply.check import DOCUMENT_BYTES_MAX
from bridge.reply.document import XML_CONTENT_TYPE, BadDocument, Document, make_document
from bridge.reply.finding import Finding

DECLARED = '<?xml version="1.0" encoding="{}"?>\n<Response><Speak>Grüße</Speak></Response>'


def made(
    types: Catalogue, body: bytes, kind: Reply = Reply.XML
) -> tuple[Document, tuple[Finding, ...]]:
    """Return the document that answers the types of this kind, and its warnings."""
    return make_document("document.xml", body, [one for one in types.types if one.reply is kind])


def refusal(types: Catalogue, body: bytes, kind: Reply = Reply.XML) -> str:
    with pytest.raises(BadDocument) as bad:
        made(types, body, kind)
    return "\n".join(str(finding) for finding in bad.value.findings)


@pytest.mark.parametrize(
    "body",
    [
        b"<Response/>",
        b"<Response></Response>",
        b'<?xml version="1.0"?><Response><Speak>Hello</Speak></Response>\n',
        DECLARED.format("UTF-8").encode(),
        "\ufeff<Response><!-- ü --><Dial><Number>14155550100</Number></Dial></Response>".encode(),
    ],
)
def test_a_document_is_given_as_it_stands_in_its_file(types: Catalogue, body: bytes) -> None:
    document, warnings = made(types, body)
    assert document.fill_in(None) == SentReply(200, XML_CONTENT_TYPE, body)
    assert warnings == ()


def test_a_document_has_as_many_bytes_as_plivo_takes_and_no_more(types: Catalogue) -> None:
    body = b"<Response/>".ljust(DOCUMENT_BYTES_MAX)
    assert made(types, body)[0].reply.body == body
    assert refusal(types, body + b" ") == "100001 bytes; Plivo accepts at most 100000"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Hello",
        b"<Response>",
        b"<Response/><Response/>",
        b"<Response>&</Response>",
        b"<Response>&undefined;</Response>",
        b"{}",
        "<Response>ü</Response>".encode("latin-1"),
        DECLARED.format("iso-8859-1").encode("iso-8859-1"),
        DECLARED.format("UTF-16").encode("utf-16"),
        "<Response>{{From}}</Response>".encode("utf-16-le"),
        "<Response/>".encode("utf-16-be"),
        DECLARED.format("no-such-encoding").encode(),
        DECLARED.format("euc-jp").encode(),
    ],
)
def test_what_is_not_xml_in_utf_8_is_refused(types: Catalogue, body: bytes) -> None:
    assert "not well-formed XML in UTF-8" in refusal(types, body)


@pytest.mark.parametrize(
    ("body", "root"),
    [
        (b"<response/>", "<response>"),
        (b"<html><Response/></html>", "<html>"),
        (b'<Response xmlns="urn:x"/>', "<{urn:x}Response>"),
    ],
)
def test_another_root_is_refused_by_name(types: Catalogue, body: bytes, root: str) -> None:
    assert f"the root element is {root}; Plivo executes only <Response>" in refusal(types, body)


SOUNDS = {
    "Play": "<Play>https://media.example.com/hold.mp3</Play>",
    "Speak": "<Speak>One moment</Speak>",
    "Wait": '<Wait length="2"/>',
}


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS)
def test_a_sound_may_be_played_spoken_and_waited(types: Catalogue, sound: str) -> None:
    body = f"<Response>{sound}<Wait/></Response>".encode()
    assert made(types, body, Reply.SOUND)[0].reply.body == body


@pytest.mark.parametrize(
    "element",
    ["<Dial><Number>1</Number></Dial>", "<Hangup/>", "<play/>", "<Record/>", "<Say/>", "<New/>"],
)
def test_a_sound_with_any_other_element_is_refused_by_name(types: Catalogue, element: str) -> None:
    body = f"<Response>{SOUNDS['Play']}{element}</Response>"
    name = element.partition(">")[0].rstrip("/") + ">"
    fault = f"{name}: in a sound document Plivo executes only Play, Speak and Wait"
    assert fault in refusal(types, body.encode(), Reply.SOUND)
