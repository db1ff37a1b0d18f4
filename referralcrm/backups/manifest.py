"""What a backup says of itself before its rows: enough to refuse the wrong one and to count the right one."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from psycopg2.extensions import cursor

from referralcrm.backups.sealing import BackupRefused

FORMAT = 1
# A key that was retired may be missing; a database from before there were such has no such column.
KEYS_IN_USE = """
    SELECT key_id, check_value FROM public.practices_encryptionkey k WHERE to_jsonb(k) ->> 'retired_at' IS NULL
"""
ALL_TABLES = """
    SELECT format('%I.%I', nspname, relname)
      FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1
"""


@dataclass(frozen=True)
class Manifest:
    """When, by which release, of what; the keys by their check values alone."""

    made_at: str
    release: str
    postgresql: int
    owner: str
    application: str
    migrations: list[list[str]]
    keys: dict[str, str]
    rows: dict[str, int]
    settings: dict[str, str]
    format: int = FORMAT

    def to_line(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The reverse. Raises BackupRefused for a line that a newer release wrote, or none did."""
        try:
            said = json.loads(line)
            if said.get("format", 0) > FORMAT:
                raise BackupRefused("The backup was made by a newer release: upgrade this one first.")
            return cls(**said)
        except (ValueError, TypeError, AttributeError):
            raise BackupRefused("This is no backup of Referral CRM: it does not say what it holds.") from None


def describe(
    sql: cursor, *, now: datetime, release: str, owner: str, application: str, settings: Mapping[str, str]
) -> Manifest:
    """Describe the database as the transaction sees it."""
    return Manifest(
        made_at=now.isoformat(timespec="seconds"),
        release=release,
        postgresql=sql.connection.server_version // 10000,
        owner=owner,
        application=application,
        migrations=_asked(sql, "SELECT app, name FROM public.django_migrations ORDER BY id"),
        keys={key_id: bytes(check).hex() for key_id, check in _asked(sql, KEYS_IN_USE)},
        rows=count_rows(sql),
        settings=dict(settings),
    )


def count_rows(sql: cursor) -> dict[str, int]:
    """Count every table's rows, of all practices."""
    tables = [table for (table,) in _asked(sql, ALL_TABLES)]
    return {table: _asked(sql, f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def _asked(sql: cursor, statement: str) -> list[list]:
    sql.execute(statement)
    return [list(row) for row in sql.fetchall()]
