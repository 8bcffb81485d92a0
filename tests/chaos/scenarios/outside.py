"""What happens around the bridge: clocks, topics, credentials."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.chaos.check import Exempt
from tests.chaos.site import PASSWORD, PASSWORD_ASKED, PROXIED, SESSION_MS, USER
from tests.chaos.stage import Scenario, Stage

_HOUR_S: Final = 3600
_GONE_S: Final = 1.0
_TOO_SMALL_BYTES: Final = 2_500
_TOPIC: Final = "plivo.voice.dial.digits.v1"
_NEW_PASSWORD: Final = "battery-staple"


async def _clock_jumps(stage: Stage) -> None:
    """Have the bridge's clock jump ahead, back behind, and right again.

    Brokers refuse records of more than an hour ahead: until the clock is right they are spooled.
    """
    stage.fault_begins()
    stage.clock.write_text(str(stage.chance.randint(3, 9) * _HOUR_S))
    await stage.until_spooling()
    await stage.pause(1, 2)
    stage.clock.write_text(str(-stage.chance.randint(3, 9) * _HOUR_S))
    await stage.pause(2, 3)
    stage.clock.write_text("0")
    stage.fault_ends()


async def _topic_deleted(stage: Stage) -> None:
    """Delete a topic, and make it again after a while. What was on it is gone, but for the journal."""
    stage.fault_begins()
    await stage.site.delete_topic(_TOPIC)
    # What its brokers took in the last moment is gone with it; what is spooled from now on is not.
    await asyncio.sleep(_GONE_S)
    stage.exempt = Exempt(emptied=((_TOPIC, time.monotonic()),))
    await stage.until_spooling(least=5)
    await stage.pause(2, 4)
    await stage.site.make_missing_topics()
    stage.fault_ends()


async def _topic_too_small(stage: Stage) -> None:
    """Have a topic take no record over a size that some have; they become dead letters.

    First those that come while Kafka is there, then those that were spooled while it was not.
    """

    async def letters() -> float:
        told = await stage.bridge.metric("dead_letters_total", reason="record_too_large")
        return told or 0

    stage.exempt = Exempt(refusing=frozenset({_TOPIC}))
    stage.fault_begins()
    await stage.site.configure([_TOPIC], {"max.message.bytes": str(_TOO_SMALL_BYTES)})
    await stage.pause(4, 6)
    direct = await letters()
    stage.expect(direct, "nothing was too large for the topic")
    stage.site.swallow()
    await stage.until_spooling(least=150)
    spooled_at = await letters()
    stage.site.heal()
    await stage.until_drained()
    drained = await letters() - spooled_at
    stage.expect(drained, "nothing that was spooled was too large for the topic")
    await stage.site.configure([_TOPIC], {"max.message.bytes": None})
    stage.fault_ends()
    stage.notes.append(f"{direct:.0f} dead letters at once, {drained:.0f} out of the spool")


def _by_password(folder: Path) -> Mapping[str, str]:
    _password_file(folder).write_text(PASSWORD)
    return {
        "kafka_security_protocol": PASSWORD_ASKED,
        "kafka_sasl_mechanism": "SCRAM-SHA-512",
        "kafka_sasl_username": USER,
        "kafka_sasl_password_file": str(_password_file(folder)),
    }


def _password_file(folder: Path) -> Path:
    return folder / "password"


async def _password_changed(stage: Stage) -> None:
    """Change the password at the brokers, and only later in the bridge's file.

    Its sessions end soon, as set on the listener.
    """
    stage.fault_begins()
    await stage.site.set_password(_NEW_PASSWORD)
    await stage.until_spooling()
    await stage.pause(SESSION_MS / 1000, SESSION_MS / 1000 + 2)
    _password_file(stage.folder).write_text(_NEW_PASSWORD)
    stage.fault_ends()
    await stage.until_drained()
    await stage.site.set_password(PASSWORD)
    _password_file(stage.folder).write_text(PASSWORD)


CLOCK = Scenario("8", "clock jumps", _clock_jumps, shifted_clock=True)
DELETED = Scenario("9a", "topic deleted, made again", _topic_deleted)
TOO_SMALL = Scenario("9b", "topic too small for a record", _topic_too_small, door=PROXIED)
PASSWORD_CHANGED = Scenario(
    "10", "credentials expired", _password_changed, door=PASSWORD_ASKED, settings=_by_password
)
