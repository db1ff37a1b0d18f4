"""What every table of a practice has in common."""

from operator import attrgetter
from typing import Any, Self

from django.apps import apps
from django.db import models
from django.db.models.fields.related_lookups import RelatedExact
from django_scopes import ScopedManager

from practices.isolation import current_practice_id


class ExactBigint(RelatedExact):
    """`practice_id = 7::bigint`: a GiST index led by the practice knows no comparison with a plain 7, a smaller type."""

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        operator = super().get_rhs_op(connection, rhs)
        return f"{operator}::bigint" if self.rhs_is_direct_value() else operator


class PracticeKey(models.ForeignKey):
    """The practice that a row is of; for migrations a plain foreign key."""

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", args, kwargs


PracticeKey.register_lookup(ExactBigint)


class PracticeQuerySet(models.QuerySet):
    """A set of one practice's rows."""

    _keys_of_members: tuple[str, ...] = ()

    def with_members(self, *keys: str) -> Self:
        """Each row with the members and users that these keys of it name ("physician", "list__physician").

        As `select_related` does, but all of them by one small query: a practice has few members, and a list of rows
        with several of them would join, plan and build each again and again.
        """
        found = self.all()
        found._keys_of_members = (*self._keys_of_members, *keys)
        return found

    def _clone(self) -> Self:
        found = super()._clone()
        found._keys_of_members = self._keys_of_members
        return found

    def _fetch_all(self) -> None:
        is_fresh = self._result_cache is None
        super()._fetch_all()
        if (
            is_fresh
            and self._keys_of_members
            and issubclass(self._iterable_class, models.query.ModelIterable)
        ):
            _add_members(self._result_cache, self._keys_of_members)


def _add_members(rows: Any, keys: tuple[str, ...]) -> None:
    named = []
    for key in keys:
        path, _, name = key.rpartition("__")
        holders = map(attrgetter(path), rows) if path else rows
        named += [(holder, name) for holder in holders]
    ids = {getattr(holder, f"{name}_id") for holder, name in named} - {None}
    members = apps.get_model("practices", "Member").objects.select_related("user").in_bulk(ids) if ids else {}
    for holder, name in named:
        member = members.get(getattr(holder, f"{name}_id"))
        if member is not None:
            holder._meta.get_field(name).set_cached_value(holder, member)


def practice_manager(queryset: type[models.QuerySet] = PracticeQuerySet) -> Any:
    """A manager that raises outside a practice's scope and filters by it inside."""
    return ScopedManager(_manager_class=models.Manager.from_queryset(queryset), practice="practice")


class PracticeModel(models.Model):
    """A row of one practice. Built inside a scope it belongs to that practice by itself."""

    practice = PracticeKey(
        "practices.Practice",
        on_delete=models.CASCADE,
        default=current_practice_id,
        editable=False,
        related_name="+",
        db_index=False,
    )

    objects = practice_manager()

    class Meta:
        abstract = True
        constraints = [
            # What composite foreign keys point at (practices.isolation.SamePractice).
            models.UniqueConstraint(fields=["practice", "id"], name="%(class)s_of_practice"),
        ]


class PracticeDetail(PracticeModel):
    """A row that always hangs on another one of its practice: the composite key to that one vouches for the
    practice, so a plain key beside it would only be checked for nothing, once per row."""

    practice = PracticeKey(
        "practices.Practice",
        on_delete=models.CASCADE,
        default=current_practice_id,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta(PracticeModel.Meta):
        abstract = True
