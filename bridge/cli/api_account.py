"""The account whose calls a command places and controls, and its connection to Plivo's API."""

from typing import NamedTuple

import typer

from bridge.originate.client import PlivoCalls
from bridge.originate.pace import Pace, Pacer
from bridge.settings.accounts import AccountSettings, SubaccountSettings
from bridge.settings.load import Settings, SettingsRefused


class ApiAccount(NamedTuple):
    """An account or subaccount, and the token that it uses Plivo's API with."""

    auth_id: str
    auth_token: str


def choose_account(settings: Settings, wanted: str | None) -> ApiAccount:
    """Return the account with the auth id ``wanted``; None: the only one of the settings.

    While a token is rotated an account has two; the API gets the first one. Raises SettingsRefused if
    no account has a token, and BadParameter for ``--account``.
    """
    known = {
        one.auth_id: one.auth_tokens[0].get_secret_value()
        for account in settings.accounts
        for one in _with_subaccounts(account)
        if one.auth_tokens
    }
    if not known:
        message = (
            "BRIDGE_ACCOUNTS contains no auth token, and Plivo's API needs one: set BRIDGE_ACCOUNTS or "
            "BRIDGE_ACCOUNTS_FILE"
        )
        raise SettingsRefused(message)
    choices = ", ".join(known)
    if wanted is None and len(known) > 1:
        message = f"is needed, because the settings have several accounts: choose one of {choices}"
        raise typer.BadParameter(message, param_hint="--account")
    auth_id = wanted or next(iter(known))
    if auth_id not in known:
        message = f"the settings have no token of {auth_id}; they have those of {choices}"
        raise typer.BadParameter(message, param_hint="--account")
    return ApiAccount(auth_id, known[auth_id])


def _with_subaccounts(account: AccountSettings) -> list[AccountSettings | SubaccountSettings]:
    return [account, *account.subaccounts]


def connect(settings: Settings, account: ApiAccount) -> PlivoCalls:
    """Return the client of Plivo's API. It connects when it is used.

    Raises SettingsRefused if the environment names a proxy that cannot be used.
    """
    try:
        return PlivoCalls(
            account.auth_id,
            account.auth_token,
            api_url=settings.plivo_api_url,
            pacer=Pacer(Pace(calls_per_s=settings.plivo_calls_per_s)),
        )
    except (ImportError, ValueError) as error:
        # Not the error's own text: it has the URL of the proxy, and a way to install httpx for SOCKS.
        message = (
            "the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names cannot be used: write http:// or "
            "https:// and its host; SOCKS is not supported"
        )
        raise SettingsRefused(message) from error
