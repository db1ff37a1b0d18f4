"""A backup restored into an empty database (docs/backup.md)."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db.migrations.loader import MigrationLoader
from pyrage.x25519 import Identity

from practices.encryption import check_values
from referralcrm.backups.manifest import Manifest
from referralcrm.backups.restoring import read_manifest, restore_backup
from referralcrm.backups.sealing import BackupRefused, read_key


class Command(BaseCommand):
    help = "Restore a backup into the empty database that OWNER_DATABASE_URL names, and bring it to this release."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--key", type=Path, help="the key that opens backups (default: BACKUP_KEY_FILE)")
        parser.add_argument(
            "--settings-then",
            action="store_true",
            help="show the settings it was made under, restore nothing",
        )

    def handle(self, **options: Any) -> None:
        try:
            key = _key(options["key"])
            if options["settings_then"]:
                self._show_settings(read_manifest(options["file"], key))
            else:
                self._restore(options["file"], key)
        except BackupRefused as refusal:
            raise CommandError(str(refusal)) from None

    def _restore(self, file: Path, key: Identity) -> None:
        manifest = restore_backup(
            file,
            key=key,
            owner=settings.OWNER_DATABASE,
            application=settings.APP_DATABASE_ROLE,
            counted_by=settings.BACKUP_DATABASE,
            keys=check_values(),
            migrations=set(MigrationLoader(None).graph.nodes),
            programs=settings.POSTGRES_BIN,
        )
        call_command("migrate", interactive=False, verbosity=0)
        self._report(manifest)

    def _report(self, manifest: Manifest) -> None:
        self.stdout.write(
            f"Restored {sum(manifest.rows.values()):,} rows of {manifest.made_at}. Everybody signs in again."
        )
        differing = {k: v for k, v in manifest.settings.items() if os.environ.get(k) != v}
        if differing:
            # Not their values, for one may hold a password and this may stand in a log.
            names = ", ".join(sorted(differing))
            self.stdout.write(f"Settings that were otherwise then: {names}. To see them: --settings-then")

    def _show_settings(self, manifest: Manifest) -> None:
        for name, value in sorted(manifest.settings.items()):
            self.stdout.write(f"{name}={value}")


def _key(given: Path | None) -> Identity:
    path = given or settings.BACKUP_KEY_FILE
    if not path:
        raise BackupRefused("Name the key that opens the backup: --key FILE, or BACKUP_KEY_FILE.")
    return read_key(Path(path))
