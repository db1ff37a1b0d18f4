"""A table of figures, as a page shows it and a spreadsheet takes it away."""

from dataclasses import dataclass, field
from typing import Any

from touchpoints.sparkline import Sparkline


@dataclass(frozen=True)
class Cell:
    """A figure or a word, and the rows that it opens."""

    value: Any
    url: str = ""
    unit: str = ""

    @property
    def text(self) -> str:
        """ "1,966", "84 %"; words as they are."""
        value = f"{self.value:,}" if isinstance(self.value, int) else str(self.value)
        return f"{value} {self.unit}" if self.unit else value


@dataclass(frozen=True)
class Row:
    """What it is about, its figures, and how they went month by month."""

    about: Cell
    cells: list[Cell]
    line: Sparkline | None = None


@dataclass(frozen=True)
class Table:
    """`columns` are the words above: of what a row is about, then of its figures."""

    key: str
    title: str
    columns: list[str]
    rows: list[Row] = field(default_factory=list)
    sentence: str = ""

    @property
    def has_lines(self) -> bool:
        return any(row.line for row in self.rows)

    @property
    def labelled(self) -> list[tuple[Row, list[tuple[str, Cell]]]]:
        """Each row with its cells, each under its word: on a phone they stand side by side."""
        return [(row, list(zip(self.columns[1:], row.cells, strict=True))) for row in self.rows]

    @property
    def lines(self) -> list[list[Any]]:
        """The header and the rows, as plain values: what they are in stands above them."""
        units = [cell.unit for cell in self.rows[0].cells] if self.rows else []
        above = [
            f"{word}, {unit}" if unit else word for word, unit in zip(self.columns[1:], units, strict=False)
        ]
        values = ([row.about.value, *(cell.value for cell in row.cells)] for row in self.rows)
        return [[self.columns[0], *(above or self.columns[1:])], *values]


def share(part: int, whole: int) -> int | None:
    """In percent; none of nothing."""
    return round(100 * part / whole) if whole else None


def share_cell(part: int, whole: int) -> Cell:
    """ "84 %", or nothing."""
    found = share(part, whole)
    return Cell("") if found is None else Cell(found, unit="%")
