"""The file while it is needed: compressed and encrypted in the database, never in clear on a disk."""

import zlib
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from exchange.columns import find_layout
from exchange.models import Import, ImportFilePart
from exchange.reading import Row, Unreadable, read_rows
from practices.models import Member

PART_BYTES = 1024 * 1024
SAMPLE_ROWS = 2000


def too_large() -> str:
    """The sentence for a file above the limit."""
    return _("This file is larger than %(limit)s MB. Bring it in parts, by year for example.") % {
        "limit": settings.FILE_UPLOAD_MAX_MEMORY_SIZE // (1024 * 1024)
    }


@transaction.atomic
def take_in(content: bytes, *, name: str, by: Member, now: datetime) -> Import:
    """Keep a file and guess its columns from its first rows. Raises Unreadable, having kept nothing."""
    rows = first_rows(content)
    if not any(cell.strip() for _line, cells in rows for cell in cells):
        raise Unreadable(_("This file is empty."))
    source = Import(uploaded_by=by, uploaded_at=now, file_name=name[:200])
    source.layout = find_layout(rows)
    source.enter(Import.State.COLUMNS, now=now)
    packed = zlib.compress(content, 6)
    for place, start in enumerate(range(0, len(packed), PART_BYTES)):
        ImportFilePart.objects.create(source=source, place=place, content=packed[start : start + PART_BYTES])
    return source


def content_of(source: Import) -> bytes:
    """The file as it came. Raises Unreadable once it was deleted."""
    unpack = zlib.decompressobj()
    content = bytearray()
    for part in source.parts.order_by("place").iterator(chunk_size=1):
        content += unpack.decompress(part.content)
    if not content:
        raise Unreadable(_("The file was deleted after 24 hours. Bring it again."))
    return bytes(content)


def first_rows(content: bytes, most: int = SAMPLE_ROWS) -> list[Row]:
    """The rows that columns and dates are guessed from."""
    rows = []
    for row in read_rows(content):
        rows.append(row)
        if len(rows) == most:
            break
    return rows


def purge(now: datetime) -> None:
    """Delete files after 24 hours and rejected rows after 7 days. Run inside a practice's scope by the tick."""
    stale = Import.objects.filter(uploaded_at__lt=now - Import.FILE_KEPT_FOR)
    ImportFilePart.objects.filter(source__in=stale).delete()
    unused = stale.filter(state__in=[Import.State.COLUMNS, Import.State.CHECKING, Import.State.REVIEW])
    unused.update(state=Import.State.EXPIRED, state_since=now)
    old = Import.objects.filter(uploaded_at__lt=now - Import.REJECTED_KEPT_FOR)
    for source in old.filter(rejected_rows__isnull=False).distinct():
        source.rejected_rows.all().delete()
