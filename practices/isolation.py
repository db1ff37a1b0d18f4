"""Rows of one practice never reach another: the scope, the policies, the composite keys.

The database does the isolating (docs/security.md): every table of a practice has a forced row-level-security
policy on `app.practice_id`, a setting that lives as long as the transaction. Here it is entered and left.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction
from django.db.migrations import RunSQL
from django.db.models.constraints import BaseConstraint
from django_scopes import get_scope, scope

from practices.acting import current_actor, giving_reason


class WrongPractice(Exception):
    """One practice's scope was entered inside another's."""


def current_practice_id() -> int | None:
    """The practice whose scope is open, or None."""
    return get_scope().get("practice")


def entered_practice_id() -> int:
    """The practice whose scope is open. Raises LookupError outside one."""
    practice_id = current_practice_id()
    if practice_id is None:
        raise LookupError("no practice's scope is open")
    return practice_id


def set_practice(practice_id: int | None) -> None:
    """Tell the database whose rows this transaction sees, and who acts; None: nobody's rows.

    Closes the user's own view of seats.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.practice_id', %s, true), set_config('app.user_id', '', true),"
            " set_config('app.actor', %s, true)",
            [str(practice_id or ""), current_actor().setting(practice_id)],
        )


@contextmanager
def practice_scope(practice: Any) -> Iterator[None]:
    """One transaction that sees one practice's rows alone. Takes a Practice or its id.

    Raises WrongPractice inside another practice's scope.
    """
    with transaction.atomic(), enter_practice(getattr(practice, "pk", practice)):
        yield


@contextmanager
def enter_practice(practice_id: int) -> Iterator[None]:
    """The part of `practice_scope` for who holds the transaction already."""
    outer = current_practice_id()
    if outer not in (None, practice_id):
        raise WrongPractice(f"practice {practice_id} entered inside practice {outer}")
    with scope(practice=practice_id):
        set_practice(practice_id)
        yield
        # Releasing a savepoint keeps a local setting: put the outer one back by hand. A rollback does it itself.
        if connection.in_atomic_block and not connection.needs_rollback:
            set_practice(outer)


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Inside a practice's scope: the trail says why this was done. In words that name no patient."""
    with giving_reason(reason):
        set_practice(entered_practice_id())
        yield
    if not connection.needs_rollback:
        set_practice(entered_practice_id())


@contextmanager
def link_scope(practice_id: int) -> Iterator[None]:
    """The practice that a secret link names, whoever is signed in: a scope that is open is left meanwhile."""
    outer = current_practice_id()
    with transaction.atomic():
        with scope(practice=None), enter_practice(practice_id):
            yield
        set_practice(outer)


class PracticeForeignKey(models.ForeignKey):
    """A reference to a row of the same practice; pair it with `SamePractice` in Meta.constraints.

    The plain constraint and index are left out: the composite key replaces the one, and an index led by the
    practice, declared where a query needs it, the other.
    """

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **kwargs: Any) -> None:
        kwargs.setdefault("db_constraint", False)
        kwargs.setdefault("db_index", False)
        super().__init__(to, on_delete, **kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        # A form class is built outside any scope; PracticeForm gives the choices when it is filled.
        return super().formfield(queryset=self.remote_field.model._base_manager.none(), **kwargs)


class PracticeOneToOne(PracticeForeignKey, models.OneToOneField):
    """The same, for at most one."""


class SamePractice(BaseConstraint):
    """FOREIGN KEY (practice_id, x_id) → (practice_id, id): a row can't point at another practice's."""

    def __init__(self, *, field: str, name: str) -> None:
        super().__init__(name=name)
        self.field = field

    def _foreign_key(self, model: Any, schema_editor: Any) -> str:
        field = model._meta.get_field(self.field)
        target = field.remote_field.model._meta.db_table
        quote = schema_editor.quote_name
        return (
            f"FOREIGN KEY (practice_id, {quote(field.column)}) REFERENCES {quote(target)} (practice_id, id)"
            " DEFERRABLE INITIALLY IMMEDIATE"
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        """Never inside CREATE TABLE: the target's unique key must stand first."""
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        table, name = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name(self.name)
        return f"ALTER TABLE {table} ADD CONSTRAINT {name} {self._foreign_key(model, schema_editor)}"

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        table, name = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name(self.name)
        return f"ALTER TABLE {table} DROP CONSTRAINT {name}"

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: str = "default") -> None:
        """Nothing to add: the field's own validation looks the row up under row security."""

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "field": self.field}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SamePractice) and (self.name, self.field) == (other.name, other.field)

    __hash__ = BaseConstraint.__hash__


OF_THIS_PRACTICE = "practice_id = NULLIF(current_setting('app.practice_id', true), '')::bigint"


def row_security(*tables: str) -> RunSQL:
    """A migration operation: force the practice's policy on these tables."""
    forward: list[Any] = []
    back: list[Any] = []
    for table in tables:
        forward += [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY of_this_practice ON {table} USING ({OF_THIS_PRACTICE}) WITH CHECK ({OF_THIS_PRACTICE})",
        ]
        back += [
            f"DROP POLICY of_this_practice ON {table}",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ]
    return RunSQL(forward, back)


def append_only(*tables: str) -> RunSQL:
    """A migration operation: the application's role may add to these tables and read them, no more."""
    from django.conf import settings

    role = f'"{settings.APP_DATABASE_ROLE}"'
    return RunSQL(
        [f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}" for table in tables],
        [f"GRANT UPDATE, DELETE ON {table} TO {role}" for table in tables],
    )
