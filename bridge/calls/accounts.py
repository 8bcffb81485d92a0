"""Whose callbacks are a call's, where several accounts sent callbacks about one id.

1. Plivo gives each call an id of its own, so callbacks of two accounts about one id mean that somebody
   sent what is not theirs to say. A call is of the account of the first verified callback about it; only
   where none is verified, of the first one's.
2. Callbacks of other accounts stay in the time line, marked with their account. Nothing that they say
   counts: no leg, no cost, no gap, no duplicate, and no id is followed from them.
3. A callback that is not verified, and is of no other account, is of the call (with
   ``BRIDGE_VERIFICATION`` report or off it may be all there is). What a verified one says goes before
   what it says, and what only it says is marked as not verified.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.calls.find import FoundCall, TimelineEntry, find_account, split_by_account


@dataclass(frozen=True, slots=True)
class CallAccounts:
    """A call as its own account has it, and the callbacks of others about it: rules 1 and 2."""

    account: str | None
    own: FoundCall
    others: Sequence[TimelineEntry]

    @property
    def other_positions(self) -> frozenset[str]:
        """Return where the callbacks of other accounts lie."""
        return frozenset(one.position for one in self.others)

    @property
    def other_accounts(self) -> list[str]:
        """Return the other accounts, each once."""
        return list(dict.fromkeys(one.account for one in self.others if one.account is not None))


def split_accounts(found: FoundCall) -> CallAccounts:
    """Return what was found, parted by account."""
    own, others = split_by_account(found.entries, found.id)
    return CallAccounts(find_account(found.entries, found.id), replace(found, entries=own), others)
