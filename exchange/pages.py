"""What the page of an import shows in each of its states, put together before the template."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Office, Provider
from contacts.search import nearest
from exchange import progress, reviewing
from exchange.columns import FIELDS
from exchange.forms import ColumnsForm
from exchange.models import Import, ImportName
from exchange.understanding import Understander, Understood
from practices.models import Location, Member, PatientAccess

State, Kind, Decision = Import.State, ImportName.Kind, ImportName.Decision
COLUMNS_MAY_CHANGE = (State.COLUMNS, State.REVIEW, State.FAILED)
MAY_BE_DISCARDED = (State.COLUMNS, State.REVIEW, State.FAILED, State.EXPIRED)
PREVIEWED = 8
REJECTED_SHOWN = 20
NAMES_SHOWN = 40
SEARCHED: dict[str, Callable[[], models.QuerySet]] = {
    Kind.PROVIDER: lambda: Provider.objects.current().prefetch_related("offices"),
    Kind.OFFICE: lambda: Office.objects.current(),
}


def url_of(source: Import) -> str:
    return reverse("import", args=[source.pk])


def record_shown(
    member: Member, source: Import, *, act: PatientAccess.Act = PatientAccess.Act.VIEWED
) -> None:
    """Log that the rows of a file were shown: they are patients before they are referrals with numbers."""
    shows_rows = source.state in (State.COLUMNS, State.REVIEW) or source.rejected
    if shows_rows and not source.is_waiting:
        PatientAccess.objects.create(member=member, act=act, page=f"import {source.pk}")


def of_import(source: Import, *, request: HttpRequest) -> dict[str, Any]:
    """The context of the page, by state."""
    if source.state == State.COLUMNS or (source.state in COLUMNS_MAY_CHANGE and "columns" in request.GET):
        return of_columns(source, request=request)
    context = _of_any(source)
    if source.is_waiting:
        context["rows_so_far"] = progress.rows_so_far(source.pk)
    if source.state == State.REVIEW:
        context |= _of_review(source, show=request.GET.get("show", ""))
    if source.rejected and not source.is_waiting:
        context["rejected_rows"] = rejected_rows(source)
    context["may_be_undone"] = source.may_be_undone(timezone.now())
    return context


def of_columns(source: Import, *, request: HttpRequest, form: ColumnsForm | None = None) -> dict[str, Any]:
    """The columns to confirm, and the first rows as they are understood so far."""
    form = form or ColumnsForm(source.layout)
    preview = preview_of(source, source.practice.today(timezone.now()))
    is_understood = any("row" in shown for shown in preview)
    return {
        **_of_any(source),
        "form": form,
        "preview": preview,
        "is_understood": is_understood,
        "shows_columns": True,
    }


def _of_any(source: Import) -> dict[str, Any]:
    return {
        "source": source,
        "file_deleted_at": source.uploaded_at + Import.FILE_KEPT_FOR,
        "undo_until": source.finished_at + Import.UNDO_FOR if source.finished_at else None,
        "may_be_discarded": source.state in MAY_BE_DISCARDED,
        "remarks": remarks_of(source),
        "stayed": stayed_of(source),
    }


def remarks_of(source: Import) -> list[str]:
    """What was taken with a grain of salt, in sentences."""
    npi, urgency = source.remarks.get("npi", 0), source.remarks.get("urgency", 0)
    said = []
    if npi:
        said.append(
            ngettext(
                "%(n)s row has an NPI that can't be right; its provider was looked up by name.",
                "%(n)s rows have an NPI that can't be right; their providers were looked up by name.",
                npi,
            )
            % {"n": f"{npi:,}"}
        )
    if urgency:
        said.append(
            ngettext(
                "%(n)s row has an urgency we can't read; it is taken as routine.",
                "%(n)s rows have an urgency we can't read; they are taken as routine.",
                urgency,
            )
            % {"n": f"{urgency:,}"}
        )
    return said


def stayed_of(source: Import) -> list[str]:
    """What an undo left, and why."""
    reasons = {
        "moved_on": _("%(n)s stayed: somebody has worked on them since."),
        "thanked": _("%(n)s stayed: a thank-you for them was decided."),
        "worked_on": _("%(n)s stayed: a reminder or touchpoint hangs on them."),
    }
    return [
        text % {"n": f"{source.stayed[why]:,}"} for why, text in reasons.items() if source.stayed.get(why)
    ]


def preview_of(source: Import, today: Any) -> list[dict[str, Any]]:
    """The first rows as understood, or why not."""
    understander = Understander(source.layout, today=today)
    shown = []
    for line, cells in source.layout.sample[:PREVIEWED]:
        result = understander.understand(cells)
        if result is None:
            continue
        if isinstance(result, Understood):
            shown.append(
                {"line": line, "row": result, "sender": _sender(result), "patient": _patient(result)}
            )
        else:
            shown.append({"line": line, "faults": faults_in_words(result)})
    return shown


def _sender(row: Understood) -> str:
    said = row.provider.said if row.provider else {}
    name = " ".join(filter(None, [said.get("given"), said.get("middle"), said.get("family")]))
    name = ", ".join(filter(None, [name, said.get("credentials")]))
    return " · ".join(filter(None, [name, said.get("npi"), row.office.said["name"] if row.office else ""]))


def _patient(row: Understood) -> str:
    return " ".join(filter(None, [row.given_name, row.family_name])) or row.chart_number


def faults_in_words(faults: Iterable[Any]) -> list[str]:
    return [f"{FIELDS[field]}: {reason}" for field, reason in faults]


def rejected_rows(source: Import) -> list[dict[str, Any]]:
    """The first rejected rows: line and reasons."""
    batch = source.rejected_rows.first()
    rows = batch.rows[:REJECTED_SHOWN] if batch else []
    return [{"line": line, "faults": faults_in_words(faults)} for line, faults, _cells in rows]


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class NameRow:
    """A spelling, and the answers to whom it means."""

    name: ImportName
    title: str
    note: str
    choices: list[Choice]
    can_search: bool


def _of_review(source: Import, *, show: str) -> dict[str, Any]:
    undecided = source.names.undecided().count()
    decided = source.names.exclude(decision="").count()
    shows_decided = show == "decided" or (not undecided and show == "names")
    names = source.names.exclude(decision="") if shows_decided else source.names.undecided()
    return {
        "undecided": undecided,
        "left_open": source.names.filter(decision=Decision.OPEN).count(),
        "decided": decided,
        "shows_decided": shows_decided,
        "names": name_rows(list(names.order_by("kind", "-rows", "id")[:NAMES_SHOWN])),
        "to_bring": source.rows_read - source.blank - source.rejected,
    }


def name_rows(names: list[ImportName]) -> list[NameRow]:
    """The names with their choices, in a handful of queries for all of them."""
    labels = _labels(names)
    return [
        NameRow(
            name=name,
            title=_title(name),
            note=_note(name),
            choices=list(_choices(name, labels)),
            can_search=name.kind in SEARCHED,
        )
        for name in names
    ]


def of_name(name: ImportName, *, query: str) -> dict[str, Any]:
    """One spelling, what else the file says of it, and whom in the network a search finds."""
    rows = nearest(SEARCHED[name.kind](), query)
    found = [{"pk": row.pk, "label": str(row), "note": _place(row)} for row in rows]
    note = f"{name.get_kind_display()}: {_note(name)}"
    return {"title": _title(name), "note": note, "query": query, "found": found}


def _place(row: Provider | Office) -> str:
    if isinstance(row, Office):
        return row.place
    offices = ", ".join(office.name for office in list(row.offices.all())[:2])
    return " · ".join(filter(None, [offices, row.npi]))


def _title(name: ImportName) -> str:
    said = name.said
    if name.kind != Kind.PROVIDER:
        return said["name"]
    full = " ".join(filter(None, [said["given"], said["middle"], said["family"]]))
    return ", ".join(filter(None, [full, said["credentials"]]))


def _note(name: ImportName) -> str:
    said = name.said
    rows = ngettext("%(n)s row", "%(n)s rows", name.rows) % {"n": f"{name.rows:,}"}
    parts = [
        said.get("npi") and f"NPI {said['npi']}",
        said.get("office"),
        said.get("city"),
        said.get("phone"),
    ]
    return ", ".join([*filter(None, parts), rows])


def _choices(name: ImportName, labels: dict[tuple[str, int], str]) -> Iterable[Choice]:
    chosen = _chosen(name)
    ours = [(f"existing:{row_id}", labels.get((name.kind, row_id))) for row_id in _possible(name, labels)]
    options = [(value, label) for value, label in ours if label]
    if name.same_as_id:
        other = labels.get(("name", name.same_as_id), "")
        options.append((f"same:{name.same_as_id}", _("same as %(name)s") % {"name": other}))
    if name.kind in reviewing.OURS:
        options.append((str(Decision.OPEN), _("leave open")))
    else:
        options.append((str(Decision.NEW), _("add as new")))
        options.append((str(Decision.LEAVE_OUT), _("leave these rows out")))
    return [Choice(value, label, value == chosen) for value, label in options]


def _possible(name: ImportName, labels: dict[tuple[str, int], str]) -> list[int]:
    """Who was suggested or chosen; of our physicians and locations, which are few, all."""
    if name.kind in reviewing.OURS:
        return [row_id for kind, row_id in labels if kind == name.kind]
    return list(dict.fromkeys([row_id for row_id, _likeness in name.suggestions] + [name.target_id or 0]))


def _chosen(name: ImportName) -> str:
    if not name.decision:
        return reviewing.suggested_choice(name)
    if name.decision == Decision.EXISTING:
        return f"existing:{name.target_id}"
    return f"same:{name.same_as_id}" if name.decision == Decision.SAME else name.decision


def _labels(names: list[ImportName]) -> dict[tuple[str, int], str]:
    """(kind, id) → how that row is called on the page."""
    wanted: dict[str, set[int]] = {kind: set() for kind in Kind.values}
    for name in names:
        wanted[name.kind] |= {row_id for row_id, _likeness in name.suggestions} | {name.target_id or 0}
    labels: dict[tuple[str, int], str] = {}
    providers = Provider.objects.filter(pk__in=wanted[Kind.PROVIDER]).prefetch_related("offices")
    for provider in providers:
        places = ", ".join(office.name for office in list(provider.offices.all())[:2])
        labels[Kind.PROVIDER, provider.pk] = f"{provider} ({places})" if places else str(provider)
    for office in Office.objects.filter(pk__in=wanted[Kind.OFFICE]):
        labels[Kind.OFFICE, office.pk] = f"{office} ({office.place})" if office.place else str(office)
    labels |= {(Kind.PHYSICIAN, member.pk): str(member) for member in Member.objects.physicians()}
    labels |= {(Kind.LOCATION, row.pk): str(row) for row in Location.objects.all()}
    heads = ImportName.objects.filter(pk__in=[name.same_as_id for name in names if name.same_as_id])
    return labels | {("name", head.pk): _title(head) for head in heads}
