"""Write a checked file in one transaction: COPY into a temporary table, one INSERT … SELECT. All or nothing."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from contacts.models import Referral
from contacts.models.referrals import Urgency
from contacts.referral_way import set_next_action
from exchange import progress
from exchange.checking import Read, State, claimed, understood_rows
from exchange.models import Import
from exchange.people import LEFT_OUT, Ids, People, resolve
from exchange.reading import Unreadable
from exchange.sealing import Sealer
from exchange.understanding import Understood

BATCH_BYTES = 64 * 1024

INCOMING = """
CREATE TEMPORARY TABLE incoming (
    line integer, received_on date, channel text, urgency text, payer text, source_number text,
    family bytea, given bytea, born bytea, chart bytea, reason bytea, notes bytea,
    birth_index bytea, initial_index bytea, chart_index bytea,
    provider_id bigint, office_id bigint, physician_id bigint, location_id bigint
) ON COMMIT DROP
"""

# The same referral: the same number, or the same patient, sender and day where not both have a number. The same
# patient: by chart number where both have one; otherwise nothing known to both differs.
_SAME_SENDER = """
    r.practice_id = %(practice)s AND r.received_on = s.received_on
    AND COALESCE(r.provider_id, -r.office_id) = COALESCE(s.provider_id, -s.office_id)
    AND (r.source_number IS NULL OR s.source_number IS NULL)
"""
_SPAN = "r.received_on BETWEEN (SELECT min(received_on) FROM incoming) AND (SELECT max(received_on) FROM incoming)"
THERE_ALREADY = f"""
CREATE TEMPORARY TABLE there_already ON COMMIT DROP AS
SELECT s.line FROM incoming s JOIN contacts_referral r
    ON r.practice_id = %(practice)s AND r.source_number = s.source_number
UNION
SELECT s.line FROM incoming s JOIN contacts_referral r
    ON {_SAME_SENDER} AND r.patient_chart_index = s.chart_index WHERE {_SPAN}
UNION
SELECT s.line FROM incoming s JOIN contacts_referral r
    ON {_SAME_SENDER} AND r.patient_name_birth_index = s.birth_index
    WHERE (r.patient_chart_index IS NULL OR s.chart_index IS NULL) AND {_SPAN}
    AND (r.patient_name_initial_index = s.initial_index) IS NOT FALSE
UNION
SELECT s.line FROM incoming s JOIN contacts_referral r
    ON {_SAME_SENDER} AND r.patient_name_initial_index = s.initial_index
    WHERE (r.patient_chart_index IS NULL OR s.chart_index IS NULL) AND {_SPAN}
    AND (r.patient_name_birth_index = s.birth_index) IS NOT FALSE
"""  # noqa: S608  # built of constants

INSERT = """
WITH added AS (
    INSERT INTO contacts_referral (
        practice_id, provider_id, office_id, physician_id, location_id, received_on, channel, urgency, payer,
        source_number, patient_family_name, patient_given_name, patient_born_on, patient_chart_number, reason,
        notes, patient_name_birth_index, patient_name_initial_index, patient_chart_index, status,
        contact_attempts, next_action, next_action_due_at, logged_at, logged_by_id, withdrawn_reason)
    SELECT
        %(practice)s, provider_id, office_id, physician_id, location_id, received_on, channel, urgency, payer,
        source_number, family, given, born, chart, reason,
        notes, birth_index, initial_index, chart_index, 'received',
        0, CASE WHEN received_on < %(starts_on)s THEN '' ELSE %(action)s END,
        CASE WHEN received_on < %(starts_on)s THEN NULL
             WHEN urgency = 'stat' THEN %(stat)s WHEN urgency = 'urgent' THEN %(urgent)s ELSE %(routine)s END,
        %(now)s, %(member)s, ''
    FROM incoming
    WHERE NOT EXISTS (SELECT FROM there_already WHERE there_already.line = incoming.line)
    ON CONFLICT (practice_id, source_number) DO NOTHING
    RETURNING id
), steps AS (
    INSERT INTO contacts_referralstep (practice_id, referral_id, act, at, by_id, note, before, taken_back_reason)
    SELECT %(practice)s, id, 'received', %(now)s, %(member)s, '', '{}', '' FROM added
)
SELECT COALESCE(array_agg(id ORDER BY id), '{}') FROM added
"""


@transaction.atomic
def write(import_id: int, *, now: datetime) -> None:
    """Add a reviewed file's referrals; again, and nothing happens."""
    source = claimed(import_id, State.WRITING)
    if source is None:
        return
    try:
        _understander, rows = understood_rows(source)
    except Unreadable as error:
        source.enter(State.FAILED, now=now, failure=str(error)[:200])
        return
    _one_import_at_a_time(source)
    source.blank = source.rejected = source.left_out = source.rows_read = 0
    with connection.cursor() as cursor:
        lines = copy_lines(source, rows, resolve(source))
        cursor.execute(INCOMING)
        with connection.wrap_database_errors:  # Django wraps what it knows of, and COPY it does not
            cursor.copy_expert("COPY incoming FROM STDIN", _Lines(lines))
        cursor.execute("ANALYZE incoming")
        cursor.execute(THERE_ALREADY, {"practice": source.practice_id})
        cursor.execute("ANALYZE there_already")
        cursor.execute(INSERT, _values(source, now))
        source.added_ids = cursor.fetchone()[0]
        # Gone with the transaction anyway; two imports may share one.
        cursor.execute("DROP TABLE incoming, there_already")
    source.added = len(source.added_ids)
    kept_out = source.blank + source.rejected + source.left_out
    source.already_there = source.rows_read - kept_out - source.added
    source.enter(State.DONE, now=now, finished_at=now)
    progress.forget(source.pk)


def _one_import_at_a_time(source: Import) -> None:
    """Two overlapping files written at once would each miss the other's rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('import', %s))", [source.practice_id])


def copy_lines(source: Import, rows: Iterable[Read], people: People) -> Iterator[str]:
    """COPY's text of the rows to add, those that stand twice in the file once. Counts them as they pass."""
    sealer = Sealer(source.practice.pk)
    seen = _Seen()
    for line, _cells, row in rows:
        source.rows_read += 1
        if row is None:
            source.blank += 1
        elif not isinstance(row, Understood):
            source.rejected += 1
        else:
            ids = people.ids_of(row.names)
            if LEFT_OUT in ids or not (ids[0] or ids[1]):
                source.left_out += 1
                continue
            patient, indexes = sealer.seal(row)
            if seen.is_new(row, ids, indexes):
                yield _copy_line(line, row, patient, indexes, ids)


class _Seen:
    """The rows of this file so far, by number and by patient, sender and day."""

    def __init__(self) -> None:
        self.numbers: set[str] = set()
        self.patients: dict[tuple[object, ...], bool] = {}

    def is_new(self, row: Understood, ids: Ids, indexes: tuple[bytes | None, ...]) -> bool:
        birth, initial, chart = indexes
        sender = ids[0] or -(ids[1] or 0)
        patient = (sender, row.received_on, chart) if chart else (sender, row.received_on, birth, initial)
        only_numbered = self.patients.get(patient)
        if row.source_number:
            if row.source_number in self.numbers or only_numbered is False:
                return False
            self.numbers.add(row.source_number)
        elif only_numbered is not None:
            return False
        self.patients[patient] = bool(row.source_number) and only_numbered is not False
        return True


def _copy_line(
    line: int,
    row: Understood,
    patient: tuple[bytes | None, ...],
    indexes: tuple[bytes | None, ...],
    ids: Ids,
) -> str:
    values = [
        str(line),
        row.received_on.isoformat(),
        row.channel,
        row.urgency,
        _escaped(row.payer),
        _escaped(row.source_number) or "\\N",
        *("\\N" if value is None else "\\\\x" + value.hex() for value in (*patient, *indexes)),
        *(str(value) if value else "\\N" for value in ids),
    ]
    return "\t".join(values) + "\n"


def _escaped(text: str) -> str:
    if "\\" in text or "\t" in text or "\n" in text or "\r" in text:
        for char, escape in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
            text = text.replace(char, escape)
    return text


class _Lines:
    """Lines as the file that COPY reads; a few at a time, so that memory stays flat."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = iter(lines)
        self.rest = b""

    def read(self, size: int = BATCH_BYTES) -> bytes:
        pieces, length = [self.rest], len(self.rest)
        while length < size and (line := next(self.lines, None)) is not None:
            encoded = line.encode()
            pieces.append(encoded)
            length += len(encoded)
        joined = b"".join(pieces)
        self.rest = joined[size:]
        return joined[:size]


def _values(source: Import, now: datetime) -> dict[str, Any]:
    due = {urgency: _due(source, urgency, now) for urgency in Urgency.values}
    return {
        "practice": source.practice_id,
        "member": source.uploaded_by_id,
        "starts_on": source.practice.starts_on,
        "action": due["routine"].next_action,
        "now": now,
        **{urgency: referral.next_action_due_at for urgency, referral in due.items()},
    }


def _due(source: Import, urgency: str, now: datetime) -> Referral:
    """What the way of a referral asks for first, learned from one that is not saved."""
    received_on = max(source.practice.today(now), source.practice.starts_on)
    referral = Referral(urgency=urgency, received_on=received_on, logged_at=now)
    set_next_action(referral, practice=source.practice, since=now)
    return referral
