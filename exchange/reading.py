"""From bytes to rows: which kind of file, which characters, which delimiter. Knows nothing of referrals."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _
from python_calamine import CalamineWorkbook

MAX_ROWS = 100_000
MAX_COLUMNS = 200
DELIMITERS = ",;\t|"
# A row longer than this many lines is an opening quotation mark that nobody closed.
MAX_LINES_OF_A_ROW = 100
# What an XLSX may unpack to: 100,000 rows of 40 columns take about 150 MB.
MAX_UNPACKED = 400 * 1024 * 1024
SAMPLE_BYTES = 64 * 1024
LONGEST_CELL = 10_000  # bytes; a formula has at most 8,192 characters
# `t="str"` with an empty value is a text that came out empty.
FORMULA_ALONE = re.compile(
    rb'<c r="([A-Z]{1,3}\d{1,7})"(?![^>]*\bt="str")[^>]*>\s*'
    rb"<f(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)

csv.field_size_limit(1024 * 1024)

Row = tuple[int, list[str]]


class Unreadable(Exception):
    """The file can't be read; says why in a sentence, never what it holds."""


def read_rows(content: bytes) -> Iterator[Row]:
    """Each row with the line it starts on, blank ones too. Raises Unreadable, also midway."""
    if content[:4] == b"PK\x03\x04":
        return _sheet_rows(content)
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise Unreadable(_("This is an old Excel file (.xls). Save it as .xlsx or .csv and bring that."))
    if content[:5] == b"%PDF-":
        raise Unreadable(_("This is a PDF. Export the referrals as .xlsx or .csv and bring that."))
    return _text_rows(content)


def encoding_of(content: bytes) -> str:
    """UTF-8 or UTF-16, by mark or by shape; what is neither is taken as Windows-1252."""
    if content.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    sample = content[:SAMPLE_BYTES]
    if sample.count(0) > len(sample) // 4:
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def delimiter_of(sample: str) -> str:
    """The delimiter that splits most lines into equally many parts."""
    return max(DELIMITERS, key=lambda delimiter: _regularity(sample, delimiter))


def _regularity(sample: str, delimiter: str) -> int:
    counts: dict[int, int] = {}
    try:
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            counts[len(cells)] = counts.get(len(cells), 0) + 1
    except csv.Error:
        return 0
    return max((width - 1) * count for width, count in counts.items()) if counts else 0


def _text_rows(content: bytes) -> Iterator[Row]:
    encoding = encoding_of(content)
    first = io.TextIOWrapper(io.BytesIO(content), encoding, errors="replace", newline="")
    sample = first.read(SAMPLE_BYTES)
    said = sample[:5].lower()
    skip = said.startswith("sep=") and said[4:] in set(DELIMITERS)
    delimiter = said[4] if skip else delimiter_of(sample.rpartition("\n")[0] or sample)
    text = io.TextIOWrapper(io.BytesIO(content), encoding, errors="replace", newline="")
    if skip:
        text.readline()
    # PostgreSQL holds no NUL, and no export means one.
    reader = csv.reader((line.replace("\0", "") for line in text), delimiter=delimiter)
    return _numbered(reader, before=int(skip))


def _numbered(reader: Any, *, before: int) -> Iterator[Row]:
    line = before + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _never_closed(line) from error
        if before + reader.line_num - line >= MAX_LINES_OF_A_ROW:
            raise _never_closed(line)
        if len(cells) > MAX_COLUMNS:
            raise _too_wide(line)
        yield line, cells
        line = before + reader.line_num + 1


def _never_closed(line: int) -> Unreadable:
    return Unreadable(
        _(
            "On line %(line)s a quotation mark opens that is never closed. Mend that line and bring the file again."
        )
        % {"line": line}
    )


def _too_wide(line: int) -> Unreadable:
    return Unreadable(
        _("Line %(line)s has more than %(most)s columns.") % {"line": line, "most": MAX_COLUMNS}
    )


def _sheet_rows(content: bytes) -> Iterator[Row]:
    _look_into(content)
    sheet = _first_filled_sheet(content)
    if sheet is None:
        return
    if sheet.total_width > MAX_COLUMNS:
        raise _too_wide(1)
    for line, cells in enumerate(sheet.iter_rows(), start=1):
        yield line, [_as_text(cell) for cell in cells]


def _first_filled_sheet(content: bytes) -> Any:
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = (workbook.get_sheet_by_name(name) for name in workbook.sheet_names)
        return next((sheet for sheet in sheets if sheet.height), None)
    except BaseException as error:  # a panic of the Rust reader is no Exception
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise Unreadable(_("This file can't be opened as an Excel workbook.")) from error
        raise


def _look_into(content: bytes) -> None:
    """Refuse what is too large or not calculated. Counted while unpacking: its own size may be a lie."""
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    before = b""
                    while size <= MAX_UNPACKED and (piece := member.read(1024 * 1024)):
                        size += len(piece)
                        if name.startswith("xl/worksheets/") and (b"<f" in piece or b"<f" in before):
                            _refuse_formula_without_result(before + piece)
                        before = piece[-LONGEST_CELL:]
    except Unreadable:
        raise
    except Exception as error:  # zipfile, zlib and lzma each raise kinds of their own on a damaged archive
        raise Unreadable(_("This file is damaged, or protected by a password.")) from error
    if size > MAX_UNPACKED:
        raise Unreadable(_("This workbook is too large once unpacked. Bring it in parts."))


def _refuse_formula_without_result(xml: bytes) -> None:
    """Such a cell reads as an empty one: what a program wrote and no spreadsheet has calculated yet."""
    if cell := FORMULA_ALONE.search(xml):
        raise Unreadable(
            _(
                "Cell %(cell)s holds a formula whose result was not saved. "
                "Open the file in your spreadsheet, save it there, and bring it again."
            )
            % {"cell": cell[1].decode("ascii")}
        )


def _as_text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.replace("\0", "")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return "" if isinstance(cell, timedelta) else str(cell)
