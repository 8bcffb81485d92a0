"""What a customer has set up at Plivo: accounts and subaccounts, applications, numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.emulator.machine.leg import Account, CallUrls


@dataclass(frozen=True, slots=True)
class Application:
    """A Plivo application: the URLs of the calls and messages of its numbers."""

    app_id: str
    auth_id: str
    urls: CallUrls
    message: tuple[str, str] = ("", "POST")
    name: str = "Emulated application"


@dataclass(frozen=True, slots=True)
class Number:
    """A rented number, without ``+``. Without ``app_id`` nobody answers its calls."""

    number: str
    auth_id: str
    app_id: str | None = None
    alias: str = ""


class Directory:
    """Accounts by auth id, applications by their id, numbers by number; each in order of entry.

    Raises ValueError if something names an account or application that is not there.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        applications: Iterable[Application] = (),
        numbers: Iterable[Number] = (),
    ) -> None:
        self._accounts = {one.auth_id: one for one in accounts}
        self._applications: dict[str, Application] = {}
        self._numbers: dict[str, Number] = {}
        for account in self._accounts.values():
            self._check_account(account.main_auth_id, f"subaccount {account.auth_id}")
        for application in applications:
            self.add_application(application)
        for number in numbers:
            self.add_number(number)

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Return the accounts and subaccounts."""
        return self._accounts

    @property
    def applications(self) -> Mapping[str, Application]:
        """Return the applications."""
        return self._applications

    @property
    def numbers(self) -> Mapping[str, Number]:
        """Return the rented numbers."""
        return self._numbers

    def add_application(self, application: Application) -> None:
        """Add an application, or replace the one with the same id."""
        self._check_account(application.auth_id, f"application {application.app_id}")
        self._applications[application.app_id] = application

    def add_number(self, number: Number) -> None:
        """Add a number, or replace it."""
        self._check_account(number.auth_id, f"number {number.number}")
        if number.app_id is not None and number.app_id not in self._applications:
            message = (
                f"number {number.number} names application {number.app_id}, which is not there"
            )
            raise ValueError(message)
        self._numbers[number.number] = number

    def find_application(self, number: str) -> Application | None:
        """Return the application that answers a number; None if nothing answers it."""
        rented = self._numbers.get(number.removeprefix("+"))
        return self._applications.get(rented.app_id) if rented and rented.app_id else None

    def _check_account(self, auth_id: str, what: str) -> None:
        if auth_id not in self._accounts:
            message = f"{what} names account {auth_id}, which is not there"
            raise ValueError(message)
