"""Build the journal record of the answer that a customer's application gave to a callback.

1. The bridge publishes the callback's own journal record while the application works, so that record
   cannot hold the answer: its ``reply`` is null, and ``reply_from`` names the application. The answer is
   a second record with the same key and the header ``journal_kind``, whose value is ``answer``.
2. The headers ``callback_type`` and ``event_id`` (``callback_id`` if the callback has no event) are
   those of the callback's record, so that the two can be joined. So is the timestamp: a reader of a
   period finds both.
3. An answer without its record means that the process died before it was stored, or that it could not be
   stored, which is counted (``answers_not_stored_total``).
"""

from typing import Annotated, Final, Literal, NamedTuple, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from bridge import __version__
from bridge.core.journal import JOURNAL_KIND, JSON_CONTENT_TYPE, JournalKind, SentReply
from bridge.core.record import Record, encode_json, text_or_base64

ANSWER_SCHEMA_PATH: Final = "journal.answer/1.0.json"

GivenBy = Literal["application", "fallback", "status"]

_JOINED_BY: Final = frozenset({"callback_type", "event_id", "callback_id"})


class Failure(NamedTuple):
    """Why an application gave no answer that Plivo can use: a stable code, and the details."""

    code: str
    detail: str


class Answered(NamedTuple):
    """The answer to a callback that a rule forwarded to an application.

    ``duration_ms`` is how long the application took, or how long it was waited for.
    """

    rule: str
    application: str
    given_by: GivenBy
    duration_ms: int
    failure: Failure | None
    reply: SentReply


class FailureValue(TypedDict):
    """Why the application gave no answer that Plivo can use."""

    code: Annotated[str, Field(description="A stable code.")]
    detail: Annotated[str, Field(description="Details, in words.")]


class AnswerGiven(TypedDict):
    """The reply to Plivo."""

    status: Annotated[int, Field(description="HTTP status.")]
    content_type: Annotated[str | None, Field(description="Its content type, if it had a body.")]
    body: NotRequired[Annotated[str, Field(description="The body, if it is UTF-8 text.")]]
    body_base64: NotRequired[Annotated[str, Field(description="The body in base64, otherwise.")]]


class AnswerValue(TypedDict):
    """The answer to a callback that a rule forwarded to a customer's application."""

    rule: Annotated[str, Field(description="The rule that matched the callback.")]
    application: Annotated[str, Field(description="The application that the rule names.")]
    given_by: Annotated[
        GivenBy,
        Field(
            description="`application`: its answer was used. `fallback`: it failed, and the rule's "
            "fallback document was used. `status`: it failed, and Plivo got a status that makes it turn "
            "to the fallback URL."
        ),
    ]
    duration_ms: Annotated[
        int, Field(description="How long the application took, or was waited for, in milliseconds.")
    ]
    failure: Annotated[FailureValue | None, Field(description="Null if the answer was used.")]
    reply: AnswerGiven
    bridge_version: Annotated[str, Field(description="The version of the bridge that asked.")]


def to_answer_record(journal: Record, answered: Answered) -> Record:
    """Return the record of an answer; ``journal`` is its callback's own record: rules 1 and 2."""
    reply = answered.reply
    text, encoded = text_or_base64(reply.body)
    given: AnswerGiven = {"status": reply.status, "content_type": reply.content_type}
    if text is not None:
        given["body"] = text
    if encoded is not None:
        given["body_base64"] = encoded
    failure = answered.failure
    value: AnswerValue = {
        "rule": answered.rule,
        "application": answered.application,
        "given_by": answered.given_by,
        "duration_ms": answered.duration_ms,
        "failure": {"code": failure.code, "detail": failure.detail} if failure else None,
        "reply": given,
        "bridge_version": __version__,
    }
    return journal._replace(
        value=encode_json(value),
        headers=(
            JSON_CONTENT_TYPE,
            (JOURNAL_KIND, JournalKind.ANSWER.encode()),
            *(header for header in journal.headers if header[0] in _JOINED_BY),
        ),
    )
