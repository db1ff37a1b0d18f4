"""Walks a filled database back through releases and forward again, and compares what it holds.

Run as the owner: `python -m tests.upgrading migrate RELEASE …`, with DATABASE_URL and its like on a database of
its own. A backup is made at the oldest of these releases.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

import django
import psycopg2

from referralcrm.embedded.own_backups import is_to_be_upgraded

# The migrations that each landed state ended with, the newest first. A new release adds a line, and none goes.
RELEASES: dict[str, dict[str, str | None]] = {
    "what is due": {
        "practices": "0006",
        "contacts": "0008",
        "touchpoints": "0015",
        "exchange": "0002",
        "insights": "0004",
    },
    "the five ways": {
        "practices": "0005",
        "contacts": "0006",
        "touchpoints": "0010",
        "exchange": "0002",
        "insights": None,
    },
    "cards and calls": {
        "practices": "0004",
        "contacts": "0004",
        "touchpoints": "0005",
        "exchange": "0002",
        "insights": None,
    },
}
COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns c
     WHERE table_schema = 'public' AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')
"""
# Written by migrating itself: which ones ran, and the rights and types of the models there are.
OF_MIGRATING = {"django_migrations", "django_content_type", "auth_permission"}

Held = dict[tuple[str, str], str]


def main(*releases: str) -> None:
    """Print, as JSON, each step with what it lost of what both its ends can hold."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
    django.setup()
    from django.core.management import call_command

    from tests.referralcrm.filled import fill

    call_command("migrate", verbosity=0)  # which gives the application's role its rights, too
    fill()
    walk = walked([*releases, *reversed(releases[:-1]), None])
    back = list(islice(walk, len(releases)))
    call_command("backup", stdout=sys.stderr)
    print(json.dumps([*back, *walk]))


def walked(steps: list[str | None]) -> Iterator[tuple[str, int, list[str], bool]]:
    """Each step: how many columns all states so far have, which of them hold something else than at first, and
    whether the database is to be upgraded."""
    first = held()
    survives = set(first)
    for name in steps:
        migrate_to(name)
        now = held()
        survives &= now.keys()
        changed = sorted(".".join(column) for column in survives if now[column] != first[column])
        yield name or "now", len(survives), changed, is_to_be_upgraded(os.environ["DATABASE_URL"])


def migrate_to(release: str | None) -> None:
    """Bring the database to a release, or to this program's."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    wanted = RELEASES[release] if release else {}
    targets = [(app, name) for app, name in leaves if app not in wanted]
    targets += [(app, _full(executor, app, name)) for app, name in wanted.items()]
    executor.migrate(targets)


def _full(executor, app: str, number: str | None) -> str | None:
    nodes = (name for of, name in executor.loader.graph.nodes if of == app)
    return next(name for name in nodes if name.startswith(number)) if number else None


def held(database_url: str = "") -> Held:
    """What each column of each table holds, of all practices."""
    with (
        closing(psycopg2.connect(database_url or os.environ["BACKUP_DATABASE_URL"])) as db,
        db.cursor() as sql,
    ):
        sql.execute(COLUMNS)
        columns = [(table, column) for table, column in sql.fetchall() if table not in OF_MIGRATING]
        return {(table, column): _hash(sql, table, column) for table, column in columns}


def _hash(sql, table: str, column: str) -> str:
    in_order = f"ORDER BY to_jsonb(t) ->> 'id', \"{column}\"::text"
    sql.execute(
        f"SELECT count(*) || ' rows, ' || md5(string_agg(\"{column}\"::text, chr(10) {in_order})) FROM {table} t"
    )
    return sql.fetchone()[0] or "empty"


if __name__ == "__main__":
    main(*sys.argv[2:])
