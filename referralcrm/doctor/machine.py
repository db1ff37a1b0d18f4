"""This machine: its disk, who may read the keys, how old the last backup is."""

import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from referralcrm.backups import shelf
from referralcrm.backups.sealing import looks_sealed
from referralcrm.doctor.findings import Finding, look, ok, wrong

FULL_BELOW_MB, LOW_BELOW_MB = 300, 2000
BACKUP_IS_OLD_AFTER = timedelta(hours=50)  # one that failed is made good within a day


def disk_has_room(folder: Path, *, full_below: int = FULL_BELOW_MB, low_below: int = LOW_BELOW_MB) -> Finding:
    """Whether the disk that holds the folder has room, in MB."""
    free = shutil.disk_usage(folder).free // 2**20
    if free < full_below:
        return wrong(f"The disk that holds {folder} is full: {free} MB are free", "make room")
    if free < low_below:
        return look(f"The disk that holds {folder} is nearly full: {free} MB are free", "make room soon")
    return ok(f"{free // 1024} GB are free for {folder}")


def keys_are_nobody_else_s(file: Path) -> Finding:
    """Whether only their owner may read a file of keys."""
    if not file.exists():
        return wrong(f"{file} is missing", "put it back from your copy")
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return wrong(f"{file} may be read by others on this machine", f"chmod 600 {file}")
    return ok(f"{file} is for its owner alone")


def folder_is_nobody_else_s(folder: Path) -> Finding:
    """Whether others on this machine are kept out of a folder."""
    if folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return wrong(f"{folder} may be entered by others on this machine", f"chmod 700 {folder}")
    return ok(f"{folder} is closed to others")


def backup_is_recent(folder: Path | None, *, now: datetime | None = None) -> Finding:
    """How old the newest backup is, and whether it looks like one."""
    if folder is None:
        return look(
            "Nobody here knows of backups: BACKUP_DIR is not set", "make some, and try one (docs/backup.md)"
        )
    made = shelf.backups_in(folder)
    if not made:
        return look(f"There is no backup in {folder} yet", "make backup, or wait for the daily one")
    if not looks_sealed(made[-1]):
        return wrong(
            f"The newest file in {folder}, {made[-1].name}, is no backup, or is cut short",
            "set it aside, make backup, and try that one (docs/backup.md)",
        )
    age = (now or datetime.now(UTC)) - shelf.made_at(made[-1])
    if age > BACKUP_IS_OLD_AFTER:
        return wrong(
            f"The newest backup is {age.days} days old", "make backup, and see why no newer one was made"
        )
    return ok(f"The newest backup is {age.total_seconds() / 3600:.0f} hours old")
