"""A backup by hand or by a timer (docs/backup.md)."""

import errno
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from pyrage.x25519 import Recipient

from referralcrm.backups import shelf
from referralcrm.backups.sealing import BackupRefused, make_key, read_key, read_recipients
from referralcrm.backups.taking import take_backup
from referralcrm.setting_names import CHOSEN


class Command(BaseCommand):
    help = "Back the database up into one encrypted file, read back before it counts."
    # It must work when something else does not.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="default: a dated file in BACKUP_DIR")
        parser.add_argument(
            "--make-key", type=Path, metavar="FILE", help="make the key that opens backups, and nothing else"
        )

    def handle(self, **options: Any) -> None:
        try:
            if options["make_key"]:
                self._make_key(options["make_key"])
            else:
                self._back_up(options["file"])
        except BackupRefused as refusal:
            raise CommandError(str(refusal)) from None
        except OSError as error:
            raise CommandError(_sentence(error)) from None

    def _back_up(self, file: Path | None) -> None:
        now = timezone.now()
        path = file or shelf.new_path(_folder(), now)
        manifest = take_backup(
            path,
            database=settings.BACKUP_DATABASE,
            recipients=self._recipients(),
            programs=settings.POSTGRES_BIN,
            now=now,
            release=settings.RELEASE,
            owner=settings.OWNER_DATABASE_ROLE,
            application=settings.APP_DATABASE_ROLE,
            settings={name: os.environ[name] for name in CHOSEN if os.environ.get(name)},
        )
        size = path.stat().st_size / 2**20
        self.stdout.write(
            f"{path}: {sum(manifest.rows.values()):,} rows, {size:.1f} MB, read back and counted."
        )
        if file is None:
            for old in shelf.remove_old(path.parent, keep_days=settings.BACKUP_KEEP_DAYS, now=now):
                self.stdout.write(f"Removed {old.name}, older than {settings.BACKUP_KEEP_DAYS} days.")

    def _recipients(self) -> list[Recipient]:
        if settings.BACKUP_RECIPIENTS:
            return read_recipients(settings.BACKUP_RECIPIENTS)
        if not settings.BACKUP_KEY_FILE:
            raise BackupRefused("For whom? Set BACKUP_RECIPIENTS or BACKUP_KEY_FILE (docs/backup.md).")
        path = Path(settings.BACKUP_KEY_FILE)
        if not path.exists():
            self._make_key(path)
        return [read_key(path).to_public()]

    def _make_key(self, path: Path) -> None:
        public = make_key(path).to_public()
        self.stdout.write(f"Made {path}, the key that opens backups (public key: {public}).")
        self.stdout.write("Keep a copy of it where neither this machine nor the backups are.")


def _folder() -> Path:
    if not settings.BACKUP_DIR:
        raise BackupRefused("Where to? Name a file, or set BACKUP_DIR.")
    return Path(settings.BACKUP_DIR)


def _sentence(error: OSError) -> str:
    reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error)).lower()
    return f"No backup was made: {reason}{f' ({error.filename})' if error.filename else ''}. Earlier ones are as they were."
