"""Taking back what was done: removals and acts on many rows, for thirty days.

An act is remembered with what stood there before. Each kind has one function that puts it back, beside the rule it
takes back, and that refuses with a sentence where later work stands on what was done.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from practices.isolation import entered_practice_id
from practices.models import Member, Practice, UndoableAct
from practices.roles import EVERYBODY


class CannotUndo(Exception):
    """It can't be taken back; says why in a sentence."""


@dataclass(frozen=True)
class Kind:
    """How acts of one kind are taken back, and by whom."""

    take_back: Callable[..., str | None]
    roles: Collection[str]


_kinds: dict[str, Kind] = {}


def takes_back(kind: str, *, roles: Collection[str] = EVERYBODY) -> Callable:
    """Mark the function that takes back acts of that kind: `f(data, *, by, now)`, in one transaction.

    It may return a sentence to add to "taken back", and raises CannotUndo.
    """

    def decorate(function: Callable[..., str | None]) -> Callable[..., str | None]:
        _kinds[kind] = Kind(function, roles)
        return function

    return decorate


def kinds() -> dict[str, Kind]:
    """Every kind of act that can be taken back."""
    return dict(_kinds)


def remember(
    kind: str, *, said: str, by: Member, now: datetime, about: int | None = None, **data: Any
) -> UndoableAct:
    """Write down what was done and what it takes to take it back."""
    if kind not in _kinds:
        raise ValueError(f"nothing takes back: {kind}")
    return UndoableAct.objects.create(
        kind=kind, said=said[:300], about=about, done_at=now, done_by=by, data=json.dumps(data)
    )


def undo_url(act: UndoableAct | None) -> str:
    """Where the act is taken back; nothing for none."""
    return reverse("undo_act", args=[act.pk]) if act else ""


def acts_shown_to(member: Member, *, now: datetime) -> QuerySet[UndoableAct]:
    """A manager's: everybody's; one's own otherwise. Not what is too old to be taken back."""
    rows = UndoableAct.objects.filter(done_at__gt=now - UndoableAct.KEPT_FOR)
    return rows if member.is_manager else rows.filter(done_by=member)


def may_undo(act: UndoableAct, member: Member) -> bool:
    """Whether it is this member's to take back, by the role they have by now."""
    is_theirs = member.is_manager or act.done_by_id == member.pk
    return is_theirs and act.kind in _kinds and member.role in _kinds[act.kind].roles


@transaction.atomic
def take_back(act: UndoableAct, *, by: Member, now: datetime) -> str:
    """Put everything back; a second press changes nothing. Returns what there is to add. Raises CannotUndo."""
    # First of all, as in every act that reaches over many rows: so that none waits for the other.
    Practice.objects.select_for_update(no_key=True).get(pk=entered_practice_id())
    row = UndoableAct.objects.select_for_update().get(pk=act.pk)
    if row.undone_at:
        return ""
    if row.done_at <= now - UndoableAct.KEPT_FOR or not may_undo(row, by):
        raise CannotUndo(_("This can't be taken back any more."))
    try:
        with transaction.atomic():
            more = _kinds[row.kind].take_back(json.loads(row.data), by=by, now=now)
    except (IntegrityError, ProtectedError) as error:
        raise CannotUndo(_("What was entered since stands in the way, so it can't be taken back.")) from error
    row.undone_at, row.undone_by = now, by
    row.save(update_fields=["undone_at", "undone_by"])
    return more or ""


def settle(kind: str, *, about: int, by: Member, now: datetime) -> None:
    """It was taken back on its own page."""
    UndoableAct.objects.filter(kind=kind, about=about, undone_at=None).update(undone_at=now, undone_by=by)


def forget_old_acts(*, now: datetime) -> None:
    """Delete what can't be taken back any more, and what it held."""
    UndoableAct.objects.filter(done_at__lte=now - UndoableAct.KEPT_FOR).delete()


def values_of(row: models.Model) -> dict[str, Any]:
    """Every column of a row that is about to go, for `put_back`."""
    return {
        "model": row._meta.label_lower,
        "values": {field.attname: plain(getattr(row, field.attname)) for field in row._meta.concrete_fields},
    }


def put_back(kept: dict[str, Any]) -> models.Model:
    """The row that went, under its own number."""
    model: Any = apps.get_model(kept["model"])
    fields = {field.attname: field for field in model._meta.concrete_fields}
    values = {name: fields[name].to_python(value) for name, value in kept["values"].items()}
    row: models.Model = model(**values)
    row.save(force_insert=True)
    # Fields that set themselves on saving (auto_now) get their old values too.
    model.objects.filter(pk=row.pk).update(**values)
    return row


def plain(value: Any) -> Any:
    """A column's value as JSON keeps it."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
