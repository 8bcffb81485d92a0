"""Fetch the documents of a leg, and execute them.

1. A document that Plivo refuses ends the leg with 8011 to 8014. The answer URL has a fallback: Plivo
   asks there before it ends the leg.
2. Elements that Plivo does not know are skipped.
3. A leg ends with 4010 when its document has no more elements.
4. An inbound call is answered by the first element that is neither ``<PreAnswer>`` nor a ``<Hangup>``
   with a reason.
5. Not documented, so inferred: after ``DOCUMENTS_MAX`` documents a leg ends as if Plivo had an internal
   error (5010). Real calls have a few; documents that ask for each other would never end.
"""

from typing import Final

from bridge.emulator.machine.causes import Cause, DocumentSource, make_cause
from bridge.emulator.machine.commands import Failure, Parameters
from bridge.emulator.machine.deliveries import METHODS, Callback
from bridge.emulator.machine.elements import EXECUTE
from bridge.emulator.machine.fields import answer_fields, base_fields
from bridge.emulator.machine.leg import CallUrls, Leg, Step, Transferred
from bridge.emulator.machine.parsing import parse_document
from bridge.emulator.machine.person import Phase
from bridge.emulator.machine.world import World
from bridge.reply.tree import Node
from bridge.reply.urls import is_absolute

DOCUMENTS_MAX: Final = 1_000


async def run_documents(world: World, leg: Leg, urls: CallUrls, begin: Step | None = None) -> None:
    """Execute documents until the leg ends, beginning with ``begin``; None: the answer URL."""
    step = begin or Step("voice.call.answer", *urls.answer, DocumentSource.ANSWER)
    for _ in range(DOCUMENTS_MAX):
        try:
            root = step.document or await _fetch(world, leg, step, urls)
            following = await _execute(world, leg, root) if root is not None else None
        except Transferred as transferred:
            following = transferred.step
        if following is None:
            leg.end(make_cause("4010", "Answer XML"), world.now)
            return
        step = following
    world.note(leg.uuid, f"{DOCUMENTS_MAX} documents on one leg: do they ask for each other?")
    leg.end(make_cause("5010", "Plivo"), world.now)


async def _execute(world: World, leg: Leg, root: Node) -> Step | None:
    """Execute the elements of a document in order; return the next document, if one of them names it."""
    for node in root.children:
        execute = EXECUTE.get(node.name)
        if execute is None:
            world.note(leg.uuid, f"line {node.line}: <{node.name}> is skipped")
            continue
        if leg.answered_at is None and _answers(node):
            leg.answered_at = world.now
        step = await execute(world, leg, node)
        if step is not None:
            return step
    return None


def _answers(node: Node) -> bool:
    """Return whether an element answers an inbound call: rule 4."""
    return node.name != "PreAnswer" and not (node.name == "Hangup" and "reason" in node.attributes)


async def _fetch(world: World, leg: Leg, step: Step, urls: CallUrls) -> Node | None:
    """Return the root of the next document. Without one, the leg has ended."""
    leg.enter(Phase.FETCH)
    root, cause = await _ask(world, leg, step)
    if cause is not None and step.source is DocumentSource.ANSWER and urls.fallback[0]:
        world.note(leg.uuid, f"{cause.name}: the fallback URL is called")
        fallback = Step("voice.call.fallback", *urls.fallback, DocumentSource.ANSWER)
        root, cause = await _ask(world, leg, fallback)
    if cause is not None:
        leg.end(cause, world.now)
    return root


async def _ask(world: World, leg: Leg, step: Step) -> tuple[Node | None, Cause | None]:
    """Return the root of a document, or the cause that ends the leg."""
    source = step.source
    if not is_absolute(step.url):
        return None, source.invalid_url
    if step.method not in METHODS:
        return None, source.invalid_method
    outcome = await world.deliveries.deliver(
        Callback(
            step.type,
            leg.uuid,
            leg.account.auth_id,
            step.url,
            step.method,
            _fields(world, leg, step),
        )
    )
    if isinstance(outcome, Failure) or not outcome.is_success:
        return None, source.unreachable
    root, faults = parse_document(outcome)
    for fault in faults:
        world.note(leg.uuid, fault)
    return root, None if root is not None else source.invalid_document


def _fields(world: World, leg: Leg, step: Step) -> Parameters:
    if step.source is DocumentSource.ANSWER:
        return answer_fields(leg, world.conditions)
    return base_fields(leg, world.conditions, **step.extra)
