"""Two rows that are one: whatever points at the one comes to point at the other, and can be taken apart again.

What points there is read from the models, so that this module need not know who they are. Each change is written
down in its order with what stood there before; undoing walks them backwards. Nothing is sent to anybody.

Where a unique key would not let two rows stand side by side, one is folded into the other. A model may refuse
that by a property `may_be_folded`; when neither may, both stay as they are (docs/decisions/0004-merging.md).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.utils.translation import gettext as _

from contacts.changes import changed
from contacts.models import Merge, NotADouble, Office, Provider, ProviderOffice
from contacts.search import refresh_search
from practices.isolation import because, entered_practice_id
from practices.models import Member, Practice, PracticeModel
from practices.undo import CannotUndo, plain, put_back

PROVIDER_FIELDS = (
    "family_name",
    "given_name",
    "middle_name",
    "credentials",
    "form_of_address",
    "npi",
    "specialty",
    "phone",
    "fax",
    "email",
    "preferred_contact",
    "days_in_office",
    "is_accepting_patients",
    "accepting_confirmed_on",
    "languages",
    "payers",
    "tier",
    "liaison",
    "state",
    "personal_notes",
)
OFFICE_FIELDS = (
    "name",
    "street",
    "suite",
    "city",
    "state",
    "zip_code",
    "phone",
    "fax",
    "liaison",
    "notes",
)


class CannotMerge(Exception):
    """The two can't be merged; says why in a sentence."""


@transaction.atomic
@because("two were one")
def merge_providers(
    *, keep: Provider, drop: Provider, by: Member, now: datetime, values: Mapping[str, Any] | None = None
) -> Merge:
    """Let `keep` take over whatever points at `drop`; `values` are fields of `keep` to set on the way.

    Raises CannotMerge when either was merged before.
    """
    keep, drop = _locked(Provider, keep, drop)
    work = _Work()
    if keep.places.filter(is_main=True).exists():
        work.set(ProviderOffice, "is_main", drop.places.filter(is_main=True), False)
    work.repoint(drop, keep)
    work.set(Provider, "merged_into_id", [drop], keep.pk)
    for name, value in _chosen(Provider, values, PROVIDER_FIELDS):
        work.set(Provider, name, [keep], value)
    refresh_search(providers=[keep.pk, drop.pk])
    changed(now=now, providers=[keep.pk, drop.pk])
    return Merge.objects.create(
        kept_provider=keep, dropped_provider=drop, merged_by=by, merged_at=now, steps=work.as_json()
    )


@transaction.atomic
@because("two were one")
def merge_offices(
    *, keep: Office, drop: Office, by: Member, now: datetime, values: Mapping[str, Any] | None = None
) -> Merge:
    """The same for two offices: their people, referrals and visits come together."""
    keep, drop = _locked(Office, keep, drop)
    work = _Work()
    work.repoint(drop, keep)
    work.set(Office, "merged_into_id", [drop], keep.pk)
    for name, value in _chosen(Office, values, OFFICE_FIELDS):
        work.set(Office, name, [keep], value)
    refresh_search(offices=[keep.pk, drop.pk])
    return Merge.objects.create(
        kept_office=keep, dropped_office=drop, merged_by=by, merged_at=now, steps=work.as_json()
    )


@transaction.atomic
@because("a merge is taken back")
def undo_merge(merge: Merge, *, by: Member, now: datetime) -> int:
    """Put everything back where it was; a second click changes nothing.

    What somebody changed since stays as they left it; returns how many such changes there are. Raises CannotUndo.
    """
    lock_practice()
    merge = Merge.objects.select_for_update().get(pk=merge.pk)
    if merge.undone_at:
        return 0
    if reason := why_not_undone(merge, now=now):
        raise CannotUndo(reason)
    try:
        with transaction.atomic():
            left = sum(_undo(step) for step in reversed(json.loads(merge.steps)))
    except IntegrityError as error:
        raise CannotUndo(
            _("What was entered since the merge stands in the way, so it can't be taken apart.")
        ) from error
    pair = [merge.kept.pk, merge.dropped.pk]
    refresh_search(**{"providers" if merge.kept_provider_id else "offices": pair})
    if merge.kept_provider_id:
        changed(now=now, providers=pair)
    merge.undone_at, merge.undone_by = now, by
    merge.save(update_fields=["undone_at", "undone_by"])
    return left


def standing_for(row: Any) -> Any:
    """The provider or office that stands for this one: a merge under way is waited for, one done is followed.

    It is held until the transaction ends, so that no merge takes it away meanwhile.
    """
    table, pk = connection.ops.quote_name(row._meta.db_table), row.pk
    # The weakest lock that a merge waits for: everybody else goes on beside it.
    query = f"SELECT merged_into_id FROM {table} WHERE id = %s FOR KEY SHARE"  # noqa: S608  # the name is ours
    with connection.cursor() as cursor:
        while True:
            cursor.execute(query, [pk])
            found = cursor.fetchone()
            if not found or found[0] is None:
                return row if pk == row.pk else type(row).objects.get(pk=pk)
            pk = found[0]


def why_not_undone(merge: Merge, *, now: datetime) -> str:
    """A sentence that says why this merge can't be undone, or nothing."""
    if merge.undone_at:
        return _("This merge was undone already.")
    if now - merge.merged_at > Merge.UNDO_FOR:
        return _("A merge can be undone for %(days)d days.") % {"days": Merge.UNDO_FOR.days}
    if later := _later_merge(merge):
        return _("%(dropped)s was merged into %(kept)s since. Undo that first.") % {
            "dropped": later.dropped,
            "kept": later.kept,
        }
    if merge.dropped_provider and (taken := _holder_of_npi(merge)):
        return _("The NPI %(npi)s belongs to %(name)s now. Take it away there first.") % {
            "npi": taken.npi,
            "name": taken,
        }
    return ""


def what_points_at(row: PracticeModel) -> dict[str, int]:
    """How many rows of each kind would move, by model label (`contacts.referral`)."""
    counts: dict[str, int] = {}
    for field in _references(type(row)):
        label = field.model._meta.label_lower
        counts[label] = counts.get(label, 0) + field.model.objects.filter(**{field.name: row}).count()
    return {label: count for label, count in counts.items() if count}


def what_stays(*, keep: PracticeModel, drop: PracticeModel) -> list[PracticeModel]:
    """Rows that point at `drop` and would stay, since one of their kind stands at `keep` and neither yields."""
    return [
        theirs
        for field in _references(type(drop))
        for theirs, ours in _rivals(field, drop, keep)
        if not (_may_fold(theirs) or _may_fold(ours))
    ]


def _locked(model: Any, keep: PracticeModel, drop: PracticeModel) -> tuple[Any, Any]:
    lock_practice()
    rows = {row.pk: row for row in model.objects.select_for_update().filter(pk__in=[keep.pk, drop.pk])}
    if len(rows) < 2:
        raise CannotMerge(_("It takes two to merge."))
    if any(row.merged_into_id for row in rows.values()):
        raise CannotMerge(_("One of the two was merged already. Go back to the list of likely doubles."))
    return rows[keep.pk], rows[drop.pk]


def lock_practice() -> None:
    """Thank-you lists are made under the same lock: none is made of rows that are on the move."""
    Practice.objects.select_for_update(no_key=True).get(pk=entered_practice_id())


def _chosen(
    model: Any, values: Mapping[str, Any] | None, allowed: Iterable[str]
) -> Iterator[tuple[str, Any]]:
    given = dict(values or {})
    for name in allowed:
        if name in given:
            field: Any = model._meta.get_field(name)
            value = given.pop(name)
            yield field.attname, getattr(value, "pk", value)
    if given:
        raise ValueError(f"not a field that a merge may set: {', '.join(sorted(given))}")


class _Work:
    """Does each change and writes down how to take it back."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    def set(self, model: Any, attname: str, rows: Iterable[PracticeModel], value: Any) -> None:
        """Give the rows this value, remembering each one's own."""
        before: dict[str, list[int]] = {}
        for row in rows:
            was = getattr(row, attname)
            if was != value:
                before.setdefault(json.dumps(plain(was)), []).append(row.pk)
        for was, ids in before.items():
            model.objects.filter(pk__in=ids).update(**{attname: value})
            self._write(model, attname, ids, json.loads(was), plain(value))

    def move(self, field: Any, ids: list[int], *, old: int, new: int) -> None:
        """Let these rows' reference go from the old to the new."""
        if ids:
            field.model.objects.filter(pk__in=ids).update(**{field.attname: new})
            self._write(field.model, field.attname, ids, old, new)

    def repoint(self, drop: PracticeModel, keep: PracticeModel) -> None:
        """Let whatever points at `drop` point at `keep`."""
        for field in _references(type(drop)):
            staying = set()
            for theirs, ours in _rivals(field, drop, keep):
                if _may_fold(theirs):
                    self.fold(theirs, into=ours)
                elif _may_fold(ours):
                    self.fold(ours, into=theirs)
                else:
                    staying.add(theirs.pk)
            found = field.model.objects.filter(**{field.name: drop}).exclude(pk__in=staying)
            self.move(field, list(found.values_list("pk", flat=True)), old=drop.pk, new=keep.pk)

    def fold(self, row: PracticeModel, *, into: PracticeModel) -> None:
        """One row gives what hangs on it, and what the other lacks, to the other, and goes."""
        self.repoint(row, into)
        values = {field.attname: plain(getattr(row, field.attname)) for field in row._meta.concrete_fields}
        model: Any = type(row)
        model.objects.filter(pk=row.pk).delete()
        self.steps.append({"model": row._meta.label_lower, "removed": values})
        if not _may_fold(into):
            return  # what was decided is not rewritten
        for field in row._meta.concrete_fields:
            value = _together(field, getattr(into, field.attname), getattr(row, field.attname))
            self.set(model, field.attname, [into], value)

    def as_json(self) -> str:
        return json.dumps(self.steps)

    def _write(self, model: Any, attname: str, ids: list[int], was: Any, became: Any) -> None:
        self.steps.append(
            {
                "model": model._meta.label_lower,
                "field": attname,
                "ids": ids,
                "was": was,
                "became": became,
            }
        )


def _together(field: models.Field, ours: Any, theirs: Any) -> Any:
    """A blank is filled, a yes wins, words are put one below the other."""
    if isinstance(ours, bool):
        return ours or bool(theirs)
    if ours in (None, ""):
        return theirs
    is_words = "Text" in type(field).__name__
    return f"{ours}\n{theirs}" if is_words and theirs and theirs != ours else ours


def _references(model: Any) -> list[Any]:
    """Every foreign key of any app that points at this model; what merging itself keeps aside."""
    return [
        relation.field
        for relation in model._meta.get_fields(include_hidden=True)
        if isinstance(relation, models.ManyToOneRel) and relation.related_model not in (Merge, NotADouble)
    ]


def _rivals(
    field: Any, drop: PracticeModel, keep: PracticeModel
) -> list[tuple[PracticeModel, PracticeModel]]:
    """Pairs of rows, one of `drop` and one of `keep`, that a unique key won't let stand side by side."""
    pairs: dict[int, tuple[PracticeModel, PracticeModel]] = {}
    for names, condition in _unique_keys(field):
        rows = field.model.objects.filter(condition)
        ours = {_key(row, names): row for row in rows.filter(**{field.name: keep})}
        for theirs in rows.filter(**{field.name: drop}).order_by("pk"):
            key = _key(theirs, names)
            if key in ours and None not in key:
                pairs.setdefault(theirs.pk, (theirs, ours[key]))
    return list(pairs.values())


def _unique_keys(field: Any) -> Iterator[tuple[list[str], models.Q]]:
    if field.unique:
        yield [], models.Q()
    for constraint in field.model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and field.name in constraint.fields:
            others = [name for name in constraint.fields if name not in (field.name, "practice")]
            yield others, constraint.condition or models.Q()


def _key(row: PracticeModel, names: list[str]) -> tuple[Any, ...]:
    fields: list[Any] = [row._meta.get_field(name) for name in names]
    return tuple(getattr(row, field.attname) for field in fields)


def _may_fold(row: PracticeModel) -> bool:
    return getattr(row, "may_be_folded", True)


def _undo(step: dict[str, Any]) -> int:
    """Take one step back; returns how many of its rows somebody changed since."""
    model = apps.get_model(step["model"])
    if "removed" in step:
        put_back({"model": step["model"], "values": step["removed"]})
        return 0
    rows = model.objects.filter(pk__in=step["ids"])
    attname, was = step["field"], model._meta.get_field(step["field"]).to_python(step["was"])
    untouched = [pk for pk, value in rows.values_list("pk", attname) if plain(value) == step["became"]]
    model.objects.filter(pk__in=untouched).update(**{attname: was})
    return len(step["ids"]) - len(untouched)


def _later_merge(merge: Merge) -> Merge | None:
    """The newest standing merge after this one that touched either of the two."""
    if merge.kept_provider_id:
        pair = [merge.kept_provider_id, merge.dropped_provider_id]
        touches = models.Q(kept_provider__in=pair) | models.Q(dropped_provider__in=pair)
    else:
        pair = [merge.kept_office_id, merge.dropped_office_id]
        touches = models.Q(kept_office__in=pair) | models.Q(dropped_office__in=pair)
    return Merge.objects.standing().filter(touches, pk__gt=merge.pk).order_by("-pk").first()


def _holder_of_npi(merge: Merge) -> Provider | None:
    pair = [merge.kept_provider_id, merge.dropped_provider_id]
    npi = merge.dropped_provider.npi if merge.dropped_provider else None
    return Provider.objects.current().filter(npi=npi, npi__isnull=False).exclude(pk__in=pair).first()
