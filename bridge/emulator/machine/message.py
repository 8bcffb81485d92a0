"""One message: who sends what to whom, how many units it has, and what became of it.

A text is sent in units. In the GSM alphabet a single one has 160 characters, and one of several has 153;
in UCS-2 they have 70 and 67. Source: 3GPP TS 23.038 and 23.040.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

from bridge.emulator.machine.leg import Account
from bridge.emulator.machine.person import Reception

_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each takes two places.
_GSM_EXTENSION: Final = frozenset("^{}\\[~]|€\f")


@dataclass(frozen=True, slots=True)
class MessageOrder:
    """A message to send. ``url`` gets its delivery reports; numbers are without ``+``.

    ``reception`` is what becomes of it; None: the person at the number decides.
    """

    account: Account
    source: str
    destination: str
    text: str = ""
    type: str = "sms"
    media_urls: tuple[str, ...] = ()
    url: tuple[str, str] = ("", "POST")
    powerpack_uuid: str = ""
    requester_ip: str = ""
    reception: Reception | None = None


@dataclass(slots=True)
class Message:
    """A message, sent or received. Times are instants in UTC, None until they come."""

    uuid: str
    order: MessageOrder
    direction: str
    """``outbound`` or ``inbound``, seen from Plivo."""
    made_at: datetime
    state: str
    queued_at: datetime | None = None
    sent_at: datetime | None = None
    reported_at: datetime | None = None
    error_code: str = ""
    conversation_uuid: str = ""

    @property
    def units(self) -> int:
        """Return how many units are billed: one for anything but an SMS."""
        return count_units(self.order.text) if self.order.type == "sms" else 1


def count_units(text: str) -> int:
    """Return in how many units a text is sent; at least one."""
    if all(one in _GSM or one in _GSM_EXTENSION for one in text):
        places, single, several = len(text) + sum(one in _GSM_EXTENSION for one in text), 160, 153
    else:
        places, single, several = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if places <= single else ceil(places / several)
