"""Envelopes, one page each in the envelope's own size. The address stands where the USPS's machines read it.

That is between 5/8 and 2 3/4 in above the lower edge and at least 1/2 in from the sides (DMM 202, 5.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from reportlab.lib.units import inch, mm
from reportlab.pdfgen.canvas import Canvas

from touchpoints.models import Stationery
from touchpoints.printing.addresses import PostalAddress
from touchpoints.printing.blocks import Block, draw, draw_in_the_middle, fitted

READ_FROM, READ_TO, SIDES = 0.625, 2.75, 0.5  # inches
CORNER = 0.375
RETURN_WIDTH, RETURN_HEIGHT = 2.5, 0.9


@dataclass(frozen=True)
class EnvelopeSize:
    """An envelope's face in inches, as it lies before the reader."""

    width: float
    height: float

    @property
    def address_left(self) -> float:
        """Right of the middle, as far as a long line allows."""
        return self.width * 0.4

    @property
    def address_middle(self) -> float:
        """Above the lower edge: a little under the envelope's own middle, within what is read."""
        return min(self.height * 0.42, (READ_FROM + READ_TO) / 2)

    def fit(self, address: PostalAddress) -> Block | None:
        """The address as it goes on the envelope; None when it is too long."""
        room = 2 * min(self.address_middle - READ_FROM, READ_TO - self.address_middle)
        width = self.width - self.address_left - SIDES
        return fitted(address, width=width * inch, height=room * inch, largest=15, smallest=8)

    def fit_return(self, address: PostalAddress) -> Block | None:
        """The return address in the upper left corner; None without one."""
        if address.is_empty:
            return None
        return fitted(address, width=RETURN_WIDTH * inch, height=RETURN_HEIGHT * inch, largest=10, smallest=6)


SIZES = {
    Stationery.Envelope.NUMBER_10.value: EnvelopeSize(9.5, 4.125),
    Stationery.Envelope.A2.value: EnvelopeSize(5.75, 4.375),
    Stationery.Envelope.A7.value: EnvelopeSize(7.25, 5.25),
}


def envelopes(
    addresses: Sequence[PostalAddress],
    *,
    size: EnvelopeSize,
    sender: PostalAddress,
    right_mm: float = 0,
    down_mm: float = 0,
) -> bytes:
    """A page for each address, everything moved by the offset."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=(size.width * inch, size.height * inch), pageCompression=1)
    returns = size.fit_return(sender)
    for address in addresses:
        canvas.translate(right_mm * mm, -down_mm * mm)
        if returns:
            draw(canvas, returns, left=CORNER * inch, top=(size.height - CORNER) * inch)
        block = size.fit(address)
        if block:
            draw_in_the_middle(
                canvas, block, left=size.address_left * inch, middle=size.address_middle * inch
            )
        canvas.showPage()
    canvas.save()
    return out.getvalue()
