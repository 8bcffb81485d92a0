"""What an emulator sends, as questions for a validator of signatures.

1. A call of an account, and one of its subaccount, by POST and by GET; each with and without a query in
   the URLs, whose fragments hold settings for retries.
2. The account has two active tokens. Every V3 header has a signature of each; V2 headers have one.
3. The plain headers are of the account that owns the call, the ``Ma`` headers of its main account.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from bridge.core import request as wire
from bridge.emulator.machine.calls import CallOrder
from bridge.emulator.machine.leg import Account, CallUrls
from bridge.emulator.sender import WireRequest, to_wire
from tests.emulator.machines import CALLEE, CALLER, HOST, drive

MAIN: Final = Account("MAXXXXXXXXXXXXXXXXXX", ("new-token", "old-token"), ZoneInfo("UTC"))
SUB: Final = Account("SAXXXXXXXXXXXXXXXXXX", ("sub-token",), ZoneInfo("UTC"), MAIN.auth_id)
MENU: Final = "<GetDigits action='https://hooks.example.com/chosen'/><Speak>Grüße</Speak>"
QUERIES: Final = ("", "?team=blue", "?team=blue&note=a%20b%2Bc&empty=")


class Question(NamedTuple):
    """Does this signature hold? ``parameters`` are of the body, none for GET."""

    scheme: str
    method: str
    url: str
    nonce: str
    signature: str
    token: str
    parameters: dict[str, list[str]]
    holds: bool

    def to_json(self) -> dict[str, Any]:
        """Return the question for a validator that is not Python's."""
        return self._asdict()


def list_questions() -> Iterator[Question]:
    """Yield questions about every request of the calls: by the right token, and by a wrong one."""
    for account in (MAIN, SUB):
        for request in send_calls(account):
            v3 = (("v3", wire.SIGNATURE_V3, account), ("v3", wire.SIGNATURE_MA_V3, MAIN))
            v2 = (("v2", wire.SIGNATURE_V2, account), ("v2", wire.SIGNATURE_MA_V2, MAIN))
            for scheme, header, owner in (*v3, *v2):
                tokens = owner.auth_tokens if scheme == "v3" else owner.auth_tokens[:1]
                for token in tokens:
                    yield ask(request, scheme, header, token, holds=True)
                wrong = (SUB if owner is MAIN else MAIN).auth_tokens[0]
                yield ask(request, scheme, header, wrong, holds=False)


def ask(request: WireRequest, scheme: str, header: str, token: str, *, holds: bool) -> Question:
    nonce = request.headers[wire.NONCE_V3 if scheme == "v3" else wire.NONCE_V2]
    return Question(
        scheme,
        request.method,
        request.url,
        nonce,
        request.headers[header],
        token,
        parse_qs(request.body.decode(), keep_blank_values=True),
        holds,
    )


def send_calls(account: Account) -> Iterator[WireRequest]:
    """Yield the requests of calls of an account, as they go over the wire."""
    for method in ("POST", "GET"):
        for query in QUERIES:
            answer, ring, hangup = (
                (f"{HOST}/{name}{query}#rp=all&rc=5", method)
                for name in ("answer", "ring", "hangup")
            )
            order = CallOrder(account, CALLER, CALLEE, CallUrls(answer, ring, hangup))
            driver = drive({"answer": MENU}, order=order)
            requests = [to_wire(one, account, MAIN) for one in driver.requests]
            assert len(requests) == 3
            assert {one.method for one in requests} == {method}
            yield from requests
