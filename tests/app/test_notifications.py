"""Notifications go to the applications that the rules in use forward some to."""

from bridge.app.notifications import find_limits
from bridge.core.catalogue import Catalogue
from bridge.forward.flow import FlowLimits
from tests.support.rules import rules_of

APPLICATIONS = """
[applications.pbx]
origin = "http://pbx.example.com"
retry_for_s = 60
[applications.crm]
origin = "http://crm.example.com"
"""


def test_only_applications_that_get_notifications_are_followed(types: Catalogue) -> None:
    text = (
        APPLICATIONS
        + '[[rules]]\nname = "all"\napplication = "pbx"\nforward = "pbx"\n'
        + '[[rules]]\nname = "answer"\ntype = "voice.call.answer"\nforward = "crm"\n'
    )
    assert find_limits(rules_of(text, types)) == {"pbx": FlowLimits(retry_for_s=60)}


def test_without_a_rule_that_forwards_nothing_is_followed(types: Catalogue) -> None:
    assert find_limits(rules_of(APPLICATIONS, types)) == {}
