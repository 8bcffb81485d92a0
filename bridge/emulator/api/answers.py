"""Answers of the endpoints, and refusals."""

from dataclasses import dataclass
from http import HTTPStatus

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
Body = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an API request, without its ``api_id``. A 204 has no body."""

    status: HTTPStatus
    body: Body


class Refused(Exception):
    """An API request that Plivo refuses with a status and a sentence."""

    def __init__(self, status: HTTPStatus, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error

    @property
    def answer(self) -> Answer:
        """Return the refusal as an answer."""
        return Answer(self.status, {"error": self.error})


def refuse_argument(name: str, reason: str = "") -> Refused:
    """Return the refusal of an argument that has a value which Plivo does not accept.

    The first words are Plivo's; captures show sentences after them, not always the same.
    """
    return Refused(HTTPStatus.BAD_REQUEST, f"{name} parameter is invalid. {reason}".rstrip())


def refuse_missing(name: str) -> Refused:
    """Return the refusal of a request without a required argument, in Plivo's words."""
    return Refused(HTTPStatus.BAD_REQUEST, f"{name} parameter is missing")


def refuse_unknown() -> Refused:
    """Return the refusal of a request for a resource that is not there."""
    return Refused(HTTPStatus.NOT_FOUND, "not found")
