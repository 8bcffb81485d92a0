"""The API of an emulated Plivo on virtual time, without HTTP."""

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from bridge.emulator.api.answers import Answer, Refused
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.api.requests import ApiRequest, Endpoint
from bridge.emulator.directory import Application, Directory, Number
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.machine import Machine
from bridge.emulator.machine.world import Conditions, FindPerson, World, answer_everybody
from bridge.emulator.records import Records
from bridge.emulator.virtual import VirtualDriver
from tests.emulator.machines import ACCOUNT, BEGIN, CALLEE, CALLER, URLS, Receiver

SUBACCOUNT: Final = Account(
    "SAXXXXXXXXXXXXXXXXXX", ("sub-token",), ZoneInfo("Asia/Kolkata"), ACCOUNT.auth_id
)
STRANGER: Final = Account("MAYYYYYYYYYYYYYYYYYY", ("other-token",), ZoneInfo("UTC"))
DIRECTORY: Final = Directory(
    [ACCOUNT, SUBACCOUNT, STRANGER],
    [
        Application("1", ACCOUNT.auth_id, URLS, name="Menu"),
        Application("2", SUBACCOUNT.auth_id, URLS, name="Surveys"),
    ],
    [
        Number("14155550177", ACCOUNT.auth_id, "1"),
        Number("14155550178", SUBACCOUNT.auth_id, "2"),
        Number("44205550179", ACCOUNT.auth_id),
    ],
)
PLACE: Final = {
    "from": CALLER,
    "to": CALLEE,
    "answer_url": URLS.answer[0],
    "ring_url": URLS.ring[0],
    "hangup_url": URLS.hangup[0],
}
WAIT: Final = {"answer": "<Wait length='600'/>"}


class VirtualPlivo:
    """Asks endpoints, and lets time pass."""

    def __init__(
        self,
        documents: Mapping[str, str] = WAIT,
        *,
        conditions: Conditions | None = None,
        find_person: FindPerson = answer_everybody,
    ) -> None:
        world = World(BEGIN, conditions=conditions, find_person=find_person)
        self.driver = VirtualDriver(Machine(world), Receiver(documents))
        self.records = Records()
        self._recorded = 0
        self._requests = 0

    @property
    def machine(self) -> Machine:
        """Return the machine."""
        return self.driver.machine

    def run(self, seconds: float | None = None) -> None:
        """Let time pass; None: until nothing is left to do."""
        now = self.machine.world.now
        at = now if seconds is None else now.fromtimestamp(now.timestamp() + seconds, now.tzinfo)
        self.driver.run(None if seconds is None else at)
        for ended in self.driver.ended[self._recorded :]:
            self.records.observe(self.machine.world, ended)
        self._recorded = len(self.driver.ended)

    def ask(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, object] | None = None,
        *,
        account: Account = ACCOUNT,
        **ids: str,
    ) -> Answer:
        """Return the answer of an endpoint, or its refusal as an answer."""
        self._requests += 1
        request = ApiRequest(
            account,
            Arguments(arguments or {}),
            ids,
            f"api-{self._requests}",
            DIRECTORY,
            self.records,
        )

        def act(machine: Machine) -> Answer:
            try:
                return endpoint(machine, request)
            except Refused as refused:
                return refused.answer

        return self.driver.do(act)

    def types(self) -> list[str]:
        """Return the types of the callbacks so far."""
        return [one.type for one in self.driver.requests]
