"""Rows into tables at COPY's speed. COPY straight into a table under row security is refused, so it goes
through a temporary table, and `INSERT … SELECT` meets every policy and constraint."""

import io
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

from django.conf import settings
from django.db import connection, models
from psycopg2 import sql

NULL = r"\N"
CHUNK = 1 << 20
NO_BYTES = r"\\x"


def reserve_ids(model: type[models.Model], count: int) -> range:
    """So many ids in a row from the table's own sequence."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
        (sequence,) = cursor.fetchone()
        while True:
            cursor.execute(
                "SELECT min(id), max(id)"
                " FROM (SELECT nextval(%s::regclass) AS id FROM generate_series(1, %s)) reserved",
                [sequence, count],
            )
            first, last = cursor.fetchone()
            if count == 0:
                return range(0)
            if last - first + 1 == count:  # otherwise somebody else took ids in between: a gap is no harm
                return range(first, last + 1)


def refresh_statistics(*tables: type[models.Model]) -> None:
    """Let the planner know that these tables have rows; before, it checks each foreign key by a wrong index.

    Statistics are the owner's to refresh. A role that owns nothing is only warned, and goes on more slowly.
    """
    _as_owner("ANALYZE {}", tables)


def settle(*tables: type[models.Model]) -> None:
    """What PostgreSQL does by itself within minutes of a large load: see which rows are there for everybody."""
    _as_owner("VACUUM (ANALYZE) {}", tables)


def _as_owner(command: str, tables: Sequence[type[models.Model]]) -> None:
    owner = {"user": settings.OWNER_DATABASE["USER"], "password": settings.OWNER_DATABASE["PASSWORD"]}
    with closing(connection.get_new_connection(connection.get_connection_params() | owner)) as other:
        other.autocommit = True
        with other.cursor() as cursor:
            names = sql.SQL(", ").join(sql.Identifier(model._meta.db_table) for model in tables)
            cursor.execute(sql.SQL(command).format(names))


def prefer_indexes() -> None:
    """For this transaction: the plans that check foreign keys are made while tables are still small."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


def load(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows in the order given. Texts hold no tab, line end or backslash; bytes come through `as_bytea`."""
    load_lines(
        model,
        columns,
        ["\t".join([NULL if value is None else str(value) for value in row]) + "\n" for row in rows],
    )


def load_lines(model: type[models.Model], columns: Sequence[str], lines: Iterable[str]) -> None:
    """Insert rows that are written as COPY reads them."""
    text = "".join(lines)
    if not text:
        return
    names = {
        "table": sql.Identifier(model._meta.db_table),
        "staged": sql.Identifier(f"seeding_{model._meta.db_table}"),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
    }
    with connection.cursor() as cursor:

        def run(statement: str) -> None:
            cursor.execute(sql.SQL(statement).format(**names))

        # Kept as long as the connection: files made and deleted by the dozen cost a fifth of the time.
        run(
            "CREATE TEMP TABLE IF NOT EXISTS {staged} ON COMMIT DELETE ROWS"
            " AS SELECT {columns} FROM {table} WITH NO DATA"
        )
        cursor.copy_expert(
            sql.SQL("COPY {staged} FROM STDIN").format(**names), io.BytesIO(text.encode()), CHUNK
        )
        run("INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged}")
        run("DELETE FROM {staged}")


def as_bytea(value: bytes) -> str:
    """Bytes as COPY reads them."""
    return NO_BYTES + value.hex()


def load_instances(model: type[models.Model], instances: Sequence[models.Model]) -> None:
    """Insert instances whose ids are reserved. For tables without encrypted columns; nothing is set by itself."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    names = [field.attname for field in model._meta.concrete_fields]
    load(model, columns, [[_as_array(getattr(row, name)) for name in names] for row in instances])


def _as_array(value: Any) -> Any:
    """A list of plain words as COPY reads it; anything else as it is."""
    return "{" + ",".join(f'"{word}"' for word in value) + "}" if isinstance(value, list) else value
