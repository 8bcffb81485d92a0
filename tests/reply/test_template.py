"""Documents with placeholders: filled in for a callback, escaped by construction."""

from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.callbacks.model import Reply
from bridge.core.catalogue import Catalogue
from bridge.core.parse import Callback
from bridge.reply.check import DOCUMENT_BYTES_MAX
from bridge.reply.document import BadDocument, Document, check_reply, make_document
from bridge.reply.placeholders import find_value
from bridge.reply.template import Template, parse_template
from bridge.reply.tree import Node, parse_tree
from tests.support.factories import parser, raw_callback, vouched

ANSWER, HOLD = "voice.call.answer", "voice.dial.sound"
CALL = {"CallUUID": "c1", "Event": "StartApp", "From": "14155550188", "To": "14155550100"}


IN_NAME = (
    "a placeholder cannot be in the name of an element or attribute: use it in text, or in the value of "
    "an attribute"
)
HOST = (
    "the value of From would decide which host Plivo calls: write the scheme, the host and a slash "
    "before the placeholder"
)
STRAY = "{{ begins no placeholder: write {{Name}} or {{Name|default}}"


def template(text: str) -> Template:
    found, faults = parse_template(text.encode())
    assert found is not None
    assert faults == []
    return found


def filled(text: str, **values: str) -> str:
    return template(text).render(values.get).decode()


def made(
    types: Catalogue, text: str, *kinds: str
) -> tuple[Document, list[tuple[str, int | None, str]]]:
    """Return a document and its warnings, as severity, line and meaning."""
    document, found = make_document(
        "document.xml", text.encode(), [types.by_name[name] for name in kinds or (ANSWER,)]
    )
    return document, [(one.severity, one.line, one.meaning) for one in found]


def faults(types: Catalogue, text: str, *kinds: str) -> list[tuple[str, int | None, str]]:
    with pytest.raises(BadDocument) as bad:
        made(types, text, *kinds)
    return [(one.severity, one.line, one.meaning) for one in bad.value.findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a>{{X}}</a>", "<a>x</a>"),
        ("<a>{{ X }}</a>", "<a>x</a>"),
        ("<a>{{X|none}}</a>", "<a>x</a>"),
        ("<a>{{Y|none}}</a>", "<a>none</a>"),
        ("<a>{{Y|}}</a>", "<a></a>"),
        ("<a>{{Y}}</a>", "<a></a>"),
        ("<a>{{Blank|none}}</a>", "<a>none</a>"),
        ("<a>{{Y|Fish &amp; &#x263A;}}</a>", "<a>Fish &amp; ☺</a>"),
        ("<a>{{Odd}}</a>", "<a>&lt;b&gt;&amp;&quot;&#39;&#10;</a>"),
        ("<a b='{{Odd}}'/>", "<a b='&lt;b&gt;&amp;&quot;&#39;&#10;'/>"),
        ("<a>{{Control}}</a>", "<a>ab</a>"),
        ("<!-- {{X}} --><a>{{X}}</a>", "<!-- {{X}} --><a>x</a>"),
        ("<?p {{X}}?><a>{{X}}</a>", "<?p {{X}}?><a>x</a>"),
        ("<a>{{X}}{{X}} {X} }}</a>", "<a>xx {X} }}</a>"),
        ("<Play>https://h/{{Odd}}.mp3</Play>", "<Play>https://h/%3Cb%3E%26%22%27%0A.mp3</Play>"),
        ("<Play>https://h/{{Dots|d}}</Play>", "<Play>https://h/d</Play>"),
        ("<Play>https://h/<!-- a -->{{X}}</Play>", "<Play>https://h/<!-- a -->x</Play>"),
        ("<Dial action='https://h?a={{Odd}}'/>", "<Dial action='https://h?a=%3Cb%3E%26%22%27%0A'/>"),
        ("<Dial callerName='{{Dots}}'/>", "<Dial callerName='..'/>"),
        ("<Stream>wss://h/{{X}}</Stream>", "<Stream>wss://h/x</Stream>"),
        ("<User sipHeaders='a={{Header}}'/>", "<User sipHeaders='a=1Admin1'/>"),
        ("<Stream extraHeaders='a={{Header|b c}}'/>", "<Stream extraHeaders='a=1Admin1'/>"),
    ],
)  # fmt: skip
def test_a_value_is_escaped_for_its_place(text: str, expected: str) -> None:
    values = {
        "X": "x",
        "Blank": " \t",
        "Odd": "<b>&\"'\n",
        "Control": "a\0\ufffe\ud800b",
        "Dots": "..",
        "Header": "1,Admin=1",
    }
    assert filled(text, **values) == expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("<Number>{{X|1415}}</Number>", "\x01", "<Number>1415</Number>"),
        ("<Number>{{X|1415}}</Number>", " \x01\t", "<Number>1415</Number>"),
        ("<Play>https://h/a/{{X|b}}/c</Play>", "\x00..", "<Play>https://h/a/b/c</Play>"),
        ("<Play>https://h/a/{{X|b}}/c</Play>", ".\uffff.", "<Play>https://h/a/b/c</Play>"),
        ("<User sipHeaders='a={{X|none}}'/>", "--", "<User sipHeaders='a=none'/>"),
    ],
)
def test_a_value_of_which_nothing_usable_is_left_counts_as_absent(
    text: str, value: str, expected: str
) -> None:
    assert filled(text, X=value) == expected


HARMLESS = """<?xml version="1.0"?>
<Response>
  <!-- {{From}} -->
  <Speak voice="WOMAN">Hello {{From|you}}, {{context.campaign}}</Speak>
  <Dial callerId='{{To}}' action="https://h.example/next?c={{context.campaign}}&amp;f={{From}}">
    <Number>{{To|14155550100}}</Number>
  </Dial>
  <Play>https://media.example/{{X-PH-Song|song}}.mp3</Play>
</Response>
"""
VALUES = st.text(max_size=20) | st.sampled_from(
    [
        "</Speak><Hangup/>",
        "]]>",
        "<!--",
        '" muted="true',
        "'",
        "&lt;",
        "%",
        "{{From}}",
        "../..",
        "\x00",
    ]
)
NAMES = ("From", "To", "context.campaign", "X-PH-Song")


def outline(node: Node) -> tuple[object, ...]:
    return (node.name, tuple(node.attributes), tuple(outline(child) for child in node.children))


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_whatever_the_parameters_hold_the_elements_stay_the_same(values: dict[str, str]) -> None:
    document = template(HARMLESS)
    tree = parse_tree(document.render(values.get)).root
    assert outline(tree) == outline(parse_tree(document.render(dict.fromkeys(NAMES, "1").get)).root)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), min_size=1, max_size=20))
def test_plivo_reads_the_value_that_it_sent(value: str) -> None:
    if not value.strip():
        return
    root = parse_tree(template(HARMLESS).render(dict.fromkeys(NAMES, value).get)).root
    speak, dial, play = root.children
    assert speak.text == f"Hello {value}, {value}"
    assert dial.attributes["callerId"] == value
    query = urlsplit(dial.attributes["action"]).query
    assert parse_qsl(query, strict_parsing=True) == [("c", value), ("f", value)] or not value.strip(
        "."
    )
    path = unquote(play.text.removeprefix("https://media.example/"))
    assert path == f"{value if value.strip('.') else 'song'}.mp3"


def test_a_document_that_grew_too_long_is_filled_in_with_its_defaults() -> None:
    text = "<Response><Speak>{{From|you}}</Speak></Response>"
    room = DOCUMENT_BYTES_MAX - len("<Response><Speak></Speak></Response>")
    assert len(filled(text, From="x" * room)) == DOCUMENT_BYTES_MAX
    assert filled(text, From="x" * (room + 1)) == text.replace("{{From|you}}", "you")


@pytest.mark.parametrize(
    ("text", "line", "meaning"),
    [
        (
            "<Response>\n<{{From}}/></Response>",
            2,
            IN_NAME,
        ),
        (
            "<Response>\n<Speak {{From}}='a'>a</Speak></Response>",
            2,
            IN_NAME,
        ),
        (
            "<Response><Speak\n>{{From}</Speak></Response>",
            2,
            STRAY,
        ),
        (
            "<Response><Speak>{{From|<Wait/>}}</Speak></Response>",
            1,
            STRAY,
        ),
        (
            "<Response><Speak><![CDATA[{{From}}]]></Speak></Response>",
            1,
            "a placeholder cannot be in a CDATA section: write the text itself",
        ),
        (
            "<Response><Redirect>{{From}}</Redirect></Response>",
            1,
            HOST,
        ),
        (
            "<Response><Redirect>https://{{From|\n}}.example/</Redirect></Response>",
            1,
            HOST,
        ),
        (
            "<Response><Conference enterSound='{{From}}'>x</Conference></Response>",
            1,
            HOST,
        ),
        (
            "</Response><Speak>{{From",
            1,
            STRAY,
        ),
    ],
)  # fmt: skip
def test_a_placeholder_elsewhere_is_an_error(
    types: Catalogue, text: str, line: int, meaning: str
) -> None:
    assert faults(types, text) == [("error", line, meaning)]


def test_a_document_is_checked_with_values_in_it(types: Catalogue) -> None:
    text = (
        "<Response>\n<Speak voice='{{From}}'>{{From}}</Speak>\n"
        "<Dial action='https://h/' method='{{From}}' timeLimit='{{From}}' redirect='{{From}}'>"
        "<Number>{{From}}</Number></Dial>\n<Hangup reason='{{From}}'/>\n<Play/></Response>"
    )
    ((severity, line, meaning),) = faults(types, text)
    assert (severity, line, meaning.partition(":")[0]) == ("error", 5, "it is empty")
    document, warnings = made(types, text.replace("<Play/>", ""))
    assert warnings == []
    assert document.template is not None


def test_a_default_is_checked_as_a_value(types: Catalogue) -> None:
    ((_, line, meaning),) = faults(
        types,
        "<Response><Dial action='https://h/' method='{{From|PUT}}'><Number>1</Number></Dial></Response>",
    )
    assert (line, meaning.partition(";")[0]) == (1, "method is 'PUT'")


def test_a_parameter_that_may_be_absent_needs_a_default(types: Catalogue) -> None:
    text = "<Response>\n<Speak>Hello {}</Speak></Response>"
    assert made(types, text.format("{{X-PH-Name}}"))[1] == [
        (
            "warning",
            2,
            "X-PH-Name may be absent, and is empty then: write a default: {{X-PH-Name|…}}",
        )
    ]
    assert made(types, text.format("{{context.name}}"))[1] == [
        (
            "warning",
            2,
            "context.name may be absent, and is empty then: write a default: {{context.name|…}}",
        )
    ]
    for always in ("{{From}}", "{{X-PH-Name|}}", "{{context.name|you}}"):
        assert made(types, text.format(always))[1] == []


def test_an_element_that_is_empty_without_a_parameter_is_one_warning(types: Catalogue) -> None:
    _, warnings = made(types, "<Response><Speak>{{X-PH-Name}}</Speak></Response>")
    assert [meaning.partition(",")[0] for _, _, meaning in warnings] == ["X-PH-Name may be absent"]


def test_a_document_that_fails_without_a_parameter_is_refused(types: Catalogue) -> None:
    text = "<Response><Dial>\n<Number>{}</Number></Dial></Response>"
    ((severity, line, meaning),) = faults(types, text.format("{{X-PH-Agent}}"))
    assert (severity, line) == ("error", 2)
    assert meaning.startswith("without X-PH-Agent: it is empty: write a default: {{X-PH-Agent|…}}")
    assert made(types, text.format("{{X-PH-Agent|14155550100}}"))[1] == []
    assert made(types, text.format("{{To}}"))[1] == []


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Form", "did you mean From?"),
        ("campaign", "write context.campaign if it is in the query of your URL"),
    ],
)
def test_an_unknown_parameter_is_a_warning(types: Catalogue, name: str, remedy: str) -> None:
    _, warnings = made(types, f"<Response><Speak>{{{{{name}|you}}}}</Speak></Response>")
    assert warnings == [
        ("warning", 1, f"Plivo documents no parameter {name} for {ANSWER}: {remedy}")
    ]


def test_an_unknown_type_of_callback_has_no_known_parameters(types: Catalogue) -> None:
    text = "<Response><Speak>{{Colour|green}} {{Shade}}</Speak></Response>"
    assert made(types, text, "unrecognised")[1] == []
    assert check_reply(text.encode(), [Reply.XML])[1] == ()


def callback(types: Catalogue, body: str, *, query: str = "", json: bool = False) -> Callback:
    content_type = "application/json" if json else "application/x-www-form-urlencoded"
    raw = raw_callback(query, body, content_type=content_type)
    return parser(types).parse(vouched(raw), types.by_name[ANSWER])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("From", "14155550188"),
        ("from", "14155550188"),
        ("X-PH-Campaign", "spring"),
        ("x-ph-campaign", "spring"),
        ("X-PH-CAMPAIGN", "spring"),
        ("context.customer", "42"),
        ("context.Customer", None),
        ("customer", None),
        ("Missing", None),
        ("Twice", None),
        ("Same", "a"),
        ("Blank", None),
        ("Bytes", None),
    ],
)
def test_a_value_is_what_plivo_or_the_url_says(
    types: Catalogue, name: str, value: str | None
) -> None:
    body = urlencode(CALL) + "&X-PH-Campaign=spring&Twice=a&Twice=b&Same=a&Same=a&Blank=&Bytes=%FF"
    assert find_value(callback(types, body, query="customer=42"), name) == value


def test_json_has_its_own_spellings(types: Catalogue) -> None:
    body = '{"call_uuid": "c1", "event": "StartApp", "from": "14155550188"}'
    assert find_value(callback(types, body, json=True), "CallUUID") == "c1"


def test_a_document_is_filled_in_for_a_callback(types: Catalogue) -> None:
    document, _ = made(types, "<Response><Speak>Hello {{From|you}}</Speak></Response>")
    found = document.fill_in(callback(types, urlencode(CALL)))
    assert found.body == b"<Response><Speak>Hello 14155550188</Speak></Response>"
    assert document.fill_in(None).body == b"<Response><Speak>Hello you</Speak></Response>"


def test_a_document_without_placeholders_is_the_same_bytes_for_every_callback(
    types: Catalogue,
) -> None:
    document, _ = made(types, "<Response><Speak>Hello {you}</Speak></Response>")
    assert document.template is None
    assert document.fill_in(callback(types, urlencode(CALL))) is document.reply
