"""What keeps practices apart and writes the trail down: whether it stands as the migrations built it.

The migrations and models say what there should be, the database's catalogue what there is; the two are compared
as text, without what PostgreSQL adds when it repeats a definition.
"""

import re
from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations import RunSQL
from django.db.migrations.loader import MigrationLoader

from practices.isolation import SamePractice
from practices.models import PracticeModel
from referralcrm.doctor.findings import Check, Finding, ok, wrong

MEND = "stop serving and run migrate as the owner; if it stays so, restore a backup"
ADDED_BY_POSTGRESQL = re.compile(r'::\w+|INITIALLY IMMEDIATE|public\.|[\s()"]')
BUILT = re.compile(r"\s*CREATE (POLICY|TRIGGER) (\w+) .*?ON (\w+)", re.DOTALL)
TORN_DOWN = re.compile(r"\s*DROP (POLICY|TRIGGER) (\w+) ON (\w+)")
FUNCTION = re.compile(r"\s*CREATE (?:OR REPLACE )?FUNCTION (\w+)\(.*?AS (\$\w*\$)(.*)\2", re.DOTALL)
TAKEN_AWAY = re.compile(r"REVOKE ([A-Z, ]+) ON (\w+) FROM")

POLICIES = """
    SELECT 'POLICY', policyname, tablename, format('CREATE POLICY %s ON %s%s%s%s%s%s', policyname, tablename,
        CASE permissive WHEN 'RESTRICTIVE' THEN ' AS RESTRICTIVE' END,
        ' FOR ' || nullif(cmd, 'ALL'),
        CASE WHEN roles = ARRAY[tableowner] THEN ' TO CURRENT_USER'
            WHEN roles <> '{public}' THEN ' TO ' || array_to_string(roles, ',') END,
        ' USING ' || qual, ' WITH CHECK ' || with_check)
    FROM pg_policies JOIN pg_tables USING (schemaname, tablename) WHERE schemaname = 'public'
"""
TRIGGERS = """
    SELECT 'TRIGGER', tgname, relname, pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace
"""
# Those of PostgreSQL's own that hold references too.
DISABLED = """
    SELECT DISTINCT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
    WHERE tgenabled NOT IN ('O', 'A') AND relnamespace = 'public'::regnamespace
"""
FORCED = """
    SELECT relname FROM pg_class
    WHERE relrowsecurity AND relforcerowsecurity AND relnamespace = 'public'::regnamespace
"""
REFERENCES = """
    SELECT format('ALTER TABLE %s ADD CONSTRAINT %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""
COLUMNS = """
    SELECT relname, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND relnamespace = 'public'::regnamespace
"""
MAY = """
    SELECT privilege, relname FROM pg_class, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) privilege
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND (has_table_privilege(%(role)s, oid, privilege)
        OR privilege IN ('INSERT', 'UPDATE') AND has_any_column_privilege(%(role)s, oid, privilege))
"""
MAY_FORGE = """
    SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
        AND prorettype = 'trigger'::regtype AND has_function_privilege(%(role)s, oid, 'EXECUTE')
"""
MAY_SWITCH_OFF = "SELECT has_parameter_privilege(%(role)s, 'session_replication_role', 'SET')"


def rows_are_kept_apart() -> Finding:
    """Whether row security is forced on every practice's table, by the policies made for it and no other."""
    tables = {model._meta.db_table for model in _of_a_practice()}
    bare = tables - {table for (table,) in _asked(FORCED)}
    standing, built = _standing(POLICIES), _built("POLICY")
    bare |= {key[2] for key in standing.keys() | built.keys() if standing.get(key) != built.get(key)}
    if bare:
        return wrong(f"Row security is not what it should be on {_some(bare)}", MEND)
    return ok(f"Row security is forced on all {len(tables)} tables of a practice")


def references_stay_in_the_practice() -> Finding:
    """Whether each reference's key stands that keeps it within its practice."""
    standing = {_bare(sql) for (sql,) in _asked(REFERENCES)}
    editor = connection.schema_editor()
    expected = {
        constraint.name: _bare(constraint.create_sql(model, editor))
        for model in _of_a_practice()
        for constraint in model._meta.constraints
        if isinstance(constraint, SamePractice)
    }
    if gone := {name for name, sql in expected.items() if sql not in standing}:
        return wrong(f"Rows may point at another practice's: {_some(gone)} is missing or another", MEND)
    return ok(f"All {len(expected)} references stay within their practice")


def changes_are_written_down() -> Finding:
    """Whether the triggers stand that write the trail and keep it, and do what they were made for."""
    standing, built = _standing(TRIGGERS), _built("TRIGGER")
    off = {table for (table,) in _asked(DISABLED)}
    off |= {key[2] for key, sql in built.items() if standing.get(key) != sql}
    if off:
        return wrong(f"Triggers are missing, switched off or others on {_some(off)}", MEND)
    bodies = dict(_asked("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"))
    if other := {name for name, body in _functions().items() if bodies.get(name) != body}:
        return wrong(f"Functions are missing or others: {_some(other)}", MEND)
    return ok(f"All {len(built)} triggers stand that write changes down and keep the trail")


def trail_is_only_added_to() -> Finding:
    """Whether the role that serves lacks what was taken from it: to change the trail, or to switch it off."""
    if settings.APP_DATABASE_ROLE == settings.OWNER_DATABASE_ROLE:
        return ok("One role does both: the triggers alone guard the trail")
    taken = {
        (right.strip(), found[2])
        for sql in _statements()
        if (found := TAKEN_AWAY.match(sql))
        for right in found[1].split(",")
    }
    may = [
        (right, table)
        for right, table in _asked_of_role(MAY)
        if right in ("TRUNCATE", "TRIGGER") or (right, table) in taken
    ]
    if may:
        named = _some({f"{right} on {table}" for right, table in may})
        return wrong(f"The role that serves may do what it should not: {named}", "REVOKE it, as the owner")
    if forged := {name for (name,) in _asked_of_role(MAY_FORGE)}:
        return wrong(
            f"The role that serves may write into the trail by {_some(forged)}",
            "REVOKE EXECUTE on it from PUBLIC and the role, as the owner",
        )
    if _asked_of_role(MAY_SWITCH_OFF) == [(True,)]:
        return wrong(
            "The role that serves may switch triggers off", "REVOKE SET ON PARAMETER session_replication_role"
        )
    return ok("The role that serves adds to the trail, and can't change it")


def columns_are_there() -> Finding:
    """Whether each column and constraint that the program knows is in the database."""
    there = set(_asked(COLUMNS))
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    tables = {
        (model._meta.db_table, field.column)
        for model in models
        for field in model._meta.local_concrete_fields
    }
    named = {
        name for (name,) in _asked("SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class")
    }
    gone = {f"{table}.{column}" for table, column in tables - there}
    gone |= {each.name for model in models for each in model._meta.constraints} - named
    if gone:
        return wrong(f"The database lacks {_some(gone)}", MEND)
    return ok(f"All {len(tables)} columns are there")


def _of_a_practice() -> Iterator[type[PracticeModel]]:
    return (model for model in apps.get_models() if issubclass(model, PracticeModel))


def _statements() -> Iterator[str]:
    """What the migrations run besides what the models say, in their order."""
    graph = MigrationLoader(None).graph
    plan = dict.fromkeys(node for leaf in sorted(graph.leaf_nodes()) for node in graph.forwards_plan(leaf))
    for node in plan:
        for operation in graph.nodes[node].operations:
            if isinstance(operation, RunSQL):
                yield from [operation.sql] if isinstance(operation.sql, str) else operation.sql


def _built(kind: str) -> dict[tuple[str, str, str], str]:
    """The policies or triggers that stand after the last migration."""
    built: dict[tuple[str, str, str], str] = {}
    for sql in _statements():
        if (found := BUILT.match(sql)) and found[1] == kind:
            built[kind, found[2], found[3]] = _bare(sql)
        elif found := TORN_DOWN.match(sql):
            built.pop((found[1], found[2], found[3]), None)
    return built


def _functions() -> dict[str, str]:
    return {found[1]: found[3] for sql in _statements() if (found := FUNCTION.match(sql))}


def _standing(asked: str) -> dict[tuple[str, str, str], str]:
    return {(kind, name, table): _bare(sql) for kind, name, table, sql in _asked(asked)}


def _bare(sql: str) -> str:
    events = re.sub(r"\bUPDATE OR DELETE\b", "DELETE OR UPDATE", sql)  # PostgreSQL's order
    return ADDED_BY_POSTGRESQL.sub("", events)


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (" …" if len(names) > 3 else "")


def _asked_of_role(sql: str) -> list[tuple]:
    return _asked(sql, {"role": settings.APP_DATABASE_ROLE})


def _asked(sql: str, given: dict[str, str] | None = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return cursor.fetchall()


CHECKS: tuple[Check, ...] = (
    rows_are_kept_apart,
    references_stay_in_the_practice,
    changes_are_written_down,
    trail_is_only_added_to,
    columns_are_there,
)
