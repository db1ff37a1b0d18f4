"""Figures of those who send: who is new, active, declining or lapsed, who sent most, and how much rests on three."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import Count, F, Model, OuterRef, QuerySet, Subquery, Sum, Window
from django.db.models.functions import JSONObject
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Office, Provider
from contacts.standing import Standing
from insights.counting import monthly, months_of
from insights.models import SourceFigures
from insights.scope import Scope
from insights.tables import Cell, Row, Table, share, share_cell
from practices.periods import Period, Span, months_until
from touchpoints.sparkline import Sparkline

Kind = SourceFigures.Kind
SHOWN = 12
TOP = 3
STANDINGS = (Standing.NEW, Standing.ACTIVE, Standing.DECLINING, Standing.LAPSED)


@dataclass(frozen=True)
class Sent:
    """What one of them sent in each of the last twelve months, in this month's days a year before, and what all
    of them did together."""

    source_id: int
    months: list[int]
    recent: int
    before: int
    of_all: int
    name: str


def most_first(kind: Kind, scope: Scope, *, today: date, most: int | None = SHOWN) -> list[Sent]:
    """Who sent anybody in twelve months, most first, from one query; whole senders from what is kept of each."""
    rows = _from_kept(kind, scope, today) if scope.is_by_sender else _from_rows(kind, scope, today)
    # Removed since they were counted, one has no name.
    return [
        Sent(
            row[kind],
            row.get("months") or months_of(row),
            row["recent"],
            row["before"] or 0,
            row["of_all"],
            _name(kind, row["named"]),
        )
        for row in rows[:most]
        if row["named"]
    ]


def _from_kept(kind: Kind, scope: Scope, today: date) -> Any:
    rows: Any = _kept(kind, scope).filter(recent__gt=0).order_by("-recent", "source_id")
    found = rows.annotate(
        of_all=Window(Sum("recent")),
        named=_named(kind, "source_id"),
        before=_before(kind, scope, today, "source_id"),
    )
    return found.values("months", "recent", "before", "of_all", "named", **{kind.value: F("source_id")})


def _from_rows(kind: Kind, scope: Scope, today: date) -> Any:
    first = months_until(today)[0]
    rows: Any = (
        scope.rows().filter(received_on__range=(first, today), **{f"{kind}__isnull": False}).order_by()
    )
    of_all = rows.values("practice").annotate(n=Count("pk")).values("n")
    groups = rows.values(kind.value).annotate(recent=Count("pk"), **monthly(today))
    return groups.annotate(
        of_all=Subquery(of_all),
        named=_named(kind, kind.value),
        before=_before(kind, scope, today, kind.value),
    ).order_by("-recent", kind)


def _before(kind: Kind, scope: Scope, today: date, reference: str) -> Subquery:
    """How many each sent in this month's days a year before: counted for those alone who are shown."""
    days = Period.of(Span.MONTH, today).year_before
    rows: Any = _all_of_sender(scope).rows().order_by()
    sent = rows.filter(received_on__range=(days.first, days.last), **{kind.value: OuterRef(reference)})
    return Subquery(sent.values("practice").annotate(n=Count("pk")).values("n"))


def _all_of_sender(scope: Scope) -> Scope:
    """A territory is of whole senders: of an office in it all that came from there, whoever of it sent them."""
    return replace(scope, territory=None)


NAMES: dict[Kind, tuple[type[Model], tuple[str, ...]]] = {
    Kind.PROVIDER: (Provider, ("given_name", "middle_name", "family_name", "credentials")),
    Kind.OFFICE: (Office, ("name",)),
}


def _named(kind: Kind, reference: str) -> Subquery:
    model, fields = NAMES[kind]
    rows: Any = model._default_manager.filter(pk=OuterRef(reference)).order_by()
    return Subquery(rows.annotate(json=JSONObject(**{name: name for name in fields})).values("json"))


def _name(kind: Kind, fields: Mapping[str, str]) -> str:
    model, _fields = NAMES[kind]
    return str(model(**fields))


def _kept(kind: Kind, scope: Scope) -> QuerySet[SourceFigures]:
    rows: Any = SourceFigures.objects.filter(kind=kind)
    if scope.territory is None:
        return rows
    own = {
        Kind.PROVIDER: Provider.objects.in_territory_of(scope.territory),
        Kind.OFFICE: Office.objects.filter(liaison=scope.territory),
    }[kind]
    return rows.filter(source_id__in=own.values("pk"))


def territory_months(scope: Scope, *, today: date) -> dict[date, int]:
    """What the providers of a territory sent in each of twelve months, oldest first, from what is kept of each."""
    months = months_until(today)
    sums: dict[str, Any] = {f"month_{place:02}": Sum(F(f"months__{place}")) for place in range(len(months))}
    found = months_of(_kept(Kind.PROVIDER, scope).aggregate(**sums))
    return {month: count or 0 for month, count in zip(months, found, strict=True)}


def territory_table(counts: Mapping[date, int], scope: Scope) -> Table:
    """The same as rows, newest first."""
    rows = [
        Row(Cell(date_format(month, "F Y")), [Cell(count, scope.referrals_url(Period.month(month)))])
        for month, count in reversed(list(counts.items()))
    ]
    return Table("months", _("Month by month"), [_("Month"), _("Referrals")], rows)


def standing_table(scope: Scope) -> Table:
    """How many active providers stand how; it is a habit towards the whole practice, so no filter narrows it."""
    active = Provider.objects.active()
    own = active if scope.territory is None else active.in_territory_of(scope.territory)
    rows: Any = SourceFigures.objects.filter(kind=Kind.PROVIDER, source_id__in=own.values("pk"))
    found = dict(rows.order_by().values("standing").annotate(n=Count("pk")).values_list("standing", "n"))
    total = sum(found.values())
    query = f"&territory={scope.territory}" if scope.territory else ""
    lines = [
        Row(
            Cell(str(capfirst(standing.label))),
            [
                Cell(
                    found.get(standing.value, 0), f"{reverse('providers')}?standing={standing.value}{query}"
                ),
                share_cell(found.get(standing.value, 0), total),
            ],
        )
        for standing in STANDINGS
    ]
    columns = [_("Standing"), _("Providers"), _("Of those who ever referred")]
    return Table("standings", _("How referrers stand"), columns, lines, _standing_sentence(found))


def _standing_sentence(found: Mapping[str, int]) -> str:
    quiet = found.get(Standing.DECLINING, 0) + found.get(Standing.LAPSED, 0)
    words = {
        "new": ngettext("%(n)d referrer is new", "%(n)d referrers are new", found.get(Standing.NEW, 0))
        % {"n": found.get(Standing.NEW, 0)},
        "quiet": ngettext("%(n)d has gone quiet", "%(n)d have gone quiet", quiet) % {"n": quiet},
    }
    return _("%(new)s, and %(quiet)s against their own habit.") % words


def provider_table(sent: list[Sent], scope: Scope, *, today: date) -> Table:
    """Who sent most, and how much of all rests on the first three."""
    columns = [_("Provider"), *_columns()]
    rows = _rows("provider", sent, scope, today)
    return Table("providers", _("Providers who sent most"), columns, rows, top_sentence(sent))


def office_table(sent: list[Sent], scope: Scope, *, today: date) -> Table:
    """The same by the office that the referral came from."""
    columns = [_("Office"), *_columns()]
    return Table("offices", _("Offices that sent most"), columns, _rows("office", sent, scope, today))


def top_sentence(sent: list[Sent]) -> str:
    """ "120 of 400 referrals in twelve months rest on the first 3: 30 %."""
    if not sent:
        return _("No referral by a known provider in twelve months.")
    first = sent[:TOP]
    part, whole = sum(one.recent for one in first), sent[0].of_all
    words = {"n": len(first), "part": f"{part:,}", "whole": f"{whole:,}", "share": share(part, whole)}
    text = ngettext(
        "%(part)s of %(whole)s referrals in twelve months rest on the first: %(share)d %%.",
        "%(part)s of %(whole)s referrals in twelve months rest on the first %(n)d: %(share)d %%.",
        len(first),
    )
    return text % words


def _columns() -> list[str]:
    return [_("Referrals"), _("Of all"), _("This month"), _("Same days a year before")]


def _rows(name: str, sent: list[Sent], scope: Scope, today: date) -> list[Row]:
    year, month = Period.of(Span.YEAR, today), Period.of(Span.MONTH, today)
    months, opened = months_until(today), _all_of_sender(scope)
    return [
        Row(
            Cell(one.name, reverse(name, args=[one.source_id])),
            [
                Cell(one.recent, opened.referrals_url(year, **{name: one.source_id})),
                share_cell(one.recent, one.of_all),
                Cell(one.months[-1], opened.referrals_url(month, **{name: one.source_id})),
                Cell(one.before, opened.referrals_url(month.year_before, **{name: one.source_id})),
            ],
            Sparkline(months, one.months),
        )
        for one in sent
    ]
