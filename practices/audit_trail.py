"""Reading the audit trail: the entries asked for, one row's story, and the file of them."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from practices.audit_words import Line, told
from practices.formulas import as_text
from practices.isolation import practice_scope
from practices.models import AuditEntry, Practice

THE_SYSTEM = "0"
CHUNK = 500
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


def note_export(lines: int) -> None:
    """Write down that the trail itself was taken away. Inside the practice's scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT practices_note_export(%s, %s)", [AuditEntry._meta.db_table, lines])


def forget_old_entries() -> int:
    """Delete what the open practice's logs hold from more than six years ago, some at a time: how many.

    By the database's clock, which guards it too (0007_audit_trail): no other row of a log can be deleted.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT practices_forget_old_entries(%s)", [FORGOTTEN_AT_ONCE])
        return cursor.fetchone()[0]


def as_csv(practice: Practice, asked: dict[str, Any]) -> Iterator[bytes]:
    """The entries asked for, in UTF-8 with the mark that Excel asks for; nothing is a formula.

    Opens the practice's scope itself: it is read after the view has left its own.
    """
    yield "\ufeff".encode() + _text(_header())
    with practice_scope(practice):
        for some in _in_chunks(entries(practice, **asked)):
            yield b"".join(_text(_cells(line)) for line in told(some))


def _in_chunks(rows: QuerySet[AuditEntry]) -> Iterator[list[AuditEntry]]:
    """By key, so that a long file needs little memory and no cursor of the server's."""
    rows = rows.order_by("-id")
    found = list(rows[:CHUNK])
    while found:
        yield found
        found = list(rows.filter(pk__lt=found[-1].pk)[:CHUNK])


def _header() -> list[str]:
    return [
        _("Number"), _("At (UTC)"), _("Sentence"), _("Member"), _("Address"), _("Request"), _("Through"),
        _("Reason"), _("Act"), _("Table"), _("Row"), _("Rows"), _("Changes"), _("Transaction"),
    ]  # fmt: skip


def _cells(line: Line) -> list[str]:
    entry = line.entry
    numbers = _ranges(entry.row_ids) if entry.row_ids else str(entry.row_id or "")
    changes = json.dumps(entry.changes, ensure_ascii=False) if entry.changes else ""
    at = entry.at.isoformat(timespec="milliseconds")
    return [
        str(entry.pk), at, line.sentence, str(entry.member_id or ""), entry.address or "", entry.request_id,
        entry.through, entry.reason, entry.operation, entry.table_name, numbers, str(entry.rows), changes,
        str(entry.transaction_id),
    ]  # fmt: skip


def _ranges(ids: Iterable[range]) -> str:
    return " ".join(f"{part.start}-{part.stop - 1}" if len(part) > 1 else str(part.start) for part in ids)


def _text(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([as_text(cell) for cell in cells])
    return text.getvalue().encode()
