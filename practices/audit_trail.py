"""Reading the three logs: what was asked for, one row's story; and what of them is forgotten."""

from datetime import date, datetime, time, timedelta

from django.db import connection
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from practices.models import AuditEntry, PatientAccess, Practice, SignInEvent

THE_SYSTEM = "0"
AT_ONE_LOOK = timedelta(days=366)
FORGOTTEN_AT_ONCE = 10_000


def entries(
    practice: Practice,
    *,
    member: str = "",
    what: str = "",
    operation: str = "",
    since: date | None = None,
    until: date | None = None,
    row: int | None = None,
) -> QuerySet[AuditEntry]:
    """What was asked for, newest first. Days are the practice's, both ends included; `row` is one of `what`."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if member:
        rows = rows.filter(member_id=None if member == THE_SYSTEM else int(member))
    if what:
        rows = rows.filter(table_name=what)
    if operation:
        rows = rows.filter(operation=operation)
    rows = between(rows, practice, since=since, until=until)
    return rows.filter(_of_row(row)) if what and row else rows


def sign_in_events(
    practice: Practice,
    *,
    member: str = "",
    act: str = "",
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[SignInEvent]:
    """Who came in or was refused, as asked for, newest first."""
    rows: QuerySet = SignInEvent.objects.select_related("member__user", "by__user")
    return between(_by(rows, member=member, act=act), practice, since=since, until=until)


def patient_accesses(
    practice: Practice,
    *,
    member: str = "",
    act: str = "",
    referral: int | None = None,
    return_referral: int | None = None,
    since: date | None = None,
    until: date | None = None,
) -> QuerySet[PatientAccess]:
    """Who saw patients, as asked for, newest first. With both numbers, whoever saw either."""
    rows: QuerySet = PatientAccess.objects.select_related("member__user", "covering_for__user")
    rows = between(_by(rows, member=member, act=act), practice, since=since, until=until)
    if referral or return_referral:
        seen = Q(referral_ids__contains=[referral]) if referral else Q()
        seen |= Q(return_referral_ids__contains=[return_referral]) if return_referral else Q()
        rows = rows.filter(seen)
    return rows


def looked_through(since: date | None, until: date | None, *, today: date) -> tuple[date, date]:
    """The days that a search for one patient goes through: a year at most, the last of those asked for.

    No index helps it: under row security PostgreSQL looks into an array only after it has read the row.
    """
    until = min(until or today, today)
    earliest = until - AT_ONE_LOOK
    return max(since or earliest, earliest), until


def _by(rows: QuerySet, *, member: str, act: str) -> QuerySet:
    if member:
        rows = rows.filter(member_id=int(member))
    return rows.filter(act=act) if act else rows


def between(rows: QuerySet, practice: Practice, *, since: date | None, until: date | None) -> QuerySet:
    """What of a log was written on these days of the practice, both ends included."""
    if since:
        rows = rows.filter(at__gte=_midnight(practice, since))
    if until:
        rows = rows.filter(at__lt=_midnight(practice, until + timedelta(days=1)))
    return rows


def _midnight(practice: Practice, day: date) -> datetime:
    return datetime.combine(day, time(), practice.zone)


def _of_row(row: int) -> Q:
    """The row alone, or among those that one statement added."""
    among = Q(RawSQL("row_ids @> %s::bigint", [row], BooleanField()))
    return Q(row_id=row, row_ids=None) | (Q(row_id__lte=row, row_ids__isnull=False) & among)


def forget_old_entries() -> int:
    """Delete what the open practice's logs hold from more than six years ago, some at a time: how many.

    By the database's clock, which guards it too (0007_audit_trail): no other row of a log can be deleted.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT practices_forget_old_entries(%s)", [FORGOTTEN_AT_ONCE])
        return cursor.fetchone()[0]
