"""Choose the account of a call if several accounts sent callbacks about its id.

1. Plivo gives each call an id of its own. So if two accounts send callbacks about one id, one of them
   is false. A call belongs to the account of its first verified callback; if none is verified, to that
   of the first callback.
2. Callbacks of other accounts stay in the timeline, marked with their account. They count for nothing
   else: no leg, no cost, no gap, no duplicate, and no id is followed from them.
3. A callback that is not verified, and names no other account, belongs to the call (with
   ``BRIDGE_VERIFICATION`` report or off there may be no others). Verified values take precedence, and
   values from unverified callbacks only are marked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.calls.find import FoundCall, TimelineEntry, find_account, split_by_account


@dataclass(frozen=True, slots=True)
class CallAccounts:
    """A call with the callbacks of its own account, and those of others: rules 1 and 2."""

    account: str | None
    own: FoundCall
    others: Sequence[TimelineEntry]

    @property
    def other_positions(self) -> frozenset[str]:
        """Return the positions of other accounts' callbacks."""
        return frozenset(one.position for one in self.others)

    @property
    def other_accounts(self) -> list[str]:
        """Return the other accounts, each once."""
        return list(dict.fromkeys(one.account for one in self.others if one.account is not None))


def split_accounts(found: FoundCall) -> CallAccounts:
    """Return what was found, split by account."""
    own, others = split_by_account(found.entries, found.id)
    return CallAccounts(find_account(found.entries, found.id), replace(found, entries=own), others)
