"""A row of any model of a practice, filled as its columns ask and its constraints allow."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from practices.encryption import EncryptedBytesField, EncryptedDateField, EncryptedTextField
from practices.models import AuditEntry, Location, Practice, PracticeModel, User
from tests import make

MONDAY = date(2026, 11, 2)
_numbers = count(1)

# What a constraint asks beyond the column's type.
ALSO: dict[str, Callable[[Practice], dict[str, Any]]] = {
    "practices.cover": lambda practice: {"covered_by": make.member("physician", practice)},
    "contacts.referral": lambda practice: {"provider": make.provider()},
    "contacts.merge": lambda practice: {
        "kept_provider": make.provider(),
        "dropped_provider": make.provider(),
    },
    "contacts.notadouble": lambda practice: {
        "first_provider": make.provider(),
        "second_provider": make.provider(),
    },
    "touchpoints.standin": lambda practice: {"stand_in": make.member("liaison", practice)},
    "touchpoints.touchpoint": lambda practice: {"provider": make.provider()},
    "touchpoints.meeting": lambda practice: {"ends_at": make.NOW + timedelta(hours=1)},
    "touchpoints.attendee": lambda practice: {"provider": make.provider()},
    "touchpoints.giftshare": lambda practice: {"provider": make.provider()},
}

VALUES: list[tuple[type[models.Field], Callable[[], Any]]] = [
    (EncryptedDateField, lambda: MONDAY),
    (EncryptedBytesField, lambda: b"clear"),
    (EncryptedTextField, lambda: "clear"),
    (models.DateTimeField, lambda: make.NOW),
    (models.DateField, lambda: MONDAY),
    (models.IntegerField, lambda: next(_numbers)),
    (models.DecimalField, lambda: Decimal("1.00")),
    (models.BooleanField, lambda: False),
    (models.JSONField, dict),
    (ArrayField, list),
    (models.BinaryField, lambda: str(next(_numbers)).encode()),
    (models.EmailField, lambda: f"somebody{next(_numbers)}@example.test"),
    (models.CharField, lambda: f"name {next(_numbers)}"),
    (models.TextField, lambda: "text"),
]


def any_row(model: type[models.Model], practice: Practice, **given: Any) -> models.Model:
    """Make one. Call inside the practice's scope."""
    if model is AuditEntry:  # the database writes it, of any row
        Location.objects.create(name=f"Location {next(_numbers)}")
        return AuditEntry.objects.order_by("id").last()
    also = {**ALSO.get(model._meta.label_lower, lambda practice: {})(practice), **given}
    asked = [
        field for field in model._meta.concrete_fields if _must_be_given(field) and field.name not in also
    ]
    return model._base_manager.create(**{field.name: _value(field, practice) for field in asked}, **also)


def _must_be_given(field: models.Field) -> bool:
    is_stamped = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return not (field.primary_key or field.null or field.blank or field.has_default() or is_stamped)


def _value(field: models.Field, practice: Practice) -> Any:
    if isinstance(field, models.ForeignKey):
        return _related(field.related_model, practice)
    if field.choices:
        return field.choices[0][0]
    return next(value() for kind, value in VALUES if isinstance(field, kind))


def _related(model: type[models.Model], practice: Practice) -> models.Model:
    if model is User:
        return User.objects.create(email=f"user{next(_numbers)}@example.test", name="Ida")
    assert issubclass(model, PracticeModel), f"no row for {model}"
    return any_row(model, practice)
