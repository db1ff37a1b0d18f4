"""The check: read every row, keep what is wrong with it, and list whom the file names. Writes no referral."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from json import dumps

from django.db import transaction
from django.utils.translation import gettext as _

from exchange import matching, progress
from exchange.files import content_of
from exchange.models import Import, ImportName, RejectedRows
from exchange.reading import MAX_ROWS, Unreadable, read_rows
from exchange.understanding import KINDS, Fault, Name, Understander, Understood
from practices.key_rotation import settle_indexes

MOST_NAMES = 5000
REJECTED_TOGETHER = 200
LONGEST_KEPT_CELL = 2000
State = Import.State
Read = tuple[int, list[str], Understood | list[Fault] | None]


def claimed(import_id: int, state: str) -> Import | None:
    """The import, held until the transaction ends; None when it has gone on, or another worker holds it."""
    source = (
        Import.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(pk=import_id, state=state)
        .first()
    )
    if source:
        settle_indexes(source.practice.pk)
    return source


@transaction.atomic
def check(import_id: int, *, now: datetime) -> None:
    """Check a file that waits for it; again, and nothing happens."""
    source = claimed(import_id, State.CHECKING)
    if source is None:
        return
    source.checked_at = now
    source.names.all().delete()
    source.rejected_rows.all().delete()
    try:
        with transaction.atomic():
            _Check(source).run()
    except Unreadable as error:
        source.enter(State.FAILED, now=now, failure=str(error)[:200])
    else:
        source.enter(State.REVIEW, now=now, failure="")
    progress.forget(source.pk)


def understood_rows(source: Import) -> tuple[Understander, Iterator[Read]]:
    """Who understands, and each row after the header: its line, its cells, and its values, its faults, or None
    for a blank one. The database is asked before the first row, not between. Raises Unreadable, also midway.
    """
    assert source.checked_at is not None  # noqa: S101  # as of that day, so that every pass understands alike
    understander = Understander(source.layout, today=source.practice.today(source.checked_at))
    return understander, _read(source.pk, content_of(source), understander)


def _read(import_id: int, content: bytes, understander: Understander) -> Iterator[Read]:
    read = 0
    for line, cells in read_rows(content):
        if line <= understander.layout.header_line:
            continue
        read += 1
        if read > MAX_ROWS:
            raise Unreadable(
                _("This file has more than %(most)s rows. Bring it in parts.") % {"most": f"{MAX_ROWS:,}"}
            )
        progress.tell(import_id, read)
        yield line, cells, understander.understand(cells)


class _Check:
    """One reading of the whole file."""

    def __init__(self, source: Import) -> None:
        self.source = source
        self.together: Counter[tuple[Name | None, ...]] = Counter()
        self.waiting: list[tuple[int, list[Fault], list[str]]] = []
        self.places = 0

    def run(self) -> None:
        tally: Counter[str] = Counter()
        understander, rows = understood_rows(self.source)
        for line, cells, result in rows:
            tally["rows_read"] += 1
            if result is None:
                tally["blank"] += 1
            elif isinstance(result, Understood):
                self.together[result.names] += 1
            else:
                tally["rejected"] += 1
                self._reject(line, result, cells)
        self._write_rejected()
        ImportName.objects.bulk_create(matching.match(self.source, self._names()), batch_size=500)
        matching.link_alike(self.source)
        for count in ("rows_read", "blank", "rejected"):
            setattr(self.source, count, tally[count])
        self.source.remarks = dict(understander.remarks)

    def _names(self) -> list[matching.Spelling]:
        """Each person or place once, spelled as most rows do, with the number of rows. Raises Unreadable."""
        spellings: Counter[tuple[str, Name]] = Counter()
        for names, count in self.together.items():
            for one, name in zip(KINDS, names, strict=True):
                if name:
                    spellings[one, name] += count
        rows: Counter[tuple[str, str]] = Counter()
        spelled: dict[tuple[str, str], Name] = {}
        for (kind, name), count in spellings.most_common():
            rows[kind, name.key] += count
            first = spelled.setdefault((kind, name.key), name)
            # What the commonest spelling lacks, credentials say, a rarer one may have.
            first.said = {part: text or name.said[part] for part, text in first.said.items()}
        if len(spelled) > MOST_NAMES:
            raise _too_many_names()
        return [(kind, name, rows[kind, key]) for (kind, key), name in spelled.items()]

    def _reject(self, line: int, faults: list[Fault], cells: list[str]) -> None:
        self.waiting.append((line, faults, [cell[:LONGEST_KEPT_CELL] for cell in cells]))
        if len(self.waiting) >= REJECTED_TOGETHER:
            self._write_rejected()

    def _write_rejected(self) -> None:
        if self.waiting:
            RejectedRows.objects.create(source=self.source, place=self.places, rows_text=dumps(self.waiting))
            self.places += 1
            self.waiting = []


def _too_many_names() -> Unreadable:
    return Unreadable(
        _(
            "More than %(most)s different providers, offices, physicians and locations are named."
            " Is each of these columns the right one?"
        )
        % {"most": f"{MOST_NAMES:,}"}
    )
