"""Figures to take away: CSV and XLSX, where nothing is a formula. The first line is the header."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from practices.formulas import as_text

TITLE_LENGTH = 31  # what Excel allows a sheet's name


def as_csv(lines: Iterable[Sequence[Any]], *, title: str = "") -> bytes:
    """In UTF-8 with the mark that Excel asks for."""
    text = io.StringIO()
    written = csv.writer(text)
    for line in lines:
        written.writerow([_safe(value) for value in line])
    return "\ufeff".encode() + text.getvalue().encode()


def as_xlsx(lines: Iterable[Sequence[Any]], *, title: str) -> bytes:
    """A workbook of one sheet of that name, written line by line."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:TITLE_LENGTH])
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["A"].width = 32
    for number, line in enumerate(lines):
        sheet.append([_cell(sheet, value, is_header=not number) for value in line])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _cell(sheet: Any, value: Any, *, is_header: bool) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=_safe(value))
    if isinstance(value, str):
        cell.data_type = "s"
    if is_header:
        cell.font = Font(bold=True)
    return cell


def _safe(value: Any) -> Any:
    return as_text(value) if isinstance(value, str) else value


FORMATS: dict[str, tuple[Callable[..., bytes], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
