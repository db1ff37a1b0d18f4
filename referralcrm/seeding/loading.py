"""Rows into tables at COPY's speed. COPY straight into a table under row security is refused, so it goes
through a temporary table, and `INSERT … SELECT` meets every policy and constraint."""

import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection, models
from psycopg2 import sql

NULL = r"\N"
ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


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


def load(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of plain values (bytes for what is encrypted) in the order given."""
    lines = "".join(["\t".join([COPIED[type(value)](value) for value in row]) + "\n" for row in rows])
    if not lines:
        return
    names = {
        "table": sql.Identifier(model._meta.db_table),
        "staged": sql.Identifier(f"seeding_{model._meta.db_table}"),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
    }
    with connection.cursor() as cursor:

        def run(statement: str) -> None:
            cursor.execute(sql.SQL(statement).format(**names))

        run("CREATE TEMP TABLE {staged} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA")
        cursor.copy_expert(sql.SQL("COPY {staged} FROM STDIN").format(**names), io.StringIO(lines))
        run("INSERT INTO {table} ({columns}) SELECT * FROM {staged}")
        run("DROP TABLE {staged}")


def load_instances(model: type[models.Model], instances: Sequence[models.Model]) -> None:
    """Insert instances whose ids are reserved. For tables without encrypted columns; nothing is set by itself."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    names = [field.attname for field in model._meta.concrete_fields]
    load(model, columns, [[getattr(row, name) for name in names] for row in instances])


class _Copied(dict):
    """How a value of a type reads in COPY's text format; choices read as their values."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        self[kind] = self[str] if issubclass(kind, str) else str
        return self[kind]


COPIED: dict[type, Callable[[Any], str]] = _Copied(
    {
        type(None): lambda value: NULL,
        str: lambda value: str(value).translate(ESCAPES) if "\\" in value or "\n" in value else str(value),
        bytes: lambda value: r"\\x" + value.hex(),
        int: str,
        datetime: str,
        date: str,
        list: lambda values: "{" + ",".join(f'"{value}"' for value in values) + "}",  # of plain words
    }
)
