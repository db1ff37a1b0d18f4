"""Brings the figures kept ahead up to date, from what changed since; the tick asks for it.

What changed is written down by the database as it happens. Whoever counts takes those marks away and reads the
rows after that, in one transaction: a change that comes later leaves a mark of its own for the next time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from contacts.models import Referral
from contacts.standing import rhythms, standing_on
from insights.models import Counting, DailyFigures, SourceFigures
from practices.isolation import entered_practice_id
from practices.models import Practice
from practices.periods import months_until

Kind = SourceFigures.Kind
BATCH = 2_000
COUNT_DAYS = """
INSERT INTO insights_dailyfigures (practice_id, day, "by", key, received, seen, told)
SELECT practice_id, received_on,
    CASE GROUPING(physician_id, location_id, channel)
        WHEN 7 THEN 'all' WHEN 3 THEN 'physician' WHEN 5 THEN 'location' ELSE 'channel' END,
    coalesce(physician_id::text, location_id::text, channel, ''),
    count(*), count(*) FILTER (WHERE status IN ('seen', 'closed')), count(*) FILTER (WHERE status = 'closed')
FROM contacts_referral
WHERE practice_id = %(practice)s AND withdrawn_at IS NULL
    AND (%(days)s::date[] IS NULL OR received_on = ANY(%(days)s::date[]))
GROUP BY GROUPING SETS (
    (practice_id, received_on), (practice_id, received_on, physician_id),
    (practice_id, received_on, location_id), (practice_id, received_on, channel))
"""


@dataclass(frozen=True)
class Changes:
    """What has to be counted again; None: everything."""

    days: set[date] | None = None
    providers: set[int] | None = None
    offices: set[int] | None = None


def count_figures(*, now: datetime) -> bool:
    """Bring the practice's figures up to date; False while somebody else is at it.

    A new day moves the last twelve months and every standing, so then all providers and offices are counted.
    """
    practice = Practice.objects.get(pk=entered_practice_id())
    counting = _held()
    if counting is None:
        return False
    today, changes = practice.today(now), _taken()
    if counting.day is None:
        changes = Changes()
    elif counting.day != today:
        changes = Changes(days=changes.days)
    _count_days(changes.days)
    _count_sources(Kind.PROVIDER, changes.providers, today)
    _count_sources(Kind.OFFICE, changes.offices, today)
    counting.day, counting.counted_at = today, now
    counting.save(update_fields=["day", "counted_at"])
    return True


def _held() -> Counting | None:
    """The row of who counts, held until the transaction ends; None while another holds it."""
    free = Counting.objects.select_for_update(skip_locked=True)
    held = free.first()
    if held or Counting.objects.exists():
        return held
    Counting.objects.bulk_create([Counting()], ignore_conflicts=True)  # two first ones at once: one row
    return free.first()


def _taken() -> Changes:
    """What was written down so far, taken away."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM insights_uncounted WHERE practice_id = %s RETURNING day, provider_id, office_id",
            [entered_practice_id()],
        )
        marks = cursor.fetchall()
    return Changes(*({mark[place] for mark in marks if mark[place]} for place in range(3)))


def _count_days(days: set[date] | None) -> None:
    if days is not None and not days:
        return
    old = DailyFigures.objects.all() if days is None else DailyFigures.objects.filter(day__in=days)
    old.delete()
    with connection.cursor() as cursor:
        values = {"practice": entered_practice_id(), "days": sorted(days) if days is not None else None}
        cursor.execute(COUNT_DAYS, values)


def _count_sources(kind: Kind, ids: set[int] | None, today: date) -> None:
    """Write what differs, and forget who has sent nothing."""
    if ids is not None and not ids:
        return
    kept = SourceFigures.objects.filter(kind=kind)
    old = {row.source_id: row for row in (kept if ids is None else kept.filter(source_id__in=ids))}
    new = {row.source_id: row for row in _counted(kind, ids, today)}
    same = {pk for pk, row in new.items() if pk in old and _said(row) == _said(old[pk])}
    # Written anew rather than updated: on the first of a month every row moves, and this is ten times as fast.
    SourceFigures.objects.filter(pk__in=[row.pk for pk, row in old.items() if pk not in same]).delete()
    SourceFigures.objects.bulk_create([row for pk, row in new.items() if pk not in same], BATCH)


def _said(row: SourceFigures) -> tuple[Any, ...]:
    return row.months, row.standing, row.first_on, row.days


def _counted(kind: Kind, ids: set[int] | None, today: date) -> Iterable[SourceFigures]:
    rows = Referral.objects.filter(**{f"{kind}__isnull": False})
    if ids is not None:
        rows = rows.filter(**{f"{kind}__in": ids})
    known = rhythms(today, referrals=rows) if kind == Kind.PROVIDER else {}
    for row in rows.standing().order_by().values(kind).annotate(**monthly(today)):
        months, rhythm = months_of(row), known.get(row[kind])
        yield SourceFigures(
            kind=kind,
            source_id=row[kind],
            months=months,
            recent=sum(months),
            standing=standing_on(today, rhythm).value if rhythm else "",
            first_on=rhythm.first_ever_on if rhythm else None,
            days=rhythm.days if rhythm else 0,
        )


def monthly(today: date) -> dict[str, Count]:
    """Columns with how many were received in each of the last twelve months; `months_of` reads them."""
    firsts = months_until(today)
    ends = [*firsts[1:], today + timedelta(days=1)]
    return {
        f"month_{place:02}": Count("pk", filter=Q(received_on__gte=first, received_on__lt=end))
        for place, (first, end) in enumerate(zip(firsts, ends, strict=True))
    }


def months_of(row: Mapping[str, Any]) -> list[int]:
    """The counts of `monthly`, oldest first."""
    return [row[name] for name in sorted(row) if name.startswith("month_")]
