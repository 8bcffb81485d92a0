"""Settings of Plivo accounts (BRIDGE_ACCOUNTS), and messages about faults in them."""

import difflib
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import ErrorDetails

from bridge.normalise.time import load_zone

# Plivo's tokens have 40 characters. A much shorter one was truncated, or is a placeholder.
TOKEN_CHARACTERS_MIN: Final = 20

_ACCOUNT_ID: Final = r"^MA[A-Z0-9]{18}$"
_SUBACCOUNT_ID: Final = r"^SA[A-Z0-9]{18}$"
_EITHER_ID: Final = r"(MA|SA)[A-Z0-9]{18}"
_EXAMPLE: Final = '{"auth_id": "MA…", "auth_tokens": ["…"], "timezone": "America/New_York"}'
_ZONE_FORM: Final = (
    "give the zone set in Plivo's console, by its IANA name such as America/New_York"
)
_TEMPLATES: Final = ("$", "%", "{{", "<")
# The chance that 40 random hexadecimal digits have fewer distinct ones is below 1 in 10^16.
_DIFFERENT_CHARACTERS_MIN: Final = 6


def _check_zone(value: str) -> str:
    return load_zone(value).key


def _check_token(value: SecretStr) -> SecretStr:
    fault = token_fault(value.get_secret_value())
    if fault is not None:
        raise ValueError(fault)
    return value


def token_fault(token: str) -> str | None:
    """Return why a text cannot be an auth token, without quoting it; None if it can be one.

    An empty token would be a key that everyone knows, and an auth id is part of every callback. A token
    with a trailing line break differs from Plivo's key, so every callback would be rejected.
    """
    bare = token.strip()
    faults = (
        (not bare, "is blank; remove it, or put the token there"),
        (
            token != bare,
            "has white space around it; remove it (`echo` adds a line break, `printf %s` none)",
        ),
        (len(token.split()) > 1, "has white space in it; a token is one word"),
        (
            not (token.isascii() and token.isprintable()),
            "has an invisible or non-ASCII character in it; copy it again from Plivo's console",
        ),
        (token != token.strip("\"'"), "has quotes around it that are not part of it; remove them"),
        (token.startswith(_TEMPLATES), "is a placeholder; put the token there"),
        (
            re.fullmatch(_EITHER_ID, token) is not None,
            "is an auth id, which is not secret; put the token there",
        ),
        (
            len(token) >= TOKEN_CHARACTERS_MIN and len({*token}) < _DIFFERENT_CHARACTERS_MIN,
            "repeats a few characters, so it can be guessed; copy the token from Plivo's console",
        ),
        (
            len(token) < TOKEN_CHARACTERS_MIN,
            f"is shorter than {TOKEN_CHARACTERS_MIN} characters; copy all of it from Plivo's console",
        ),
    )
    return next((fault for is_so, fault in faults if is_so), None)


Zone = Annotated[str, AfterValidator(_check_zone)]
Token = Annotated[SecretStr, AfterValidator(_check_token)]


class SubaccountSettings(BaseModel):
    """One subaccount of BRIDGE_ACCOUNTS."""

    model_config = ConfigDict(extra="forbid")

    auth_id: str = Field(pattern=_SUBACCOUNT_ID)
    auth_tokens: list[Token] = []
    timezone: Zone | None = None


class AccountSettings(BaseModel):
    """One account of BRIDGE_ACCOUNTS."""

    model_config = ConfigDict(extra="forbid")

    auth_id: str = Field(pattern=_ACCOUNT_ID)
    auth_tokens: list[Token] = []
    timezone: Zone
    subaccounts: list[SubaccountSettings] = []

    @property
    def has_token(self) -> bool:
        """Return whether the account or one of its subaccounts has a token."""
        return bool(self.auth_tokens) or any(one.auth_tokens for one in self.subaccounts)


def locate_fault(
    inside: Sequence[str | int], error: ErrorDetails, accounts: object
) -> tuple[str, str]:
    """Return where in the list of accounts an error is, and a description of it.

    The place looks like `[0].auth_tokens[1] of MA…`. Neither text quotes anything from ``accounts``
    except well-formed auth ids: any other text may be a misplaced token.
    """
    keys = list(inside)
    fault = _describe_fault(keys, error)
    if error["type"] == "extra_forbidden":
        keys.pop()  # the key itself may be a token
    place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    owner = _owner_id(keys, accounts)
    return (f"{place} of {owner}" if owner else place), fault


def _describe_fault(keys: Sequence[str | int], error: ErrorDetails) -> str:
    words = [key for key in keys if isinstance(key, str)]
    word = words[-1] if words else ""
    of_subaccount = "subaccounts" in keys
    if error["type"] == "extra_forbidden":
        return _describe_unknown_key(word, SubaccountSettings if of_subaccount else AccountSettings)
    if error["type"] == "value_error":
        return (
            _describe_wrong_zone(error["input"])
            if word == "timezone"
            else error["msg"].removeprefix("Value error, ")
        )
    element = bool(keys) and isinstance(keys[-1], int)  # an account, or a token
    forms = {
        ("", False): f"accounts are a list, even of one: [{_EXAMPLE}]",
        ("", True): f"an account is an object: {_EXAMPLE}",
        ("auth_id", False): "an auth id is "
        f"{'SA' if of_subaccount else 'MA'} and 18 letters or digits, the letters in upper case",
        ("timezone", False): _ZONE_FORM,
        ("auth_tokens", False): 'auth_tokens is a list, even of one: ["…"]',
        ("auth_tokens", True): 'a token is text in quotes: "…"',
        ("subaccounts", False): 'subaccounts is a list, even of one: [{"auth_id": "SA…"}]',
        ("subaccounts", True): 'a subaccount is an object: {"auth_id": "SA…"}',
    }
    return ("is missing: " if error["type"] == "missing" else "") + forms[word, element]


def _describe_unknown_key(key: str, model: type[BaseModel]) -> str:
    known = list(model.model_fields)
    plain = key.lower().replace("_", "")
    by_plain = {name.replace("_", ""): name for name in known}
    near = difflib.get_close_matches(plain, by_plain, n=1)
    meant = f"did you mean {by_plain[near[0]]}?" if near else f"known are {', '.join(known)}"
    return f"has a key that is not known; {meant}"


def _describe_wrong_zone(given: object) -> str:
    """Describe what is wrong with a zone; quotes only names of existing zones."""
    # Names without a slash, such as EST, are fixed offsets: wrong for any account with summer time.
    zones = {zone.lower(): zone for zone in available_timezones() if "/" in zone}
    plain = given.strip().lower().replace(" ", "_") if isinstance(given, str) else ""
    near = difflib.get_close_matches(plain, zones, n=1, cutoff=0.8)
    return f"is no zone; did you mean {zones[near[0]]}?" if near else f"is no zone: {_ZONE_FORM}"


def _owner_id(keys: Sequence[str | int], accounts: object) -> str | None:
    """Return the auth id of the account or subaccount at ``keys``, if it is well-formed."""
    owner = None
    value: Any = accounts
    for key in keys:
        try:
            value = value[key]
            auth_id = str(value["auth_id"])
        except (KeyError, IndexError, TypeError):
            continue
        if re.fullmatch(_EITHER_ID, auth_id):
            owner = auth_id
    return owner
