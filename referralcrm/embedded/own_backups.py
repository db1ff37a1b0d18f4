"""The backups that nobody has to think of: one a day, and one before an upgrade changes the database."""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import psycopg2

from referralcrm.backups import shelf
from referralcrm.backups.sealing import make_key
from referralcrm.embedded.configuration import BASE_DIR, Refused
from referralcrm.embedded.folder import DataFolder
from referralcrm.embedded.processes import Child, Command, fresh_log, start, with_log

OUR_APPS = ("practices", "contacts", "touchpoints", "exchange", "insights")
FIRST_LOOK_AFTER = 600  # seconds: who only looks at the demo needs no backup of it
LOOK_EVERY = 600
AGAIN_AFTER_FAILURE = 3600


class DailyBackup:
    """Looks now and then how old the newest backup is, and makes one beside the running product."""

    def __init__(self, folder: DataFolder, environ: Mapping[str, str]) -> None:
        self.environ, self.log = environ, folder.logs / "backup.log"
        self.hours = hours_between(environ)
        self.look_at = time.monotonic() + FIRST_LOOK_AFTER
        self.child: Child | None = None

    def look(self) -> None:
        """Start a backup that is due, and report one that failed; never wait for it."""
        if self.child is not None:
            self._look_after(self.child)
        elif self.hours and time.monotonic() >= self.look_at:
            self.look_at = time.monotonic() + LOOK_EVERY
            if self._is_due():
                self.child = start(_backup(self.environ, self.log))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """End one that is under way; the half-written file it leaves goes with a later one."""
        if self.child is not None:
            self.child.stop()

    def _look_after(self, child: Child) -> None:
        if child.is_alive():
            return
        child.stop()
        self.child = None
        if child.process.returncode != 0:
            print(with_log("The daily backup failed; again in an hour", child), flush=True)
            self.look_at = time.monotonic() + AGAIN_AFTER_FAILURE

    def _is_due(self) -> bool:
        made = shelf.backups_in(Path(self.environ["BACKUP_DIR"]))
        return not made or datetime.now(UTC) - shelf.made_at(made[-1]) >= timedelta(hours=self.hours)


def hours_between(environ: Mapping[str, str]) -> int:
    """How old the newest backup may grow; 0: none is made. Raises Refused when that is no number."""
    text = environ.get("BACKUP_HOURS") or "24"
    if not text.isascii() or not text.isdigit():
        raise Refused(f"BACKUP_HOURS must be a number of hours, not {text!r}.")
    return int(text) if environ.get("BACKUP_DATABASE_URL") else 0


def make_backup_key(environ: Mapping[str, str]) -> None:
    """Make the key that opens backups with the other keys, so that one copy of their folder has all of them."""
    path = Path(environ["BACKUP_KEY_FILE"])
    if hours_between(environ) and not environ.get("BACKUP_RECIPIENTS") and not path.exists():
        make_key(path)


def back_up_before_upgrade(folder: DataFolder, environ: Mapping[str, str]) -> None:
    """Back a database up that holds a practice and is older than the program; raise Refused when that fails."""
    if not hours_between(environ) or not is_to_be_upgraded(environ["DATABASE_URL"]):
        return
    print("Backing up before the upgrade …", flush=True)
    child = start(_backup(environ, folder.logs / "backup.log"))
    try:
        if child.process.wait() != 0:
            raise Refused(
                with_log("The backup before the upgrade failed, so nothing was upgraded", child)
                + "\nMend that, or set BACKUP_HOURS=0 to upgrade without."
            )
    finally:
        child.stop()


def is_to_be_upgraded(database_url: str) -> bool:
    """Whether a database holds a practice, and lacks a migration of this release.

    Asked here, since starting Django to ask it takes a second of every start.
    """
    with closing(psycopg2.connect(database_url)) as db, db.cursor() as sql:
        sql.execute("SELECT to_regclass('practices_practice') IS NOT NULL")
        if not sql.fetchone()[0]:
            return False
        sql.execute("SELECT EXISTS (SELECT FROM practices_practice)")
        holds_practice = sql.fetchone()[0]
        sql.execute("SELECT app, name FROM django_migrations")
        return holds_practice and not migrations_here() <= set(sql.fetchall())


def migrations_here() -> set[tuple[str, str]]:
    """The migrations of our apps in this release, by their files."""
    files = (path for app in OUR_APPS for path in (BASE_DIR / app / "migrations").glob("[0-9]*.py"))
    return {(path.parent.parent.name, path.stem) for path in files}


def _backup(environ: Mapping[str, str], log: Path) -> Command:
    argv = [sys.executable, os.fspath(BASE_DIR / "manage.py"), "backup"]
    return Command("The backup", argv, fresh_log(log), environ=environ, cwd=BASE_DIR)
