"""A database with a row in every table of two practices, and what its tables hold.

Run beside the servers: `python -m tests.referralcrm.filled fill`, or `hashes`.
"""

import json
import os
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import django
import psycopg2

EMAIL = "mara@example.test"
PATIENT = "Zebrowski"
ALL_TABLES = """
    SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
"""


def fill() -> int:
    """Fill two practices; return the id of a referral whose patient is PATIENT."""
    from django.apps import apps

    from practices.encryption import verify_keys
    from practices.isolation import practice_scope
    from practices.models import PracticeModel
    from tests import make
    from tests.practices.any_row import any_row

    verify_keys()
    for name in ("Theirs", "Ours"):
        practice = make.practice(name)
        manager = make.member("manager", practice, email=EMAIL if name == "Ours" else "")
        with practice_scope(practice):
            for model in apps.get_models():
                if issubclass(model, PracticeModel) and not model.objects.exists():
                    any_row(model, practice)
            referral = make.referral(
                by=manager,
                now=datetime.now(UTC),
                received_on=date(2026, 1, 12),
                patient_family_name=PATIENT,
            )
    return referral.pk


def hashes(database: dict[str, Any] | str) -> dict[str, str]:
    """How many rows each table holds and what they are, in one line each."""
    connected = psycopg2.connect(database) if isinstance(database, str) else psycopg2.connect(**database)
    with closing(connected) as db, db.cursor() as sql:
        sql.execute(ALL_TABLES)
        return {table: _hash(sql, table) for (table,) in sql.fetchall()}


def _hash(sql: Any, table: str) -> str:
    row = 'string_agg(t::text, chr(10) ORDER BY t::text COLLATE "C")'
    sql.execute(f"SELECT count(*) || ' rows, ' || coalesce(md5({row}), '') FROM {table} t")
    return sql.fetchone()[0]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
    if sys.argv[1] == "fill":
        django.setup()
        said: Any = fill()
    else:
        said = hashes(os.environ["BACKUP_DATABASE_URL"])
    print(json.dumps(said))
