"""Output of ``replay``: a progress bar and tables on a terminal, JSON lines in a pipe."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from bridge.cli import output
from bridge.cli.output import key_values, make_table, show
from bridge.cli.replay.retention import RetentionLoss, show_retention_loss
from bridge.reader.window import format_utc_ms
from bridge.replay.plan import Plan

_LINE_S: Final = 5.0
_KIB: Final = 1024
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


class ProgressBar:
    """Shows how many records are done: a bar on a terminal, a line every few seconds in a pipe.

    ``transient`` removes the bar at the end.
    """

    def __init__(self, activity: str, total: int, *, transient: bool = False) -> None:
        self._activity = activity
        self._total = total
        self._records = 0
        self._printed_at_s = time.monotonic()
        self._bar = output.make_progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,} of {task.total:,}"),
            TimeRemainingColumn(),
            transient=transient,
            enabled=output.on_terminal(),
        )
        self._task = self._bar.add_task(activity, total=total)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the bar; remove it if it is transient."""
        self._bar.stop()

    def update(self, records: int) -> None:
        """Show this many records."""
        self._records = records
        self._bar.update(self._task, completed=records)
        now_s = time.monotonic()
        if not output.on_terminal() and now_s - self._printed_at_s >= _LINE_S:
            self._printed_at_s = now_s
            emit_json({"state": self._activity, "records": records, "of": self._total})

    def add(self, records: int) -> None:
        """Show more records."""
        self.update(self._records + records)


def emit_json(line: Mapping[str, object]) -> None:
    """Print a line of JSON."""
    output.emit_json_lines([line])


def show_plan(plan: Plan, loss: RetentionLoss | None = None, *, as_json: bool) -> None:
    """Print a plan, and what the topics no longer hold."""
    if output.wants_json(as_json):
        lost = None if loss is None else loss.as_json()
        emit_json({"state": "planned", **plan_summary(plan), "no_longer_held": lost})
        show_retention_loss(loss)
        return
    show(
        key_values(
            [
                ("plan", plan.id),
                ("records", f"{plan.records:,} of {plan.read_records:,} read"),
                *(
                    [("of them no callbacks", f"{plan.other_records:,}")]
                    if plan.other_records
                    else []
                ),
                ("bytes", format_size(plan.bytes)),
                ("first", "-" if plan.first_ms is None else format_utc_ms(plan.first_ms)),
                ("last", "-" if plan.last_ms is None else format_utc_ms(plan.last_ms)),
                (
                    "to read again",
                    f"{format_duration(plan.estimate.full_speed_s)}; plus the time to write",
                ),
                ("at original speed", format_duration(plan.estimate.original_speed_s)),
            ]
        )
    )
    by_topic = make_table(
        ("topic", "partitions", "records", "bytes"),
        [
            (
                topic,
                str(sum(1 for one in plan.parts if one.offset_range.topic == topic)),
                f"{sum(one.records for one in plan.parts if one.offset_range.topic == topic):,}",
                format_size(
                    sum(one.bytes for one in plan.parts if one.offset_range.topic == topic)
                ),
            )
            for topic in plan.topics
        ],
    )
    show(by_topic)
    show_retention_loss(loss)


def plan_summary(plan: Plan) -> dict[str, object]:
    """Return a plan as JSON, without the parts that only a run needs."""
    return {
        "plan_id": plan.id,
        "records": plan.records,
        "other_records": plan.other_records,
        "bytes": plan.bytes,
        "first": None if plan.first_ms is None else format_utc_ms(plan.first_ms),
        "last": None if plan.last_ms is None else format_utc_ms(plan.last_ms),
        "read_records": plan.read_records,
        "partitions": len(plan.parts),
        "topics": plan.topics,
        "estimate": plan.estimate,
    }


def show_start(records: int, total: int, progress: Path) -> None:
    """Print the name of the progress file, and the records that are already done."""
    if not output.on_terminal():
        state = "resumed" if records else "started"
        emit_json({"state": state, "records": records, "of": total, "progress": str(progress)})
        return
    if records:
        show(f"{records:,} of {total:,} records are already replayed")
    show(f"to resume after a crash, run the same command with --progress {progress}")


def show_end(end: Mapping[str, object]) -> None:
    """Print the result of a replay."""
    if not output.on_terminal():
        emit_json(end)
        return
    if end["state"] == "already_done":
        finished_at = end["finished_at"]
        output.print_stderr(f"this replay finished at {finished_at}: nothing is replayed again")
    show(key_values([(name.replace("_", " "), _text(value)) for name, value in end.items()]))


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, cast("list[object]", value)))
    if isinstance(value, dict):
        each = cast("dict[str, int]", value).items()
        return ", ".join(f"{name}: {count:,}" for name, count in each)
    return f"{value:,}" if isinstance(value, int) else str(value)


def format_size(byte_count: int) -> str:
    """Return a number of bytes for a person: ``1.5 MiB``."""
    amount = float(byte_count)
    for unit in ("B", "KiB", "MiB"):
        if amount < _KIB:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _KIB
    return f"{amount:.1f} GiB"


def format_duration(duration_s: float) -> str:
    """Return a duration for a person: ``3 min 20 s``."""
    if duration_s < _MINUTE_S:
        return f"{duration_s:.1f} s"
    whole = round(duration_s)
    if whole < _HOUR_S:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // 60} min"
