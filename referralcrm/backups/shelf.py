"""The folder of backups: their names, the newest, and which are old enough to go."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

NAME = re.compile(r"referralcrm-(\d{8}T\d{6})Z\.age")
UNFINISHED = ".referralcrm-*.part"


def new_path(folder: Path, now: datetime) -> Path:
    """Return where the backup of this moment lies; makes the folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"referralcrm-{now.astimezone(UTC):%Y%m%dT%H%M%S}Z.age"


def made_at(path: Path) -> datetime:
    """Return the moment that a backup's name says. Raises ValueError for another file's."""
    named = NAME.fullmatch(path.name)
    if named is None:
        raise ValueError(f"{path.name} is no name of a backup")
    return datetime.strptime(named[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def backups_in(folder: Path) -> list[Path]:
    """Return the backups of the folder, the oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))


def remove_old(folder: Path, *, keep_days: int, now: datetime) -> list[Path]:
    """Remove backups older than so many days, never the newest, and what a killed one left half-written."""
    old = [path for path in backups_in(folder)[:-1] if now - made_at(path) > timedelta(days=keep_days)]
    yesterday = (now - timedelta(days=1)).timestamp()
    for path in [*old, *(path for path in folder.glob(UNFINISHED) if path.stat().st_mtime < yesterday)]:
        path.unlink(missing_ok=True)
    return old
