"""The audit trail in sentences: what a row is called, what a column means, what stood in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Concat, NullIf, Trim
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from practices.models import AuditEntry, Member

Names = dict[tuple[str, int], str]  # (table, row's number) → what it is called
ABOUT = ("provider", "office", "physician", "member")  # whom a row without a name is about
LONGEST = 200


@dataclass(frozen=True)
class Change:
    """One column of a row: what it means, and both its values in words; none where they are not shown."""

    label: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Line:
    """An entry as the page says it."""

    entry: AuditEntry
    sentence: str
    changes: list[Change]


@cache
def model_of(table: str) -> type[models.Model] | None:
    """Whose rows stand in that table; None where it is no more."""
    return next((model for model in apps.get_models() if model._meta.db_table == table), None)


def told(entries: Iterable[AuditEntry]) -> list[Line]:
    """The entries in sentences, with one query for all the names in them."""
    entries = list(entries)
    names = names_of(_named_in(entries))
    return [_line(entry, names) for entry in entries]


def row_called(table: str, row_id: int) -> str:
    """ "provider Ngozi Okafor", "referral 12": for the title of a row's story."""
    model = model_of(table)
    kind = str(model._meta.verbose_name) if model else table
    return f"{kind} {names_of({table: {row_id}}).get((table, row_id)) or row_id}"


def _line(entry: AuditEntry, names: Names) -> Line:
    changes = _changes(entry, names)
    return Line(entry, _sentence(entry, changes, names), changes)


def who(entry: AuditEntry, names: Names) -> str:
    """Whoever did it, as far as it is known."""
    if entry.member_id:
        return names.get((Member._meta.db_table, entry.member_id)) or _("Member %(n)s") % {
            "n": entry.member_id
        }
    if entry.address:
        return _("Somebody not signed in")
    if entry.through.startswith("manage.py"):
        return _("The command %(command)s") % {"command": entry.through.removeprefix("manage.py ")}
    return _("The system") if entry.through else _("Somebody at the database")


def _sentence(entry: AuditEntry, changes: list[Change], names: Names) -> str:
    said = {"who": who(entry, names), "row": row_in_words(entry, names)}
    if entry.operation == AuditEntry.Operation.INSERT:
        return _("%(who)s added %(row)s.") % said
    if entry.operation == AuditEntry.Operation.DELETE:
        return _("%(who)s removed %(row)s.") % said
    if entry.operation == AuditEntry.Operation.EXPORT:
        return _("%(who)s took %(row)s away as a file.") % said
    if len(changes) != 1:
        return _("%(who)s changed %(row)s.") % said
    (change,) = changes
    said["column"] = change.label
    if change.old is None:
        return _("%(who)s changed the %(column)s of %(row)s.") % said
    said |= {"old": change.old, "new": change.new or ""}
    return _("%(who)s changed the %(column)s of %(row)s from %(old)s to %(new)s.") % said


def row_in_words(entry: AuditEntry, names: Names) -> str:
    """ "the provider Ngozi Okafor", "reminder 12 about Jo Field", "312 referrals"."""
    model = model_of(entry.table_name)
    if model is None:
        return f"{entry.table_name} {entry.row_id}"
    kind = str(model._meta.verbose_name)
    if entry.rows != 1 or entry.row_id is None:
        return f"{entry.rows:,} {kind if entry.rows == 1 else model._meta.verbose_name_plural}"
    name = names.get((entry.table_name, entry.row_id)) or _name_it_had(model, entry)
    if has_a_name(model) and name:
        return _("the %(kind)s %(name)s") % {"kind": kind, "name": name}
    said = {"kind": kind, "number": entry.row_id, "name": name}
    return _("%(kind)s %(number)s about %(name)s") % said if name else f"{kind} {entry.row_id}"


def _name_it_had(model: type[models.Model], entry: AuditEntry) -> str:
    """A removed row's name, from what was kept of it."""
    had = entry.changes or {}
    if entry.operation != AuditEntry.Operation.DELETE or not has_a_name(model):
        return ""
    return " ".join(str(had[name]) for name in ("given_name", "family_name", "name") if had.get(name))


def _columns(model: type[models.Model]) -> dict[str, models.Field]:
    return {str(field.column): field for field in model._meta.concrete_fields}


def has_a_name(model: type[models.Model]) -> bool:
    """Whether its rows are called something of their own."""
    own = {field.name for field in model._meta.concrete_fields if isinstance(field, models.CharField)}
    return model is Member or bool(own & {"name", "family_name"})


def _called(model: type[models.Model]) -> models.expressions.Combinable | None:
    """What its rows are called, or whom they are about, as the database says it."""
    if model is Member:
        return F("user__name")
    own = {field.name for field in model._meta.concrete_fields if isinstance(field, models.CharField)}
    if "family_name" in own:
        return Trim(Concat("given_name", Value(" "), "family_name"))
    if "name" in own:
        return F("name")
    return _about(model)


def _about(model: type[models.Model]) -> models.expressions.Combinable | None:
    ways: list[Any] = []
    for field in model._meta.concrete_fields:
        other = field.related_model
        if field.name not in ABOUT or not isinstance(other, type) or not has_a_name(other):
            continue
        if other is Member:
            ways.append(F(f"{field.name}__user__name"))
        elif "family_name" in {each.name for each in other._meta.concrete_fields}:
            whole = Concat(f"{field.name}__given_name", Value(" "), f"{field.name}__family_name")
            ways.append(NullIf(Trim(whole), Value("")))
        else:
            ways.append(F(f"{field.name}__name"))
    return Coalesce(*ways, Value("")) if ways else None


def names_of(wanted: dict[str, set[int]]) -> Names:
    """What those rows are called today, in one query."""
    asked = []
    for table, ids in wanted.items():
        model = model_of(table)
        called = _called(model) if model and ids else None
        if model is None or called is None:
            continue
        rows = model._base_manager.filter(pk__in=ids).order_by()
        asked.append(rows.annotate(table=Value(table), called=called).values_list("table", "pk", "called"))
    if not asked:
        return {}
    return {(table, pk): name for table, pk, name in asked[0].union(*asked[1:], all=True) if name}


def _named_in(entries: list[AuditEntry]) -> dict[str, set[int]]:
    """Every row that the entries name, by table."""
    wanted: dict[str, set[int]] = {Member._meta.db_table: {e.member_id for e in entries if e.member_id}}
    for entry in entries:
        if entry.row_id and entry.rows == 1:
            wanted.setdefault(entry.table_name, set()).add(entry.row_id)
        model = model_of(entry.table_name)
        columns = _columns(model) if model else {}
        for column, value in (entry.changes or {}).items():
            target = _target(columns.get(column))
            if target and value is not None:
                ids = value if isinstance(value, list) else [value]
                wanted.setdefault(target, set()).update(pk for pk in ids if isinstance(pk, int))
    return wanted


def _target(field: models.Field | None) -> str:
    """The table that a reference leads to, where its rows have names."""
    other = field.related_model if field is not None else None
    return other._meta.db_table if isinstance(other, type) and has_a_name(other) else ""


def _changes(entry: AuditEntry, names: Names) -> list[Change]:
    model = model_of(entry.table_name)
    if entry.operation != AuditEntry.Operation.UPDATE or model is None:
        return []
    columns = _columns(model)
    # What is computed from an encrypted column to find it by says nothing of its own.
    said = {
        column: value
        for column, value in (entry.changes or {}).items()
        if not isinstance(columns.get(column), models.BinaryField)
    }
    return [_change(columns.get(column), column, value, names) for column, value in said.items()]


def _change(field: models.Field | None, column: str, value: list[Any] | None, names: Names) -> Change:
    label = str(field.verbose_name) if field is not None else column
    if value is None:
        return Change(label, None, None)
    old, new = (in_words(field, one, names) for one in value)
    return Change(label, old, new)


def in_words(field: models.Field | None, value: Any, names: Names) -> str:
    """A column's value as a page of the product would say it."""
    if value is None or value in ("", [], {}):
        return _("nothing")
    if target := _target(field):
        return names.get((target, value)) or _("number %(n)s") % {"n": value}
    choices = dict(field.flatchoices) if field is not None else {}
    if not isinstance(value, list | dict) and value in choices:
        return str(choices[value])
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(field, models.DateTimeField):
        return date_format(
            datetime.fromisoformat(value).astimezone(timezone.get_current_timezone()), "M j, Y, g:i A"
        )
    if isinstance(field, models.DateField):
        return date_format(date.fromisoformat(value), "M j, Y")
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
