"""Sheets of labels. Measures are the makers', in inches from the sheet's upper left corner."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from reportlab.lib.units import inch, mm
from reportlab.pdfgen.canvas import Canvas

from touchpoints.models import Stationery
from touchpoints.printing.addresses import PostalAddress
from touchpoints.printing.blocks import Block, draw, draw_in_the_middle, fitted

PAGE_WIDTH, PAGE_HEIGHT = 8.5, 11.0
PADDING = 0.15  # a printer strays, and so does a sheet
SMALLEST = 7.0  # points; the USPS reads from 8, people from 7
RETURN_SIZE = 7.5


@dataclass(frozen=True)
class LabelSheet:
    """One kind of sheet, and where the address begins on a label."""

    width: float
    height: float
    columns: int
    rows: int
    left: float
    top: float
    pitch_across: float
    pitch_down: float
    indent: float
    largest: float
    returns_height: float = 0  # at a label's top, for the return address

    @property
    def count(self) -> int:
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """The upper left corner of a label, counted from 0 along the rows."""
        row, column = divmod(place, self.columns)
        return self.left + column * self.pitch_across, self.top + row * self.pitch_down

    def fit(self, address: PostalAddress) -> Block | None:
        """The address as it goes on a label; None when it is too long for one."""
        return fitted(
            address,
            width=(self.width - self.indent - PADDING) * inch,
            height=(self.height - self.returns_height - PADDING) * inch,
            largest=self.largest,
            smallest=SMALLEST,
        )

    def fit_return(self, address: PostalAddress) -> Block | None:
        """The return address in the label's corner; None where there is no room or no address."""
        if not self.returns_height or address.is_empty:
            return None
        width, height = (self.width - 2 * PADDING) * inch, (self.returns_height - PADDING) * inch
        return fitted(address, width=width, height=height, largest=RETURN_SIZE, smallest=5)


SHEETS = {
    Stationery.Labels.AVERY_5160.value: LabelSheet(
        2.625, 1, 3, 10, 0.1875, 0.5, 2.75, 1, indent=PADDING, largest=11
    ),
    Stationery.Labels.AVERY_5163.value: LabelSheet(
        4, 2, 2, 5, 0.15625, 0.5, 4.1875, 2, indent=1, largest=14, returns_height=0.7
    ),
}


def labels(
    addresses: Sequence[PostalAddress],
    *,
    sheet: LabelSheet,
    sender: PostalAddress,
    start: int = 1,
    right_mm: float = 0,
    down_mm: float = 0,
) -> bytes:
    """The labels as PDF, the first on label `start` of a sheet that may be used in part; all else moved by the offset.

    Addresses that do not fit are for the caller to find before (`LabelSheet.fit`).
    """
    out = BytesIO()
    canvas = Canvas(out, pagesize=(PAGE_WIDTH * inch, PAGE_HEIGHT * inch), pageCompression=1)
    returns = sheet.fit_return(sender)
    for page in _pages(addresses, sheet.count, start - 1):
        canvas.translate(right_mm * mm, -down_mm * mm)
        for place, address in page:
            _label(canvas, sheet, place, address, returns)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _pages(
    addresses: Sequence[PostalAddress], count: int, skipped: int
) -> Iterator[list[tuple[int, PostalAddress]]]:
    places = [(place, address) for place, address in enumerate(addresses, start=skipped)]
    for first in range(0, len(addresses) + skipped, count):
        yield [(place % count, address) for place, address in places if first <= place < first + count]


def _label(
    canvas: Canvas, sheet: LabelSheet, place: int, address: PostalAddress, returns: Block | None
) -> None:
    left, top = sheet.corner(place)
    if returns:
        draw(canvas, returns, left=(left + PADDING) * inch, top=(PAGE_HEIGHT - top - PADDING) * inch)
    block = sheet.fit(address)
    if block:
        middle = top + sheet.returns_height + (sheet.height - sheet.returns_height) / 2
        draw_in_the_middle(
            canvas, block, left=(left + sheet.indent) * inch, middle=(PAGE_HEIGHT - middle) * inch
        )
