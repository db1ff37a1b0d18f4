"""What waits at the offices of a liaison: counted for all of them at once, and read for those alone that are shown."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from contacts.models import Office
from practices.models import Member
from touchpoints.models import Reminder, ThankYou, Touchpoint
from touchpoints.suggestions import reports_due


@dataclass
class Waits:
    """How much waits at an office."""

    reports: int = 0
    cards: int = 0
    due: int = 0

    @property
    def in_all(self) -> int:
        return self.reports + self.cards + self.due


WaitsAt = Mapping[int, Waits]


def waiting_columns(member: Member, today: date) -> dict[str, Any]:
    """Columns, for a query of one row, of what waits at each of their offices; `waiting_at` reads them.

    By groups and not office by office: a liaison of a large practice has thousands.
    """
    offices = offices_of(member)
    return {
        "reports": _by_office(reports_due(), offices),
        "cards": _by_office(ThankYou.objects.filter(state__in=["to_write", "written"]), offices),
        "due": _by_office(Reminder.objects.due_on(today), offices),
    }


def _by_office(rows: QuerySet[Any], offices: QuerySet[Office]) -> ArraySubquery:
    """How many of the rows are of providers whose main office it is, for each office that has any."""
    main = rows.filter(provider__places__is_main=True, provider__places__office__in=offices.values("pk"))
    groups = main.order_by().values(at=F("provider__places__office")).annotate(n=Count("pk"))
    return ArraySubquery(groups.values(json=JSONObject(at="at", n="n")))


def waiting_at(columns: Mapping[str, list[dict[str, int]]]) -> WaitsAt:
    """What the columns hold, by office."""
    found: dict[int, Waits] = defaultdict(Waits)
    for name, groups in columns.items():
        for group in groups:
            setattr(found[group["at"]], name, group["n"])
    return found


def offices_of(member: Member) -> QuerySet[Office]:
    """The offices of a liaison's territory."""
    return Office.objects.current().filter(liaison=member)


def first_offices(member: Member, waits: WaitsAt, *, most: int) -> list[Any]:
    """Where most waits first, then the longest unvisited; each with its `waits` and `visited_on`."""
    visits = Touchpoint.objects.standing().filter(office=OuterRef("pk"), kind=Touchpoint.Kind.MEETING)
    last = visits.order_by().values("office").annotate(on=Max("happened_on")).values("on")
    rows: Any = offices_of(member)
    if len(waits) >= most:
        least = sorted((one.in_all for one in waits.values()), reverse=True)[most - 1]
        rows = rows.filter(pk__in=[office for office, one in waits.items() if one.in_all >= least])
    found = list(rows.annotate(visited_on=Subquery(last)).order_by("visited_on", "name"))
    for office in found:
        office.waits = waits.get(office.pk) or Waits()
    return sorted(found, key=lambda office: -office.waits.in_all)[:most]
