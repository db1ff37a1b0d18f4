"""The two database roles: the owner migrates, the application's role serves and owns nothing."""

from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor

from referralcrm.embedded.postgres import DATABASE, SUPERUSER, socket_folder

OWNER = "referralcrm_owner"
APPLICATION = "referralcrm_app"


def ensure_roles_and_database(runtime: Path, *, for_tests: bool = False) -> None:
    """Make the roles and the database where missing, and set what each role may."""
    with closing(psycopg2.connect(host=str(socket_folder(runtime)), user=SUPERUSER, dbname="postgres")) as db:
        db.autocommit = True  # CREATE DATABASE refuses to run inside a transaction
        with db.cursor() as sql:
            _ensure_roles(sql, for_tests=for_tests)
            _ensure_database(sql)


def _ensure_roles(sql: cursor, *, for_tests: bool) -> None:
    for role in (OWNER, APPLICATION):
        sql.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if sql.fetchone() is None:
            sql.execute(f"CREATE ROLE {role}")
        sql.execute(
            f"ALTER ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION "
            + ("CREATEDB" if for_tests and role == OWNER else "NOCREATEDB")
        )
    # Tests empty append-only tables between them; a database in use never needs that.
    grant = "GRANT SET ON PARAMETER session_replication_role TO" if for_tests else None
    sql.execute(f"{grant or 'REVOKE SET ON PARAMETER session_replication_role FROM'} {OWNER}")


def _ensure_database(sql: cursor) -> None:
    sql.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
    if sql.fetchone() is None:
        sql.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    sql.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
    sql.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APPLICATION}")
