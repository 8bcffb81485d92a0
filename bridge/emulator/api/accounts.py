"""Show accounts, subaccounts, applications and numbers.

They are set up in the emulator, so the API only reads them.
Fields are those of the SDKs' fixtures. What an emulator cannot know is null.
"""

from http import HTTPStatus
from typing import Final

from bridge.emulator.api.answers import Answer, Body, refuse_unknown
from bridge.emulator.api.filters import matches_number
from bridge.emulator.api.pages import answer_page
from bridge.emulator.api.requests import ApiRequest
from bridge.emulator.directory import Application, Number
from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.machine import Machine

_APPLICATION_FILTERS: Final = ("app_name", "subaccount")
_NUMBER_FILTERS: Final = ("alias", "number_startswith", "subaccount")


def get_account(_machine: Machine, request: ApiRequest) -> Answer:
    """Return the account of the credentials."""
    return Answer(HTTPStatus.OK, _show_account(request.account))


def list_subaccounts(_machine: Machine, request: ApiRequest) -> Answer:
    """List the subaccounts of the account."""
    owner = request.account.auth_id
    found = [one for one in request.directory.accounts.values() if one.parent_auth_id == owner]
    return answer_page(
        found, _show_subaccount, request.arguments, path=f"{request.path}Subaccount/"
    )


def get_subaccount(_machine: Machine, request: ApiRequest) -> Answer:
    """Return one subaccount of the account."""
    found = request.directory.accounts.get(request.ids["subaccount_id"])
    if found is None or found.parent_auth_id != request.account.auth_id:
        raise refuse_unknown()
    return Answer(HTTPStatus.OK, _show_subaccount(found))


def list_applications(_machine: Machine, request: ApiRequest) -> Answer:
    """List applications."""
    arguments = request.arguments
    found = [
        one
        for one in request.directory.applications.values()
        if request.may_see(one.auth_id)
        and one.name.startswith(arguments.read_text("app_name"))
        and arguments.read_text("subaccount") in {"", one.auth_id}
    ]
    return answer_page(
        found,
        lambda one: _show_application(one, request),
        arguments,
        path=f"{request.path}Application/",
        filter_names=_APPLICATION_FILTERS,
    )


def get_application(_machine: Machine, request: ApiRequest) -> Answer:
    """Return one application."""
    found = request.directory.applications.get(request.ids["app_id"])
    if found is None or not request.may_see(found.auth_id):
        raise refuse_unknown()
    return Answer(HTTPStatus.OK, _show_application(found, request))


def list_numbers(_machine: Machine, request: ApiRequest) -> Answer:
    """List rented numbers."""
    arguments = request.arguments
    found = [
        one
        for one in request.directory.numbers.values()
        if request.may_see(one.auth_id)
        and matches_number(arguments.read_text("number_startswith"), one.number)
        and arguments.read_text("alias") in {"", one.alias}
        and arguments.read_text("subaccount") in {"", one.auth_id}
    ]
    return answer_page(
        found,
        lambda one: _show_number(one, request),
        arguments,
        path=f"{request.path}Number/",
        filter_names=_NUMBER_FILTERS,
    )


def get_number(_machine: Machine, request: ApiRequest) -> Answer:
    """Return one rented number."""
    found = request.directory.numbers.get(request.ids["number"].removeprefix("+"))
    if found is None or not request.may_see(found.auth_id):
        raise refuse_unknown()
    return Answer(HTTPStatus.OK, _show_number(found, request))


def _show_account(account: Account) -> Body:
    is_subaccount = account.parent_auth_id is not None
    return {
        "account_type": "subaccount" if is_subaccount else "standard",
        "address": "",
        "auth_id": account.auth_id,
        "auto_recharge": False,
        "billing_mode": "prepaid",
        "cash_credits": "100.00000",
        "city": "",
        "name": account.name,
        "resource_uri": f"/v1/Account/{account.auth_id}/",
        "state": "",
        "timezone": account.zone.key,
    }


def _show_subaccount(account: Account) -> Body:
    return {
        "account": f"/v1/Account/{account.main_auth_id}/",
        "auth_id": account.auth_id,
        "auth_token": account.auth_tokens[0],
        "created": None,
        "enabled": True,
        "modified": None,
        "name": account.name,
        "resource_uri": _find_subaccount_uri(account),
    }


def _find_subaccount_uri(account: Account) -> str | None:
    """Return the URI of a subaccount; None for a main account."""
    if account.parent_auth_id is None:
        return None
    return f"/v1/Account/{account.main_auth_id}/Subaccount/{account.auth_id}/"


def _show_application(one: Application, request: ApiRequest) -> Body:
    return {
        "answer_method": one.urls.answer[1],
        "answer_url": one.urls.answer[0],
        "app_id": one.app_id,
        "app_name": one.name,
        "default_app": False,
        "default_endpoint_app": False,
        "enabled": True,
        "fallback_answer_url": one.urls.fallback[0],
        "fallback_method": one.urls.fallback[1],
        "hangup_method": one.urls.hangup[1],
        "hangup_url": one.urls.hangup[0],
        "message_method": one.message[1],
        "message_url": one.message[0],
        "public_uri": False,
        "resource_uri": f"{request.path}Application/{one.app_id}/",
        "sip_uri": f"sip:{one.app_id}@app.plivo.com",
        "sub_account": _find_subaccount_uri(request.directory.accounts[one.auth_id]),
    }


def _show_number(one: Number, request: ApiRequest) -> Body:
    return {
        "active": True,
        "alias": one.alias or None,
        "application": f"{request.path}Application/{one.app_id}/" if one.app_id else None,
        "carrier": "Plivo",
        "mms_enabled": True,
        "monthly_rental_rate": "0.80000",
        "number": one.number,
        "number_type": "local",
        "resource_uri": f"{request.path}Number/{one.number}/",
        "sms_enabled": True,
        "sub_account": _find_subaccount_uri(request.directory.accounts[one.auth_id]),
        "voice_enabled": True,
    }
