"""Explain what went wrong with a request to Plivo's API: the problem in words, and the remedy.

1. The status decides, and for 400 also Plivo's words, which name the faulty parameter.
2. Statuses are those of Plivo's pages and SDKs; what an operator can do about each is ours.
3. Every explanation has a stable code, which programs compare.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple, cast

import orjson

# Longer words of an error are no sentence of Plivo's.
_ERROR_CHARACTERS_MAX: Final = 500
# Something between us and Plivo waited no longer; 499 is that of nginx. Plivo may have the request.
_GAVE_UP: Final = frozenset({408, 499})
_FAULTY: Final = re.compile(r"(\w+) parameter is (missing|invalid)", re.ASCII)


class Explanation(NamedTuple):
    """A problem and its remedy, which is empty if there is nothing to do. ``code`` is stable."""

    code: str
    problem: str
    remedy: str

    @property
    def text(self) -> str:
        """Return both in one line."""
        return f"{self.problem}: {self.remedy}" if self.remedy else self.problem


class ApiAnswer(NamedTuple):
    """An answer of the API. ``body`` is None if it is no JSON object, or was cut off."""

    status: int
    body: Mapping[str, object] | None
    text: str = ""

    @property
    def is_success(self) -> bool:
        """Return True for 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_refusal(self) -> bool:
        """Return True if the request was certainly not carried out: 4xx, unless it says who gave up."""
        is_4xx = HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return is_4xx and self.status not in _GAVE_UP

    @property
    def api_id(self) -> str | None:
        """Return Plivo's id of the request; None if the answer has none."""
        return self._read("api_id") or None

    @property
    def message(self) -> str:
        """Return Plivo's message, such as ``call fired``."""
        return self._read("message")

    @property
    def error(self) -> str:
        """Return Plivo's words about an error. A 401 may have plain text."""
        words = self._read("error") or self.text
        return " ".join(words.split())[:_ERROR_CHARACTERS_MAX]

    def _read(self, name: str) -> str:
        value = (self.body or {}).get(name, "")
        return value if isinstance(value, str) else orjson.dumps(value).decode()


def parse_answer(status: int, content: bytes | None) -> ApiAnswer:
    """Return an answer. ``content`` None: the body was cut off, or is too long."""
    if content is None:
        return ApiAnswer(status, None)
    try:
        body: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict):
        return ApiAnswer(status, cast("dict[str, object]", body))
    is_page = content.lstrip().startswith(b"<")
    return ApiAnswer(status, None, "" if is_page else content.decode(errors="replace"))


class PlivoError(Exception):
    """A request to Plivo's API did not do what it should. ``explanation`` says why and what to do."""

    def __init__(self, explanation: Explanation, answer: ApiAnswer | None = None) -> None:
        super().__init__(explanation.text)
        self.explanation = explanation
        self.answer = answer


class NotSent(PlivoError):
    """The request never left: Plivo does not have it."""


class RequestRefused(PlivoError):
    """Plivo refused the request, and did nothing."""


class OutcomeUnknown(PlivoError):
    """Plivo may have carried out the request, or not."""


NOT_PLIVO: Final = Explanation(
    "not_plivo",
    "the answer has a status of success, but is not one of Plivo's",
    "check the address of the API and what lies between; the callbacks and Plivo's list of calls "
    "show whether it dialled",
)
NO_ANSWER: Final = Explanation(
    "no_answer",
    "the connection broke, or time ran out, before there was an answer",
    "Plivo may have carried it out; the callbacks and Plivo's list of calls show that",
)
NO_CONNECTION: Final = Explanation(
    "no_connection",
    "no connection to Plivo's API could be made, so nothing was sent",
    "check the address of the API, DNS, proxy, firewall and certificates, then send it again",
)
ABANDONED: Final = Explanation(
    "abandoned",
    "the process that sent the request ended before it wrote the outcome down",
    "Plivo may have carried it out; the callbacks and Plivo's list of calls show that",
)
NOT_REACHED: Final = Explanation(
    "not_reached",
    "not sent, because an earlier part of the request showed that this one could not succeed either",
    "remove the cause, then request these destinations again",
)
_BY_STATUS: Final[Mapping[int, Explanation]] = {
    HTTPStatus.BAD_REQUEST: Explanation(
        "bad_request", "Plivo refused the request", "correct what its words name"
    ),
    HTTPStatus.UNAUTHORIZED: Explanation(
        "credentials",
        "Plivo does not know these credentials",
        "check auth id and auth token of the account in the settings; a subaccount has its own token",
    ),
    HTTPStatus.PAYMENT_REQUIRED: Explanation(
        "credit", "the account has no credit", "recharge the account in Plivo's console"
    ),
    HTTPStatus.FORBIDDEN: Explanation(
        "forbidden",
        "the account may not do this",
        "check in Plivo's console the geographic permissions for the destination's country, and "
        "whether the account's list of allowed IP addresses has this machine's",
    ),
    HTTPStatus.NOT_FOUND: Explanation(
        "not_found",
        "Plivo knows no such call, request or account now",
        "a call that has ended, or a request whose call was answered, is not found; check the id",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: Explanation(
        "method", "the address does not take this method", "check the address of the API"
    ),
    HTTPStatus.CONFLICT: Explanation(
        "conflict",
        "the request contradicts the state of the call or account",
        "look at the call (or account) first, then send it again if it still applies",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: Explanation(
        "unprocessable", "Plivo understood the request, but cannot do it", "correct what its words name"
    ),
    HTTPStatus.TOO_MANY_REQUESTS: Explanation(
        "too_many_requests",
        "the account sent more than 300 requests in 5 seconds",
        "send fewer at a time, also from other programs with this account",
    ),
}  # fmt: skip
_COMPLIANCE: Final = Explanation(
    "compliance",
    "Plivo refused the caller's number, because its compliance is not approved",
    "complete the compliance of the number in Plivo's console (India asks for it)",
)


def explain_refusal(answer: ApiAnswer) -> Explanation:
    """Return why Plivo refused a request: rule 1."""
    words = answer.error
    known = _BY_STATUS.get(answer.status) or Explanation(
        "refused", f"the request was refused with status {answer.status}", "correct the request"
    )
    if answer.status == HTTPStatus.BAD_REQUEST:
        known = _explain_bad_request(words) or known
    return known._replace(problem=f"{known.problem} ({words})") if words else known


def _explain_bad_request(words: str) -> Explanation | None:
    faulty = _FAULTY.search(words)
    if faulty and faulty[2] == "missing":
        return Explanation("missing_parameter", f"{faulty[1]} is missing", f"give {faulty[1]}")
    if faulty:
        return Explanation(
            "invalid_parameter", f"Plivo does not take this {faulty[1]}", f"correct {faulty[1]}"
        )
    return _COMPLIANCE if "complian" in words.lower() else None


def explain_unknown(answer: ApiAnswer) -> Explanation:
    """Return why an answer does not tell whether the request was carried out."""
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return Explanation(
            "redirect",
            f"the address of the API leads elsewhere (status {answer.status}), and was not followed",
            "correct the address of the API; Plivo does not redirect",
        )
    return Explanation(
        "server_error",
        f"Plivo, or something before it, failed with status {answer.status}",
        "Plivo may have carried it out; the callbacks and Plivo's list of calls show that",
    )
