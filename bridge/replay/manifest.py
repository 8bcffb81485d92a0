"""The manifest beside the files of a replay."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from bridge import __version__
from bridge.reader.window import format_utc_ms
from bridge.replay import ReplayRun, TargetExists
from bridge.replay.atomic_file import write_durably
from bridge.replay.plan import Plan
from bridge.replay.targets.columns import Column

FORMAT: Final = 1


def describe_plan(plan: Plan, skipped: Sequence[str] = ()) -> dict[str, object]:
    """Return what a manifest says about a plan; ``skipped`` lists the positions left out."""
    return {
        "records_planned": plan.records,
        "skipped": skipped,
        "query": plan.query,
        "window": plan.window,
        "plan_id": plan.id,
        "planned_at": plan.made_at,
        "first": None if plan.first_ms is None else format_utc_ms(plan.first_ms),
        "last": None if plan.last_ms is None else format_utc_ms(plan.last_ms),
        "parts": plan.parts,
    }


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says: the files' origin, their replay, and their columns if they have any.

    Each column is listed with the path of its value in the JSON, and with its type if ``is_typed``.
    """

    origin: Mapping[str, object]
    run: ReplayRun
    columns: Sequence[Column] | None = None
    is_typed: bool = False

    def ensure_absent(self, target: Path) -> None:
        """Raise TargetExists if the manifest's file already exists."""
        if _manifest_path(target).exists():
            message = f"{_manifest_path(target)} already exists"
            raise TargetExists(message)

    def write(
        self, target: Path, files: Sequence[Path], *, records: int, misfits: int | None = None
    ) -> None:
        """Write ``{target}.manifest.json``, reading the files again for their checksums; raises OSError.

        ``misfits`` is the number of rows with a value that its column's type cannot hold.
        """
        found = {
            "format": FORMAT,
            "bridge_version": __version__,
            "replay_id": self.run.id,
            "replay_at": self.run.at,
            "records": records,
            **self.origin,
            "columns": self._describe_columns(),
            **({} if misfits is None else {"misfits": misfits}),
            "files": [
                {"name": file.name, "bytes": file.stat().st_size, "sha256": _sha256(file)}
                for file in files
            ],
        }
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        write_durably(_manifest_path(target), [orjson.dumps(found, option=options)])

    def _describe_columns(self) -> list[dict[str, str]] | None:
        if self.columns is None:
            return None
        return [
            {
                "name": one.name,
                **({"path": one.path} if one.path else {}),
                **({"type": str(one.type)} if self.is_typed else {}),
            }
            for one in self.columns
        ]


def _manifest_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.manifest.json")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
