"""Backup and restore on a single machine: the same commands, beside its own servers."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from referralcrm.embedded.beside import run_beside_servers
from referralcrm.embedded.configuration import BASE_DIR, Configuration, Refused
from referralcrm.embedded.folder import DataFolder, runtime_folder
from referralcrm.embedded.keys import keys_copied_to
from referralcrm.embedded.postgres import start_postgres
from referralcrm.embedded.roles import ensure_roles_and_database
from referralcrm.embedded.servers import database_addresses

MANAGE = (sys.executable, str(BASE_DIR / "manage.py"))
# Asked for by the settings; nothing is sent there.
NO_BROKER = "redis+socket:///nowhere"


def back_up(configuration: Configuration, file: Path | None) -> int:
    """Back up beside the running product, or with servers started for it; return the exit code."""
    folder = DataFolder(configuration.data_dir)
    command = [*MANAGE, "backup", *([str(file.resolve())] if file else [])]
    if folder.is_running():
        return subprocess.call(command)  # which finds the servers by itself
    if configuration.database_url is None and not folder.postgres.exists():
        raise Refused(f"There is nothing to back up: {folder.path} holds no database.")
    return run_beside_servers(configuration, command, folder.path, for_tests=False)


def restore(configuration: Configuration, file: Path, *, keys: Path | None, replace: bool) -> None:
    """Fill a new database from the file, and put it in the place of the old one, which is kept aside."""
    if configuration.database_url is not None:
        raise Refused("DATABASE_URL is set: that database is restored by manage.py restore (docs/backup.md).")
    if not file.is_file():
        raise Refused(f"Which backup? There is no file {file}: make restore FILE=…")
    folder = DataFolder(configuration.data_dir)
    with folder.held(), _fresh(folder) as fresh:
        if folder.postgres.exists() and not replace:
            raise Refused(
                f"{folder.path} holds a database. To put the backup in its place: REPLACE=1 "
                "(--replace); the old one is kept aside."
            )
        given = keys_copied_to(keys or folder.keys_env.parent)
        _fill(fresh, file.resolve(), {**given, "BACKUP_KEY_FILE": str(_key_beside(keys, folder))})
        _put_in_place(folder, fresh, keys)


def _key_beside(keys: Path | None, folder: DataFolder) -> Path:
    return (keys.resolve() / folder.backup_key.name) if keys else folder.backup_key


@contextmanager
def _fresh(folder: DataFolder) -> Iterator[DataFolder]:
    """A folder within the folder, on the same disk; gone afterwards, and what a killed restore left there."""
    path = folder.path / "restoring"
    shutil.rmtree(path, ignore_errors=True)
    (path / "logs").mkdir(mode=0o700, parents=True)
    try:
        yield DataFolder(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _fill(fresh: DataFolder, file: Path, settings: Mapping[str, str]) -> None:
    with runtime_folder() as runtime:
        server = start_postgres(fresh, runtime)
        try:
            ensure_roles_and_database(runtime)
            environ = {**os.environ, **settings, **database_addresses(runtime), "REDIS_URL": NO_BROKER}
            if subprocess.call([*MANAGE, "restore", str(file)], env=environ) != 0:
                raise Refused("Nothing was changed.")
        finally:
            server.stop()


def _put_in_place(folder: DataFolder, fresh: DataFolder, keys: Path | None) -> None:
    """Swap the databases; the queue of the old one goes with it, since the tick makes what is due anew."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    if keys is not None and keys.resolve() != folder.keys_env.parent:
        _take_over_keys(keys, folder, stamp)
    kept = [_set_aside(old, stamp) for old in (folder.valkey,) if old.exists()]
    # From here on a start finishes what was cut short.
    fresh.postgres.rename(folder.restored_postgres)
    kept += [_set_aside(old, stamp) for old in (folder.postgres,) if old.exists()]
    folder.restored_postgres.rename(folder.postgres)
    if kept:
        print("Kept aside, to be removed once all is well:", *(f"  {path}" for path in kept), sep="\n")
    print("Start it as ever: make run")


def _set_aside(path: Path, stamp: str) -> Path:
    return path.rename(path.with_name(f"{path.name}.before-{stamp}"))


def _take_over_keys(keys: Path, folder: DataFolder, stamp: str) -> None:
    folder.keys_env.parent.mkdir(mode=0o700, exist_ok=True)
    for target in (folder.keys_env, folder.backup_key):
        source = keys / target.name
        if target.exists() and target.read_bytes() != source.read_bytes():
            _set_aside(target, stamp)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
