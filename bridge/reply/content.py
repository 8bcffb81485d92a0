"""Check the text of an element, and the targets that it names.

Sources: Plivo's SSML page limits one <Speak> to 3,000 characters and requires a Polly voice for SSML. We
saw an empty <Number> end the call with hangup code 8011.
"""

from collections.abc import Callable, Iterator
from typing import Final, assert_never

from bridge.reply import urls
from bridge.reply.attributes import check_retry_settings
from bridge.reply.elements import ELEMENTS, Content, Element, find_call_element
from bridge.reply.finding import Finding, closest_name, finding_at
from bridge.reply.tree import Node
from bridge.reply.twiml import ATTRIBUTE_EQUIVALENTS, find_verb

SPOKEN_CHARACTERS_MAX: Final = 3_000

_VOICES: Final = frozenset({"MAN", "WOMAN"})
_POLLY: Final = "Polly."
# The Hangup page.
_REASONS: Final = frozenset({"rejected", "busy"})


def check_content(node: Node, element: Element) -> Iterator[Finding]:
    """Yield every fault of an element's text, and of its target."""
    text = node.text.strip()
    match element.content:
        case Content.NOTHING:
            if text:
                yield finding_at(node, "warning", "Plivo ignores the text in it")
        case Content.SPEECH:
            pass
        case Content.NAME:
            if not text:
                yield finding_at(node, "error", "it is empty", f"write {element.target_text}")
        case Content.URL:
            yield from _check_url_in_text(node, element, text)
        case Content.WEBSOCKET:
            yield from _check_websocket(node, element, text)
        case _:
            assert_never(element.content)
    yield from _CHECKS_BY_ELEMENT.get(element.name, _check_nothing)(node)


def _check_url_in_text(node: Node, element: Element, text: str) -> Iterator[Finding]:
    equivalents = [ATTRIBUTE_EQUIVALENTS.get((element.name, name)) for name in node.attributes]
    hint = "".join(f", or use {one}" for one in equivalents if one)
    if not text:
        yield finding_at(node, "error", "it is empty", f"write {element.target_text}{hint}")
    elif not urls.is_absolute(text):
        fault = f"its text is not an absolute URL: {urls.redacted(text)}"
        speak = ", or use <Speak> for words" if element.name == "Play" else ""
        yield finding_at(node, "error", fault, f"write {element.target_text}{speak}")
    else:
        yield from check_retry_settings(node, "", text, is_retried="" in element.retry_attributes)


def _check_websocket(node: Node, element: Element, text: str) -> Iterator[Finding]:
    if urls.is_websocket(text):
        yield from check_retry_settings(node, "", text, is_retried=False)
    elif urls.is_absolute(text):
        yield finding_at(
            node,
            "warning",
            f"its text is not a WebSocket URL: {urls.redacted(text)}",
            "write wss://",
        )
    elif node.attributes.keys() - element.attributes and not text:
        # A newer attribute may name the target of the stream, as ``cx_bot`` does in Plivo's API.
        yield finding_at(node, "warning", "it is empty", f"write {element.target_text}")
    else:
        fault = f"its text is not an absolute URL: {urls.redacted(text)}" if text else "it is empty"
        yield finding_at(node, "error", fault, f"write {element.target_text}: wss://host/path")


def _check_nothing(_node: Node) -> Iterator[Finding]:
    return iter(())


def _check_dial(node: Node) -> Iterator[Finding]:
    dial = ELEMENTS["Dial"]
    # An element that we do not know may be the target: rule 3 of ``check``.
    if any(child.name in dial.children or may_be_new(child, dial) for child in node.children):
        return
    in_text = node.text.strip()
    remedy = "put the number into <Number>" if in_text else f"name {dial.target_text}"
    yield finding_at(node, "error", "it has no target", remedy)


def _check_dtmf(node: Node) -> Iterator[Finding]:
    if not node.text.strip() and not node.attributes.get("digits"):
        yield finding_at(node, "warning", "it is empty", "write the digits to send")


def _check_message(node: Node) -> Iterator[Finding]:
    if not node.text.strip():
        yield finding_at(node, "warning", "it is empty", "write the words of the message")


def _check_sip(node: Node) -> Iterator[Finding]:
    fault = "only one page of Plivo's has it; the page on Dial and the SDKs do not"
    yield finding_at(node, "warning", fault, "use <User>")


def _check_speak(node: Node) -> Iterator[Finding]:
    voice = node.attributes.get("voice", "").strip()
    has_markup = bool(node.children)
    if voice and voice not in _VOICES and not voice.startswith(_POLLY):
        remedy = "write WOMAN, MAN, or a name such as Polly.Joanna"
        yield finding_at(node, "warning", f"{voice[:40]!r} is not a voice of Plivo's", remedy)
    elif has_markup and not voice.startswith(_POLLY):
        remedy = 'write for example voice="Polly.Joanna"'
        yield finding_at(node, "warning", "SSML needs a Polly voice", remedy)
    characters, with_markup = _count_characters(node)
    if characters > SPOKEN_CHARACTERS_MAX:
        fault = f"{characters} characters; Plivo speaks at most {SPOKEN_CHARACTERS_MAX} of SSML"
        is_ssml = has_markup or voice.startswith(_POLLY)
        yield finding_at(node, "error" if is_ssml else "warning", fault, "use several <Speak>")
    elif with_markup > SPOKEN_CHARACTERS_MAX:
        # Polly does not count tags. No page says whether Plivo counts them.
        fault = (
            f"{with_markup} characters with its tags; Plivo may speak only {SPOKEN_CHARACTERS_MAX}"
        )
        yield finding_at(node, "warning", fault, "use several <Speak>")
    elif not characters:
        yield finding_at(node, "warning", "it is empty", "write the words to speak")


def _check_hangup(node: Node) -> Iterator[Finding]:
    reason = node.attributes.get("reason")
    if reason is not None and reason not in _REASONS:
        yield finding_at(
            node, "warning", "Plivo does not know this reason", "write rejected or busy"
        )


def _count_characters(node: Node) -> tuple[int, int]:
    """Return the characters of an element and its children: without the tags, and with them."""
    waiting, texts, tags = list(node.children), [node.text], 0
    while waiting:
        one = waiting.pop()
        texts.append(one.text)
        tags += sum(len(f' {name}=""{value}') for name, value in one.attributes.items())
        tags += (
            len(f"<{one.name}></{one.name}>") if one.text or one.children else len(f"<{one.name}/>")
        )
        waiting += one.children
    characters = len("".join(texts).strip())
    return characters, characters + tags


_CHECKS_BY_ELEMENT: Final[dict[str, Callable[[Node], Iterator[Finding]]]] = {
    "Dial": _check_dial,
    "DTMF": _check_dtmf,
    "Hangup": _check_hangup,
    "Message": _check_message,
    "Sip": _check_sip,
    "Speak": _check_speak,
}


def may_be_new(child: Node, within: Element) -> bool:
    """Return True if an element may be new at Plivo: nobody documents it, and nothing is similar."""
    is_known = child.name in ELEMENTS or find_call_element(child.name) is not None
    return (
        not is_known
        and find_verb(child.name) is None
        and closest_name(child.name, within.children) is None
    )
