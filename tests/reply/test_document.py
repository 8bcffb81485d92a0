"""Plivo XML documents from files, checked before the first call can get one."""

from pathlib import Path

import pytest

from bridge.callbacks.model import Reply
from bridge.core.catalogue import Catalogue
from bridge.core.journal import SentReply
from bridge.reply.check import DOCUMENT_BYTES_MAX
from bridge.reply.document import (
    ACKNOWLEDGEMENT,
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
    document = read_document(written(tmp_path, body))
    assert document.reply == SentReply(200, XML_CONTENT_TYPE, body)
    assert document.warnings == ()


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
    assert read_document(written(tmp_path, body)).reply.body == body
    with pytest.raises(BadDocument, match="100001 bytes; Plivo accepts at most 100000"):
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


def test_a_document_for_an_unknown_type_is_refused_with_the_known_ones(
    types: Catalogue, tmp_path: Path
) -> None:
    path = written(tmp_path, b"<Response/>")
    for name in ("voice.call.hangup", "voice.call.nonsense", "unrecognised"):
        with pytest.raises(BadDocument) as bad:
            Replies(types, {name: path})
        assert str(bad.value).startswith(f"{name} is not a type whose reply Plivo executes")
        assert ANSWER in str(bad.value)
        assert FALLBACK in str(bad.value)


SOUNDS = {
    "Play": "<Play>https://media.example.com/hold.mp3</Play>",
    "Speak": "<Speak>One moment</Speak>",
    "Wait": '<Wait length="2"/>',
}


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS)
def test_a_sound_may_be_played_spoken_and_waited(tmp_path: Path, sound: str) -> None:
    body = f"<Response>{sound}<Wait/></Response>".encode()
    assert read_document(written(tmp_path, body), Reply.SOUND).reply.body == body


@pytest.mark.parametrize(
    "element",
    ["<Dial><Number>1</Number></Dial>", "<Hangup/>", "<play/>", "<Record/>", "<Say/>", "<New/>"],
)
def test_a_sound_with_any_other_element_is_refused_by_name(tmp_path: Path, element: str) -> None:
    body = f"<Response>{SOUNDS['Play']}{element}</Response>"
    name = element.partition(">")[0].rstrip("/") + ">"
    with pytest.raises(
        BadDocument, match=f"{name}: in a sound document Plivo executes only Play, Speak and Wait"
    ):
        read_document(written(tmp_path, body.encode()), Reply.SOUND)


def test_a_types_document_is_checked_by_what_plivo_makes_of_it(
    types: Catalogue, tmp_path: Path
) -> None:
    path = written(tmp_path, b"<Response><Dial><Number>14155550100</Number></Dial></Response>")
    assert Replies(types, {ANSWER: path}).reply_to(types.by_name[ANSWER]).body
    for kind in types.types_with_executed_reply:
        if kind.reply is Reply.SOUND:
            with pytest.raises(BadDocument, match="Play, Speak and Wait"):
                Replies(types, {kind.name: path})


def test_everything_that_is_wrong_with_any_document_is_said_at_once(
    types: Catalogue, tmp_path: Path
) -> None:
    bad = written(tmp_path, b"<Response>\n<Play>hold</Play>\n<Redirect/></Response>")
    missing = tmp_path / "missing.xml"
    documents = {ANSWER: bad, "voice.call.hangup": bad, FALLBACK: missing}
    with pytest.raises(BadDocument) as refused:
        Replies(types, documents)
    play, redirect, hangup, fallback = str(refused.value).splitlines()
    assert play.startswith(
        f"{ANSWER}: {bad}: line 2: <Play>: its text is not an absolute URL: 'hold'"
    )
    assert redirect.startswith(f"{ANSWER}: {bad}: line 3: <Redirect>: it is empty")
    assert hangup.startswith("voice.call.hangup is not a type whose reply Plivo executes")
    assert fallback == f"{FALLBACK}: {missing}: No such file or directory"


def test_a_warning_is_kept_once_with_the_types_it_is_about(
    types: Catalogue, tmp_path: Path
) -> None:
    path = written(tmp_path, b"<Response><Wait/>\n<Pause/><Speak>Hello</Speak></Response>")
    (doubt,) = Replies(types, {ANSWER: path, FALLBACK: path}).warnings
    assert (doubt.path, doubt.types) == (path, (ANSWER, FALLBACK))
    assert (doubt.finding.line, doubt.finding.element) == (2, "Pause")


def test_types_that_must_be_answered_and_are_not_are_listed(
    types: Catalogue, tmp_path: Path
) -> None:
    path = written(tmp_path, b"<Response/>")
    must = sorted(kind.name for kind in types.types if kind.reply in {Reply.XML, Reply.SOUND})
    assert Replies(types, {}).without_document == must
    answered = Replies(types, {ANSWER: path})
    assert answered.without_document == [name for name in must if name != ANSWER]
    assert Replies(types, dict.fromkeys(must, path)).without_document == []


def test_a_type_is_answered_with_its_document_or_by_what_plivo_makes_of_it(
    types: Catalogue, tmp_path: Path
) -> None:
    body = b"<Response><Hangup/></Response>"
    replies = Replies(types, {ANSWER: written(tmp_path, body)})
    assert replies.reply_to(types.by_name[ANSWER]) == SentReply(200, XML_CONTENT_TYPE, body)
    assert replies.reply_to(types.by_name[FALLBACK]) is EMPTY_DOCUMENT
    for kind in types.all_types:
        if kind.name != ANSWER:
            executed = kind.reply in {Reply.XML, Reply.SOUND}
            assert replies.reply_to(kind) is (EMPTY_DOCUMENT if executed else ACKNOWLEDGEMENT)
    assert replies.reply_to(types.unrecognised) is ACKNOWLEDGEMENT


def test_a_message_is_answered_a_document_only_where_one_is_configured(
    types: Catalogue, tmp_path: Path
) -> None:
    inbound = types.by_name["messaging.message.inbound"]
    assert inbound.reply is Reply.OPTIONAL_XML
    assert Replies(types, {}).reply_to(inbound) is ACKNOWLEDGEMENT
    body = b'<Response><Message src="14155550100" dst="14155550123">Thanks</Message></Response>'
    replies = Replies(types, {inbound.name: written(tmp_path, body)})
    assert replies.reply_to(inbound) == SentReply(200, XML_CONTENT_TYPE, body)


def test_the_documents_in_use_do_not_change_with_the_mapping_or_the_file_they_came_in(
    types: Catalogue, tmp_path: Path
) -> None:
    documents = {ANSWER: written(tmp_path, b"<Response/>")}
    replies = Replies(types, documents)
    documents.clear()
    written(tmp_path, b"<Response><Hangup/></Response>")
    assert replies.reply_to(types.by_name[ANSWER]) == EMPTY_DOCUMENT
