"""The rules in use can be replaced, and whoever follows them is called."""

from bridge.core.catalogue import Catalogue
from bridge.reply.replies import Replies
from bridge.reply.rules import Rules
from tests.support.rules import rules_of

CRM = """
[applications.crm]
origin = "https://crm.example.com"
paths = ["/ivr"]
[[rules]]
name = "all"
forward = "crm"
"""


def test_new_rules_decide_from_the_next_callback_on(types: Catalogue) -> None:
    replies = Replies(Rules((), (), types))
    followed: list[Rules] = []
    replies.follow(followed.append)
    assert replies.find_application("/ivr") is None
    rules = rules_of(CRM, types)
    replies.replace_rules(rules)
    assert followed == [rules]
    assert replies.find_application("/ivr/menu") == ("crm", "/menu")
    assert replies.rules is rules
