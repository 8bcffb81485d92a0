"""What ``replay derive`` says: lines and tables on a terminal, JSON lines in a pipe."""

from collections.abc import Sequence
from typing import Final

import orjson
from rich.text import Text

from bridge.audit.compare import ABSENT
from bridge.audit.derive import Judged, State, Tally
from bridge.audit.reverify import Checked, Recheck
from bridge.cli import output
from bridge.cli.output import show, table
from bridge.cli.replay.output import say
from bridge.cli.replay.retention import Loss, show_loss

_MEANINGS: Final = {
    State.UNCHANGED: "today's code says what was published",
    State.CHANGED: "today's code says something else",
    State.NEW: "no event then, one today",
    State.GONE: "an event then, none today",
    State.CANNOT_DERIVE: "no event can be made of it",
    State.NOT_THERE: "the published event is no longer on its topic; its id is the same",
    State.REPEATED: "in the journal again; looked at once",
}
_STYLES: Final = {
    State.CHANGED: "yellow",
    State.NEW: "green",
    State.GONE: "red",
    State.CANNOT_DERIVE: "red",
    State.NOT_THERE: "dim",
}

Written = tuple[str, int, Sequence[str]]
"""The id of what was written, how many events, and the topics."""


def show_judged(judged: Judged, *, as_json: bool) -> None:
    """Print one journal record that is not as it was, field by field."""
    if as_json or not output.on_terminal():
        say(
            {
                "state": judged.state,
                "source": judged.source,
                "id": judged.id,
                "type": judged.callback_type,
                "reason": judged.reason,
                "differences": [one.as_json for one in judged.differences],
            }
        )
        return
    words = [judged.callback_type or "", judged.id or "", judged.source, judged.reason or ""]
    state = judged.state.replace("_", " ")
    show(
        Text.assemble(
            (state, _STYLES.get(judged.state, "default")), "  ", "  ".join(filter(None, words))
        ),
        *[
            Text.assemble(
                f"    {one.path}: ",
                (_text(one.published), "red"),
                " → ",
                (_text(one.derived), "green"),
            )
            for one in judged.differences
        ],
    )


def show_recheck(recheck: Recheck, source: str, *, as_json: bool) -> None:
    """Print one stored signature that does not hold."""
    if as_json or not output.on_terminal():
        line = {"key_id": recheck.key_id, "fault": recheck.fault}
        say({"state": recheck.checked, "source": source, **line})
        return
    what = f"  {source}  key {recheck.key_id}: {recheck.fault}"
    show(Text.assemble(("signature does not hold", "bold red"), what))


def show_sums(
    tally: Tally, loss: Loss | None, *, as_json: bool, verified: bool, written: Written | None
) -> None:
    """Print what was found in all, and what the journal no longer holds."""
    show_loss(loss)
    if as_json or not output.on_terminal():
        lost = None if loss is None else loss.as_json()
        say({**_sums(tally, verified=verified, written=written), "no_longer_held": lost})
        return
    rows = [
        (state.replace("_", " "), f"{tally.states[state]:,}", meaning)
        for state, meaning in _MEANINGS.items()
        if tally.states[state] or state is State.UNCHANGED
    ]
    show(table((f"{tally.records:,} callbacks", "count", "meaning"), rows))
    if tally.reasons:
        reasons = [
            (state.replace("_", " "), reason, f"{count:,}")
            for (state, reason), count in tally.reasons.most_common()
        ]
        show(table(("state", "reason", "count"), reasons))
    if tally.fields:
        fields = [(field, f"{count:,}") for field, count in tally.fields.most_common()]
        show(table(("field that differs", "events"), fields))
    if verified:
        show(
            table(
                ("key id", *[checked.replace("_", " ") for checked in Checked]),
                [
                    (key_id or "-", *[f"{counts[checked.value]:,}" for checked in Checked])
                    for key_id, counts in _by_key(tally)
                ],
            )
        )
    if written is not None:
        replay_id, events, topics = written
        show(f"{events:,} events written as {replay_id} to", *(topics or ["no topic"]))


def _sums(tally: Tally, *, verified: bool, written: Written | None) -> dict[str, object]:
    reasons: dict[str, dict[str, int]] = {}
    for (state, reason), count in tally.reasons.items():
        reasons.setdefault(state.value, {})[reason] = count
    sums: dict[str, object] = {
        "state": "done",
        "records": tally.records,
        **{state.value: tally.states[state] for state in State},
        "reasons": reasons,
        "fields": dict(tally.fields.most_common()),
    }
    if verified:
        sums["signatures"] = [{"key_id": key_id, **counts} for key_id, counts in _by_key(tally)]
    if written is not None:
        replay_id, events, topics = written
        sums |= {"replay_id": replay_id, "written": events, "to": topics}
    return sums


def _by_key(tally: Tally) -> list[tuple[str | None, dict[str, int]]]:
    """Return the counts of each key; what was never verified names none, and comes last."""
    keys = sorted(
        {key_id for key_id, _ in tally.rechecks}, key=lambda one: (one is None, one or "")
    )
    return [
        (key_id, {checked.value: tally.rechecks[key_id, checked] for checked in Checked})
        for key_id in keys
    ]


def _text(value: object) -> str:
    return "nothing" if value is ABSENT else orjson.dumps(value).decode()
