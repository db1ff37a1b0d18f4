"""What waits at the offices of a liaison: counted for all of them at once, and read for those alone that are shown."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import JSONField, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from contacts.models import Office, ProviderOffice
from practices.models import Member
from touchpoints.models import Reminder, ThankYou, Touchpoint
from touchpoints.suggestions import reports_due

# By groups and not office by office, and each office's providers found once: a liaison of a large practice has
# thousands. Of those at which most waits, all at which as much waits.
WAITING = """(
    WITH place AS MATERIALIZED ({places}),
    kind AS ({kinds}),
    office AS (
        SELECT place.office_id, sum(reports)::int AS reports, sum(cards)::int AS cards, sum(due)::int AS due
        FROM kind JOIN place USING (provider_id) GROUP BY 1
    ),
    most AS (
        SELECT * FROM office ORDER BY reports + cards + due DESC FETCH FIRST %s ROWS WITH TIES
    )
    SELECT jsonb_build_object(
        'offices', (SELECT count(*) FROM office),
        'most', (SELECT jsonb_object_agg(office_id, jsonb_build_array(reports, cards, due)) FROM most)
    )
)"""
KIND = """
    SELECT provider_id, {columns} FROM ({rows}) row GROUP BY 1
"""


@dataclass
class Waits:
    """How much waits at an office."""

    reports: int = 0
    cards: int = 0
    due: int = 0

    @property
    def in_all(self) -> int:
        return self.reports + self.cards + self.due


@dataclass
class Waiting:
    """At how many offices something waits, and what at those where it is most."""

    offices: int = 0
    most: dict[int, Waits] = field(default_factory=dict)

    @classmethod
    def of(cls, column: dict[str, Any]) -> "Waiting":
        """What the column of `waiting_column` holds."""
        most = {int(office): Waits(*counts) for office, counts in (column["most"] or {}).items()}
        return cls(column["offices"], most)


def waiting_column(member: Member, today: date, *, most: int) -> RawSQL:
    """A column, for a query of one row, of what waits at their offices, for `Waiting.of`."""
    waiting = {
        "reports": reports_due(),
        "cards": ThankYou.objects.filter(state__in=["to_write", "written"]),
        "due": Reminder.objects.due_on(today).filter(provider__isnull=False),
    }
    places = ProviderOffice.objects.filter(is_main=True, office__in=offices_of(member))
    kinds = [_counted_as(name, rows, list(waiting)) for name, rows in waiting.items()]
    statement, said = _sql(places.values("provider_id", "office_id"))
    sql = WAITING.format(places=statement, kinds=" UNION ALL ".join(kind for kind, _said in kinds))
    return RawSQL(sql, [*said, *(one for _kind, said in kinds for one in said), most], JSONField())  # noqa: S611  # built of querysets


def _counted_as(name: str, rows: QuerySet[Any], names: list[str]) -> tuple[str, list[Any]]:
    """How many of the rows each provider has, in the column of this name; the others are empty."""
    columns = ", ".join(f"{'count(*)' if one == name else '0'} AS {one}" for one in names)
    statement, said = _sql(rows.order_by().values("provider_id"))
    return KIND.format(columns=columns, rows=statement), said


def _sql(rows: QuerySet[Any]) -> tuple[str, list[Any]]:
    statement, said = rows.query.sql_with_params()
    return statement, list(said)


def offices_of(member: Member) -> QuerySet[Office]:
    """The offices of a liaison's territory."""
    return Office.objects.current().filter(liaison=member)


def first_offices(member: Member, waiting: Waiting, *, most: int) -> list[Any]:
    """Where most waits first, then the longest unvisited; each with its `waits` and `visited_on`."""
    visits = Touchpoint.objects.standing().filter(office=OuterRef("pk"), kind=Touchpoint.Kind.MEETING)
    last = visits.order_by("-happened_on", "-pk").values("happened_on")[:1]
    rows: Any = offices_of(member)
    if waiting.offices >= most:
        rows = rows.filter(pk__in=waiting.most)
    found = list(rows.annotate(visited_on=Subquery(last)).order_by("visited_on", "name"))
    for office in found:
        office.waits = waiting.most.get(office.pk) or Waits()
    return sorted(found, key=lambda office: -office.waits.in_all)[:most]
