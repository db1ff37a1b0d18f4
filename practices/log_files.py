"""Each of the three logs as a file to take away."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _

from practices.audit_words import told
from practices.formulas import as_text
from practices.isolation import practice_scope
from practices.models import AuditEntry, PatientAccess, Practice, SignInEvent

CHUNK = 500


@dataclass(frozen=True)
class Log:
    """What a log is called as a file, what stands above its columns, and how its rows are told, some at a time."""

    filename: str
    header: Callable[[], list[str]]
    told: Callable[[list[Any]], Iterable[list[Any]]]


def taken_away(practice: Practice, log: Log, rows: QuerySet) -> StreamingHttpResponse:
    """These rows of the log as CSV. That they were taken away is an entry of the audit trail."""
    _note_export(rows)
    response = StreamingHttpResponse(_as_csv(practice, log, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{log.filename}"'
    return response


def _note_export(rows: QuerySet) -> None:
    with connection.cursor() as cursor:
        count = rows.order_by().count()
        cursor.execute("SELECT practices_note_export(%s, %s)", [rows.model._meta.db_table, count])


def _as_csv(practice: Practice, log: Log, rows: QuerySet) -> Iterator[bytes]:
    """In UTF-8 with the mark that Excel asks for; nothing is a formula.

    Opens the practice's scope itself: it is read after the view has left its own.
    """
    yield "\ufeff".encode() + _text(log.header())
    with practice_scope(practice):
        for some in _in_chunks(rows):
            yield b"".join(_text(cells) for cells in log.told(some))


def _in_chunks(rows: QuerySet) -> Iterator[list[Any]]:
    """By key, so that a long file needs little memory and no cursor of the server's."""
    rows = rows.order_by("-id")
    found = list(rows[:CHUNK])
    while found:
        yield found
        found = list(rows.filter(pk__lt=found[-1].pk)[:CHUNK])


def _text(cells: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(["" if cell is None else as_text(str(cell)) for cell in cells])
    return text.getvalue().encode()


def _changes_header() -> list[str]:
    return [
        _("Number"), _("At (UTC)"), _("Sentence"), _("Member"), _("Address"), _("Request"), _("Through"),
        _("Reason"), _("Act"), _("Table"), _("Row"), _("Rows"), _("Changes"), _("Transaction"),
    ]  # fmt: skip


def _changes_told(entries: list[AuditEntry]) -> Iterator[list[Any]]:
    for line in told(entries):
        entry = line.entry
        numbers = _ranges(entry.row_ids) if entry.row_ids else entry.row_id
        changes = json.dumps(entry.changes, ensure_ascii=False) if entry.changes else ""
        yield [
            entry.pk, _moment(entry), line.sentence, entry.member_id, entry.address, entry.request_id,
            entry.through, entry.reason, entry.operation, entry.table_name, numbers, entry.rows, changes,
            entry.transaction_id,
        ]  # fmt: skip


def _ranges(ids: Iterable[range]) -> str:
    return " ".join(f"{part.start}-{part.stop - 1}" if len(part) > 1 else str(part.start) for part in ids)


def _accesses_header() -> list[str]:
    return [
        _("Number"), _("At (UTC)"), _("Member"), _("Name"), _("Covering for"), _("Act"), _("Page"),
        _("Referrals"), _("Return referrals"), _("Address"), _("Request"),
    ]  # fmt: skip


def _accesses_told(accesses: list[PatientAccess]) -> Iterator[list[Any]]:
    for access in accesses:
        covering_for = access.covering_for.name if access.covering_for else ""
        yield [
            access.pk, _moment(access), access.member_id, access.member.name, covering_for, access.act, access.page,
            _numbers(access.referral_ids), _numbers(access.return_referral_ids), access.address, access.request_id,
        ]  # fmt: skip


def _numbers(ids: list[int]) -> str:
    return " ".join(map(str, ids))


def _sign_ins_header() -> list[str]:
    return [
        _("Number"), _("At (UTC)"), _("Member"), _("Name"), _("Act"), _("By"), _("Address"), _("Browser"),
        _("Request"),
    ]  # fmt: skip


def _sign_ins_told(events: list[SignInEvent]) -> Iterator[list[Any]]:
    for event in events:
        by = event.by.name if event.by else ""
        yield [
            event.pk, _moment(event), event.member_id, event.member.name, event.act, by, event.address,
            event.browser, event.request_id,
        ]  # fmt: skip


def _moment(row: Any) -> str:
    return row.at.isoformat(timespec="milliseconds")


CHANGES = Log("audit-trail.csv", _changes_header, _changes_told)
ACCESSES = Log("who-saw-patients.csv", _accesses_header, _accesses_told)
SIGN_INS = Log("sign-ins.csv", _sign_ins_header, _sign_ins_told)
