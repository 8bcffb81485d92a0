"""The rules in use, as the other rooms see them: they are replaced while the bridge runs."""

from collections.abc import Callable

from bridge.reply.application_paths import ApplicationPath
from bridge.reply.rules import Rules


class Replies:
    """The rules in use: read ``rules`` again for each callback, for their file may have changed."""

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

    def find_application(self, path: str) -> ApplicationPath | None:
        """Return the application that a path names, None if it names none."""
        return self.rules.find_application(path)
