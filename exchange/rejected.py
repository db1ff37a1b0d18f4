"""Rejected rows to take away: each with its line, fields and reasons, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterator

from django.utils.translation import gettext as _

from exchange.columns import FIELDS
from exchange.models import Import
from practices.formulas import as_text
from practices.isolation import practice_scope


def as_csv(source: Import) -> Iterator[bytes]:
    """The file's own columns, led by three of ours; in UTF-8 with the mark that Excel asks for.

    Opens the practice's scope itself: it is read after the view has left its own.
    """
    practice_id, import_id = source.practice_id, source.pk
    header = [_("Import: line"), _("Import: field"), _("Import: what is wrong"), *source.layout.header]
    yield "\ufeff".encode() + _line(header)
    with practice_scope(practice_id):
        for batch in Import.objects.get(pk=import_id).rejected_rows.iterator(chunk_size=10):
            for line, faults, cells in batch.rows:
                fields = "; ".join(str(FIELDS[field]) for field, _reason in faults)
                yield _line([str(line), fields, " ".join(reason for _field, reason in faults), *cells])


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([as_text(cell) for cell in cells])
    return text.getvalue().encode()
