"""An API request as its endpoint sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.emulator.api.answers import Answer, refuse_unknown
from bridge.emulator.api.arguments import Arguments
from bridge.emulator.directory import Directory
from bridge.emulator.machine.leg import Account, Leg
from bridge.emulator.machine.machine import Machine
from bridge.emulator.records import Records


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One authenticated request.

    ``account`` is the one whose credentials were used. ``ids`` are those of the path.
    """

    account: Account
    arguments: Arguments
    ids: Mapping[str, str]
    api_id: str
    directory: Directory
    records: Records

    @property
    def path(self) -> str:
        """Return the path of the account, with a slash at its end."""
        return f"/v1/Account/{self.account.auth_id}/"

    def may_see(self, auth_id: str) -> bool:
        """Return whether a resource of an account is shown: its own, and those of its subaccounts."""
        owner = self.directory.accounts.get(auth_id)
        return owner is not None and self.account.auth_id in {auth_id, owner.main_auth_id}

    def find_live_leg(self, machine: Machine) -> Leg:
        """Return the leg that the path names. Raises Refused if it is not there or has ended."""
        leg = machine.world.legs.get(self.ids["call_uuid"])
        if leg is None or leg.ended.is_set or not self.may_see(leg.account.auth_id):
            raise refuse_unknown()
        return leg


Endpoint = Callable[[Machine, ApiRequest], Answer]
"""Returns the answer to a request, or raises Refused."""
