"""What every table of a practice has in common."""

from typing import Any

from django.db import models
from django_scopes import ScopedManager

from practices.isolation import current_practice_id


class PracticeQuerySet(models.QuerySet):
    """A set of one practice's rows."""


def practice_manager(queryset: type[models.QuerySet] = PracticeQuerySet) -> Any:
    """A manager that raises outside a practice's scope and filters by it inside."""
    return ScopedManager(_manager_class=models.Manager.from_queryset(queryset), practice="practice")


class PracticeModel(models.Model):
    """A row of one practice. Built inside a scope it belongs to that practice by itself."""

    practice = models.ForeignKey(
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

    practice = models.ForeignKey(
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
