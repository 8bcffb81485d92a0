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


def show_difference(result: DeriveResult, *, as_json: bool) -> None:
    """Print one journal record whose event differs, field by field."""
    if output.wants_json(as_json):
        emit_json(
            {
                "state": result.state,
                "source": result.source,
                "id": result.id,
                "type": result.callback_type,
                "reason": result.reason,
                "differences": [one.as_json for one in result.differences],
            }
        )
        return
    words = [result.callback_type or "", result.id or "", result.source, result.reason or ""]
    state = result.state.replace("_", " ")
    show(
        Text.assemble(
            (state, _STYLES.get(result.state, "default")), "  ", "  ".join(filter(None, words))
        ),
        *[
            Text.assemble(
                f"    {one.path}: ",
                (_text(one.published), "red"),
                " → ",
                (_text(one.derived), "green"),
            )
            for one in result.differences
        ],
    )


def show_bad_signature(reverified: ReverifyResult, source: str, *, as_json: bool) -> None:
    """Print one stored signature that is wrong now."""
    if output.wants_json(as_json):
        line = {"key_id": reverified.key_id, "fault": reverified.fault}
        emit_json({"state": reverified.verdict, "source": source, **line})
        return
    what = f"  {source}  key {reverified.key_id}: {reverified.fault}"
    show(Text.assemble(("wrong signature", "bold red"), what))


def show_summary(
    summary: DeriveSummary,
    loss: RetentionLoss | None,
    *,
    as_json: bool,
    verified: bool,
    written: WrittenEvents | None,
) -> None:
    """Print the totals, and what the journal no longer holds."""
    show_retention_loss(loss)
    if output.wants_json(as_json):
        lost = None if loss is None else loss.as_json()
        emit_json({**_summary(summary, verified=verified, written=written), "no_longer_held": lost})
        return
    rows = [
        (state.replace("_", " "), f"{summary.states[state]:,}", meaning)
        for state, meaning in _MEANINGS.items()
        if summary.states[state] or state is DeriveState.UNCHANGED
    ]
    show(make_table((f"{summary.records:,} callbacks", "count", "meaning"), rows))
    if summary.other_records:
        show(f"{summary.other_records:,} other journal records, which are no callbacks")
    if summary.reasons:
        reasons = [
            (state.replace("_", " "), reason, f"{count:,}")
            for (state, reason), count in summary.reasons.most_common()
        ]
        show(make_table(("state", "reason", "count"), reasons))
    if summary.fields:
        fields = [(field, f"{count:,}") for field, count in summary.fields.most_common()]
        show(make_table(("field that differs", "events"), fields))
    if verified:
        show(
            make_table(
                ("key id", *[checked.replace("_", " ") for checked in ReverifyVerdict]),
                [
                    (key_id or "-", *[f"{counts[checked.value]:,}" for checked in ReverifyVerdict])
                    for key_id, counts in _counts_by_key(summary)
                ],
            )
        )
    if written is not None:
        replay_id, events, topics = written
        show(f"{events:,} events written as {replay_id} to", *(topics or ["no topic"]))


def _summary(
    summary: DeriveSummary, *, verified: bool, written: WrittenEvents | None
) -> dict[str, object]:
    reasons: dict[str, dict[str, int]] = {}
    for (state, reason), count in summary.reasons.items():
        reasons.setdefault(state.value, {})[reason] = count
    sums: dict[str, object] = {
        "state": "done",
        "records": summary.records,
        "other_records": summary.other_records,
        **{state.value: summary.states[state] for state in DeriveState},
        "reasons": reasons,
        "fields": dict(summary.fields.most_common()),
    }
    if verified:
        sums["signatures"] = [
            {"key_id": key_id, **counts} for key_id, counts in _counts_by_key(summary)
        ]
    if written is not None:
        replay_id, events, topics = written
        sums |= {"replay_id": replay_id, "written": events, "to": topics}
    return sums


def _counts_by_key(summary: DeriveSummary) -> list[tuple[str | None, dict[str, int]]]:
    """Return the counts of each key; callbacks without a key, never verified, come last."""
    keys = sorted(
        {key_id for key_id, _ in summary.reverified}, key=lambda one: (one is None, one or "")
    )
    return [
        (
            key_id,
            {checked.value: summary.reverified[key_id, checked] for checked in ReverifyVerdict},
        )
        for key_id in keys
    ]


def _text(value: object) -> str:
    return "nothing" if value is ABSENT else orjson.dumps(value).decode()
