"""Taking a backup: one snapshot is counted and dumped, sealed, read back and counted again."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any

from psycopg2.extensions import cursor
from pyrage.x25519 import Identity, Recipient

from referralcrm.backups.manifest import Manifest, describe
from referralcrm.backups.programs import connect, running
from referralcrm.backups.sealing import BackupRefused, Readable, seal, unseal, written_whole

# Mostly ciphertext, which packs badly: more effort costs seconds and saves little.
DUMP = ("--format=custom", "--compress=1")
COPY_BEGINS = re.compile(rb"COPY ((?:[^ \"]|\"[^\"]*\")+) .*FROM stdin;$")


def take_backup(
    path: Path,
    *,
    database: Mapping[str, Any],
    recipients: Sequence[Recipient],
    programs: str = "",
    **of_it: Any,
) -> Manifest:
    """Write one sealed file and return what it holds. Raises BackupRefused, or OSError; then there is none.

    `database` is reached as a role that sees every practice's rows; `of_it` goes into the manifest.
    """
    # For this file alone and forgotten after: the machine reads back what it will never open again.
    proof = Identity.generate()
    with written_whole(path) as file:
        with _snapshot(database) as (sql, snapshot):
            manifest = describe(sql, **of_it)
            dump = (*DUMP, f"--snapshot={snapshot}")
            with running("pg_dump", *dump, database=database, folder=programs, stdout=PIPE) as dumping:
                seal(manifest.to_line(), dumping.stdout, file, [*recipients, proof.to_public()])
        file.flush()
        file.seek(0)
        _verify(file, manifest, proof, programs)
    return manifest


@contextmanager
def _snapshot(database: Mapping[str, Any]) -> Iterator[tuple[cursor, str]]:
    """One moment of the database, for the count and for pg_dump."""
    with closing(connect(database)) as db:
        db.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with db.cursor() as sql:
            sql.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            if not sql.fetchone()[0]:
                raise BackupRefused(
                    "The role sees no practice's rows, so its backup would be empty: "
                    "set BACKUP_DATABASE_URL to a role with BYPASSRLS (docs/backup.md)."
                )
            sql.execute("SELECT to_regclass('public.practices_encryptionkey') IS NULL")
            if sql.fetchone()[0]:
                raise BackupRefused("There is nothing to back up yet: the database has no tables of ours.")
            sql.execute("SELECT pg_export_snapshot()")
            yield sql, sql.fetchone()[0]


def _verify(file: io.BufferedIOBase, manifest: Manifest, proof: Identity, programs: str) -> None:
    """Read the file back as a restore would, and compare its rows with those counted."""
    line, rows = _read_back(file, proof, programs)
    found = {table: rows.get(table, 0) for table in manifest.rows}
    if line != manifest.to_line() or found != manifest.rows:
        short = sorted(table for table, count in manifest.rows.items() if found[table] != count)
        raise BackupRefused(
            f"The backup does not hold what the database holds ({', '.join(short)}): not kept."
        )


def _read_back(file: Readable, key: Identity, programs: str) -> tuple[bytes, dict[str, int]]:
    options = ("--data-only", "--file=-")
    with (
        running("pg_restore", *options, folder=programs, stdin=PIPE, stdout=PIPE) as reading,
        ThreadPoolExecutor(1) as beside,
    ):
        unsealed = beside.submit(_unseal_into, reading.stdin, file, key)
        rows = rows_of_dump(reading.stdout)
        return unsealed.result(), rows


def _unseal_into(pipe: IO[bytes], file: Readable, key: Identity) -> bytes:
    with pipe:
        return unseal(file, key, pipe)


def rows_of_dump(lines: Iterable[bytes]) -> dict[str, int]:
    r"""Count the rows of each table in a dump's SQL: the lines from COPY to \."""
    rows: dict[str, int] = {}
    table = None
    for line in lines:
        if table is None:
            if begins := COPY_BEGINS.match(line):
                table = begins[1].decode()
                rows[table] = 0
        elif line == b"\\.\n":
            table = None
        else:
            rows[table] += 1
    return rows
