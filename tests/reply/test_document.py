"""Plivo XML documents from files, checked before the first call can get one."""

from pathlib import Path

import pytest

from bridge.catalogue import Catalogue
from bridge.event import GivenReply
from bridge.reply.document import (
    ACKNOWLEDGEMENT,
    DOCUMENT_BYTES_MAX,
    EMPTY_DOCUMENT,
    XML_CONTENT_TYPE,
    BadDocument,
    Replies,
    read_document,
)

ANSWER = "voice.call.answer"
FALLBACK = "voice.call.fallback"
DECLARED = '<?xml version="1.0" encoding="{}"?>\n<Response><Speak>Grüße</Speak></Response>'


def written(folder: Path, body: bytes) -> Path:
    path = folder / "document.xml"
    path.write_bytes(body)
    return path


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
def test_a_document_is_given_as_it_stands_in_its_file(tmp_path: Path, body: bytes) -> None:
    assert read_document(written(tmp_path, body)) == GivenReply(200, XML_CONTENT_TYPE, body)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.xml"
    with pytest.raises(BadDocument) as bad:
        read_document(path)
    assert str(bad.value) == f"{path}: No such file or directory"
    assert isinstance(bad.value.__cause__, FileNotFoundError)


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(BadDocument, match="Is a directory"):
        read_document(tmp_path)


def test_a_document_has_as_many_bytes_as_plivo_takes_and_no_more(tmp_path: Path) -> None:
    body = b"<Response/>".ljust(DOCUMENT_BYTES_MAX)
    assert read_document(written(tmp_path, body)).body == body
    with pytest.raises(BadDocument, match="100001 bytes; Plivo takes at most 100000"):
        read_document(written(tmp_path, body + b" "))


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
        DECLARED.format("no-such-encoding").encode(),
        DECLARED.format("euc-jp").encode(),
    ],
)
def test_what_is_not_xml_in_utf_8_is_refused(tmp_path: Path, body: bytes) -> None:
    path = written(tmp_path, body)
    with pytest.raises(BadDocument, match="not well-formed XML in UTF-8") as bad:
        read_document(path)
    assert str(bad.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("body", "root"),
    [
        (b"<response/>", "<response>"),
        (b"<html><Response/></html>", "<html>"),
        (b'<Response xmlns="urn:x"/>', "<{urn:x}Response>"),
    ],
)
def test_another_root_is_refused_by_name(tmp_path: Path, body: bytes, root: str) -> None:
    with pytest.raises(BadDocument) as bad:
        read_document(written(tmp_path, body))
    assert f"the root element is {root}; Plivo executes only <Response>" in str(bad.value)


def test_a_document_for_an_unknown_type_is_refused_with_the_known_ones(types: Catalogue) -> None:
    for name in ("voice.call.hangup", "voice.call.nonsense", "unrecognised"):
        with pytest.raises(BadDocument) as bad:
            Replies(types, {name: EMPTY_DOCUMENT})
        assert str(bad.value).startswith(f"{name} is not a type whose reply Plivo executes")
        assert ANSWER in str(bad.value)
        assert FALLBACK in str(bad.value)


def test_types_without_a_document_are_listed_as_unanswered(types: Catalogue) -> None:
    controls = sorted(kind.name for kind in types.controls)
    assert Replies(types, {}).unanswered == controls
    answered = Replies(types, {ANSWER: EMPTY_DOCUMENT})
    assert answered.unanswered == [name for name in controls if name != ANSWER]
    assert Replies(types, dict.fromkeys(controls, EMPTY_DOCUMENT)).unanswered == []


def test_a_type_is_answered_with_its_document_or_an_empty_one_or_an_acknowledgement(
    types: Catalogue,
) -> None:
    document = GivenReply(200, XML_CONTENT_TYPE, b"<Response><Hangup/></Response>")
    replies = Replies(types, {ANSWER: document})
    assert replies.of(types.by_name[ANSWER]) is document
    assert replies.of(types.by_name[FALLBACK]) is EMPTY_DOCUMENT
    assert replies.of(types.by_name["voice.call.hangup"]) is ACKNOWLEDGEMENT
    assert replies.of(types.unrecognised) is ACKNOWLEDGEMENT


def test_the_documents_in_use_do_not_change_with_the_mapping_they_came_in(types: Catalogue) -> None:
    documents = {ANSWER: EMPTY_DOCUMENT}
    replies = Replies(types, documents)
    documents[ANSWER] = ACKNOWLEDGEMENT
    assert replies.of(types.by_name[ANSWER]) is EMPTY_DOCUMENT
