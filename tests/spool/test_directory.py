"""The directory of the spool files: made durably, and writable for nobody else."""

from pathlib import Path

import pytest

from bridge.spool import directory


def test_a_new_directory_s_name_is_on_the_disk_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(directory, "fsync_directory", synced.append)
    directory.make_directory(tmp_path / "a" / "b")
    assert set(synced) == {tmp_path, tmp_path / "a"}
    synced.clear()
    directory.make_directory(tmp_path / "a" / "b")
    assert synced == []


OTHERS = "every user of this machine"


@pytest.mark.parametrize(
    ("mode", "who"),
    [
        (0o700, None),
        (0o755, None),
        (0o770, None),
        (0o775, None),
        (0o2770, None),
        (0o2775, None),
        (0o777, OTHERS),
        (0o1777, OTHERS),
        (0o2777, OTHERS),
        (0o702, OTHERS),
    ],
)
def test_a_directory_in_which_every_user_can_write_is_no_place_for_a_spool(
    tmp_path: Path, mode: int, who: str | None
) -> None:
    tmp_path.chmod(mode)
    assert directory.other_writers(tmp_path) == who
    tmp_path.chmod(0o700)


def test_a_group_of_others_must_not_write_in_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = tmp_path.stat().st_gid
    monkeypatch.setattr(directory.os, "getegid", lambda: group + 1)
    monkeypatch.setattr(directory.os, "getgroups", lambda: [group + 1])
    tmp_path.chmod(0o770)
    assert (
        directory.other_writers(tmp_path)
        == f"group {group}, to which this process does not belong,"
    )
    tmp_path.chmod(0o750)
    assert directory.other_writers(tmp_path) is None


def test_a_directory_that_will_be_made_is_nobody_else_s(tmp_path: Path) -> None:
    assert directory.other_writers(tmp_path / "spool") is None
