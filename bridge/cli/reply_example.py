"""Say which rule answers an example callback, and with what."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode

from bridge.callbacks.model import CallbackType, list_fields
from bridge.core.catalogue import SHARED_PATH, load_catalogue
from bridge.core.parameters import FORM, parse_parameters
from bridge.core.parse import Callback, Parser
from bridge.core.request import RawCallback, index_headers
from bridge.core.verify import Unverified, VerificationFault
from bridge.reply.chosen import Ask
from bridge.reply.rules import Forward, Rules, find_parties
from bridge.settings.file import SettingsFile

# No rule depends on the time.
_RECEIVED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Example:
    """An example callback. A field that is None does not meet any condition about it."""

    called: str | None
    calling: str | None
    account: str | None
    path: str | None


@dataclass(frozen=True, slots=True)
class ExampleReply:
    """The reply to an example callback: what Plivo gets at once, or if the application fails.

    ``rule`` and ``line`` are None if no rule matches. ``document`` is a file, ``application`` a name.
    """

    type: str
    rule: str | None
    line: int | None
    document: str | None
    application: str | None
    origin: str | None
    status: int
    body: str
    meaning: str


def explain_reply(
    rules: Rules, file: SettingsFile, kind: CallbackType, example: Example
) -> ExampleReply:
    """Return the reply to a callback of a type, its other parameters as in the type's first sample."""
    callback = _make_callback(kind, example)
    rule = rules.find_rule(callback)
    chosen = rules.choose(callback)
    reply = chosen.fallback if isinstance(chosen, Ask) else chosen.reply
    document = application = origin = line = None
    if rule is None:
        meaning = f"no rule matches: Plivo gets {reply.body.decode() or 'an empty answer'}"
    else:
        line = file.find_line(("rules", rules.rules.index(rule)))
        subject = f"rule {rule.name} ({file.path}, line {line})"
        if isinstance(rule.answer, Forward):
            application = rule.answer.application
            origin = rules.applications[application].origin
            if isinstance(chosen, Ask):
                fallback = rule.answer.find_fallback(kind)
                document = fallback.name if fallback is not None else None
                otherwise = document or f"status {reply.status}, so Plivo turns to the fallback URL"
                meaning = f"{subject} asks {application} at {origin}; if it fails: {otherwise}"
            else:
                meaning = f"{subject} sends it on to {application} at {origin}"
        else:
            document = rule.answer.name
            meaning = f"{subject} answers with {document}"
    return ExampleReply(
        type=kind.name,
        rule=None if rule is None else rule.name,
        line=line,
        document=document,
        application=application,
        origin=origin,
        status=reply.status,
        body=reply.body.decode(),
        meaning=meaning,
    )


def _make_callback(kind: CallbackType, example: Example) -> Callback:
    """Return the type's first sample with the parties, the account and the path of the example."""
    parties, fields = find_parties(kind), list_fields(kind.model)
    pairs = dict(parse_qsl(next(iter(kind.samples.values()), "")))
    for field, number in ((parties.called, example.called), (parties.calling, example.calling)):
        names = fields[field][1].names if field is not None else ()
        for name in names:
            pairs.pop(name, None)
        if names and number is not None:
            pairs[names[0]] = number
    path, _, query = (example.path or (kind.path if kind.has_path else SHARED_PATH)).partition("?")
    raw = RawCallback(
        method="POST",
        origin="",
        public_origin="",
        path=path,
        query=query,
        headers=index_headers([("content-type", FORM)]),
        body=urlencode(pairs).encode(),
        remote_address="",
        received_at=_RECEIVED_AT,
    )
    verdict = Unverified(
        raw, parse_parameters(raw), example.account, "UTC", VerificationFault.NOT_CHECKED
    )
    return Parser(load_catalogue()).parse(verdict, kind)
