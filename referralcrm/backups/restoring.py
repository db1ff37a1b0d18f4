"""Restoring a backup into an empty database: everything is asked first, then all of it or nothing."""

from collections.abc import Mapping, Set
from contextlib import closing
from io import BufferedIOBase
from pathlib import Path
from subprocess import PIPE
from typing import Any

from pyrage.x25519 import Identity

from referralcrm.backups.manifest import Manifest, count_rows
from referralcrm.backups.programs import connect, running
from referralcrm.backups.sealing import BackupRefused, unseal

# As the owner, who needs no right of a superuser; privileges of the application's role come with it.
RESTORE = ("--single-transaction", "--exit-on-error", "--no-owner")
SESSIONS = {"public.django_session", "public.practices_session"}


def restore_backup(
    path: Path,
    *,
    key: Identity,
    owner: Mapping[str, Any],
    application: str,
    counted_by: Mapping[str, Any],
    keys: Mapping[str, bytes],
    migrations: Set[tuple[str, str]],
    programs: str = "",
) -> Manifest:
    """Fill the empty database that `owner` and `counted_by` name. Raises BackupRefused; then it is still empty.

    `keys` are the check values of the keys given, `migrations` those that this release knows.
    """
    manifest = read_manifest(path, key)
    _refuse_other_keys(manifest, keys)
    _refuse_newer_release(manifest, migrations)
    _refuse_other_roles(manifest, owner["USER"], application)
    _refuse_full_or_older_server(manifest, counted_by)
    with (
        _opened(path) as file,
        running(
            "pg_restore",
            *RESTORE,
            f"--dbname={owner['NAME']}",
            database=owner,
            folder=programs,
            stdin=PIPE,
        ) as filling,
    ):
        unseal(file, key, filling.stdin)
    _end_sessions(manifest, owner)
    _compare(manifest, counted_by)
    return manifest


def read_manifest(path: Path, key: Identity) -> Manifest:
    """Read the whole file, and so make sure that every byte of it is as it was written. Raises BackupRefused."""
    with _opened(path) as file:
        return Manifest.from_line(unseal(file, key, _Nowhere()))


class _Nowhere:
    def write(self, data: bytes) -> None:
        """Forget it."""


def _opened(path: Path) -> BufferedIOBase:
    try:
        return path.open("rb")
    except OSError as error:
        raise BackupRefused(f"The backup {path} cannot be read: {(error.strerror or '').lower()}.") from None


def _refuse_other_keys(manifest: Manifest, keys: Mapping[str, bytes]) -> None:
    given = {key_id: check.hex() for key_id, check in keys.items()}
    if missing := sorted(manifest.keys.keys() - given.keys()):
        raise BackupRefused(
            f"The backup holds data under keys that were not given: {', '.join(missing)}. "
            "Give the copy of the keys that belongs to it."
        )
    if wrong := sorted(key_id for key_id, check in manifest.keys.items() if given[key_id] != check):
        raise BackupRefused(
            f"These are not the keys that the backup's data was written with: {', '.join(wrong)}. "
            "Give the copy of the keys that belongs to it."
        )


def _refuse_newer_release(manifest: Manifest, migrations: Set[tuple[str, str]]) -> None:
    unknown = [f"{app}.{name}" for app, name in manifest.migrations if (app, name) not in migrations]
    if unknown:
        raise BackupRefused(
            f"The backup was made by a newer release ({manifest.release}; this one does not know {unknown[0]}): "
            "upgrade this one first."
        )


def _refuse_other_roles(manifest: Manifest, owner: str, application: str) -> None:
    if (manifest.owner, manifest.application) != (owner, application):
        raise BackupRefused(
            f"The backup's rights are those of the roles {manifest.owner} and {manifest.application}: "
            "restore into a database whose roles have these names."
        )


def _refuse_full_or_older_server(manifest: Manifest, database: Mapping[str, Any]) -> None:
    with closing(connect(database)) as db, db.cursor() as sql:
        server = db.server_version // 10000
        if server < manifest.postgresql:
            raise BackupRefused(
                f"The backup is of PostgreSQL {manifest.postgresql}, this server is {server}: use a newer one."
            )
        if tables := count_rows(sql):
            raise BackupRefused(
                f"The database holds {len(tables)} tables already: a backup is restored into an empty one alone."
            )


def _end_sessions(manifest: Manifest, owner: Mapping[str, Any]) -> None:
    """Whoever was signed out or shut out since the backup stays out."""
    with closing(connect(owner)) as db, db, db.cursor() as sql:
        for table in SESSIONS & manifest.rows.keys():
            sql.execute(f"DELETE FROM {table}")


def _compare(manifest: Manifest, database: Mapping[str, Any]) -> None:
    with closing(connect(database)) as db, db.cursor() as sql:
        found = count_rows(sql)
    expected = {table: 0 if table in SESSIONS else count for table, count in manifest.rows.items()}
    if differing := sorted(table for table, count in expected.items() if found.get(table) != count):
        raise BackupRefused(f"Rows are missing after the restore ({', '.join(differing)}): do not use it.")
