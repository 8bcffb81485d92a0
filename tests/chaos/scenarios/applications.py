"""What a customer's application does while callbacks wait for its answers."""

from functools import partial

from tests.chaos.application import TIMEOUT_S, Behaviour
from tests.chaos.bridge import CONTROL_ACK_S
from tests.chaos.stage import Scenario, Stage

# Beside the time budgets of the application and of Kafka: for a busy machine.
_BUSY_S = 2.0


async def _misbehave(stage: Stage, behaviour: Behaviour) -> None:
    """Have the application behave so for a while; every caller gets an answer in time."""
    application = stage.application
    if application is None:
        stage.unmet.append("there is no application")
        return
    stage.fault_begins()
    application.behaviour = behaviour
    await stage.pause(4, 5)
    application.behaviour = "prompt"
    stage.fault_ends()
    await stage.pause(1, 2)
    stage.expect(application.did["prompt"], "the application answered nothing")
    stage.expect(application.did[behaviour], f"the application was never {behaviour}")
    answers = {
        given_by: await stage.bridge.metric("application_answers_total", given_by=given_by) or 0
        for given_by in ("application", "fallback", "status")
    }
    asked, failed = sum(answers.values()), answers["fallback"]
    stage.notes.append(f"asked {asked:.0f}, {failed:.0f} answered by the fallback")
    stage.expect(answers["status"] == 0, "a fallback document was not used")
    if behaviour == "slow":
        stage.expect(failed == 0, "a slow answer was not waited for")
    else:
        stage.expect(failed, "no fallback was used")
    not_stored = await stage.bridge.metric("answers_not_stored_total")
    stage.expect(not not_stored, f"{not_stored} answers were not stored")
    longest_s = max(attempt.took_s for attempt in stage.load.attempts)
    within_s = max(TIMEOUT_S, CONTROL_ACK_S) + _BUSY_S
    stage.expect(longest_s < within_s, f"a caller waited {longest_s:.1f} s")


def _scenario(number: str, name: str, behaviour: Behaviour) -> Scenario:
    return Scenario(number, name, partial(_misbehave, behaviour=behaviour), asks=True)


SLOW = _scenario("15a", "application slow", "slow")
HANGING = _scenario("15b", "application hangs", "hanging")
DYING = _scenario("15c", "application dies in its answers", "dying")
GARBAGE = _scenario("15d", "application answers garbage", "garbage")
LOSING = _scenario("15e", "application loses 1 %", "losing")
