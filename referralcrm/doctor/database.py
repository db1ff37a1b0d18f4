"""The database: reached, new enough, served by a role that is held to its rows, migrated, with the right keys."""

import time

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader

from practices.encryption import KeysRefused, check_values
from referralcrm.doctor.findings import Check, Finding, look, ok, wrong

OLDEST_VERSION = 15
SKEW_TO_LOOK_AT, SKEW_THAT_IS_WRONG = 5, 60  # seconds
# A key that was retired may be missing; a database from before there were such has no such column.
KEYS_IN_USE = (
    "SELECT key_id, check_value FROM practices_encryptionkey k WHERE to_jsonb(k) ->> 'retired_at' IS NULL"
)
ROLE = """
    SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication,
        (SELECT count(*) FROM pg_class WHERE relowner = r.oid AND relnamespace = 'public'::regnamespace),
        (SELECT string_agg(roleid::regrole::text, ', ' ORDER BY 1) FROM pg_auth_members WHERE member = r.oid)
    FROM pg_roles r WHERE rolname = current_user
"""


def can_be_reached() -> Finding:
    """Whether it answers, and is a version that we know."""
    start = time.monotonic()
    try:
        ((version,),) = _asked("SHOW server_version_num")
    except Error:
        return wrong(
            "The database does not answer", "start it, or see what DATABASE_URL names (docs/settings.md)"
        )
    if int(version) // 10000 < OLDEST_VERSION:
        return wrong(f"PostgreSQL {int(version) // 10000} is too old", f"use {OLDEST_VERSION} or newer")
    return ok(f"PostgreSQL {int(version) // 10000} answers in {(time.monotonic() - start) * 1000:.0f} ms")


def role_is_held_to_its_rows() -> Finding:
    """Whether the role that serves can neither bypass row security, change the tables, nor become who can."""
    ((powers, owned, others),) = _asked(ROLE)
    if powers:
        return wrong(
            "The role that serves may read every practice's rows",
            "put the application's role into DATABASE_URL (docs/roles.sql)",
        )
    if owned:
        return wrong(
            f"The role that serves owns {owned} tables, so it could lift row security",
            "put the application's role into DATABASE_URL, the owner into OWNER_DATABASE_URL",
        )
    if others:
        return wrong(f"The role that serves may act as {others}", "REVOKE that role from it, as a superuser")
    return ok("The role that serves owns nothing, bypasses nothing and is no other")


def migrations_are_this_release_s() -> Finding:
    """Whether database and program are of one release."""
    known = set(MigrationLoader(None).graph.nodes)
    applied = {(app, name) for app, name in _asked("SELECT app, name FROM django_migrations")}
    if missing := known - applied:
        return wrong(f"{len(missing)} migrations are not applied", "run manage.py migrate, or make run")
    if newer := sorted(applied - known):
        return wrong(
            f"The database is of a newer release: it knows {'.'.join(newer[0])}", "upgrade the program"
        )
    return ok(f"All {len(known)} migrations are applied")


def keys_open_the_data() -> Finding:
    """Whether each key that rows are written under is given, and is the right one."""
    try:
        given = check_values()
    except KeysRefused as refusal:
        return wrong(str(refusal), "put the keys back from your copy")
    in_use = {key_id: bytes(check) for key_id, check in _asked(KEYS_IN_USE)}
    if refused := sorted(key_id for key_id, check in in_use.items() if given.get(key_id) != check):
        return wrong(
            f"Keys are missing or not this database's: {', '.join(refused)}",
            "put the keys back from your copy",
        )
    return ok(f"The keys are this database's: {', '.join(sorted(in_use)) or 'nothing is written yet'}")


def clocks_agree() -> Finding:
    """Whether the database's clock is this machine's."""
    ((theirs,),) = _asked("SELECT extract(epoch FROM clock_timestamp())")
    skew = abs(float(theirs) - time.time())
    if skew > SKEW_TO_LOOK_AT:
        finding = wrong if skew > SKEW_THAT_IS_WRONG else look
        return finding(
            f"The database's clock and this machine's are {skew:.0f} s apart",
            "let both be set by NTP (timedatectl)",
        )
    return ok("The database's clock is this machine's")


def _asked(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def role_is_not_the_owner_s() -> Finding:
    """Whether two roles are set at all."""
    if settings.APP_DATABASE_ROLE == settings.OWNER_DATABASE_ROLE:
        return wrong(
            "One database role both serves and migrates",
            "make two (docs/roles.sql): DATABASE_URL serves, OWNER_DATABASE_URL migrates",
        )
    return ok("One database role serves, another migrates")


CHECKS: tuple[Check, ...] = (
    role_is_not_the_owner_s,
    role_is_held_to_its_rows,
    migrations_are_this_release_s,
    keys_open_the_data,
    clocks_agree,
)
