"""The triggers that write the audit trail, as a migration puts them on tables.

The trail is written by the database: no way to change a row can forget it, raw SQL and bulk included
(docs/audit.md).
"""

from typing import Any

from django.db.migrations import RunSQL

TRANSITIONS = {
    "insert": "NEW TABLE AS after_it",
    "update": "OLD TABLE AS before_it NEW TABLE AS after_it",
    "delete": "OLD TABLE AS before_it",
}


def audited(
    *tables: str,
    derived: tuple[str, ...] = (),
    hidden: tuple[str, ...] = (),
    function: str = "practices_write_down",
) -> RunSQL:
    """A migration operation: every change of these tables' rows goes into the trail.

    `derived` columns follow from others, and a change of them alone is none. `hidden` ones are named there
    without what they hold, as bytea columns always are.
    """
    forward: list[Any] = []
    back: list[Any] = []
    arguments = ", ".join(f"'{{{','.join(columns)}}}'" for columns in (derived, hidden))
    for table in tables:
        for act, transition in TRANSITIONS.items():
            forward.append(
                f"CREATE TRIGGER audit_{act} AFTER {act.upper()} ON {table} REFERENCING {transition}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {function}({arguments})"
            )
            back.append(f"DROP TRIGGER audit_{act} ON {table}")
        forward.append(
            f"CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION practices_refuse_truncate()"
        )
        back.append(f"DROP TRIGGER audit_truncate ON {table}")
    return RunSQL(forward, back)


def kept_for_six_years(*tables: str) -> RunSQL:
    """A migration operation: nobody changes these tables' rows, and nobody removes one younger than that."""
    forward: list[Any] = []
    back: list[Any] = []
    for table in tables:
        forward += [
            f"CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION practices_keep_for_six_years()",
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION practices_refuse_truncate()",
        ]
        back += [f"DROP TRIGGER never_changed ON {table}", f"DROP TRIGGER never_emptied ON {table}"]
    return RunSQL(forward, back)
