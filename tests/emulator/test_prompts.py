"""Speak, Play, Wait and DTMF: how long each takes."""

import pytest

from bridge.emulator.machine.person import Person
from tests.emulator.machines import drive

STAYS = Person(hang_up=None)
MACHINE = Person(hang_up=None, is_machine=True, greeting_s=6.0)


@pytest.mark.parametrize(
    ("elements", "person", "takes_s"),
    [
        ("<Wait length='7'/>", STAYS, 7.0),
        ("<Wait/>", STAYS, 1.0),
        ("<Wait length='soon'/>", STAYS, 1.0),
        ("<Speak>fifteen letters</Speak>", STAYS, 1.0),
        ("<Speak loop='3'>fifteen letters</Speak>", STAYS, 3.0),
        ("<Speak voice='Polly.Joanna'><prosody>fifteen letters</prosody></Speak>", STAYS, 1.0),
        ("<Play>https://example.com/a.mp3</Play>", STAYS, 5.0),
        ("<Play loop='2'>https://example.com/a.mp3</Play>", STAYS, 10.0),
        # The time limit of a call ends it, four hours after the answer.
        ("<Play loop='0'>https://example.com/a.mp3</Play>", STAYS, 14_400.0),
        (f"<Speak loop='999999999'>{'long ' * 15_000}</Speak>", STAYS, 14_400.0),
        ("<Wait length='20' beep='true'/>", STAYS, 20.0),
        ("<Wait length='20' beep='true'/>", MACHINE, 6.8),
        ("<Wait length='20' beep='duration=300,threshold=256'/>", MACHINE, 6.8),
        ("<Wait length='20' beep='false'/>", MACHINE, 20.0),
        ("<Wait length='3' beep='true'/>", MACHINE, 3.0),
        # The beep is over before it waits for one.
        ("<Wait length='7'/><Wait length='20' beep='true'/>", MACHINE, 27.0),
        ("<Wait length='20' silence='true' minSilence='1500'/>", STAYS, 1.5),
        ("<Wait length='20' silence='true' min_silence='1500'/>", STAYS, 1.5),
        ("<Wait length='20' silence='true' minSilence='1500'/>", MACHINE, 7.5),
        ("<Wait length='20' silence='true'/>", STAYS, 20.0),
        ("<Wait length='20' minSilence='1500'/>", STAYS, 20.0),
        ("<DTMF>12345</DTMF>", STAYS, 0.0),
        ("<DTMF async='false'>12wW3</DTMF>", STAYS, 2.25),
        ("<DTMF async='false' digits='12'/>", STAYS, 0.5),
    ],
)
def test_an_element_takes_its_time(elements: str, person: Person, takes_s: float) -> None:
    driver = drive({"answer": elements}, person=person, latency_s=0.0)
    took_s = (driver.sent_at[-1] - driver.sent_at[-2]).total_seconds()
    assert took_s == pytest.approx(takes_s, abs=0.001)
