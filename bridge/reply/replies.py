"""The rules in use, as the other rooms see them: they are replaced while the bridge runs."""

from collections.abc import Callable

from bridge.callbacks.model import CallbackType
from bridge.core.parse import Callback
from bridge.core.verify import Unverified, Verified
from bridge.reply.application_paths import ApplicationPath
from bridge.reply.chosen import Ask, Given
from bridge.reply.rules import Rules


class Replies:
    """The rules in use. Ask again for each callback: the file of rules may have changed."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._followers: list[Callable[[Rules], None]] = []

    def replace_rules(self, rules: Rules) -> None:
        """Replace all rules and applications."""
        self.rules = rules
        for follow in self._followers:
            follow(rules)

    def follow(self, follow: Callable[[Rules], None]) -> None:
        """Call ``follow`` with the rules whenever they were replaced."""
        self._followers.append(follow)

    def choose(self, callback: Callback) -> Given | Ask:
        """Return how a callback is answered."""
        return self.rules.choose(callback)

    def find_forward(self, callback: Callback) -> str | None:
        """Return the application that a notification is sent on to, None if there is none."""
        return self.rules.find_forward(callback)

    def find_application(self, path: str) -> ApplicationPath | None:
        """Return the application that a path names, None if it names none."""
        return self.rules.find_application(path)

    def choose_without_event(
        self, verdict: Verified | Unverified, route: CallbackType | None
    ) -> Given | Ask:
        """Return how a callback is answered of which no event can be made."""
        return self.rules.choose_without_event(verdict, route)
