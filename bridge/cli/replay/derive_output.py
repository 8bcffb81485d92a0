"""Output of ``replay derive``: lines and tables on a terminal, JSON lines in a pipe."""

from collections.abc import Sequence
from typing import Final

import orjson
from rich.text import Text

from bridge.audit.compare import ABSENT
from bridge.audit.derive import DeriveResult, DeriveState, DeriveSummary
from bridge.audit.reverify import ReverifyResult, ReverifyVerdict
from bridge.cli import output
from bridge.cli.output import make_table, show
from bridge.cli.replay.output import emit_json
from bridge.cli.replay.retention import RetentionLoss, show_retention_loss

_MEANINGS: Final = {
    DeriveState.UNCHANGED: "today's code derives the published event",
    DeriveState.CHANGED: "today's code derives another event",
    DeriveState.NEW: "no event was published, today's code derives one",
    DeriveState.GONE: "an event was published, today's code derives none",
    DeriveState.CANNOT_DERIVE: "no event can be derived",
    DeriveState.EVENT_EXPIRED: "the published event is no longer on its topic; its id is the same",
    DeriveState.REPEATED: "a duplicate in the journal; compared once",
}
_STYLES: Final = {
    DeriveState.CHANGED: "yellow",
    DeriveState.NEW: "green",
    DeriveState.GONE: "red",
    DeriveState.CANNOT_DERIVE: "red",
    DeriveState.EVENT_EXPIRED: "dim",
}

WrittenEvents = tuple[str, int, Sequence[str]]
"""The id of what was written, how many events, and the topics."""


def show_difference(judged: DeriveResult, *, as_json: bool) -> None:
    """Print one journal record whose event differs, field by field."""
    if as_json or not output.on_terminal():
        emit_json(
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


def show_bad_signature(recheck: ReverifyResult, source: str, *, as_json: bool) -> None:
    """Print one stored signature that is wrong now."""
    if as_json or not output.on_terminal():
        line = {"key_id": recheck.key_id, "fault": recheck.fault}
        emit_json({"state": recheck.verdict, "source": source, **line})
        return
    what = f"  {source}  key {recheck.key_id}: {recheck.fault}"
    show(Text.assemble(("wrong signature", "bold red"), what))


def show_summary(
    tally: DeriveSummary,
    loss: RetentionLoss | None,
    *,
    as_json: bool,
    verified: bool,
    written: WrittenEvents | None,
) -> None:
    """Print the totals, and what the journal no longer holds."""
    show_retention_loss(loss)
    if as_json or not output.on_terminal():
        lost = None if loss is None else loss.as_json()
        emit_json({**_summary(tally, verified=verified, written=written), "no_longer_held": lost})
        return
    rows = [
        (state.replace("_", " "), f"{tally.states[state]:,}", meaning)
        for state, meaning in _MEANINGS.items()
        if tally.states[state] or state is DeriveState.UNCHANGED
    ]
    show(make_table((f"{tally.records:,} callbacks", "count", "meaning"), rows))
    if tally.reasons:
        reasons = [
            (state.replace("_", " "), reason, f"{count:,}")
            for (state, reason), count in tally.reasons.most_common()
        ]
        show(make_table(("state", "reason", "count"), reasons))
    if tally.fields:
        fields = [(field, f"{count:,}") for field, count in tally.fields.most_common()]
        show(make_table(("field that differs", "events"), fields))
    if verified:
        show(
            make_table(
                ("key id", *[checked.replace("_", " ") for checked in ReverifyVerdict]),
                [
                    (key_id or "-", *[f"{counts[checked.value]:,}" for checked in ReverifyVerdict])
                    for key_id, counts in _counts_by_key(tally)
                ],
            )
        )
    if written is not None:
        replay_id, events, topics = written
        show(f"{events:,} events written as {replay_id} to", *(topics or ["no topic"]))


def _summary(
    tally: DeriveSummary, *, verified: bool, written: WrittenEvents | None
) -> dict[str, object]:
    reasons: dict[str, dict[str, int]] = {}
    for (state, reason), count in tally.reasons.items():
        reasons.setdefault(state.value, {})[reason] = count
    sums: dict[str, object] = {
        "state": "done",
        "records": tally.records,
        **{state.value: tally.states[state] for state in DeriveState},
        "reasons": reasons,
        "fields": dict(tally.fields.most_common()),
    }
    if verified:
        sums["signatures"] = [
            {"key_id": key_id, **counts} for key_id, counts in _counts_by_key(tally)
        ]
    if written is not None:
        replay_id, events, topics = written
        sums |= {"replay_id": replay_id, "written": events, "to": topics}
    return sums


def _counts_by_key(tally: DeriveSummary) -> list[tuple[str | None, dict[str, int]]]:
    """Return the counts of each key; callbacks without a key, never verified, come last."""
    keys = sorted(
        {key_id for key_id, _ in tally.reverified}, key=lambda one: (one is None, one or "")
    )
    return [
        (key_id, {checked.value: tally.reverified[key_id, checked] for checked in ReverifyVerdict})
        for key_id in keys
    ]


def _text(value: object) -> str:
    return "nothing" if value is ABSENT else orjson.dumps(value).decode()
